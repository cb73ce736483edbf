"""The orders in which pictures are found, as stretches that an index walks without sorting.

"The one after" is asked for as "the same rating, and an older key", then "a lower rating": each is a range
of one index on both databases, where the two joined by OR would be a walk from the beginning.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Q

from gallery.language.wording import gettext_lazy
from gallery.models.image import draw

SORTS = {
    "newest": gettext_lazy("Newest"),
    "oldest": gettext_lazy("Oldest"),
    "rating": gettext_lazy("Best rated"),
    "cost": gettext_lazy("Most expensive"),
    "random": gettext_lazy("Random"),
}
SPELLINGS = {"new": "newest", "old": "oldest", "best": "rating", "shuffle": "random"}
SEEDED = re.compile(r"random-(\d{1,9})")
MOST = 2**31  # numbers of `Image.shuffle`

type Position = tuple[Any, ...]  # of a picture in an order: its values there, its key last


class Placed(Protocol):
    """What an order looks at: a picture, or these columns of one."""

    @property
    def pk(self) -> int: ...
    @property
    def rating(self) -> int: ...
    @property
    def cost_usd(self) -> Decimal | None: ...
    @property
    def shuffle(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Pictures that follow each other in an order: those that meet `condition`, sorted by `fields`."""

    condition: Q
    fields: tuple[str, ...]  # "-rating", "-pk"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One of SORTS; a random one by its seed."""

    name: str
    seed: int = 0

    def __str__(self) -> str:
        return f"random-{self.seed}" if self.name == "random" else self.name

    @property
    def label(self) -> str:
        return SORTS[self.name]

    @property
    def is_by_key(self) -> bool:
        return self.name in ("newest", "oldest")

    def position(self, image: Placed) -> Position:
        """Where `image` stands."""
        if self.name == "rating":
            return image.rating, image.pk
        if self.name == "cost":
            return (None if image.cost_usd is None else str(image.cost_usd)), image.pk
        return (image.shuffle, image.pk) if self.name == "random" else (image.pk,)

    def stretches(self, after: Position | None = None, back: bool = False) -> list[Stretch]:
        """Everything behind the position `after`; with `back` everything before it, backwards."""
        whole = [turned(stretch) for stretch in reversed(self._whole())] if back else self._whole()
        if after is None:
            return whole
        index = next(n for n, stretch in enumerate(whole) if self._holds(stretch, after))
        behind = (
            _on(whole[index], after) if self.name == "random" else _behind(whole[index], self._typed(after))
        )
        return [*behind, *whole[index + 1 :]]

    def rank(self, position: Position) -> tuple[Any, ...]:
        """What positions are sorted by."""
        *values, key = position
        if self.name == "rating":
            return -values[0], -key
        if self.name == "cost":
            return values[0] is None, -Decimal(values[0] or 0), -key
        if self.name == "random":
            return values[0] < self.begin, values[0], key
        return (-key if self.name == "newest" else key,)

    def _whole(self) -> list[Stretch]:
        if self.name == "rating":
            return [Stretch(condition=Q(), fields=("-rating", "-pk"))]
        if self.name == "cost":  # the databases disagree on where a missing price belongs
            known = Stretch(condition=Q(cost_usd__isnull=False), fields=("-cost_usd", "-pk"))
            return [known, Stretch(condition=Q(cost_usd=None), fields=("-pk",))]
        if self.name == "random":
            ends = Q(shuffle__gte=self.begin), Q(shuffle__lt=self.begin)
            return [Stretch(condition=end, fields=("shuffle", "pk")) for end in ends]
        return [Stretch(condition=Q(), fields=("-pk" if self.name == "newest" else "pk",))]

    def _holds(self, stretch: Stretch, position: Position) -> bool:
        if self.name == "cost":
            return (position[0] is None) == (len(stretch.fields) == 1)
        if self.name == "random":
            return (position[0] >= self.begin) == (stretch.condition == Q(shuffle__gte=self.begin))
        return True

    def _typed(self, position: Position) -> Position:
        if self.name == "cost":
            return position[1:] if position[0] is None else (Decimal(position[0]), position[1])
        return position

    @property
    def begin(self) -> int:
        """Where the order of `Image.shuffle` is entered, to go round from there."""
        return _scatter(self.seed, 0) % MOST

    def mixed(self, keys: Iterable[int]) -> list[int]:
        """`keys` in an order that this seed alone decides."""
        return sorted(keys, key=self.chance)

    def chance(self, key: int) -> tuple[int, int]:
        """What `mixed` sorts a key by."""
        return _scatter(self.seed, key), key


NEWEST = Order(name="newest")


def read_order(text: str) -> Order | None:
    """The order that `text` names; "random" gets a seed of its own, "random-17" has one."""
    name = SPELLINGS.get(text.lower(), text.lower())
    if seeded := SEEDED.fullmatch(name):
        return Order(name="random", seed=int(seeded[1]))
    if name not in SORTS:
        return None
    return Order(name=name, seed=draw() % 10**6 if name == "random" else 0)


def turned(stretch: Stretch) -> Stretch:
    """The same pictures the other way round."""
    fields = tuple(name[1:] if name.startswith("-") else f"-{name}" for name in stretch.fields)
    return Stretch(condition=stretch.condition, fields=fields)


def _behind(stretch: Stretch, values: Position) -> list[Stretch]:
    """What follows `values`: first what differs in the last field alone, then in the one before …"""
    parts = []
    for n in reversed(range(len(stretch.fields))):
        field = stretch.fields[n].lstrip("-")
        lookup = "lt" if stretch.fields[n].startswith("-") else "gt"
        same = {name.lstrip("-"): value for name, value in zip(stretch.fields[:n], values[:n], strict=True)}
        condition = stretch.condition & Q(**same, **{f"{field}__{lookup}": values[n]})
        parts.append(Stretch(condition=condition, fields=stretch.fields[n:] if same else stretch.fields))
    return parts


def _on(stretch: Stretch, position: Position) -> list[Stretch]:
    """The same of values that hardly two pictures share: looking for these would begin at the oldest."""
    value, key = position
    field = stretch.fields[0]
    side, beyond = ("lte", "gte") if field.startswith("-") else ("gte", "lte")
    name = field.lstrip("-")
    seen = Q(**{name: value, f"pk__{beyond}": key})
    return [
        Stretch(condition=stretch.condition & Q(**{f"{name}__{side}": value}) & ~seen, fields=stretch.fields)
    ]


def _scatter(seed: int, key: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest())
