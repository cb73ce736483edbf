"""How a tag is written: `character:"Mirel Vane"`, `persona:Ash`, `look:"Mirel:winter cloak"`, or just
`portrait` for a free tag.

A word before a colon that is no kind belongs to the name, so that `http://example.com` and `Re:Zero` are
free tags. Double quotes enclose a name; inside a name they become single ones, because the search box
could not tell them apart. What stands before the last colon of a look is its character.
"""

import re
import unicodedata
from typing import NamedTuple

from django.utils.translation import gettext

from gallery.models.tag import Tag, fold

MAX_NAME = 100  # characters
MAX_FOLDED = 200  # characters; one typed character can fold to several
MAX_SPECS = 200  # tags in one request
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
PIECE = re.compile(r'(?:[^,\n"]|"[^"]*"|")+')


class TagError(ValueError):
    """A tag that cannot be made or changed. Its text says why, to the person who asked."""

    @property
    def message(self) -> str:
        return str(self)


class TagTaken(TagError):
    """The name belongs to another tag already."""

    def __init__(self, taken: Tag):
        self.tag = taken
        stands = (
            gettext(" as another spelling of “{full_name}”").format(full_name=taken.alias_of.full_name)
            if taken.alias_of
            else ""
        )
        super().__init__(
            gettext("“{full_name}” exists already{stands}. Merge the two instead.").format(
                full_name=taken.full_name, stands=stands
            )
        )


class Spec(NamedTuple):
    """A tag as it was named."""

    kind: str
    name: str
    parent: str = ""  # name of the character, for a look; empty when it was not said

    @property
    def key(self) -> "Key":
        return Key(self.kind, fold(self.name), fold(self.parent))


class Key(NamedTuple):
    """What two names of the same tag have in common."""

    kind: str
    folded: str
    parent: str = ""  # folded


def clean_name(text: str, kind: str = Tag.Kind.TAG) -> str:
    """Trim `text` to a name that can be stored and shown. Raises `TagError` when nothing usable is left."""
    visible = "".join(" " if c.isspace() else c for c in text if c.isspace() or _is_visible(c))
    name = " ".join(visible.replace('"', "'").split())
    if all(unicodedata.category(c) in ("Cf", "Mn", "Zs") for c in fold(name)):  # shows nothing, like U+200B
        raise TagError(gettext("A tag needs a name. Write at least one letter or number."))
    if len(name) > MAX_NAME or len(fold(name)) > MAX_FOLDED:
        raise TagError(
            gettext("“{n}…” is too long for a tag. A name has at most {max_name} characters.").format(
                n=name[:30], max_name=MAX_NAME
            )
        )
    if kind == Tag.Kind.LOOK and ":" in name:
        raise TagError(
            gettext("“{n}” has a colon. The name of a look goes without, as in “winter cloak”.").format(
                n=name[:30]
            )
        )
    return name


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs") and character not in BIDI_CONTROLS


def parse_spec(spec: str) -> Spec:
    """Split `character:"Mirel Vane"` into `("character", "Mirel Vane", "")`. Raises `TagError`."""
    kind, colon, name = spec.strip().partition(":")
    kind = kind.strip().lower()
    if not colon or kind not in Tag.Kind.values:
        kind, name = Tag.Kind.TAG.value, spec
    name = _unquote(name.strip())
    return _parse_look(name) if kind == Tag.Kind.LOOK else Spec(kind, clean_name(name))


def _parse_look(text: str) -> Spec:
    parent, colon, name = text.rpartition(":")
    parent = clean_name(_unquote(parent.strip())) if colon else ""
    return Spec(Tag.Kind.LOOK.value, clean_name(_unquote(name.strip())), parent)


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def split_specs(text: str) -> list[str]:
    """Split a list of tags at its commas and line ends, but not inside quotes. Empty pieces are dropped."""
    return [piece for match in PIECE.finditer(text) if (piece := match[0].strip())]
