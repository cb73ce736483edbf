from django.db import models
from django.utils.translation import ngettext

from gallery.language.numerals import thousands
from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.image import Image
from gallery.models.tag import Tag


class Import(Owned):
    """A list of addresses, or an archive, brought in as a job whose progress everybody can see."""

    class Status(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Waiting")
        RUNNING = "running", gettext_lazy("Running")
        DONE = "done", gettext_lazy("Done")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Stopped")

    ACTIVE = (Status.QUEUED, Status.RUNNING)

    archive_name = models.CharField(max_length=255, blank=True)  # as it came, for display
    archive_spool = models.CharField(
        max_length=100, blank=True
    )  # file name below SPOOL_DIR; empty: addresses
    tags = models.ManyToManyField(Tag, related_name="+", blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    cancel_requested = models.BooleanField(default=False)
    error_message = models.TextField(blank=True)  # why nothing could be imported at all
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    attempt_token = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["owner", "-id"], name="import_owner")]

    def __str__(self):
        addresses = ngettext("{n} address", "{n} addresses", self.total)
        return self.archive_name or addresses.format(n=thousands(self.total))

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE


class ImportEntry(models.Model):
    """One address, or one file of an archive."""

    class State(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        ADDED = "added", gettext_lazy("Added")
        DUPLICATE = "duplicate", gettext_lazy("Already here")
        FAILED = "failed", gettext_lazy("Failed")

    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="entries")
    index = models.PositiveIntegerField()
    name = models.CharField(max_length=2000)  # the address, or the path in the archive
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    image = models.ForeignKey(Image, on_delete=models.SET_NULL, null=True, related_name="+")
    error_code = models.CharField(max_length=30, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ["job", "index"]
        verbose_name_plural = "import entries"
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="import_entry_once")]

    def __str__(self):
        return f"{self.name}: {self.state}"
