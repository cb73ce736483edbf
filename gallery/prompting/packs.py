"""Reference packs: the pictures that show a character, look or persona as they are meant."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext

from gallery.models import Image, ReferencePicture, Tag
from gallery.tagging.counts import lock_tag
from gallery.tagging.tagspec import TagError

KINDS = (Tag.Kind.CHARACTER, Tag.Kind.LOOK, Tag.Kind.PERSONA)


class Chosen(NamedTuple):
    image: Image
    source: str  # the spec of the tag whose picture it is


@transaction.atomic
def replace(tag: Tag, images: Sequence[Image]) -> None:
    """Make `images` the pack of `tag`, in this order. Raises `TagError`."""
    lock_tag(tag)
    if tag.kind not in KINDS:
        raise TagError(
            gettext("Characters, looks and personas have reference pictures; other tags have none.")
        )
    unique = list(dict.fromkeys(images))
    if len(unique) > ReferencePicture.MOST:
        most = ReferencePicture.MOST
        raise TagError(
            gettext("A reference pack has at most {most} pictures. Take out {n}.").format(
                most=most, n=len(unique) - most
            )
        )
    tag.reference_pictures.all().delete()
    ReferencePicture.objects.bulk_create(
        ReferencePicture(tag=tag, position=position, image=image) for position, image in enumerate(unique)
    )


def images_of(tag: Tag) -> list[Image]:
    """The pack of `tag` in its order, without what is in the trash."""
    rows = tag.reference_pictures.filter(image__trashed_at=None).select_related("image")
    return [row.image for row in rows]


def choose(
    people: Iterable[Sequence[Tag]], room: int, besides: Iterable[int] = ()
) -> tuple[list[Chosen], int]:
    """Pick at most `room` pictures for the people who are named; each gets one before any gets two.

    `people` has for each the tags that may have a pack, the one that is meant first: a look, then its
    character. `besides` are keys of pictures that go along anyway. Returns the pictures, those of one person
    together, and how many found no room. One query.
    """
    people = list(people)
    packs = _packs({tag.pk for tags in people for tag in tags})
    taken = set(besides)
    queues: list[list[Chosen]] = []
    for tags in people:
        tag = next((tag for tag in tags if packs.get(tag.pk)), None)
        fresh = [image for image in packs[tag.pk] if image.pk not in taken] if tag else []
        taken |= {image.pk for image in fresh}
        queues.append([Chosen(image, tag.spec) for image in fresh] if tag else [])
    in_turns = [(place, pick) for round in zip_longest(*queues) for place, pick in enumerate(round) if pick]
    kept = sorted(in_turns[: max(0, room)], key=lambda pair: pair[0])
    return [pick for _, pick in kept], max(0, len(in_turns) - max(0, room))


def _packs(keys: set[int]) -> dict[int, list[Image]]:
    packs: dict[int, list[Image]] = {}
    if keys:
        rows = ReferencePicture.objects.filter(tag__in=keys, image__trashed_at=None).select_related("image")
        for row in rows:
            packs.setdefault(row.tag_id, []).append(row.image)
    return packs
