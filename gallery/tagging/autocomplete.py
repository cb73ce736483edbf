"""Tags that fit what somebody has begun to type.

Of words that begin alike, all are compared as long as they are few; of many, those of the tags used most. So
a letter costs the same in a library of fifty thousand tags.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from gallery.models import Tag, TagCount, TagWord, User
from gallery.models.tag import fold, words

FAVOURITES = 500  # tags used most
COMPARED = 200  # words that begin alike
SPELLINGS = 2  # names of one tag that may fit
LAST = b"\xff"  # behind every character in UTF-8


@dataclass(frozen=True, kw_only=True)
class TagSuggestion:
    tag: Tag  # never an alias; the character of a look is read with it
    n: int  # pictures outside the trash that carry it
    alias: str  # the other spelling that was matched; empty: the tag's own name
    exact: bool = False  # it is called what was typed, but for case and accents


class Hit(NamedTuple):
    """A name from one of its words on."""

    at_start: bool  # it is the whole name
    n: int  # pictures
    text: bytes
    tag: int  # key of what has the name

    @property
    def rank(self) -> tuple[bool, int]:
        return not self.at_start, -self.n


def suggest(
    owner: User, text: str, kinds: Collection[str] | None = None, limit: int = 8
) -> list[TagSuggestion]:
    """Find tags with a word that begins with `text`: the one of this very name first, then names that begin
    with it, the most used first.

    `character:mi` looks among characters only, `Mirel:wi` among the looks of Mirel. Without text, the most
    used tags come.
    """
    text = text.replace('"', " ").replace("\0", " ")
    kind, colon, rest = text.partition(":")
    if colon and kind.strip().lower() in Tag.Kind.values:
        kinds, text = [kind.strip().lower()], rest
    kinds = Tag.Kind.values if kinds is None else list(kinds)
    if not fold(text):
        return _most_used(owner, kinds, limit)
    names = TagWord.objects.filter(owner=owner, kind__in=kinds)
    character, colon, look = text.rpartition(":")
    looks = _find(owner, _of_character(owner, names, character), look, limit) if colon else []
    return _unlike([*looks, *_find(owner, names, text, limit)])[:limit]


def _most_used(owner: User, kinds: list[str], limit: int) -> list[TagSuggestion]:
    found: dict[int, int] = {}
    for considered in (limit * SPELLINGS, FAVOURITES):
        if len(found) < limit:
            # Sifted here: asked for a kind, SQLite would begin with all tags of it.
            rows = _favourites(owner).values_list("tag", "n", "tag__kind", "tag__alias_of")[:considered]
            found = {tag: n for tag, n, kind, alias_of in rows if kind in kinds and alias_of is None}
    if len(found) < limit:
        others = Tag.objects.owned_by(owner).filter(kind__in=kinds, alias_of=None).with_counts()
        found |= dict(others.order_by("folded").values_list("pk", "image_count")[:limit])
    tags = Tag.objects.select_related("parent").in_bulk(list(found)[:limit])
    return [TagSuggestion(tag=tags[key], n=found[key], alias="") for key in list(found)[:limit]]


def _favourites(owner: User) -> QuerySet[TagCount]:
    return TagCount.objects.filter(owner=owner).order_by("-n")


def _of_character(owner: User, names: QuerySet[TagWord], name: str) -> QuerySet[TagWord]:
    characters = Tag.objects.owned_by(owner).filter(kind=Tag.Kind.CHARACTER, folded=fold(name))
    return names.filter(tag__parent__in=characters.values(key=Coalesce("alias_of", "pk")))


def _find(owner: User, names: QuerySet[TagWord], text: str, limit: int) -> list[TagSuggestion]:
    begun = (" ".join(words(text)) or fold(text)).encode()
    begins = names.filter(text__gte=begun, text__lt=begun + LAST)
    hits = list(_counted(begins)[:COMPARED])
    if len(hits) == COMPARED:  # there may be more
        # As keys: PostgreSQL would read all words that begin so rather than look for some of them.
        favourites = list(_favourites(owner).values_list("tag", flat=True)[:FAVOURITES])
        hits += _best(begins.filter(target__in=favourites), limit)
        hits += _best(names.filter(text=begun, at_start=True), limit)
    best = sorted(set(map(Hit._make, hits)), key=lambda hit: (hit.text != begun, *hit.rank, hit.text))
    return _suggestions(best[: limit * SPELLINGS], fold(text))


def _best(names: QuerySet[TagWord], limit: int) -> list[tuple]:
    """The first by `Hit.rank`, enough of them for `limit` tags."""
    return list(_counted(names).order_by("-at_start", "-n", "text")[: limit * SPELLINGS])


def _counted(names: QuerySet[TagWord]) -> QuerySet:
    """The columns of `Hit`."""
    counted = names.annotate(n=Coalesce("target__count__n", 0))
    return counted.values_list("at_start", "n", "text", "tag")


def _suggestions(hits: list[Hit], typed: str) -> list[TagSuggestion]:
    tags = Tag.objects.with_canonical().in_bulk({hit.tag for hit in hits})
    found = sorted((tags[hit.tag].folded != typed, *hit.rank, tags[hit.tag].folded, hit.tag) for hit in hits)
    return [_suggestion(tags[key], -rank, typed) for _, _, rank, _, key in found]


def _suggestion(tag: Tag, n: int, typed: str) -> TagSuggestion:
    alias = tag.name if tag.alias_of else ""
    return TagSuggestion(tag=tag.alias_of or tag, n=n, alias=alias, exact=tag.folded == typed)


def _unlike(found: Iterable[TagSuggestion]) -> list[TagSuggestion]:
    """Each tag once, by its own name rather than by another spelling."""
    once: dict[int, TagSuggestion] = {}
    for suggestion in found:
        known = once.get(suggestion.tag.pk)
        if known is None or (known.alias and not (known.exact or suggestion.alias)):
            once[suggestion.tag.pk] = suggestion
    return list(once.values())
