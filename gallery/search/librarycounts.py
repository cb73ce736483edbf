"""How many pictures a library has, exactly, without counting all of them for every page.

What is known is a number and the key it goes up to. New pictures have higher keys and are counted each time;
pictures that go to the trash, or come back, change the number under the owner's lock.
"""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import F

from gallery.models import Image, LibraryCount, User

MANY = 5_000  # new pictures from which the known number is moved on
LATE = 1_000  # newest pictures that it never includes: a picture may be saved after one with a higher key


def live(owner: User) -> int:
    """Count the pictures of `owner` outside the trash."""
    n, up_to = known(owner)
    newer = Image.objects.owned_by(owner).live().filter(pk__gt=up_to).order_by().count()
    keep_near(owner, newer)
    return n + newer


def keep_near(owner: User, newer: int) -> None:
    """Move the known number on when `newer` pictures, those behind it, are many."""
    if newer > MANY:
        settle(owner.pk)


def known(owner: User) -> tuple[int, int]:
    """The number that is known, and the key it goes up to.

    Asked for by itself: PostgreSQL calls for help with what follows when it cannot tell how much it will be.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, up_to FROM gallery_librarycount WHERE owner_id = %s", [owner.pk])
        return cursor.fetchone() or (0, 0)


@transaction.atomic
def settle(owner_id: int) -> None:
    """Count again up to a key that no picture will come before."""
    User.objects.select_for_update(no_key=True).filter(pk=owner_id).values_list("pk").first()
    images = Image.objects.filter(owner_id=owner_id).live()
    newest = images.order_by("-pk").values_list("pk", flat=True)[LATE : LATE + 1]
    up_to = newest[0] if newest else 0
    n = images.filter(pk__lte=up_to).count()
    LibraryCount.objects.update_or_create(owner_id=owner_id, defaults={"up_to": up_to, "n": n})


def moved(owner_id: int, images: Iterable[int], sign: int) -> None:
    """Note that `images` came out of the trash (+1) or went into it (-1). Call it under the owner's lock."""
    known = LibraryCount.objects.filter(owner_id=owner_id).first()
    if known and (n := sum(image <= known.up_to for image in images)):
        LibraryCount.objects.filter(owner_id=owner_id).update(n=F("n") + sign * n)
