"""Pieces of prompts that are kept."""

from django.db import models

from gallery.models.base import Owned
from gallery.models.tag import Tag


class Fragment(Owned):
    """A piece of prompt text of a character, look or persona."""

    class Use(models.TextChoices):
        ALWAYS = "always", "Always"
        DEMAND = "demand", "When asked for"
        NEVER = "never", "Never: what to avoid"

    MAX_NAME = 60

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="fragments")
    name = models.CharField(max_length=MAX_NAME)
    use = models.CharField(max_length=8, choices=Use, default=Use.ALWAYS)
    text = models.TextField()
    # Shorter wordings for models that take less: [{"max_chars": 80, "text": "…"}], shortest first
    tiers = models.JSONField(default=list, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1, editable=False)  # counts the changes of its wording
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["tag", "name"], name="fragment_name_once")]

    def __str__(self):
        return self.name

    def text_for(self, max_chars: int | None) -> str:
        """The longest wording of at most `max_chars` characters; the shortest when none is that short."""
        wordings = sorted([self.text, *(tier["text"] for tier in self.tiers)], key=len, reverse=True)
        fits = (text for text in wordings if max_chars is None or len(text) <= max_chars)
        return next(fits, wordings[-1])
