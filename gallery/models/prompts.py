"""Pieces of prompts that are kept."""

from django.db import models

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.tag import Tag, fold


class Fragment(Owned):
    """A piece of prompt text of a character, look or persona."""

    class Use(models.TextChoices):
        ALWAYS = "always", gettext_lazy("Always")
        DEMAND = "demand", gettext_lazy("When asked for")
        NEVER = "never", gettext_lazy("Never: what to avoid")

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


class Placeholder(Owned):
    """A name in double braces, `{{weather}}`, that stands for a text, or for one of several."""

    MAX_NAME = 60

    name = models.CharField(max_length=MAX_NAME)
    folded = models.CharField(max_length=2 * MAX_NAME, editable=False)  # `fold(name)`
    values = models.JSONField(default=list)  # texts; a single prompt takes the first
    updated_at = models.DateTimeField(auto_now=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["folded"]
        constraints = [models.UniqueConstraint(fields=["owner", "folded"], name="placeholder_once")]

    def __str__(self):
        return f"{{{{{self.name}}}}}"

    def save(self, **kwargs):
        self.folded = fold(self.name)
        super().save(**kwargs)


class HouseStyle(Owned):
    """What is added to every prompt of a person, or of one chat, which then goes before the person's."""

    chat = models.OneToOneField(Tag, on_delete=models.CASCADE, null=True, related_name="house_style")
    scene = models.TextField(blank=True)
    people = models.TextField(blank=True)  # only where somebody of the cast is named

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner"], condition=models.Q(chat=None), name="house_style_once")
        ]

    def __str__(self):
        return f"house style of {self.chat or self.owner}"


class ReferencePicture(models.Model):
    """A picture that shows a character, look or persona as they are meant, sent along when they are named."""

    MOST = 16  # of one tag

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="reference_pictures")
    position = models.PositiveSmallIntegerField()  # 0-based
    image = models.ForeignKey("gallery.Image", on_delete=models.CASCADE, related_name="+")

    class Meta:
        ordering = ["tag", "position"]
        constraints = [
            models.UniqueConstraint(fields=["tag", "position"], name="reference_picture_place"),
            models.UniqueConstraint(fields=["tag", "image"], name="reference_picture_once"),
        ]

    def __str__(self):
        return f"reference {self.position} of {self.tag_id}"
