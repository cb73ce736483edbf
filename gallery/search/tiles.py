"""What the grid shows of each picture, as flat values: a page of tiles may not cost a call per tile."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from gallery.models import Image, Tag

FIELDS = (
    "pk",
    "public_id",
    "owner_id",
    "width",
    "height",
    "tint",
    "title",
    "favorite",
    "sensitive",
    "frames",
    "created_at",
)
KINDS = {kind: place for place, kind in enumerate(Tag.Kind.values)}  # characters first
# Written out: every page asks for it, and a query set takes longer to build than to be answered.
TAGS = """
    SELECT on_image.image_id, tag.kind, tag.name FROM gallery_imagetag on_image
    JOIN gallery_tag tag ON tag.id = on_image.tag_id WHERE on_image.image_id IN ({})
"""
NAMED = 4  # tags in one alternative text


def tiles(images: Iterable[Image]) -> list[dict[str, Any]]:
    """Flatten `images`, in their order: FIELDS, `tags` as (kind, name), and `alt`. One query."""
    images = list(images)
    tags = _tags(images)
    return [
        {field: getattr(image, field) for field in FIELDS} | _said(image, tags[image.pk]) for image in images
    ]


def _said(image: Image, tags: list[tuple[str, str]]) -> dict[str, Any]:
    return {"tags": tags, "alt": image.title or ", ".join(name for _, name in tags[:NAMED]) or _dated(image)}


def _dated(image: Image) -> str:
    return gettext("Image from {day}").format(
        day=date_format(timezone.localtime(image.created_at), gettext("j F Y"))
    )


def _tags(images: list[Image]) -> dict[int, list[tuple[str, str]]]:
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    if images:
        with connection.cursor() as cursor:
            cursor.execute(TAGS.format(", ".join(["%s"] * len(images))), [image.pk for image in images])
            for image, kind, name in cursor.fetchall():
                found[image].append((kind, name))
    for tags in found.values():
        tags.sort(key=lambda tag: (KINDS[tag[0]], tag[1]))
    return found
