"""The trash by pages, and deleting for good: rows first, files once the rows are gone.

Nothing is deleted by itself until a person says after how many days (`User.trash_days`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.core import signing
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext

from gallery import tasks
from gallery.files import leftovers
from gallery.models import Image, User
from gallery.search import BadCursor
from gallery.tagging.counts import lock

SALT = "gallery.pictures.trashing.cursor"
AT_ONCE = 200
A_ROUND = 1000  # pictures that are deleted while somebody waits, or by one round of housekeeping
DAY = timedelta(days=1)
SIZES = (320, 1280)  # of the thumbnails beside each original


@dataclass(frozen=True, kw_only=True)
class Deleted:
    n: int
    bytes: int


def page(trashed: QuerySet[Image], after: str, limit: int = 120) -> tuple[list[Image], str]:
    """Fetch pictures in the trash, the last thrown away first, and the next cursor. Raises `BadCursor`."""
    rows = trashed.order_by("-trashed_at", "-pk")
    if after:
        moment, key = _read_cursor(after)
        rows = rows.filter(Q(trashed_at__lt=moment) | Q(trashed_at=moment, pk__lt=key))
    images = list(rows[: limit + 1])
    if len(images) <= limit:
        return images, ""
    last = images[limit - 1]
    return images[:limit], signing.dumps([str(last.trashed_at), last.pk], salt=SALT)


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        moment, key = signing.loads(cursor, salt=SALT)
    except signing.BadSignature as exc:
        raise BadCursor(
            gettext("This place in the list cannot be read. Start again from the first page.")
        ) from exc
    return datetime.fromisoformat(moment), key


# --- For good -----------------------------------------------------------------------------------


def weigh(images: QuerySet[Image]) -> Deleted:
    """How many `images` are, and their bytes: what deleting them would free."""
    sums = images.aggregate(n=Count("pk"), size=Sum("bytes", default=0))
    return Deleted(n=sums["n"], bytes=sums["size"])


def delete_for_good(images: QuerySet[Image], at_most: int | None = None) -> Deleted:
    """Delete those of `images` that are in the trash, with their files. Returns how many, and their bytes."""
    trashed = images.exclude(trashed_at=None)
    n = freed = 0
    while at_most is None or n < at_most:
        first = trashed.order_by("-trashed_at").first()
        if first is None:
            break
        some = _delete_some(trashed.filter(owner=first.owner_id), first.owner_id)
        n, freed = n + some.n, freed + some.bytes
    return Deleted(n=n, bytes=freed)


def empty(owner: User) -> Deleted | None:
    """Delete for good what lies in the trash of `owner`. None: it is much, and the worker does it."""
    now = timezone.now()
    if Image.objects.owned_by(owner).trashed().order_by()[: A_ROUND + 1].count() <= A_ROUND:
        return delete_for_good(Image.objects.owned_by(owner))
    tasks.empty_trash.enqueue(owner.pk, now.isoformat())
    return None


def empty_up_to(owner_id: int, moment: datetime) -> Deleted:
    """Delete for good what lay in the trash at `moment`."""
    return delete_for_good(Image.objects.filter(owner=owner_id, trashed_at__lte=moment))


def overdue(owner: User, days: int | None = None) -> QuerySet[Image]:
    """Pictures of `owner` that lie in the trash for longer than `days`, or than the owner wants."""
    days = owner.trash_days if days is None else days
    images = Image.objects.owned_by(owner).trashed()
    return images.none() if days is None else images.filter(trashed_at__lt=timezone.now() - days * DAY)


def empty_by_itself() -> Deleted:
    """Delete what is overdue, for people who want that; a part of it when it is much."""
    n = freed = 0
    for owner in User.objects.exclude(trash_days=None):
        some = delete_for_good(overdue(owner), at_most=A_ROUND)
        n, freed = n + some.n, freed + some.bytes
    return Deleted(n=n, bytes=freed)


def days_left(image: Image, days: int) -> int:
    """Days until `image` is deleted by itself, begun ones included; 0: with the next round."""
    now = timezone.now()
    return max(0, -((now - (image.trashed_at or now) - days * DAY) // DAY))


@transaction.atomic
def _delete_some(trashed: QuerySet[Image], owner_id: int) -> Deleted:
    lock(owner_id)  # who restores a picture counts its tags under this lock, and must find it there or gone
    rows = list(trashed.order_by("-trashed_at")[:AT_ONCE])
    Image.objects.filter(pk__in=[image.pk for image in rows]).delete()
    keys = [key for image in rows for key in (image.storage_key, *map(image.thumbnail_key, SIZES))]
    transaction.on_commit(partial(leftovers.delete, keys))
    return Deleted(n=len(rows), bytes=sum(image.bytes for image in rows))
