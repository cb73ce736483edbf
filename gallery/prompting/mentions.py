"""Where a prompt names the cast: `@Mirel`, `@Mirel:winter cloak`, `@"Mirel Vane"`, `@me`, and `#lantern`.

Names may have spaces and signs, so the longest name that exists is meant: in "@Mirel Vane waits" it is
"Mirel Vane" where there is one, else "Mirel". What names nobody stays as it was typed.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gallery.models import Fragment, Tag
from gallery.models.tag import fold
from gallery.tagging.tagspec import MAX_NAME

AT = re.compile(r"(?<![\w@])@(?=[^\s@])")
HASH = re.compile(r"(?<![\w#])#(?=\w)")
ME = "me"
MOST_ENDS = 40  # places where one name may end
MOST = 500  # mentions looked up in one prompt; more stay as typed
CAST = (Tag.Kind.CHARACTER, Tag.Kind.PERSONA)


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A place in a text that names somebody. `start` and `end` count characters."""

    start: int
    end: int
    tag: Tag  # a character or persona
    looks: tuple[Tag, ...] = ()
    asked: tuple[Fragment, ...] = ()  # fragments that were called by name


class Cast:
    """The tags and fragments that some texts may name, read in a handful of queries."""

    def __init__(self, owner, texts: Iterable[str], persona: Tag | None = None):
        self.persona = persona
        texts = list(texts)
        heads = {fold(name) for text in texts for _, name in _heads(text, AT)}
        self.people = _by_name(owner, CAST, heads)
        self.free = _by_name(owner, (Tag.Kind.TAG,), {fold(n) for t in texts for _, n in _heads(t, HASH)})
        keys = {tag.pk for tag in self.people.values()} | ({persona.pk} if persona else set())
        self.looks: dict[tuple[int, str], Tag] = {}
        for look in Tag.objects.filter(parent__in=keys).with_canonical() if keys else ():
            self.looks[look.parent_id, look.folded] = look.alias_of or look
        self.fragments: dict[int, list[Fragment]] = {}
        of = keys | {look.pk for look in self.looks.values()}
        for fragment in Fragment.objects.filter(tag__in=of).select_related("tag__parent") if of else ():
            self.fragments.setdefault(fragment.tag_id, []).append(fragment)

    def mentions(self, text: str) -> Iterator[Mention]:
        """The mentions in `text`, from left to right; none overlaps another."""
        done = 0
        for match in AT.finditer(text):
            if match.start() < done:
                continue
            found = _longest(text, match.end(), self._person)
            if found is None:
                continue
            mention = self._with_extras(text, match.start(), *found)
            done = mention.end
            yield mention

    def free_tags(self, text: str) -> list[Tag]:
        """The free tags that `text` names by `#`; their words stay where they are."""
        found = (_longest(text, match.end(), self.free.get) for match in HASH.finditer(text))
        return [hit[0] for hit in found if hit]

    def _person(self, folded: str) -> Tag | None:
        return self.people.get(folded) or (self.persona if folded == ME else None)

    def _with_extras(self, text: str, start: int, tag: Tag, end: int) -> Mention:
        """Reads on behind the name: `:winter cloak`, `:smiling`."""
        looks: list[Tag] = []
        asked: list[Fragment] = []
        while text[end : end + 1] == ":":
            found = _longest(text, end + 1, lambda folded: self._extra(tag, folded))
            if found is None:
                break
            extra, end = found
            (looks if isinstance(extra, Tag) else asked).append(extra)  # type: ignore[arg-type]
        return Mention(start=start, end=end, tag=tag, looks=tuple(looks), asked=tuple(asked))

    def _extra(self, tag: Tag, folded: str) -> Tag | Fragment | None:
        by_name = (
            f
            for f in self.fragments.get(tag.pk, ())
            if f.use != Fragment.Use.NEVER and fold(f.name) == folded
        )
        return self.looks.get((tag.pk, folded)) or next(by_name, None)


def _by_name(owner, kinds, folded: set[str]) -> dict[str, Tag]:
    """The tags of these names; a character goes before a persona, an alias stands for its tag."""
    if not folded:
        return {}
    rows = Tag.objects.owned_by(owner).filter(kind__in=kinds, folded__in=folded).with_canonical()
    return {tag.folded: tag.alias_of or tag for tag in sorted(rows, key=lambda tag: tag.kind, reverse=True)}


def _heads(text: str, sign: re.Pattern) -> Iterator[tuple[int, str]]:
    """What may be a name behind each sign, as (end, name)."""
    for number, match in enumerate(sign.finditer(text)):
        if number >= MOST:
            return
        yield from names_at(text, match.end())


def names_at(text: str, start: int) -> Iterator[tuple[int, str]]:
    """What may be a name at `start`, the shortest first: each with the place behind it.

    A quoted name is taken whole; others end where a word does.
    """
    if text[start : start + 1] == '"':
        close = text.find('"', start + 1, start + MAX_NAME + 2)
        if close > start + 1:
            yield close + 1, text[start + 1 : close]
        return
    line = text[start : start + 2 * MAX_NAME].partition("\n")[0]
    ends = (at for at in range(1, len(line) + 1) if _ends_at(line, at))
    for _, at in zip(range(MOST_ENDS), ends, strict=False):
        yield start + at, line[:at]


def _ends_at(line: str, at: int) -> bool:
    behind = line[at : at + 1]
    return not line[at - 1].isspace() and not (_in_word(line[at - 1]) and behind and _in_word(behind))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.combining(character) > 0


def _longest[Found](
    text: str, start: int, look_up: Callable[[str], Found | None]
) -> tuple[Found, int] | None:
    """The longest name at `start` that `look_up` knows, and the place behind it."""
    for end, name in reversed(list(names_at(text, start))):
        found = look_up(fold(name))
        if found is not None:
            return found, end
    return None
