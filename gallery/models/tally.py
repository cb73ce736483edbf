from django.db import models


class Tally(models.Model):
    """What became of all ended calls of one kind up to a moment, for metrics: those after it are few."""

    kind = models.CharField(max_length=10, unique=True)  # "images" or "texts"
    up_to = models.DateTimeField()
    # {"provider", "model", "outcome", "code", "n", "usd", "seconds", "within"},
    # see `gallery.monitoring.tallies.Count`
    counts = models.JSONField(default=list)

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self):
        return f"{self.kind} up to {self.up_to:%Y-%m-%d %H:%M}"
