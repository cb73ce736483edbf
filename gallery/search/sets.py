"""The tag filters of a search by set algebra: which pictures they leave, exactly and at any size of library.

Rows answer "one tag" as fast. Where several tags meet, walking the rows of the rarest one takes the longer
the less they meet; the sets of `bitmaps` do not care.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, repeat
from operator import and_, or_

from pyroaring import BitMap

from gallery.search import bitmaps
from gallery.search.language import Group, Node, Term

WINDOWS = (200, 2_000, 20_000)  # pictures that are looked at together, when little is left of them

type Sets = Mapping[Term, BitMap]  # the pictures of each tag filter, its minus left aside


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Every picture that is found is among these."""

    keys: BitMap
    complete: bool  # and all of these are found: nothing but tags was asked for

    def within(self, key_range: tuple[int, int] | None) -> "Candidates":
        """Those with keys from the first of `key_range` to the last."""
        if key_range is None:
            return self
        low, high = key_range
        return replace(self, keys=self.keys & BitMap(range(low, high + 1)))

    def windows(self, start: int | None, down: bool, first: int) -> Iterator[list[int]]:
        """Some keys at a time, from `start` on without it: `first` of them, then more and more."""
        take = bitmaps.newest if down else bitmaps.oldest
        for size in chain((first,), WINDOWS, repeat(WINDOWS[-1])):
            if not (window := take(self.keys, size, start)):
                return
            yield window
            start = window[-1]


def candidates(must: Iterable[Node], tags: Mapping[Term, frozenset[int]]) -> Candidates | None:
    """What the tag filters among `must`, all of which must hold, leave; `tags` are the keys of each filter.

    None: they leave out nothing that is known beforehand, or rows answer this as well.
    """
    must = tuple(must)
    if len(tags) == sum(len(keys) for keys in tags.values()) < 2:
        return None
    by_tag = bitmaps.of_tags(set().union(*tags.values()))
    sets = {term: BitMap().union(*(by_tag[key] for key in keys)) for term, keys in tags.items()}
    known = {node: found for node in must if (found := _meaning(node, sets)) is not None}
    wanted = [keys for node, keys in known.items() if not node.negated]
    if not wanted:
        return None
    unwanted = (keys for node, keys in known.items() if node.negated)
    return Candidates(keys=reduce(and_, wanted) - _any(unwanted), complete=len(known) == len(set(must)))


def _meaning(node: Node, sets: Sets) -> BitMap | None:
    """The pictures of `node`, its minus left aside. None: tags alone do not tell."""
    if isinstance(node, Term):
        return sets.get(node)
    return _all_of(node, sets) if node.op == "and" else _one_of(node, sets)


def _one_of(group: Group, sets: Sets) -> BitMap | None:
    parts = [None if part.negated else _meaning(part, sets) for part in group.parts]
    return None if None in parts else _any(part for part in parts if part is not None)


def _all_of(group: Group, sets: Sets) -> BitMap | None:
    parts = {part: _meaning(part, sets) for part in group.parts}
    wanted = [keys for part, keys in parts.items() if keys is not None and not part.negated]
    if not wanted or None in parts.values():
        return None
    return reduce(and_, wanted) - _any(
        keys for part, keys in parts.items() if keys is not None and part.negated
    )


def _any(sets: Iterable[BitMap]) -> BitMap:
    return reduce(or_, sets, BitMap())
