"""What came from what: the pictures that one was made from, and those that were made from it."""

from django.db.models import QuerySet

from gallery.models import GenerationReference, Image

UP, DOWN = 10, 4  # steps
MOST = 24  # pictures in each direction


def came_from(image: Image) -> list[Image]:
    """What `image` was made from, outside the trash: its parents, eldest first, and its references."""
    mine = Image.objects.filter(owner_id=image.owner_id)
    chain: list[Image] = []
    parent = mine.filter(pk=image.parent_id).first() if image.parent_id else None
    while parent is not None and parent not in chain and len(chain) < UP:
        chain.append(parent)
        parent = mine.filter(pk=parent.parent_id).first() if parent.parent_id else None
    found = dict.fromkeys([*reversed(chain), *_references(image)])
    return [each for each in found if each.trashed_at is None and each != image]


def _references(image: Image) -> QuerySet[Image]:
    """What went along when `image` was asked for, in the order of its keys."""
    went = GenerationReference.objects.filter(generation=image.generation_id).exclude(image=None)
    return Image.objects.filter(owner_id=image.owner_id, pk__in=went.values("image")).order_by("pk")[:MOST]


def led_to(image: Image) -> list[Image]:
    """What was made from `image`, and from that, outside the trash; and what it was a reference for."""
    mine = Image.objects.filter(owner_id=image.owner_id)
    found: dict[Image, None] = {}
    level = [image.pk]
    for _ in range(DOWN):
        children = list(mine.filter(parent__in=level).order_by("pk")[:MOST]) if level else []
        level = [child.pk for child in children if child not in found]
        found |= dict.fromkeys(children)
    as_reference = mine.live().filter(generation__references__image=image).order_by("pk")
    found |= dict.fromkeys(as_reference[:MOST])
    return [each for each in found if each.trashed_at is None and each != image][:MOST]
