"""Which pictures, in which order: the one place where it is decided how a search is run.

On SQLite an `EXISTS` is never turned round, so the rarest tag that must be there drives: its rows are
walked in the order of keys, and everything else is asked of each. Words drive when they are rarer still.
Where several tags meet, sets of keys say beforehand which pictures are left (`sets`).
Orders other than by key are in `ranked`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from gallery.models import Image, ImageTag, TagCount
from gallery.search import words
from gallery.search.matching import Search
from gallery.search.orders import Position
from gallery.search.ranked import sorted_keys, walked_keys
from gallery.search.sets import Candidates

FEW = 2_000  # pictures that are put into a random order of their own
WINDOWS = (200, 2_000, 20_000)  # hits that are looked at together, when there are many
LAST = 2**63 - 1  # behind every key
LIBRARY = "SELECT id FROM gallery_image WHERE owner_id = %s AND trashed_at IS NULL"
TAGGED = """
    SELECT image_id FROM gallery_imagetag own WHERE owner_id = %s AND tag_id = %s
    AND EXISTS (SELECT 1 FROM gallery_image live WHERE live.id = own.image_id AND live.trashed_at IS NULL)
"""


def keys(
    found: Search, limit: int, after: Position | None = None, *, back: bool = False, mixed: bool = False
) -> list[int]:
    """The keys of up to `limit` pictures behind the position `after`; with `back` before it, backwards.

    `mixed` asks for the random order of few pictures, see `is_mixed`.
    """
    if mixed:
        return _mixed(found, limit, after, back)
    if found.order.is_by_key:
        start = after[-1] if after else None
        return _by_key(found, _Walk(start=start, down=(found.order.name == "newest") != back, limit=limit))
    return _by_value(found, limit, after, back)


def newest(found: Search, limit: int) -> list[int]:
    """The keys of the newest `limit` pictures, whatever the order of `found` is."""
    return _by_key(found, _Walk(start=None, down=True, limit=limit))


# --- By key -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """Through the keys, from `start` on without it, down to the oldest or up to the newest."""

    start: int | None
    down: bool
    limit: int

    def of(self, rows: QuerySet[Any], key: str) -> list[int]:
        if self.start is not None:
            rows = rows.filter(**{f"{key}__lt" if self.down else f"{key}__gt": self.start})
        return list(rows.order_by(f"-{key}" if self.down else key).values_list(key, flat=True)[: self.limit])


def _by_key(found: Search, walk: _Walk) -> list[int]:
    if found.candidates is not None:
        return list(islice(_among(found, found.candidates, walk), walk.limit))
    if not found.terms or found.only_tag is not None:
        return _straight(found, walk)
    if not found.match:
        tags = _single_tags(found)  # one or none, since several leave candidates
        return _driven(found, found.images, tags[0] if tags else None, walk)
    if connection.vendor == "postgresql":  # its planner begins with whatever is rarest by itself
        return _driven(found, found.images, None, walk)
    tag, tagged = _rarest_tag(found)
    hits = words.hits(found.match)
    if hits <= words.MANY:
        return _driven(found, found.images, tag if tagged < hits else None, walk)
    if tag is not None:
        return _driven(found, found.spelled_out(), tag, walk)
    return list(islice(_through_hits(found, walk), walk.limit))


def _straight(found: Search, walk: _Walk) -> list[int]:
    """The keys of the library, or of one tag: what is asked for most, so its SQL is written out."""
    params = [found.owner.pk, *([] if found.only_tag is None else [found.only_tag])]
    sql, key = (LIBRARY, "id") if found.only_tag is None else (TAGGED, "image_id")
    if walk.start is not None:
        sql, params = f"{sql} AND {key} {'<' if walk.down else '>'} %s", [*params, walk.start]
    return _rows(f"{sql} ORDER BY {key} {'DESC' if walk.down else 'ASC'} LIMIT %s", *params, walk.limit)


def _among(found: Search, candidates: Candidates, walk: _Walk) -> Iterator[int]:
    """Give the keys of `candidates` of which everything else holds too, a window at a time, to stop early."""
    frequent = connection.vendor == "sqlite" and found.match and words.hits(found.match) > words.MANY
    images = found.spelled_out() if frequent else found.images
    for window in candidates.within(found.key_range).windows(walk.start, walk.down, walk.limit):
        rows = images.filter(pk__in=window).order_by("-pk" if walk.down else "pk")
        yield from rows.values_list("pk", flat=True)


def _rarest_tag(found: Search) -> tuple[int | None, int]:
    """Returns the tag that must be there and has fewest pictures, and how many."""
    single = _single_tags(found)
    if not single:
        return None, 0
    counts = dict(TagCount.objects.filter(tag_id__in=single).values_list("tag_id", "n"))
    rarest = min(single, key=lambda tag: counts.get(tag, 0))
    return rarest, counts.get(rarest, 0)


def _single_tags(found: Search) -> list[int]:
    return [next(iter(tags)) for tags in found.tag_sets if len(tags) == 1]


def _driven(found: Search, images: QuerySet[Image], driver: int | None, walk: _Walk) -> list[int]:
    rows, key = (images, "pk") if driver is None else (_tagged(found, images, driver), "image_id")
    if found.key_range:
        low, high = found.key_range
        rows = rows.filter(**{f"{key}__gte": low, f"{key}__lte": high})
    return walk.of(rows, key)


def _tagged(found: Search, images: QuerySet[Image], tag: int) -> QuerySet[Any]:
    rest = images.order_by().filter(pk=OuterRef("image_id"))
    return ImageTag.objects.filter(Exists(rest), owner=found.owner, tag_id=tag)


def _through_hits(found: Search, walk: _Walk) -> Iterator[int]:
    """Give the keys of frequent words in the order of SQLite's index, a window at a time, to stop early."""
    side, order = ("<", "DESC") if walk.down else (">", "ASC")
    low, high = found.key_range or (1, LAST - 1)
    ends = [walk.start, high + 1 if walk.down else low - 1]
    position = (min if walk.down else max)(end for end in ends if end is not None)
    for size in chain(WINDOWS, repeat(WINDOWS[-1])):
        sql = f"{words.SQLITE_MATCH} AND rowid {side} %s ORDER BY rowid {order} LIMIT %s"
        window = _rows(sql, found.match, position, size)
        yield from (
            found.wordless.filter(pk__in=window)
            .order_by("-pk" if walk.down else "pk")
            .values_list("pk", flat=True)
        )
        if len(window) < size or not low <= window[-1] <= high:
            return
        position = window[-1]


