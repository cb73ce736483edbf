"""Many pictures of one prompt: a grid of cells, each of which becomes a generation."""

from decimal import Decimal

from django.db import models
from django.urls import reverse

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.generation import ACTIVE, Generation, Status

ENDED = (Status.FAILED, Status.REFUSED, Status.CANCELLED)  # without a picture


class Batch(Owned):
    """A grid of wishes that are sent a few at a time."""

    class State(models.TextChoices):
        RUNNING = "running", gettext_lazy("Running")
        PAUSED = "paused", gettext_lazy("Paused")
        CANCELLED = "cancelled", gettext_lazy("Stopped")
        DONE = "done", gettext_lazy("Done")

    profile = models.ForeignKey(
        "gallery.ConnectionProfile", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    prompt = models.TextField()  # as typed, with its braces
    recipe = models.JSONField(default=dict)  # what all cells share: `batches.recipes`
    axes = models.JSONField(default=list)  # [{"kind": "shape", "name": "Shape", "labels": ["1:1", …]}]
    size = models.PositiveSmallIntegerField(default=0)  # cells
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    reason = models.TextField(blank=True)  # why it paused by itself, for the person
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001  null: any number of rows without one
    request_digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the request the key came with
    estimated_cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    begun_at = models.DateTimeField()  # or continued: trouble from before that does not pause it again
    finished_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "batches"
        constraints = [models.UniqueConstraint(fields=["owner", "idempotency_key"], name="batch_idempotent")]
        indexes = [
            models.Index(fields=["owner", "-id"], name="batch_owner"),
            models.Index(fields=["id"], condition=models.Q(state="running"), name="batch_running"),
        ]

    def __str__(self):
        return f"{self.size} of {self.prompt[:60]}"

    @property
    def tone(self) -> str:
        """Of the pill that says its state."""
        return {"running": "accent", "paused": "warn", "done": "ok"}.get(self.state, "")

    def get_absolute_url(self):
        return reverse("batch", args=[self.public_id])


class BatchCellQuerySet(models.QuerySet):
    def in_flight(self):
        """Cells whose generation waits or runs."""
        return self.filter(state=BatchCell.State.SUBMITTED, generation__status__in=ACTIVE)

    def troubled(self):
        """Cells that can be tried again at once; those that may have been charged are not among them."""
        plain = models.Q(generation__status__in=ENDED, generation__may_have_been_charged=False)
        return self.filter(
            models.Q(state=BatchCell.State.FAILED) | models.Q(plain, state=BatchCell.State.SUBMITTED)
        )

    def unsure(self):
        """Cells without a picture that may have been charged: trying them again may cost a second time."""
        return self.filter(
            state=BatchCell.State.SUBMITTED,
            generation__status__in=[*ENDED, Status.UNKNOWN],
            generation__may_have_been_charged=True,
        )


class BatchCell(models.Model):
    """One place of the grid, and the generation that fills it."""

    class State(models.TextChoices):
        PLANNED = "planned", gettext_lazy("Planned")
        SUBMITTED = "submitted", gettext_lazy("Sent")  # the generation says how far it is
        FAILED = "failed", gettext_lazy("Failed")  # it could not become a generation

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="cells", db_index=False)
    index = models.PositiveSmallIntegerField()  # 0-based, row after row
    row = models.CharField(max_length=400, blank=True)
    column = models.CharField(max_length=200, blank=True)
    prompt = models.TextField()
    params = models.JSONField(default=dict)  # what differs from the recipe: {"aspect_ratio": "1:1"}
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    attempt = models.PositiveSmallIntegerField(default=0)  # times it was tried again
    generation = models.ForeignKey(Generation, on_delete=models.SET_NULL, null=True, related_name="+")
    earlier_cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))  # of attempts
    error = models.TextField(blank=True)

    objects = BatchCellQuerySet.as_manager()

    class Meta:
        ordering = ["batch", "index"]
        constraints = [models.UniqueConstraint(fields=["batch", "index"], name="batch_cell_once")]

    def __str__(self):
        return f"cell {self.index} of {self.batch_id}: {self.state}"
