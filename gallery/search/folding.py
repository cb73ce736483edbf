"""Stacks folded: of each, the first picture that matches stands for all of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from gallery.models import Image
from gallery.search.keys import keys
from gallery.search.matching import Search
from gallery.search.orders import Order, Placed, Position

ROUNDS = 6  # looks for more pictures, when most lie below others

type Rank = Callable[[Lying], Any]  # sorts as an order does


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of what was found, in its order."""

    images: list[Any]  # pictures, or the fields of them that were asked for
    sizes: dict[int, int]  # how many pictures each of them stands for, by key
    last: Placed | None  # the one that the following page begins behind; None: there is no more


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which part."""

    limit: int
    after: Position | None  # it begins behind this
    mixed: bool  # in the random order of few pictures
    fields: Sequence[str] = ()  # of the pictures, that will be looked at; none: all


def spread(found: Search, wish: Wish) -> Part:
    """Find pictures, whether they lie on stacks or not."""
    wanted = keys(found, wish.limit + 1, wish.after, mixed=wish.mixed)
    images = _load(wanted[: wish.limit], wish.fields and (*wish.fields, "rating", "cost_usd", "shuffle"))
    return Part(images=images, sizes={}, last=images[-1] if len(wanted) > wish.limit and images else None)


def fold(found: Search, wish: Wish) -> Part:
    """Find pictures that are alone or the first of their stack."""
    shown: list[Lying] = []
    sizes: Counter[int] = Counter()
    after, at_once, last = wish.after, wish.limit * 2 + 1, None
    for n in range(1, 1 << 16):
        wanted = keys(found, at_once, after, mixed=wish.mixed)
        lying = _lying(wanted, found.order)
        firsts = _firsts(found, lying, wish.mixed, sizes)
        shown += [image for image in lying if firsts.get(image.stack, image.pk) == image.pk]
        if len(shown) > wish.limit:
            last = shown[wish.limit - 1]
            break
        if len(wanted) < at_once or not lying:
            break
        if shown and n >= ROUNDS:
            last = lying[-1]
            break
        after = found.order.position(lying[-1])
    images = _load([image.pk for image in shown[: wish.limit]], wish.fields)
    return Part(images=images, sizes=sizes, last=last)


class Lying(NamedTuple):
    """What is needed of a picture to find its place in an order and on its stack."""

    pk: int
    stack: int | None
    tops_stack: bool | None = None
    rating: int = 0  # this one and those below as far as the order looks at them
    cost_usd: Decimal | None = None
    shuffle: int = 0


def _lie(images: QuerySet[Image], order: Order) -> Iterator[Lying]:
    looked_at = {"rating": ("rating",), "cost": ("cost_usd",), "random": ("shuffle",)}.get(order.name, ())
    for row in images.order_by().values("pk", "stack", "tops_stack", *looked_at):
        yield Lying(**row)


def _lying(wanted: Sequence[int], order: Order) -> list[Lying]:
    found = {image.pk: image for image in _lie(Image.objects.filter(pk__in=wanted), order)}
    return [found[key] for key in wanted if key in found]


def _load(wanted: Sequence[int], fields: Sequence[str]) -> list[Any]:
    """Pictures, or the `fields` of them; most columns of an instance left out make it slower, not faster."""
    if not fields:
        rows: dict[int, Any] = Image.objects.in_bulk(wanted)
    else:
        known = Image.objects.filter(pk__in=wanted).order_by().values_list(*fields, named=True)
        rows = {row.pk: row for row in known}
    return [rows[key] for key in wanted if key in rows]


def _firsts(found: Search, images: list[Lying], mixed: bool, sizes: Counter[int]) -> dict[int | None, int]:
    """The picture that is shown of each stack that `images` lie on; `sizes` gets how many there are.

    That is the one that was kept out of a comparison, else the first one that matches.
    """
    names = {image.stack for image in images} - {None}
    if not names:
        return {}
    frequent = connection.vendor == "sqlite" and found.match
    matching = found.spelled_out() if frequent else found.images
    rows = _lie(matching.filter(stack__in=names), found.order)
    rank = _rank(found.order, mixed)
    members = sorted(rows, key=lambda image: (not image.tops_stack, rank(image)), reverse=True)
    firsts: dict[int | None, int] = {image.stack: image.pk for image in members}
    n = Counter(image.stack for image in members)
    sizes.update({key: n[stack] for stack, key in firsts.items() if key not in sizes})
    return firsts


def _rank(order: Order, mixed: bool) -> Rank:
    if mixed:
        return lambda image: order.chance(image.pk)
    return lambda image: order.rank(order.position(image))
