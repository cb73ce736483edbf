"""Picture shapes for the eye: "1024x1536" and "2:3" as an outline, a short label and a spoken name."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

from django.utils.translation import gettext

COMMON = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "9:21", "21:9", "1:2", "2:1")
BOX = 34  # pixels, the longest side of an outline
AREA = 720  # square pixels, which all outlines share as far as the box lets them


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One radio of the shape picker."""

    value: str
    label: str
    name: str  # for screen readers
    pixels: str  # "1024 × 1536", or empty
    width: int  # of the outline, pixels; 0: no outline
    height: int
    chosen: bool

    @property
    def x(self) -> float:
        return (BOX + 2 - self.width) / 2

    @property
    def y(self) -> float:
        return BOX + 1 - self.height


def ratio_of(value: str) -> float:
    """Width over height of "1024x1536" or "2:3"; 0 for "auto" and everything else."""
    first, _, second = value.replace("x", ":").partition(":")
    try:
        return float(first) / float(second)
    except (ValueError, ZeroDivisionError):
        return 0


def nearest(value: str, values: Sequence[str]) -> str:
    """The one of `values` whose ratio is nearest to that of `value`, or "" when there is none."""
    ratio = ratio_of(value)
    drawn = [other for other in values if ratio_of(other)]
    if not ratio or not drawn:
        return ""
    return min(drawn, key=lambda other: abs(log(ratio_of(other) / ratio)))


def shapes_of(values: Sequence[str], chosen: str) -> list[Shape]:
    """A shape for each value. Sizes of one ratio are told apart by their pixels."""
    shapes: list[Shape] = []
    for value in values:
        taken = {shape.label for shape in shapes}
        shapes.append(_shape(value, chosen=value == chosen, taken=taken))
    return shapes


def _shape(value: str, *, chosen: bool, taken: set[str]) -> Shape:
    ratio = ratio_of(value)
    if not ratio:
        return Shape(
            value=value,
            label=gettext("Auto"),
            name=gettext("Automatic"),
            pixels="",
            width=0,
            height=0,
            chosen=chosen,
        )
    label = value if ":" in value else _ratio_label(ratio)
    pixels = value.replace("x", " × ") if "x" in value else ""
    plain = label + _tier(value) if label else ""
    width, height = _outline(ratio)
    return Shape(
        value=value,
        label=plain if plain and plain not in taken else value.replace("x", "×"),
        name=_spoken(label, ratio, value),
        pixels=pixels,
        width=width,
        height=height,
        chosen=chosen,
    )


def _ratio_label(ratio: float) -> str:
    """The common name of a ratio, within 3 %: sizes in multiples of 64 are about that far off. Else none."""
    label = min(COMMON, key=lambda name: abs(log(ratio_of(name) / ratio)))
    return label if abs(log(ratio_of(label) / ratio)) < 0.03 else ""


def _tier(value: str) -> str:
    longest = max((int(side) for side in value.split("x") if side.isdecimal()), default=0)
    return " 4K" if longest >= 3840 else " 2K" if longest >= 2048 else ""


def _outline(ratio: float) -> tuple[int, int]:
    width, height = sqrt(AREA * ratio), sqrt(AREA / ratio)
    shrink = min(1, BOX / max(width, height))
    return round(width * shrink), round(height * shrink)


def _spoken(label: str, ratio: float, value: str) -> str:
    way = gettext("portrait") if ratio < 1 else gettext("landscape")
    if abs(ratio - 1) < 0.01:
        way = gettext("square")
    pixels = value.replace("x", gettext(" by ")) if "x" in value else ""
    return ", ".join(filter(None, (label.replace(":", gettext(" to ")), way, pixels)))
