"""What was done to many pictures at once, so that it can be followed and undone."""

from django.db import models
from django.urls import reverse

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet


class BulkAction(Owned):
    """One action on a selection: a job while it runs, then an entry of the history."""

    class Action(models.TextChoices):
        TAG = "tag", gettext_lazy("Add tags")
        UNTAG = "untag", gettext_lazy("Remove tags")
        RATE = "rate", gettext_lazy("Rate")
        FAVORITE = "favorite", gettext_lazy("Favourite")
        SENSITIVE = "sensitive", gettext_lazy("Sensitive")
        TRASH = "trash", gettext_lazy("Move to trash")
        RESTORE = "restore", gettext_lazy("Restore")

    class Status(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Waiting")
        RUNNING = "running", gettext_lazy("Running")
        DONE = "done", gettext_lazy("Done")
        STOPPED = "stopped", gettext_lazy("Stopped")
        FAILED = "failed", gettext_lazy("Failed")
        UNDOING = "undoing", gettext_lazy("Being undone")
        UNDONE = "undone", gettext_lazy("Undone")

    ACTIVE = (Status.QUEUED, Status.RUNNING, Status.UNDOING)

    action = models.CharField(max_length=10, choices=Action)
    params = models.JSONField(default=dict)  # what to do: {"tags": [keys]}, {"rating": 4}, {"value": true}
    query = models.TextField(blank=True)  # the search whose result was taken; empty: picked by hand
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    matched = models.PositiveIntegerField(default=0)  # pictures of the selection
    done = models.PositiveIntegerField(default=0)  # of these, looked at so far
    changed = models.PositiveIntegerField(default=0)  # of these, really altered
    error = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True)
    attempt_token = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["owner", "-id"], name="bulk_owner")]

    def __str__(self):
        return f"{self.action}: {self.changed} of {self.matched}"

    def get_absolute_url(self):
        return reverse("bulk-action", args=[self.public_id])

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def progress(self) -> str:
        return f"{self.done:,} of {self.matched:,}"

    @property
    def can_be_undone(self) -> bool:
        """Whether something was changed, or may still be, that can be put back."""
        return self.status not in (self.Status.UNDOING, self.Status.UNDONE) and (
            self.changed > 0 or self.is_active
        )


class BulkChunk(models.Model):
    """A part of an action: the pictures it is about and, once done, what they were before."""

    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    position = models.PositiveIntegerField()
    images = models.JSONField()  # keys
    before = models.JSONField(null=True)  # what undo needs; none: not done yet, or undone

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "position"], name="bulk_chunk_once")]

    def __str__(self):
        return f"{self.action_id}, part {self.position}"


class Download(Owned):
    """A ZIP of chosen pictures: what is in it is settled, its bytes are made while they are sent."""

    # One JSON list on each line: [key in the store, name in the archive, bytes, CRC-32, time]. Text, for a
    # list of thousands would take more memory than the bytes that are on their way.
    entries = models.TextField()
    n = models.PositiveIntegerField()  # pictures
    name = models.CharField(max_length=120)  # of the file: "character Mirel 2026-11-22.zip"
    bytes = models.BigIntegerField()  # of the whole file
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["owner", "-id"], name="download_owner")]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("download", args=[self.public_id])
