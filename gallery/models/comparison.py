"""One prompt on several models side by side, and which of the results was kept."""

from django.db import models
from django.urls import reverse

from gallery.language import sentences
from gallery.models.base import Owned, OwnedQuerySet


class Comparison(Owned):
    """One prompt that was sent to several models at once. (Two pictures beside each other are no row.)"""

    MOST = 6  # models

    prompt = models.TextField()  # as typed
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001  null: any number of rows without one
    request_digest = models.CharField(max_length=64)  # SHA-256 of what was asked of which models
    # The generation whose pictures were kept: the others lie below them.
    kept = models.ForeignKey(
        "gallery.Generation", on_delete=models.SET_NULL, null=True, related_name="kept_in"
    )
    lay = models.JSONField(default=dict)  # how the pictures lay before one was kept: `stacks.lay_over`
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="comparison_idempotent"),
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="comparison_owner")]

    def __str__(self):
        return self.prompt[:60]

    def get_absolute_url(self):
        return reverse("comparison", args=[self.public_id])


class ComparisonColumn(models.Model):
    """One model of a comparison. Its newest generation counts: those before it were tried again."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="columns")
    position = models.PositiveSmallIntegerField()  # 0-based
    profile = models.ForeignKey(
        "gallery.ConnectionProfile", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=120)
    notes = models.JSONField(default=list)  # what was changed for this model: `said`
    # Why nothing was sent, when there is no generation
    error_code = models.CharField(max_length=20, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ["comparison", "position"]
        constraints = [
            models.UniqueConstraint(fields=["comparison", "position"], name="comparison_column_once")
        ]

    def __str__(self):
        return f"{self.model}, column {self.position} of {self.comparison_id}"

    @property
    def said(self) -> list[str]:
        """What was changed for this model, in the reader's language."""
        return [sentences.shown(note) for note in self.notes]

    @said.setter
    def said(self, notes: list[str]) -> None:
        self.notes = [sentences.kept(note) for note in notes]

    @property
    def generation(self):
        """The generation that counts, or None when nothing was sent."""
        return max(self.generations.all(), key=lambda row: row.pk, default=None)
