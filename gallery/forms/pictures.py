"""Pictures in the generate form: what is changed or looked at, the mask, and what is made once more."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from gallery.decode import THUMBNAIL_SIZES
from gallery.files.media import thumbnail_url
from gallery.generations import inputs, masks
from gallery.language.wording import gettext_lazy
from gallery.models import Image
from gallery.offers import Offer
from gallery.search import tiles
from providers.base import InputImage

GONE = gettext_lazy(
    "A picture that should go along is not in the gallery any more. It was taken out here; look at the rest "
    "and press Generate again."
)
TITLE = 120  # characters of a prompt that stand for a title
LONGEST_MASK = 2_000_000  # characters of a data URL; what a canvas makes is a fraction of it


@dataclass(frozen=True, kw_only=True)
class Row:
    """A picture as the form shows it."""

    image: Image
    alt: str
    title: str
    small: str  # addresses of its thumbnails
    large: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the large thumbnail, pixels."""
        scale = min(1, max(THUMBNAIL_SIZES) / max(self.image.width, self.image.height))
        return max(1, round(self.image.width * scale)), max(1, round(self.image.height * scale))


def by_ids(owner_id: int, ids: Iterable[str]) -> list[Image]:
    """The pictures with these ids, in their order; those that are foreign or gone are left out."""
    wanted = [parsed for text in ids if (parsed := parse_id(text))]
    if not wanted:
        return []
    rows = Image.objects.owned_by(owner_id).live().filter(public_id__in=wanted)
    found = {image.public_id: image for image in rows}
    return [found[public_id] for public_id in dict.fromkeys(wanted) if public_id in found]


def sent_ids(data) -> list[str]:
    """The ids that a form or an address sends: `ids` repeated, or together with commas between.

    Those of folded stacks are that of the picture that is shown.
    """
    return [text.partition("+")[0] for part in data.getlist("ids") for text in part.split(",") if text]


def parse_id(text: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def rows_of(images: list[Image]) -> list[Row]:
    """Describe `images` for the page. One query."""
    return [
        Row(
            image=image,
            alt=tile["alt"],
            title=image.title or image.prompt[:TITLE] or tile["alt"],
            small=thumbnail_url(image.public_id, image.owner_id, 320),
            large=thumbnail_url(image.public_id, image.owner_id, 1280),
        )
        for image, tile in zip(images, tiles(images) if images else [], strict=True)
    ]


class ReferencesField(forms.Field):
    """Pictures by their ids, in order; the value is a tuple of `Image`."""

    widget = forms.MultipleHiddenInput

    def __init__(self, *, owner_id: int):
        super().__init__(label=gettext("Reference images"), required=False)
        self.owner_id = owner_id

    def clean(self, value):
        ids = [text for text in value or () if text]
        images = by_ids(self.owner_id, ids)
        if len(images) < len(set(ids)):
            raise ValidationError(GONE)
        return tuple(images)


class PicturesForm(forms.Form):
    """The fields for pictures, as far as the model of `offer` takes them."""

    offer: Offer

    def add_pictures(self) -> None:
        able = self.offer.info.capabilities
        owner_id = self.offer.profile.owner_id
        self.fields["original"] = ReferencesField(owner_id=owner_id)
        if not able.max_references:
            return
        self.fields["mode"] = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
        self.fields["references"] = ReferencesField(owner_id=owner_id)
        if able.mask:
            self.fields["mask"] = forms.CharField(
                required=False,
                max_length=LONGEST_MASK,
                widget=forms.HiddenInput,
                error_messages={
                    "max_length": gettext("The mask is too large. Paint it anew with a larger brush.")
                },
            )

    # What the templates ask

    @cached_property
    def reference_rows(self) -> list[Row]:
        return self._rows("references")

    @cached_property
    def varied(self) -> Row | None:
        """The picture of which one more is made."""
        return next(iter(self._rows("original")), None)

    def _rows(self, name: str) -> list[Row]:
        if name not in self.fields:
            return []
        return rows_of(by_ids(self.offer.profile.owner_id, self[name].value() or ()))

    @property
    def is_edit(self) -> bool:
        """Whether the first reference is changed, and not only looked at."""
        return "mode" in self.fields and self["mode"].value() == "edit" and bool(self.reference_rows)

    @property
    def begins_with_pictures(self) -> bool:
        """Whether the pictures matter more than the settings, and stand before them."""
        return self.is_edit or bool(self.varied)

    @property
    def is_vendor_variation(self) -> bool:
        """Whether the model itself makes one more of the original. It needs no prompt."""
        return bool(self.varied) and "variation" in self.offer.info.capabilities.modes

    # What was chosen

    def pictures(self) -> dict[str, Any]:
        """The wish's fields for pictures. A mask comes along as it was sent."""
        references = self.cleaned_data.get("references", ())
        original = self.cleaned_data.get("original", ())
        if original and self.is_vendor_variation:
            return {"mode": "variation", "references": original}
        mask = self.cleaned_data.get("mask") if references else ""
        chosen = {"mask": masks.bytes_of(mask)} if mask else {}
        if original:
            return chosen | {"mode": "again", "references": original + references}
        changed = mask or self.cleaned_data.get("mode") == "edit"
        return chosen | (
            {"mode": "edit" if changed else "generate", "references": references} if references else {}
        )

    def announced(self) -> dict[str, Any]:
        """The request's fields for pictures, for an estimate."""
        chosen = self.pictures()
        sent: tuple[InputImage, ...] = tuple(
            inputs.announced(image)
            for image in inputs.outgoing(chosen.get("mode"), chosen.get("references", ()))
        )
        return {"references": sent}
