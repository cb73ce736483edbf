"""One change of an owner's tags at a time, and which and how many pictures each tag has.

Every change first locks the owner's row. Under this lock `TagCount` and the bitmaps are changed in the same
transaction and stay exact, and no two changes wait for each other.
"""

from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Count, F
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext

from gallery.models import ImageTag, Tag, TagCount, User
from gallery.search import bitmaps, librarycounts
from gallery.tagging.tagspec import TagError

type Pair = tuple[int, int]  # key of the tag, key of the picture


def lock(owner_id: int) -> None:
    """Let nobody else change the tags of this owner until the transaction ends."""
    User.objects.select_for_update(no_key=True).filter(pk=owner_id).values_list("pk").first()


def lock_tag(tag: Tag) -> Tag:
    """Lock the owner's tags and read `tag` again. Raises `TagError` when it is no tag of its own any more."""
    lock(tag.owner_id)
    fresh = Tag.objects.filter(pk=tag.pk).select_related("alias_of", "parent").first()
    if fresh is None:
        raise TagError(gettext("This tag has just been deleted. Load the page again."))
    if fresh.alias_of:
        raise TagError(
            gettext("“{name}” is another spelling of “{other}” now. Change that one.").format(
                name=fresh.name, other=fresh.alias_of.name
            )
        )
    return fresh


def gained(owner_id: int, pairs: Iterable[Pair], *, used: bool = True) -> None:
    """Note that pictures outside the trash have tags now; `used` says that somebody has just given them."""
    pairs = list(pairs)
    bitmaps.add(pairs)
    _count(owner_id, Counter(tag for tag, _ in pairs), +1, used)


def lost(owner_id: int, pairs: Iterable[Pair]) -> None:
    """Note that pictures have tags no more, or have left for the trash with them."""
    pairs = list(pairs)
    bitmaps.discard(pairs)
    _count(owner_id, Counter(tag for tag, _ in pairs), -1, used=False)


def _count(owner_id: int, changes: Counter[int], sign: int, used: bool) -> None:
    more = {"used_at": timezone.now()} if used else {}
    for amount in set(changes.values()):
        tags = [tag for tag, n in changes.items() if n == amount]
        # A count that somebody spoilt by hand must not make pictures unchangeable; `recount` repairs it.
        n = Greatest(F("n") + sign * amount, 0)
        changed = TagCount.objects.filter(tag_id__in=tags).update(n=n, **more)
        if changed < len(tags):
            counted = TagCount.objects.filter(tag_id__in=tags).values_list("tag_id", flat=True)
            recount_some(owner_id, set(tags) - set(counted))


@transaction.atomic
def recount(owner: User) -> int:
    """Count the pictures of every tag of `owner` again. Returns how many counts were wrong."""
    librarycounts.settle(owner.pk)
    tags = set(Tag.objects.owned_by(owner).values_list("pk", flat=True))
    before = dict(TagCount.objects.filter(owner=owner).values_list("tag_id", "n"))
    after = recount_some(owner.pk, tags)
    return sum(before.get(tag, 0) != n for tag, n in after.items())


def recount_some(owner_id: int, tags: set[int]) -> dict[int, int]:
    """Set the counts and the bitmaps of `tags` from the pictures. Returns the counts."""
    live = ImageTag.objects.filter(owner_id=owner_id, tag_id__in=tags, image__trashed_at=None)
    counts = dict.fromkeys(tags, 0) | dict(live.values_list("tag_id").annotate(n=Count("image_id")))
    rows = [TagCount(tag_id=tag, owner_id=owner_id, n=n) for tag, n in counts.items()]
    TagCount.objects.bulk_create(rows, update_conflicts=True, unique_fields=["tag"], update_fields=["n"])
    bitmaps.rebuild(tags)
    return counts
