"""Presets: parameters, or words of a style, under one name."""

import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.models import Preset, User
from gallery.models.tag import fold

MOST = 200  # of one person
LONGEST_VALUE = 120  # characters of one parameter
LONGEST_WORDS = 4000  # characters of a style, and of what it avoids
MOST_OPTIONS = 50
PLACE = "{prompt}"  # where in a style's words the prompt goes
TEXTS = (
    "profile", "model", "size", "aspect_ratio", "resolution", "quality", "style", "background",
    "output_format",
)  # fmt: skip
NUMBERS = {"n": (1, 100), "seed": (0, 2**63 - 1)}
NAMES = (*TEXTS, *NUMBERS, "negative_prompt", "stream", "options")


class PresetError(ValueError):
    """A preset that cannot be kept; `field` is the name of what is wrong."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field, self.message = field, message


def create(owner: User, *, name: str, kind: str, values: Mapping[str, Any]) -> Preset:
    """Keep a preset behind those that are there. Raises `PresetError`."""
    mine = Preset.objects.owned_by(owner)
    if mine.count() >= MOST:
        raise PresetError(
            "name", gettext("You have {most} presets. Delete one to keep another.").format(most=MOST)
        )
    if kind not in Preset.Kind.values:
        raise PresetError("kind", gettext("A preset is one of parameters and style."))
    last = mine.aggregate(last=Max("position"))["last"]
    preset = Preset(owner=owner, kind=kind, position=0 if last is None else last + 1)
    return change(preset, name=name, values=values)


def change(preset: Preset, *, name: str | None = None, values: Mapping[str, Any] | None = None) -> Preset:
    """Give it another name or other values. Raises `PresetError`."""
    if name is not None:
        preset.name = clean_name(name, Preset.MAX_NAME)
    if values is not None:
        clean = clean_style if preset.kind == Preset.Kind.STYLE else clean_parameters
        preset.values = clean(values)
        if not preset.values:
            raise PresetError("values", gettext("Choose at least one thing that the preset is to set."))
    try:
        with transaction.atomic():
            preset.save()
    except IntegrityError as exc:
        raise PresetError(
            "name",
            gettext("There is a preset “{name}” already. Choose another name.").format(name=preset.name),
        ) from exc
    return preset


def move(preset: Preset, *, by: int = 0, to: int | None = None) -> None:
    """Send a preset before its neighbour (-1), behind it (1), or to a place, of which 0 is the first."""
    with transaction.atomic():
        rows = list(Preset.objects.owned_by(preset.owner_id).select_for_update())
        at = rows.index(preset)
        rows.insert(max(0, at + by) if to is None else to, rows.pop(at))
        for position, row in enumerate(rows):
            row.position = position
        Preset.objects.bulk_update(rows, ["position"])


def find(owner: User, wanted: str) -> Preset:
    """The preset of that name or id. Raises `PresetError`."""
    mine = Preset.objects.owned_by(owner)
    known = mine.filter(folded=fold(wanted)).first() or mine.filter(public_id=_id_of(wanted)).first()
    if known is None:
        raise PresetError(
            "preset",
            gettext("There is no preset called “{wanted}”. Choose one of your presets.").format(
                wanted=wanted
            ),
        )
    return known


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# --- What is kept -------------------------------------------------------------------------------


def clean_name(text: str, longest: int) -> str:
    """A name on one line. Raises `PresetError`."""
    name = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not fold(name):
        raise PresetError("name", gettext("Give it a name. Write at least one letter or number."))
    if len(name) > longest or len(fold(name)) > 2 * longest:
        raise PresetError("name", gettext("A name has at most {longest} characters.").format(longest=longest))
    return name


def clean_style(values: Mapping[str, Any]) -> dict[str, str]:
    """{"words", "negative"}, as far as something was written. Raises `PresetError`."""
    _refuse_unknown(values, ("words", "negative"))
    kept = {name: _text(text, name, LONGEST_WORDS) for name, text in values.items()}
    if kept.get("words", "").count(PLACE) > 1:
        raise PresetError(
            "words", gettext("Write {place} once, where your own words go.").format(place=PLACE)
        )
    if kept.get("words") == PLACE:
        raise PresetError("words", gettext("Write words beside {place}.").format(place=PLACE))
    return {name: text for name, text in kept.items() if text}


def clean_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that were chosen. Raises `PresetError`."""
    _refuse_unknown(values, NAMES)
    kept: dict[str, Any] = {
        name: _text(values[name], name, LONGEST_VALUE) for name in TEXTS if values.get(name)
    }
    for name, (least, most) in NUMBERS.items():
        if values.get(name) not in (None, ""):
            kept[name] = _number(values[name], name, least, most)
    if values.get("negative_prompt"):
        kept["negative_prompt"] = _text(values["negative_prompt"], "negative_prompt", LONGEST_WORDS)
    if values.get("stream"):
        kept["stream"] = True
    if values.get("options"):
        kept["options"] = _options(values["options"])
    return {name: value for name, value in kept.items() if value not in ("", {})}


def _refuse_unknown(values: Mapping[str, Any], known: tuple[str, ...]) -> None:
    if unknown := sorted(str(name)[:80] for name in values if name not in known):
        raise PresetError(
            "values",
            gettext("A preset has no “{n}”. It takes {names}.").format(n=unknown[0], names=", ".join(known)),
        )


def _text(value: Any, field: str, longest: int) -> str:
    if not isinstance(value, str):
        raise PresetError(field, gettext("Send text here."))
    text = value.replace("\r\n", "\n").strip()
    if any(not c.isprintable() and c not in "\n\t" for c in text):
        raise PresetError(field, gettext("There are signs in it that no text has. Type it again."))
    if len(text) > longest:
        raise PresetError(
            field,
            gettext("Use at most {longest} characters. Take out {n}.").format(
                longest=thousands(longest), n=thousands(len(text) - longest)
            ),
        )
    return text


def _number(value: Any, field: str, least: int, most: int) -> int:
    plain = str(value).strip()
    if isinstance(value, bool) or not (plain.isascii() and plain.isdecimal() and len(plain) < 20):
        raise PresetError(field, gettext("Choose {least} to {most}.").format(least=least, most=most))
    if not least <= int(plain) <= most:
        raise PresetError(field, gettext("Choose {least} to {most}.").format(least=least, most=most))
    return int(plain)


def _options(options: Any) -> dict[str, Any]:
    """A vendor's own options: names, and texts or numbers."""
    if not isinstance(options, Mapping) or len(options) > MOST_OPTIONS:
        raise PresetError(
            "options",
            gettext("Send at most {most_options} options, each with a name.").format(
                most_options=MOST_OPTIONS
            ),
        )
    for name, value in options.items():
        is_plain = isinstance(value, str | int | float | None)
        is_endless = isinstance(value, float) and not math.isfinite(value)
        if not is_plain or is_endless or len(str(name)) > 80 or len(str(value)) > LONGEST_WORDS:
            raise PresetError(
                "options",
                gettext("“{n}” is to be text, a number, true, false or null.").format(n=str(name)[:80]),
            )
        if isinstance(value, str):
            _text(value, "options", LONGEST_WORDS)
    return dict(options)
