"""`{red|blue} cloak`: one prompt that stands for several, and the grid that its choices span."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from django.utils.translation import gettext

from gallery.models import Placeholder
from gallery.models.tag import fold
from providers.errors import InvalidRequest

MOST = 200  # cells
LABEL = 200  # characters of a head of the grid
PLACE = "{}"  # where the words of a list go
# An escaped brace or bar, a placeholder, a choice, the place of a list: whatever comes first.
TOKEN = re.compile(r"\\[{}|]|\{\{(?P<name>[^{}\n]{1,80})\}\}|(?P<group>\{(?P<inner>(?:[^{}\\]|\\.)*)\})")
ESCAPED = re.compile(r"\\([{}|])")
BAR = re.compile(r"(?<!\\)\|")
WORD = -1  # the axis of the list, which is the last one that is filled in


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One thing that varies, and its values."""

    kind: str  # "choice", "placeholder", "prompt", "looks", "words", "shape"
    name: str  # as people read it
    values: tuple[str, ...]  # what goes into the prompt, or into the parameters
    labels: tuple[str, ...] = ()  # shorter words for `values`; empty: the values themselves

    def label(self, place: int) -> str:
        text = (self.labels or self.values)[place]
        return text[: LABEL - 1] + "…" if len(text) > LABEL else text or "–"


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A stretch of a prompt: text that stays, or the place of an axis."""

    text: str = ""
    axis: int | None = None


@dataclass(kw_only=True)
class Template:
    """A prompt taken apart."""

    spots: list[Spot] = field(default_factory=list)
    axes: list[Axis] = field(default_factory=list)

    def text(self, chosen: Sequence[str], word: str = "") -> str:
        """The prompt with one value of each axis, and the word of a list at its place, else at the end."""
        filled = [*chosen, word]
        text = "".join(spot.text if spot.axis is None else filled[spot.axis] for spot in self.spots)
        has_place = any(spot.axis == WORD for spot in self.spots)
        return f"{text.rstrip().rstrip(',')}, {word}" if word and not has_place else text


@dataclass(frozen=True, kw_only=True)
class Place:
    """One cell of the grid: which value of each axis it has."""

    index: int
    at: tuple[int, ...]  # places in the axes, in their order


def has_choices(prompt: str) -> bool:
    """Whether `prompt` stands for several."""
    return any(match["group"] and "|" in match["inner"] for match in TOKEN.finditer(prompt))


def template_of(
    prompt: str, placeholders: dict[str, Placeholder] | None = None, *, with_words: bool = False
) -> Template:
    """Take a prompt apart: its choices, and those of `placeholders` (by folded name) that it names.

    `\\{`, `\\}` and `\\|` are plain braces and bars. Other braces stay as they are typed, byte for byte;
    `{}` too, unless there is a list `with_words` to put there.
    """
    reader = _Reader(placeholders or {}, with_words)
    at = 0
    for match in TOKEN.finditer(prompt):
        spot = reader.spot_of(match)
        if spot is not None:
            reader.template.spots += [Spot(text=prompt[at : match.start()]), spot]
            at = match.end()
    reader.template.spots.append(Spot(text=prompt[at:]))
    return reader.template


class _Reader:
    def __init__(self, placeholders: dict[str, Placeholder], with_words: bool):
        self.placeholders, self.with_words = placeholders, with_words
        self.template = Template()
        self.known: dict[str, int] = {}  # axes of placeholders, which may be named twice

    def spot_of(self, match: re.Match) -> Spot | None:
        """What stands in the place of `match`; None: what is typed there."""
        if match[0].startswith("\\"):
            return Spot(text=match[0][1:])
        if match["name"]:
            return self._placeholder(fold(match["name"]))
        if match[0] == PLACE:
            return Spot(axis=WORD) if self.with_words else None
        options = [ESCAPED.sub(r"\1", part) for part in BAR.split(match["inner"])]
        if len(options) == 1:
            return None
        name = " | ".join(options)[:LABEL]
        return self._axis(Axis(kind="choice", name=name, values=tuple(dict.fromkeys(options))))

    def _placeholder(self, name: str) -> Spot | None:
        row = self.placeholders.get(name)
        if row is None:
            return None
        if name not in self.known:
            self.known[name] = len(self.template.axes)
            self._axis(Axis(kind="placeholder", name=str(row), values=tuple(row.values)))
        return Spot(axis=self.known[name])

    def _axis(self, axis: Axis) -> Spot:
        self.template.axes.append(axis)
        return Spot(axis=len(self.template.axes) - 1)


def see_that_it_is_small(axes: Sequence[Axis]) -> int:
    """How many cells `axes` span. Raises `InvalidRequest` for more than MOST, of which none is made."""
    cells = math.prod(len(axis.values) for axis in axes)
    if cells > MOST:
        factors = " × ".join(f"{len(axis.values):,}" for axis in axes)
        total = f"{factors} = {cells:,}" if len(axes) > 1 else f"{cells:,}"
        raise InvalidRequest(
            gettext(
                "These are {total} pictures. At most {most} are made in one go: take some values out."
            ).format(total=total, most=MOST),
            field="prompt",
        )
    return cells


def places(axes: Sequence[Axis]) -> Iterator[Place]:
    """The cells, row after row: the last axis runs across, the others down."""
    ranges = [range(len(axis.values)) for axis in axes]
    for index, at in enumerate(product(*ranges)):
        yield Place(index=index, at=at)


def heads(axes: Sequence[Axis], place: Place) -> tuple[str, str]:
    """The heads of the row and of the column of a cell; a single axis has rows alone."""
    labels = [axis.label(at) for axis, at in zip(axes, place.at, strict=True)]
    if len(labels) < 2:
        return "".join(labels), ""
    return " · ".join(labels[:-1])[: 2 * LABEL], labels[-1]
