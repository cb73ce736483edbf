"""Which pictures carry which tags: all changes of `ImageTag`, and the ways to the trash and back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext

from gallery.models import Image, ImageTag, Implication, Tag
from gallery.search import librarycounts
from gallery.tagging.counts import Pair, gained, lock, lost, recount_some
from gallery.tagging.tagspec import TagError

AT_ONCE = 500  # keys in one IN list
ATTEMPTS = 5  # at a picture that somebody else may add at the same moment
INSERT = """
    INSERT INTO gallery_imagetag (owner_id, tag_id, image_id, origin) VALUES {}
    ON CONFLICT DO NOTHING
"""
SPREAD = """
    INSERT INTO gallery_imagetag (owner_id, tag_id, image_id, origin)
    SELECT owner_id, %s, image_id, origin FROM gallery_imagetag WHERE owner_id = %s AND tag_id = %s
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What came of taking pictures out of the trash."""

    images: tuple[Image, ...]  # are in the library again
    merged: tuple[tuple[Image, Image], ...]  # (stays in the trash, its live twin that has its tags now)


# --- Some pictures, some tags -------------------------------------------------------------------


def add(images: Iterable[Image], tags: Iterable[Tag], origin: str = ImageTag.Origin.PERSON) -> int:
    """Put `tags`, and what they bring, on `images`. Returns how many pictures got one they did not have."""
    images = list(images)
    new = attach(_owner_of(images), [image.pk for image in images], tags, origin)
    return len({image for _, image in new})


def remove(images: Iterable[Image], tags: Iterable[Tag]) -> int:
    """Take `tags`, and the looks of characters among them, off `images`. Returns how many had one."""
    images = list(images)
    gone = detach(_owner_of(images), [image.pk for image in images], tags)
    return len({image for _, image in gone})


@transaction.atomic
def attach(
    owner_id: int, images: Iterable[int], tags: Iterable[Tag], origin: str = ImageTag.Origin.PERSON
) -> list[Pair]:
    """As `add`, for the keys of pictures. Returns what is new."""
    rows = _lock_and_read(owner_id, images)
    brought = Implication.objects.reached_from(_targets(tags, owner_id))
    return _insert(owner_id, rows, [(tag, image) for image in rows for tag in sorted(brought)], origin)


@transaction.atomic
def detach(owner_id: int, images: Iterable[int], tags: Iterable[Tag]) -> list[Pair]:
    """As `remove`, for the keys of pictures. Returns what is gone."""
    rows = _lock_and_read(owner_id, images)
    targets = _targets(tags, owner_id)
    looks = Tag.objects.filter(parent_id__in=targets, alias_of=None).values_list("pk", flat=True)
    return _delete(owner_id, rows, _pairs(rows, [*targets, *looks]))


@transaction.atomic
def attach_pairs(owner_id: int, pairs: Iterable[Pair], origin: str = ImageTag.Origin.PERSON) -> list[Pair]:
    """Put back exactly `pairs`, as far as pictures and tags are still there. Returns what is new."""
    wanted = list(pairs)
    rows = _lock_and_read(owner_id, {image for _, image in wanted})
    tags = Tag.objects.filter(owner_id=owner_id, alias_of=None, pk__in={tag for tag, _ in wanted})
    known = set(tags.values_list("pk", flat=True))
    there = [(tag, image) for tag, image in wanted if tag in known and image in rows]
    return _insert(owner_id, rows, there, origin)


@transaction.atomic
def detach_pairs(owner_id: int, pairs: Iterable[Pair]) -> list[Pair]:
    """Take off exactly `pairs`. Returns what is gone."""
    unwanted = set(pairs)
    rows = _lock_and_read(owner_id, {image for _, image in unwanted})
    had = _pairs(rows, sorted({tag for tag, _ in unwanted}))
    return _delete(owner_id, rows, [pair for pair in had if pair in unwanted])


def _insert(owner_id: int, rows: dict[int, Image], wanted: list[Pair], origin: str) -> list[Pair]:
    had = set(_pairs(rows, sorted({tag for tag, _ in wanted})))
    new = [pair for pair in wanted if pair not in had]
    for some in batched(new, AT_ONCE):  # an object for each takes four times as long
        values = [value for tag, image in some for value in (owner_id, tag, image, origin)]
        with connection.cursor() as cursor:
            cursor.execute(INSERT.format(", ".join(["(%s, %s, %s, %s)"] * len(some))), values)
    gained(owner_id, (pair for pair in new if not rows[pair[1]].trashed_at))
    return new


def _delete(owner_id: int, rows: dict[int, Image], unwanted: list[Pair]) -> list[Pair]:
    images: dict[int, list[int]] = {}
    for tag, image in unwanted:
        images.setdefault(tag, []).append(image)
    for tag, keys in images.items():
        for some in batched(keys, AT_ONCE):
            ImageTag.objects.filter(owner_id=owner_id, tag_id=tag, image_id__in=some).delete()
    lost(owner_id, (pair for pair in unwanted if not rows[pair[1]].trashed_at))
    return unwanted


# --- All pictures of a tag ----------------------------------------------------------------------


def spread(owner_id: int, tag: int, onto: Iterable[int]) -> dict[int, int]:
    """Put the tags `onto` on all pictures of `tag`, those in the trash too. Returns the new counts.

    For callers that hold the lock.
    """
    onto = set(onto) - {tag}
    with connection.cursor() as cursor:
        for target in sorted(onto):
            cursor.execute(SPREAD, [target, owner_id, tag])
    return recount_some(owner_id, onto)


def clear(owner_id: int, tags: Iterable[int]) -> None:
    """Take `tags` off all their pictures. For callers that hold the lock."""
    tags = set(tags)
    ImageTag.objects.filter(owner_id=owner_id, tag_id__in=tags).delete()
    recount_some(owner_id, tags)


# --- The trash ----------------------------------------------------------------------------------


@transaction.atomic
def trash(images: Iterable[Image]) -> int:
    """Move `images` to the trash, where no count sees them. Returns how many were outside it."""
    images = list(images)
    owner_id = _owner_of(images)
    rows = _lock_and_read(owner_id, [image.pk for image in images])
    going = {pk for pk, row in rows.items() if not row.trashed_at}
    _set_trashed(owner_id, [image for image in images if image.pk in going], timezone.now())
    return len(going)


def restore(images: Iterable[Image]) -> Restored:
    """Take `images` out of the trash.

    A picture whose twin (same checksum) is in the library stays in the trash, since the library holds
    each picture once; the twin gets its tags.
    """
    images = list(images)
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _restore(images)
        except IntegrityError:  # a twin has just been added
            continue
    raise TagError(gettext("These pictures are being added again just now. Try again in a moment."))


def _restore(images: list[Image]) -> Restored:
    owner_id = _owner_of(images)
    checksums = {image.sha256 for image in images}
    twins = Image.objects.live().filter(owner_id=owner_id, sha256__in=checksums)
    rows = _lock_and_read(owner_id, [image.pk for image in (*images, *twins)])
    library = {row.sha256: row for row in rows.values() if not row.trashed_at}
    trashed = [image for image in images if image.pk in rows and rows[image.pk].trashed_at]
    returning = [image for image in trashed if library.setdefault(image.sha256, image) is image]
    _set_trashed(owner_id, returning, None)
    merged = [(image, library[image.sha256]) for image in trashed if library[image.sha256] is not image]
    for image, twin in merged:
        add([twin], image.tags.all())
    return Restored(images=tuple(returning), merged=tuple(merged))


def _set_trashed(owner_id: int, images: list[Image], moment: datetime | None) -> None:
    keys = [image.pk for image in images]
    for some in batched(keys, AT_ONCE):
        Image.objects.filter(pk__in=some).update(trashed_at=moment)
    pairs = _pairs_of(keys)
    if moment:
        lost(owner_id, pairs)
    else:
        gained(owner_id, pairs, used=False)
    librarycounts.moved(owner_id, keys, -1 if moment else +1)
    for image in images:
        image.trashed_at = moment


# --- Reading ------------------------------------------------------------------------------------


def _owner_of(images: list[Image]) -> int:
    """One owner's pictures at a time: the first one says whose."""
    return images[0].owner_id if images else 0


