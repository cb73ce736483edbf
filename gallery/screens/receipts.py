"""What will be sent, and what was: the pieces of a prompt, each marked by where it came from."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext

from gallery.files.media import thumbnail_url
from gallery.models import Image
from gallery.prompting import Composition
from gallery.prompting.filling import TYPED

TINTS = {"character": "k-char", "look": "k-char", "persona": "k-pers"}


@dataclass(frozen=True, kw_only=True)
class Span:
    """Some of the text, and the class that tints it."""

    text: str
    tint: str
    origin: str  # in words; empty for what was typed


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A reference picture of the cast."""

    url: str
    small: str
    origin: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    spans: list[Span]
    avoided: list[Span] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    length: int = 0  # characters


def of(composed: Composition) -> Receipt | None:
    """The receipt of a prompt that is not sent yet; None while it is just what is typed."""
    if composed.is_plain:
        return None
    return Receipt(
        spans=spans(composed.receipt()["pieces"]),
        avoided=spans(composed.receipt()["avoided"]),
        pictures=[_picture(pick.image, pick.source) for pick in composed.references],
        left_out=[said | {"from": _words(said["from"])} for said in composed.receipt()["left_out"]],
        warnings=list(composed.warnings),
        length=len(composed.text),
    )


def spans(pieces: list[dict[str, str]]) -> list[Span]:
    """The pieces of a stored receipt."""
    return [
        Span(text=piece["text"], tint=_tint(piece["from"]), origin=_words(piece["from"])) for piece in pieces
    ]


def _tint(source: str) -> str:
    return TINTS.get(source.partition(":")[0], "k-chat")


def _words(source: str) -> str:
    """ "character:Mirel" as a person reads it: "Mirel"."""
    head, _, name = source.partition(":")
    if source == TYPED:
        return ""
    return name.strip('"').replace(":", ": ") if head in TINTS else name or gettext("House style")


def _picture(image: Image, source: str) -> Picture:
    small = thumbnail_url(image.public_id, image.owner_id, 320)
    return Picture(url=image.get_absolute_url(), small=small, origin=_words(source))
