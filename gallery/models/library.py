"""What a person keeps to make pictures with: prompts with names, and presets."""

from django.db import models
from django.db.models import Q

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.tag import fold


class SavedPromptQuerySet(OwnedQuerySet):
    def kept(self):
        """Those that were not deleted."""
        return self.filter(deleted_at=None)


class SavedPrompt(Owned):
    """A prompt with a name, in a folder or in none."""

    MAX_NAME = 80

    folder = models.CharField(max_length=MAX_NAME, blank=True)
    name = models.CharField(max_length=MAX_NAME)
    folded_folder = models.CharField(max_length=2 * MAX_NAME, blank=True, editable=False)  # `fold(folder)`
    folded = models.CharField(max_length=2 * MAX_NAME, editable=False)  # `fold(name)`
    text = models.TextField()
    negative_text = models.TextField(blank=True)  # what to avoid
    recipe = models.JSONField(
        default=dict, blank=True
    )  # {"model": "…", "size": "…", …}, as a preset's values
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, editable=False)  # can be taken back for a while

    objects = SavedPromptQuerySet.as_manager()

    class Meta:
        ordering = ["folded_folder", "folded", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "folded_folder", "folded"],
                condition=Q(deleted_at=None),
                name="saved_prompt_once",
            )
        ]
        indexes = [models.Index(fields=["owner", "-id"], name="saved_prompt_owner")]

    def __str__(self):
        return self.name

    def save(self, **kwargs):
        self.folded_folder, self.folded = fold(self.folder), fold(self.name)
        super().save(**kwargs)


class Preset(Owned):
    """Parameters, or words of a style, that are chosen together by one name."""

    class Kind(models.TextChoices):
        PARAMETERS = "parameters", gettext_lazy("Parameters")
        STYLE = "style", gettext_lazy("Style")

    MAX_NAME = 80

    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=MAX_NAME)
    folded = models.CharField(max_length=2 * MAX_NAME, editable=False)  # `fold(name)`
    # Parameters: {"profile": id, "model": "…", "size": "1024x1536", "n": 2, …}, whatever was chosen of them.
    # Style: {"words": "oil painting of {prompt}", "negative": "…"}
    values = models.JSONField(default=dict)
    position = models.PositiveSmallIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "folded"], name="preset_name_once")]

    def __str__(self):
        return self.name

    def save(self, **kwargs):
        self.folded = fold(self.name)
        super().save(**kwargs)
