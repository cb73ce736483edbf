"""The pictures of each tag as sets of keys, so that "both", "one of" and "not" are set algebra.

SQL answers these by walking rows until a page is full, which takes long when two large tags hardly meet,
and counting walks all of them. The sets give the exact answer in a millisecond at a million pictures.
They are changed in the transaction that changes the tags, under the owner's lock (see `tagging`).

Format: Roaring bitmaps (Lemire et al., 2016, https://roaringbitmap.org), of 32 bits.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import batched, groupby
from operator import ior, isub

from pyroaring import BitMap

from gallery.models import ImageTag, TagBitmap

BITS = 16  # of a key that are told apart within one piece
AT_ONCE = 500  # tags in one statement

type Pair = tuple[int, int]  # keys of tag and picture
type Place = tuple[int, int]  # tag, piece


def add(pairs: Iterable[Pair]) -> None:
    """Note that pictures carry tags now. Call it under the owner's lock, for pictures outside the trash."""
    _change(pairs, ior)


def discard(pairs: Iterable[Pair]) -> None:
    """Note that pictures carry tags no more, or went to the trash. Call it under the owner's lock."""
    _change(pairs, isub)


def rebuild(tags: Iterable[int]) -> None:
    """Make the sets of `tags` again from the rows. Call it under the owner's lock."""
    for some in batched(sorted(set(tags)), AT_ONCE):
        TagBitmap.objects.filter(tag_id__in=some).delete()
        live = ImageTag.objects.filter(tag_id__in=some, image__trashed_at=None).order_by("tag_id")
        for _, pairs in groupby(live.values_list("tag_id", "image_id").iterator(), key=lambda pair: pair[0]):
            _save(_by_place(pairs))


def of_tags(tags: Iterable[int]) -> dict[int, BitMap]:
    """Returns the keys of the pictures of each tag, without those in the trash."""
    pieces: dict[int, list[BitMap]] = {tag: [] for tag in tags}
    rows = TagBitmap.objects.filter(tag_id__in=list(pieces)).values_list("tag_id", "keys")
    for tag, keys in rows:
        pieces[tag].append(BitMap.deserialize(bytes(keys)))
    return {tag: BitMap.union(*some) if some else BitMap() for tag, some in pieces.items()}


def newest(keys: BitMap, limit: int, below: int | None = None) -> list[int]:
    """Returns up to `limit` of `keys`, the highest first, beginning under `below`."""
    end = len(keys) if below is None else keys.rank(below - 1)
    return list(keys[max(0, end - limit) : end])[::-1]


def oldest(keys: BitMap, limit: int, above: int | None = None) -> list[int]:
    """Returns up to `limit` of `keys`, the lowest first, beginning over `above`."""
    begin = 0 if above is None else keys.rank(above)
    return list(keys[begin : begin + limit])


# --- Pieces -------------------------------------------------------------------------------------


def _change(pairs: Iterable[Pair], change: Callable[[BitMap, BitMap], BitMap]) -> None:
    for places in _some_at_once(_by_place(pairs)):
        before = _read(places)
        after = {place: change(before.get(place, BitMap()), keys) for place, keys in places.items()}
        _save({place: keys for place, keys in after.items() if keys})
        _delete([place for place, keys in after.items() if not keys and place in before])


def _by_place(pairs: Iterable[Pair]) -> dict[Place, BitMap]:
    keys: dict[Place, list[int]] = defaultdict(list)
    for tag, image in pairs:
        keys[tag, image >> BITS].append(image)
    return {place: BitMap(images) for place, images in sorted(keys.items())}


def _some_at_once(places: dict[Place, BitMap]) -> Iterator[dict[Place, BitMap]]:
    return map(dict, batched(places.items(), AT_ONCE))


def _read(places: Iterable[Place]) -> dict[Place, BitMap]:
    tags, pieces = (set(side) for side in zip(*places, strict=True))
    rows = TagBitmap.objects.filter(tag_id__in=tags, piece__in=pieces).values_list("tag_id", "piece", "keys")
    return {(tag, piece): BitMap.deserialize(bytes(keys)) for tag, piece, keys in rows}


def _save(places: dict[Place, BitMap]) -> None:
    rows = [
        TagBitmap(tag_id=tag, piece=piece, keys=keys.serialize()) for (tag, piece), keys in places.items()
    ]
    TagBitmap.objects.bulk_create(
        rows, AT_ONCE, update_conflicts=True, unique_fields=["tag", "piece"], update_fields=["keys"]
    )


def _delete(places: list[Place]) -> None:
    for tag, piece in places:
        TagBitmap.objects.filter(tag_id=tag, piece=piece).delete()
