"""What a prompt is put together from: text that stays, and wordings that can be shortened or left out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from gallery.models import Fragment


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some characters of the prompt as it is sent; all pieces in order are the prompt."""

    text: str
    source: str  # "typed", "character:Mirel", "placeholder:weather", "house style", "style:Oil painting"


@dataclass(kw_only=True)
class Wording:
    """One text in several lengths, of which one is sent, or none."""

    texts: list[str]  # the longest first; a fragment's shorter wordings after it
    source: str
    name: str  # what it is called where it is left out
    fragment: Fragment | None = None
    at: int = 0
    dropped: bool = False

    @classmethod
    def of(cls, fragment: Fragment, filled: Callable[[str], str] = str) -> "Wording":
        """The wordings of `fragment`; `filled` puts in what its placeholders stand for."""
        texts = {filled(text) for text in (fragment.text, *(tier["text"] for tier in fragment.tiers))}
        longest_first = sorted(texts, key=len, reverse=True)
        return cls(texts=longest_first, source=fragment.tag.spec, name=fragment.name, fragment=fragment)

    @property
    def text(self) -> str:
        return "" if self.dropped else self.texts[self.at]

    @property
    def can_shrink(self) -> bool:
        return not self.dropped and self.at + 1 < len(self.texts)

    @property
    def is_shortened(self) -> bool:
        return not self.dropped and self.at > 0


class Part(Protocol):
    """Something that renders to pieces."""

    def pieces(self) -> Iterator[Piece]: ...


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Text that is sent as it is."""

    text: str
    source: str

    def pieces(self) -> Iterator[Piece]:
        if self.text:
            yield Piece(text=self.text, source=self.source)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who is named: "Mirel (silver hair; a grey cloak)"."""

    name: str
    source: str
    wordings: list[Wording] = field(default_factory=list)

    def pieces(self) -> Iterator[Piece]:
        yield Piece(text=self.name, source=self.source)
        said = [wording for wording in self.wordings if wording.text]
        for number, wording in enumerate(said):
            yield Piece(text=("; " if number else " (") + wording.text, source=wording.source)
        if said:
            yield Piece(text=")", source=said[-1].source)


@dataclass(frozen=True, kw_only=True)
class Side:
    """What stands before the prompt, or behind it, of a wording that goes around it."""

    wording: Wording
    text: str

    def pieces(self) -> Iterator[Piece]:
        if self.text and not self.wording.dropped:
            yield Piece(text=self.text, source=self.wording.source)


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Text on a line of its own behind the prompt, such as the house style."""

    wordings: list[Wording]
    begins: str = ""  # "Avoid: "
    between: str = ", "

    def pieces(self) -> Iterator[Piece]:
        said = [wording for wording in self.wordings if wording.text]
        for number, wording in enumerate(said):
            text = (self.between if number else "\n\n" + self.begins) + wording.text
            yield Piece(text=text, source=wording.source)
