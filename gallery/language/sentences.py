"""Sentences that are kept in rows and shown in the language of whoever reads them.

A row has the English text and the words that go into it: {"text": "{label} takes no seed.", "words":
{"label": "Imagen"}}. Words may be sentences themselves. What was kept otherwise is shown as it stands there.
"""

from typing import Any

from django.utils.translation import gettext

type Kept = str | dict[str, Any]


class Sentence(str):
    """A text in the reader's language that knows what it was made of. Mark `source` with `gettext_noop`."""

    source: str
    words: dict[str, Any]

    def __new__(cls, source: str, /, **words: Any):
        made = super().__new__(cls, _filled(gettext(source), source, words))
        made.source, made.words = source, words
        return made


def kept(text: Any) -> Any:
    """`text` as it goes into a row."""
    if not isinstance(text, Sentence):
        return text
    return {"text": text.source, "words": {name: kept(word) for name, word in text.words.items()}}


def shown(entry: Kept) -> str:
    """What a row has, in the reader's language."""
    match entry:
        case {"text": str(source), "words": dict(words)}:
            return Sentence(source, **{name: shown(word) for name, word in words.items()})
    return entry if isinstance(entry, str) else str(entry)


def _filled(text: str, source: str, words: dict[str, Any]) -> str:
    try:
        return text.format(**words)
    except (KeyError, IndexError, ValueError):  # of another version, whose translation has other places
        return source