def _lock_and_read(owner_id: int, images: Iterable[int]) -> dict[int, Image]:
    """Returns the owner's rows as they are now, by key."""
    lock(owner_id)
    query = Image.objects.filter(owner_id=owner_id).only("owner_id", "sha256", "trashed_at").order_by("pk")
    rows: dict[int, Image] = {}
    for some in batched(sorted(set(images)), AT_ONCE):
        rows |= {row.pk: row for row in query.filter(pk__in=some)}
    return rows


def _targets(tags: Iterable[Tag], owner_id: int) -> list[int]:
    """Returns the keys of those `tags` that are there, an alias giving the tag it stands for."""
    keys = Tag.objects.filter(owner_id=owner_id, pk__in={tag.pk for tag in tags})
    return sorted(set(keys.values_list(Coalesce("alias_of_id", "pk"), flat=True)))


def _pairs_of(images: list[int]) -> list[Pair]:
    """Returns all tags of `images`."""
    found: list[Pair] = []
    for some in batched(images, AT_ONCE):
        found += ImageTag.objects.filter(image_id__in=some).values_list("tag_id", "image_id")
    return found


def _pairs(images: Iterable[int], tags: list[int]) -> list[Pair]:
    """Returns those that are there."""
    found: list[Pair] = []
    for some in batched(images, AT_ONCE):
        query = ImageTag.objects.filter(tag_id__in=tags, image_id__in=some)
        found += query.values_list("tag_id", "image_id")
    return found
