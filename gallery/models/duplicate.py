from django.db import models
from django.db.models import F, Q

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.image import Image


class NearDuplicateQuerySet(OwnedQuerySet):
    def waiting(self):
        """Pairs outside the trash that nobody has decided about."""
        undecided = self.filter(decision=NearDuplicate.Decision.OPEN)
        return undecided.filter(first__trashed_at=None, second__trashed_at=None)


class NearDuplicate(Owned):
    """Two pictures that look alike by their perceptual hashes, for a person to decide about."""

    class Decision(models.TextChoices):
        OPEN = "open", gettext_lazy("To be looked at")
        DIFFERENT = "different", gettext_lazy("Keep both")

    first = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    distance = models.PositiveSmallIntegerField()  # bits in which the hashes differ, of 64
    decision = models.CharField(max_length=10, choices=Decision, default=Decision.OPEN)

    objects = NearDuplicateQuerySet.as_manager()

    class Meta:
        ordering = ["distance", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="near_duplicate_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="near_duplicate_ordered"),
        ]
        indexes = [
            models.Index(
                fields=["owner", "distance"], condition=Q(decision="open"), name="near_duplicate_open"
            )
        ]

    def __str__(self):
        return f"{self.first_id} and {self.second_id}"
