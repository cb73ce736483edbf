"""The tags of a selection, each with how many of its pictures carry it."""

from collections import Counter
from dataclasses import dataclass
from itertools import batched

from django.db.models import Count
from pyroaring import BitMap

from gallery.bulk.selection import Selection
from gallery.models import ImageTag, Tag
from gallery.search import bitmaps

COUNTED = 5_000  # pictures, the first of the selection, whose tags are listed
SHOWN = 200  # tags, the most frequent ones
AT_ONCE = 500  # keys in one IN list


@dataclass(frozen=True, kw_only=True)
class TagOnSome:
    tag: Tag
    n: int  # pictures that carry it
    of: int  # pictures of the selection

    @property
    def share(self) -> str:
        return f"{self.n:,} of {self.of:,}"

    @property
    def on_all(self) -> bool:
        return self.n == self.of


def count_tags(selection: Selection) -> list[TagOnSome]:
    """Count over the selection: characters first, then by number.

    Of more than COUNTED pictures, tags that none of the first of them has are left out.
    """
    n = len(selection)
    counts = _over_rows(selection.keys[:COUNTED])
    frequent = [tag for tag, _ in counts.most_common(SHOWN)]
    if n > COUNTED:
        counts = _over_sets(frequent, selection.keys)
    tags = Tag.objects.owned_by(selection.owner).filter(pk__in=frequent).select_related("parent")
    found = [TagOnSome(tag=tag, n=counts[tag.pk], of=n) for tag in tags]
    kinds = {kind: place for place, kind in enumerate(Tag.Kind.values)}
    return sorted(found, key=lambda each: (kinds[each.tag.kind], -each.n, each.tag.folded))


def _over_rows(keys: list[int]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for some in batched(keys, AT_ONCE):
        rows = ImageTag.objects.filter(image_id__in=some).values_list("tag_id")
        counts.update(dict(rows.annotate(n=Count("image_id"))))
    return counts


def _over_sets(tags: list[int], keys: list[int]) -> Counter[int]:
    """The same for any number of pictures outside the trash, in the time it takes to read some bitmaps."""
    chosen = BitMap(keys)
    sets = bitmaps.of_tags(tags)
    return Counter({tag: chosen.intersection_cardinality(images) for tag, images in sets.items()})
