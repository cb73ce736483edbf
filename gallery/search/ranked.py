"""Keys in the order of rating, cost or chance.

Few pictures are sorted. Of many, the order's own index is walked a window at a time, and a window is looked
at by key: left to itself, SQLite walks all of the index when what is asked for stands at its end.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import F, Func, QuerySet
from django.db.models.expressions import OrderBy

from gallery.models import Image
from gallery.search import words
from gallery.search.matching import Search
from gallery.search.orders import Position, Stretch

FIRST, LARGEST = 500, 20_000  # pictures in a window; when these do not fill a page, all that match are sorted
COLUMNS = {"rating": "rating", "cost": "cost_usd", "random": "shuffle"}


def sorted_keys(
    found: Search, matching: Callable[[], list[int]], limit: int, after: Position | None, back: bool
) -> list[int]:
    """Sort the keys that `matching` gives, and return up to `limit` behind `after`; `back` is backwards."""
    rows = Image.objects.owned_by(found.owner).live().filter(pk__in=matching()).order_by()
    rank = found.order.rank
    places = sorted(
        (rank((value, key)), key) for key, value in rows.values_list("pk", COLUMNS[found.order.name])
    )
    if back:
        places.reverse()
    if after is not None:
        edge = rank(after)
        places = [place for place in places if (place[0] < edge if back else place[0] > edge)]
    return [key for _, key in places[:limit]]


def walked_keys(found: Search, limit: int, after: Position | None, back: bool) -> list[int]:
    """Return up to `limit` keys behind `after` out of many, as the index of the order has them."""
    keys: list[int] = []
    for stretch in found.order.stretches(after, back):
        if len(keys) < limit:
            keys += _stretch(found, stretch, limit - len(keys))
    return keys


def _stretch(found: Search, stretch: Stretch, limit: int) -> list[int]:
    if not found.terms:
        return _first(found.images.filter(stretch.condition), stretch.fields, limit)
    is_sqlite = connection.vendor == "sqlite"
    frequent = is_sqlite and found.match and words.hits(found.match) > words.MANY
    images = found.spelled_out() if frequent else found.images
    everything = Image.objects.owned_by(found.owner).live().filter(stretch.condition)
    size = FIRST
    while True:
        window = _first(everything, stretch.fields, size)
        keys = _first(images.filter(pk__in=window), _unindexed(stretch.fields), limit)
        if len(keys) == limit or len(window) < size:
            return keys
        if size == LARGEST or connection.vendor == "postgresql":
            break
        size = _larger(size, len(keys), limit)
    # PostgreSQL knows how frequent each condition is, but not that none is met at the index's beginning.
    trusted = connection.vendor == "postgresql" and keys
    order = stretch.fields if trusted else _unindexed(stretch.fields)
    return _first(images.filter(stretch.condition), order, limit)


def _larger(size: int, found: int, limit: int) -> int:
    """How many pictures to look at, when `size` of them had `found` of the `limit` that are wanted."""
    return min(LARGEST, max(2 * size, size * limit * 3 // (2 * found))) if found else LARGEST


def _first(images: QuerySet[Image], order: Any, limit: int) -> list[int]:
    return list(images.order_by(*order).values_list("pk", flat=True)[:limit])


class _Column(Func):
    """A column of which no database sees that there is an index."""

    template = "+%(expressions)s"
    arity = 1


def _unindexed(fields: tuple[str, ...]) -> list[OrderBy]:
    return [OrderBy(_Column(F(name.lstrip("-"))), descending=name.startswith("-")) for name in fields]
