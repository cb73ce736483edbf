"""Two pictures beside each other: where their recipes differ, and where their prompts do."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import chain

from gallery.models import Image
from gallery.screens import facts

WORD = re.compile(r"\s+|\w+|[^\w\s]")
MOST_WORDS = 4000  # of a prompt; the time for comparing grows with the square of it
SAID = {"size", "negative_prompt", "seed", "n", *facts.NAMES}  # parameters that `made_with` speaks of


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fact of both pictures; empty where it is not known."""

    name: str
    left: str
    right: str

    @property
    def differs(self) -> bool:
        return self.left != self.right


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a prompt, and whether the other one has it too."""

    text: str
    own: bool


@dataclass(frozen=True, kw_only=True)
class Prompts:
    left: list[Piece]
    right: list[Piece]
    differ: bool


def rows(left: Image, right: Image) -> list[Row]:
    """List what is known of either picture, what differs first."""
    known = [_facts(left), _facts(right)]
    names = dict.fromkeys(chain(*known))
    found = [Row(name=name, left=known[0].get(name, ""), right=known[1].get(name, "")) for name in names]
    return sorted(found, key=lambda row: not row.differs)


def _facts(image: Image) -> dict[str, str]:
    said = {fact.name: f"{fact.value} {fact.note}".strip() for fact in facts.made_with(image)}
    rest = {
        name.replace("_", " ").capitalize(): str(value)
        for name, value in sorted(image.params.items())
        if name not in SAID and isinstance(value, str | int | float) and value != ""
    }
    return said | rest


def prompts(left: Image, right: Image) -> Prompts:
    """Compare the prompts word by word, as they were sent."""
    texts = [image.prompt_sent or image.prompt for image in (left, right)]
    words = [WORD.findall(text) for text in texts]
    if max(map(len, words)) > MOST_WORDS:
        both = [[Piece(text=text, own=texts[0] != texts[1])] if text else [] for text in texts]
    else:
        both = _pieces(*words)
    return Prompts(left=both[0], right=both[1], differ=texts[0] != texts[1])


def _pieces(left: list[str], right: list[str]) -> list[list[Piece]]:
    found: list[list[Piece]] = [[], []]
    for tag, a, b, c, d in SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes():
        for side, words in zip(found, (left[a:b], right[c:d]), strict=True):
            if words:
                side.append(Piece(text="".join(words), own=tag != "equal"))
    return found
