"""What tags bring along: who tags a picture `dawn` means `morning` too."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from gallery.models import Implication, Tag
from gallery.search import bitmaps
from gallery.tagging.counts import lock_tag
from gallery.tagging.membership import spread
from gallery.tagging.tagspec import TagError


def of(tag: Tag) -> QuerySet[Tag]:
    """The tags that `tag` brings by itself, by name; not what those bring in turn."""
    return Tag.objects.filter(implied_by__tag=tag).select_related("parent").order_by("kind", "folded")


@transaction.atomic
def add(tag: Tag, implied: Tag) -> None:
    """Let `tag` bring `implied` from now on; `apply` is for the pictures that have it. Raises `TagError`."""
    lock_tag(tag)
    implied = implied.alias_of or implied
    _check(tag, implied)
    Implication.objects.get_or_create(owner_id=tag.owner_id, tag=tag, implied=implied)


def _check(tag: Tag, implied: Tag) -> None:
    if implied.owner_id != tag.owner_id or not Tag.objects.filter(pk=implied.pk, alias_of=None).exists():
        raise TagError(gettext("There is no such tag. Load the page again."))
    if implied.pk == tag.pk:
        raise TagError(gettext("A tag cannot bring itself. Choose another one."))
    if tag.pk in Implication.objects.reached_from([implied.pk]):
        raise TagError(
            gettext("“{name}” brings “{other}” already. That would be a circle.").format(
                name=implied.full_name, other=tag.full_name
            )
        )


@transaction.atomic
def remove(tag: Tag, implied: Tag) -> None:
    """Let `tag` no longer bring `implied`. Pictures keep what they have."""
    lock_tag(tag)
    Implication.objects.filter(tag=tag, implied=implied).delete()


@transaction.atomic
def replace(tag: Tag, implied: Iterable[Tag]) -> None:
    """Let `tag` bring these, all of them and nothing else. Raises `TagError`."""
    lock_tag(tag)
    wanted = {other.pk: other for each in implied for other in [each.alias_of or each]}
    Implication.objects.filter(tag=tag).exclude(implied__in=wanted).delete()
    for each in wanted.values():
        add(tag, each)


def lacking(tag: Tag) -> int:
    """Count the pictures of `tag`, outside the trash, that lack something it brings."""
    brought = Implication.objects.reached_from([tag.pk]) - {tag.pk}
    sets = bitmaps.of_tags([tag.pk, *brought])
    pictures = sets[tag.pk]
    complete = pictures.intersection(*sets.values())
    return len(pictures) - len(complete)


@transaction.atomic
def apply(tag: Tag) -> int:
    """Put what `tag` brings on the pictures that have it already. Returns how many lacked something."""
    lock_tag(tag)
    n = lacking(tag)
    if n:
        spread(tag.owner_id, tag.pk, Implication.objects.reached_from([tag.pk]))
    return n
