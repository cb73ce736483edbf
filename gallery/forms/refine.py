"""The form for the next turn of a chat: what should change, and with which settings."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext

from gallery.forms.generate import PICTURES, GenerateForm
from gallery.generations import generation, inputs, turns
from gallery.models import Generation, Image, Tag
from gallery.offers import Offer
from providers.base import Capabilities


def remembers(able: Capabilities) -> bool:
    return able.turns


def edits(able: Capabilities) -> bool:
    return "edit" in able.modes and able.max_references > 0


class RefineForm(GenerateForm):
    """A wish that goes on from `image`, which `follows` brought if it came from a generation."""

    def __init__(self, data=None, *, offer: Offer, image: Image, follows: Generation | None, **kwargs):
        super().__init__(data, offer=offer, **kwargs)
        self.image, self.follows = image, follows
        for name in (*PICTURES, "tags"):
            self.fields.pop(name, None)
        self.fields["prompt"].required = True
        self.fields["prompt"].error_messages["required"] = gettext("Say what should change.")

    def anew(self, data):
        return type(self)(data, offer=self.offer, image=self.image, follows=self.follows)

    def wish(self, tags: Iterable[Tag] = ()) -> generation.Wish:
        # Without a turn before, the picture is what is changed; else it says which one of that turn is meant.
        mode: generation.Way | None = None if self.follows else "edit"
        return replace(super().wish(tags), follows=self.follows, references=(self.image,), mode=mode)

    def announced(self) -> dict[str, Any]:
        """The request's fields for the picture or the history, for an estimate."""
        if self.follows and remembers(self.abilities):
            return {"turns": turns.announced(self.follows)}
        return {"references": (inputs.announced(self.image),)}
