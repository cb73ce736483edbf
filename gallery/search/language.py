"""The query language: what a query is made of. How it is read is in `reading`.

query  = all { "OR" all }                                         one of them must hold
all    = { term }                                                 each of them must hold
term   = [ "-" | "NOT" ] ( filter | phrase | word | "(" query ")" )
filter = name ":" value { "," value }                             one of the values must hold
phrase = '"' words '"'                                            these words in this order
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from django.utils.translation import gettext

TAG_KINDS = ("character", "look", "persona", "chat", "tag")
FILTERS = (
    *TAG_KINDS, "model", "provider", "profile", "source", "rating", "favourite", "sensitive", "cost", "date",
    "before", "after", "width", "height", "size", "ratio", "has", "is", "id", "stack", "sort",
)  # fmt: skip
SPELLINGS = {"favorite": "favourite", "connection": "profile", "shape": "ratio"} | {
    f"{name}s": name for name in (*TAG_KINDS, "model", "provider", "profile", "source", "rating", "date")
}
EXAMPLES = {
    "model": "gpt-image*", "provider": "openai", "profile": "Studio", "source": "import", "rating": ">=4",
    "favourite": "yes", "sensitive": "no", "cost": ">0.05", "date": "2026-11", "before": "2026-11",
    "after": "yesterday", "width": ">2000", "height": "<1024", "size": ">=2000", "ratio": "portrait",
    "has": "prompt", "is": "untagged", "sort": "rating",
}  # fmt: skip

type Node = Term | Group


@dataclass(frozen=True, kw_only=True)
class Part:
    """What every part of a query has: its place in the text, and whether it must not hold."""

    kind: str
    start: int  # its characters in `Query.text`, the minus in front included
    end: int
    text: str  # as typed, without its minus: 'character:"Mirel Vane"'
    negated: bool = False
    without: str = ""  # of a part that stands by itself: the query with it taken out

    @property
    def is_tag(self) -> bool:
        return self.kind in TAG_KINDS


@dataclass(frozen=True, kw_only=True)
class Term(Part):
    """One thing that must hold of a picture. Its kind is one of FILTERS, or "word" or "phrase"."""

    values: tuple[str, ...]  # a filter's values, any of which will do; the words, all of which must be there

    @property
    def is_words(self) -> bool:
        return self.kind in ("word", "phrase")

    @property
    def label(self) -> str:
        """What a chip shows beside its icon."""
        return gettext(" or ").join(self.values) if self.is_tag else self.text


@dataclass(frozen=True, kw_only=True)
class Group(Part):
    """Parts of which all, or one, must hold. Its kind is "group"."""

    op: Literal["and", "or"]
    parts: tuple[Node, ...]

    @property
    def label(self) -> str:
        return self.text

    @property
    def depth(self) -> int:
        return 1 + max(part.depth if isinstance(part, Group) else 0 for part in self.parts)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """Something that could not be read, and where it stands."""

    sentence: str
    start: int
    end: int
    better: str = ""  # the whole query as it may have been meant
    is_name: bool = False  # no tag is called so

    @property
    def located(self) -> str:
        """The sentence with its place, for readers who cannot be shown it."""
        return gettext("Character {n}: {sentence}").format(n=self.start + 1, sentence=self.sentence)


@dataclass(frozen=True, kw_only=True)
class Query:
    text: str  # as it was read
    terms: tuple[Node, ...]  # all of them must hold
    sort: Term | None  # the last `sort:`
    unsorted: str  # the text without any `sort:`
    mistakes: tuple[Mistake, ...]


def marked(text: str, mistakes: Iterable[Mistake]) -> list[tuple[str, bool]]:
    """Cut a query into pieces; true are those that could not be read."""
    wrong = {at for mistake in mistakes for at in range(mistake.start, mistake.end)}
    runs = groupby(enumerate(text), key=lambda pair: pair[0] in wrong)
    return [("".join(character for _, character in run), is_wrong) for is_wrong, run in runs]
