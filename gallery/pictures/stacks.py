"""Stacks: what one generation made, and the versions of one picture, lie on each other.

A stack is named by the key of its first picture, which it outlives. A picture that has just been made joins
the stack of the picture it was made from, else that of its siblings.
"""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext

from gallery.models import GenerationImage, Image, User

MOST = 200  # pictures that are put together by hand at once


class StackError(ValueError):
    """Pictures that cannot be put together; the message is for the person."""


def join(image: Image) -> None:
    """Put `image`, which a generation has just brought, on its stack; call it in the transaction that
    filed it. A picture that was there already stays where it is.
    """
    first = None if image.stack else _below(image)
    if first is None:
        return
    _begin(first)
    image.stack = first.stack
    image.save(update_fields=["stack"])


def _below(image: Image) -> Image | None:
    """The picture that `image` goes on top of: the one it was made from, its eldest sibling, or what was kept
    out of the comparison that it comes late for.
    """
    if image.parent_id:
        return Image.objects.filter(pk=image.parent_id, owner_id=image.owner_id).first()
    if not image.generation_id:
        return None
    results = GenerationImage.objects.filter(generation=image.generation_id, image__owner=image.owner_id)
    kept = GenerationImage.objects.filter(
        generation__kept_in__columns__generations=image.generation_id, image__owner=image.owner_id
    )
    for rows in (results, kept):
        eldest = rows.exclude(image=image).select_related("image").order_by("image_id").first()
        if eldest:
            return eldest.image
    return None


def _begin(first: Image) -> None:
    if first.stack is None:
        Image.objects.filter(pk=first.pk, stack=None).update(stack=first.pk)
        first.refresh_from_db(fields=["stack"])  # somebody else may have put it elsewhere meanwhile


def members(image: Image) -> QuerySet[Image]:
    """The pictures of the stack of `image` outside the trash, itself included, the first one first."""
    mine = Image.objects.filter(owner_id=image.owner_id).live()
    return mine.filter(stack=image.stack).order_by("pk") if image.stack else mine.filter(pk=image.pk)


@transaction.atomic
def put_together(images: Iterable[Image]) -> int:
    """Make one stack of `images` and everything on theirs. Returns how many it has. Raises `StackError`."""
    images = list(images)
    keys = {image.pk for image in images}
    if len(keys) < 2:
        raise StackError(gettext("A stack needs at least two images. Select another one."))
    if len(keys) > MOST:
        raise StackError(
            gettext("A stack takes at most {most} images at once. Select fewer.").format(most=MOST)
        )
    mine = Image.objects.filter(owner_id=images[0].owner_id)
    stacked = mine.filter(pk__in=keys).exclude(stack=None)
    known = {name for name in stacked.values_list("stack", flat=True) if name}
    name = min(known | keys)
    mine.filter(Q(pk__in=keys) | Q(stack__in=known)).update(stack=name)
    return mine.live().filter(stack=name).count()


@transaction.atomic
def take_out(images: Iterable[Image]) -> int:
    """Let each of `images` stand on its own. Returns how many were on a stack."""
    rows = Image.objects.filter(pk__in=[image.pk for image in images]).exclude(stack=None)
    firsts = list(rows.filter(stack=F("pk")))
    n = rows.update(stack=None)
    for first in firsts:  # the rest needs another name, for this picture may begin a stack of its own
        rest = Image.objects.filter(owner_id=first.owner_id, stack=first.pk)
        rest.update(stack=rest.order_by("pk").values_list("pk", flat=True).first())
    return n


def take_apart(image: Image) -> int:
    """Let every picture of the stack of `image` stand on its own, those in the trash as well."""
    if image.stack is None:
        return 0
    return Image.objects.filter(owner_id=image.owner_id, stack=image.stack).update(stack=None)


@transaction.atomic
def lay_over(top: Iterable[Image], below: Iterable[Image]) -> dict[str, Any]:
    """Make one stack of all these pictures with `top` on it. Returns how they lay, for `lay_back`."""
    over = list(top)
    images = {image.pk: image for image in (*over, *below)}
    if not images:
        return {}
    mine = Image.objects.filter(owner_id=next(iter(images.values())).owner_id)
    stacked = mine.filter(pk__in=images).exclude(stack=None)
    known = {name for name in stacked.values_list("stack", flat=True) if name}
    rows = mine.filter(Q(pk__in=images) | Q(stack__in=known))
    lay = [list(row) for row in rows.order_by("pk").values_list("pk", "stack", "tops_stack")]
    keys: list[Any] = [key for key, *_ in lay]
    name = min(known | images.keys())
    mine.filter(pk__in=keys).update(stack=name, tops_stack=None)
    mine.filter(pk__in=[image.pk for image in over]).update(tops_stack=True)
    return {"stack": name, "lay": lay}


@transaction.atomic
def lay_back(owner: User, laid: dict[str, Any]) -> None:
    """Put pictures back to where `lay_over` took them from. What lies elsewhere by now stays there."""
    mine, name = Image.objects.filter(owner=owner), laid.get("stack")
    for where in {(stack, tops) for _, stack, tops in laid.get("lay", ())}:
        keys = [key for key, *lay in laid["lay"] if tuple(lay) == where]
        mine.filter(pk__in=keys).update(tops_stack=where[1])
        mine.filter(pk__in=keys, stack=name).update(stack=where[0])
