"""`{{weather}}`: names in double braces, and the texts that they stand for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext

from gallery.models import Placeholder
from gallery.models.tag import fold

BRACES = re.compile(r"\{\{([^{}\n]{1,80})\}\}")
MOST = 200_000  # characters that placeholders may grow a prompt to
TYPED = "typed"


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Some characters of a prompt, and where they came from."""

    text: str
    source: str


@dataclass(kw_only=True)
class Placeholders:
    """The placeholders of one person, with those that the cast fills: `{{char}}` and `{{user}}`."""

    values: Mapping[str, list[str]]  # by folded name
    warnings: list[str] = field(default_factory=list)
    grown: int = 0

    @classmethod
    def of(cls, owner, text: str, known: Mapping[str, str]) -> "Placeholders":
        """Those that `text` can reach. One query, and none for a text without braces."""
        values = {name: [value] for name, value in known.items() if value}
        if BRACES.search(text):
            rows = Placeholder.objects.owned_by(owner).values_list("folded", "values")
            values |= {folded: texts for folded, texts in rows if texts}
        return cls(values=values)

    def expand(self, text: str, source: str = TYPED, within: tuple[str, ...] = ()) -> Iterator[Stretch]:
        """Yields `text` in stretches. A name that stands for nothing stays as it is."""
        at = 0
        for match in BRACES.finditer(text):
            name = fold(match[1])
            if name not in self.values or self._refuses(match[1], name, within):
                continue
            if match.start() > at:
                yield Stretch(text=text[at : match.start()], source=source)
            yield from self._stand_in(match[1], name, within)
            at = match.end()
        if at < len(text):
            yield Stretch(text=text[at:], source=source)

    def _stand_in(self, typed: str, name: str, within: tuple[str, ...]) -> Iterator[Stretch]:
        texts = self.values[name]
        if len(texts) > 1:
            self._warn(
                gettext("“{{{{{typed}}}}}” has {n} values. The first one is used here.").format(
                    typed=typed.strip(), n=len(texts)
                )
            )
        self.grown += len(texts[0])
        yield from self.expand(texts[0], f"placeholder:{typed.strip()}", (*within, name))

    def _refuses(self, typed: str, name: str, within: tuple[str, ...]) -> bool:
        if name in within:
            self._warn(
                gettext("“{{{{{typed}}}}}” leads back to itself, so it stays as it is typed.").format(
                    typed=typed.strip()
                )
            )
            return True
        if self.grown + len(self.values[name][0]) > MOST:
            self._warn(
                gettext("“{{{{{typed}}}}}” makes the prompt too long, so it stays as it is typed.").format(
                    typed=typed.strip()
                )
            )
            return True
        return False

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)