def _rows(sql: str, *params: Any) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [key for (key,) in cursor.fetchall()]


# --- By rating, cost, chance --------------------------------------------------------------------


def _by_value(found: Search, limit: int, after: Position | None, back: bool) -> list[int]:
    if _may_be_few(found):
        return sorted_keys(found, lambda: newest(found, words.MANY), limit, after, back)
    return walked_keys(found, limit, after, back)


def _may_be_few(found: Search) -> bool:
    """Whether tags or words leave so few pictures that all of them can be sorted."""
    if found.candidates is not None and len(found.candidates.keys) <= words.MANY:
        return True
    tag, tagged = _rarest_tag(found)
    if tag is not None and tagged <= words.MANY:
        return True
    is_sqlite = connection.vendor == "sqlite"  # PostgreSQL knows by itself how frequent words are
    return bool(found.match) and is_sqlite and words.hits(found.match) <= words.MANY


def is_mixed(found: Search) -> bool:
    """Whether the pictures are so few that chance may decide about each, and not only where to begin."""
    return found.order.name == "random" and len(newest(found, FEW + 1)) <= FEW


def _mixed(found: Search, limit: int, after: Position | None, back: bool) -> list[int]:
    known = set(newest(found, FEW * 2))  # some may have come in since it was decided
    place = {after[-1]} if after else set()  # what stood there may be gone
    ordered = found.order.mixed(known | place)
    if back:
        ordered.reverse()
    begin = ordered.index(after[-1]) + 1 if after else 0
    return [key for key in ordered[begin:] if key in known][:limit]
