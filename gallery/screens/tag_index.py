"""The lists of tags: which page of them an address asks for, and what is shown of each."""

from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet

from gallery.language.wording import gettext_lazy
from gallery.models import ImageTag, Tag, TagCount
from gallery.models.tag import fold
from gallery.screens import cast, faces
from gallery.screens.cast import Card
from gallery.search import bitmaps

PER_PAGE = 60
PEOPLE_FROM = 30  # newest pictures of a chat that are looked at for who is in it
PEOPLE_SHOWN = 3
MANY = 5_000  # tags; so many are not sorted for one page, but read in the order of an index
SORTS = {
    "used": (gettext_lazy("Last used"), (F("used_at").desc(nulls_last=True), "folded")),
    "name": (gettext_lazy("Name"), ("folded",)),
    "images": (gettext_lazy("Most images"), ("-image_count", "folded")),
}
# By an index of the counts: its order, which counts are in it, and which tags come after them.
COUNTED = {
    "used": ("-used_at", Q(used_at__isnull=False), Q(count__used_at=None)),
    "images": ("-n", Q(), Q(count=None)),
}


def read(request, kind: str) -> dict[str, Any]:
    """Read the page that the address asks for: `q` filters, `sort` orders, `used=once` shows what is rare."""
    text, once = request.GET.get("q", "").strip()[:100], request.GET.get("used") == "once"
    sort = request.GET.get("sort") if request.GET.get("sort") in SORTS else "used"
    tags = _tags(request.user, kind, text, once)
    counts = TagCount.objects.filter(owner=request.user, tag__kind=kind, tag__alias_of=None)
    keys: Any = _Keys(tags, sort, None if text or once else counts)
    found = Paginator(keys, PER_PAGE).get_page(request.GET.get("page"))
    return {
        "page": found,
        "cards": _cards(kind, found),
        "text": text,
        "sort": sort,
        "once": once,
        "sorts": [(name, label) for name, (label, _) in SORTS.items()],
    }


class _Keys:
    """The keys of `tags` in the order `sort`, for a paginator.

    `everything` are the counts of the same tags when nothing is filtered out.
    """

    def __init__(self, tags: QuerySet[Tag], sort: str, everything: QuerySet[TagCount] | None):
        self.tags, self.sort, self.everything = tags, sort, everything

    def __len__(self) -> int:
        return self.n

    @cached_property
    def n(self) -> int:
        return self.tags.count()

    def __getitem__(self, part: slice) -> list[int]:
        if self.everything is not None and self.sort in COUNTED and self.n > MANY:
            return self._from_counts(self.everything, part)
        return list(self.tags.order_by(*SORTS[self.sort][1]).values_list("pk", flat=True)[part])

    def _from_counts(self, counts: QuerySet[TagCount], part: slice) -> list[int]:
        order, counted, uncounted = COUNTED[self.sort]
        counts = counts.filter(counted).order_by(order, "pk")
        keys = list(counts.values_list("pk", flat=True)[part])
        if missing := part.stop - part.start - len(keys):
            begin = max(0, part.start - counts.count())
            rest = self.tags.filter(uncounted).order_by("folded").values_list("pk", flat=True)
            keys += rest[begin : begin + missing]
        return keys


def _tags(owner, kind: str, text: str, once: bool) -> QuerySet[Tag]:
    tags = Tag.objects.owned_by(owner).filter(kind=kind, alias_of=None)
    tags = tags.with_counts().annotate(used_at=F("count__used_at"))
    if once:
        tags = tags.filter(count__n=1)
    if words := fold(text.replace("\0", "")):
        named = Tag.objects.owned_by(owner).filter(kind=kind, folded__contains=words)
        spelled = named.exclude(alias_of=None).values("alias_of")
        tags = tags.filter(Q(folded__contains=words) | Q(pk__in=spelled))
    return tags


def _cards(kind: str, page: Page) -> list[Card]:
    """Read the tags of `page`, which has their keys. The page is cut from the keys alone, that is quick."""
    rows = Tag.objects.filter(pk__in=list(page)).with_counts().annotate(used_at=F("count__used_at"))
    by_key = {tag.pk: tag for tag in rows.select_related("avatar")}
    tags = [by_key[key] for key in page if key in by_key]
    if kind == Tag.Kind.TAG:
        return [_row(tag) for tag in tags]
    shape = faces.PORTRAIT if cast.WORDS[Tag.Kind(kind)].portrait else faces.SQUARE
    found = cast.cards(tags, shape)
    return _with_people(found) if kind == Tag.Kind.CHAT else found


def _row(tag) -> Card:
    url, count = tag.get_absolute_url(), tag.image_count
    return Card(tag=tag, url=url, face=None, count=count, used_at=tag.used_at)


def _with_people(chats: list[Card]) -> list[Card]:
    """Add to each chat the characters and personas of its newest pictures. Three queries."""
    sets = bitmaps.of_tags(card.tag.pk for card in chats)
    newest = {chat: bitmaps.newest(keys, PEOPLE_FROM) for chat, keys in sets.items()}
    images = {image for some in newest.values() for image in some}
    seen: dict[int, list[int]] = {}
    kinds = [Tag.Kind.CHARACTER, Tag.Kind.PERSONA]
    rows = ImageTag.objects.filter(image__in=images, tag__kind__in=kinds)
    for image, tag in rows.values_list("image_id", "tag_id"):
        seen.setdefault(image, []).append(tag)
    often = {chat: _most_frequent(seen, some) for chat, some in newest.items()}
    keys = {key for some in often.values() for key in some}
    people = Tag.objects.filter(pk__in=keys).with_counts().select_related("avatar")
    known = {card.tag.pk: card for card in cast.cards(list(people))}
    return [
        replace(card, people=tuple(known[key] for key in often[card.tag.pk] if key in known))
        for card in chats
    ]


def _most_frequent(seen: dict[int, list[int]], images: list[int]) -> list[int]:
    counted = Counter(tag for image in images for tag in seen.get(image, ()))
    return [tag for tag, _ in counted.most_common(PEOPLE_SHOWN)]
