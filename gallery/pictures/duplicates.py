"""Pictures that look alike: found in the background, decided about by a person."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import batched

from django.db import transaction
from django.utils import timezone

from gallery import tagging, tasks
from gallery.models import Image, ImageText, NearDuplicate, QueuedTask, Tag, User
from gallery.models.image import ImageQuerySet
from gallery.pictures import lookalikes

AT_ONCE = 5000  # new pictures that are compared in one pass over all
IN_ONE_LIST = 500
FOR_ONE = 3  # earlier pictures that one is shown beside
MOST_OPEN = 2000  # pairs that wait for a person; the search goes on when some are decided
PAUSE = timedelta(minutes=1)  # pictures often come in numbers, and one pass does for all
RATIO = 1.05  # shapes that differ by more are not the same picture


# --- The search -----------------------------------------------------------------------------------


def wake() -> None:
    """Have the worker compare new pictures soon, for everybody who has some."""
    for owner in User.objects.filter(is_active=True).only("pk", "compared_up_to"):
        if not _fresh(owner).exists() or _is_full(owner):
            continue
        if not QueuedTask.objects.filter(path="gallery.tasks.compare_pictures", args=[owner.pk]).exists():
            tasks.compare_pictures.using(run_after=timezone.now() + PAUSE, priority=-50).enqueue(owner.pk)


def search(owner_id: int) -> int:
    """Compare the pictures that are new with all before them. Returns how many pairs were found."""
    found = 0
    while (owner := User.objects.filter(pk=owner_id).first()) and not _is_full(owner):
        part = _search_some(owner)
        if part is None:
            break
        found += part
    return found


def _hashed(owner: User) -> ImageQuerySet:
    return Image.objects.owned_by(owner).live().exclude(phash=None).order_by("pk")


def _fresh(owner: User) -> ImageQuerySet:
    return _hashed(owner).filter(pk__gt=owner.compared_up_to)


def _is_full(owner: User) -> bool:
    waiting = NearDuplicate.objects.owned_by(owner).waiting()
    return waiting.order_by()[:MOST_OPEN].count() == MOST_OPEN


def _search_some(owner: User) -> int | None:
    """Compare some of the new pictures. None: there are none, or somebody else has just compared them."""
    fresh = dict(_fresh(owner).values_list("pk", "phash")[:AT_ONCE])
    if not fresh:
        return None
    last = max(fresh)
    hashes = _hashed(owner).filter(pk__lte=last).values_list("pk", "phash")
    found = list(lookalikes.matches(hashes.iterator(chunk_size=IN_ONE_LIST), fresh))
    pairs = list(_worth_showing(owner, found))
    with transaction.atomic():
        mine = User.objects.filter(pk=owner.pk, compared_up_to=owner.compared_up_to)
        if not mine.update(compared_up_to=last):
            return None
        NearDuplicate.objects.bulk_create(pairs, batch_size=IN_ONE_LIST, ignore_conflicts=True)
    return len(pairs)


def _worth_showing(owner: User, found: list[lookalikes.Match]) -> Iterator[NearDuplicate]:
    """The nearest pairs of each picture that agree in colours and shape too, and are not known to be kin."""
    taken: Counter[int] = Counter()
    for some in batched(found, IN_ONE_LIST):
        keys = {key for pair in some for key in pair[:2]}
        images = Image.objects.live().only("width", "height", "tint", "stack", "parent_id").in_bulk(keys)
        for first, second, distance in some:
            if taken[second] < FOR_ONE and _agree(images.get(first), images.get(second)):
                taken[second] += 1
                yield NearDuplicate(owner=owner, first_id=first, second_id=second, distance=distance)


def _agree(first: Image | None, second: Image | None) -> bool:
    if first is None or second is None or _are_kin(first, second):
        return False
    shapes = sorted(image.width / image.height for image in (first, second))
    return shapes[1] <= RATIO * shapes[0] and _tints_agree(first.tint, second.tint)


def _are_kin(first: Image, second: Image) -> bool:
    """Versions and siblings are meant to look alike."""
    return second.parent_id == first.pk or (first.stack is not None and first.stack == second.stack)


def _tints_agree(first: str, second: str) -> bool:
    """Whether no colour of the two tints is more than one level of four apart."""
    levels = zip(_levels(first), _levels(second), strict=True)
    return all(abs(one - other) <= 1 for one, other in levels)


def _levels(tint: str) -> list[int]:
    return [int(tint[at : at + 2], 16) >> shift & 3 for at in (0, 2) for shift in (4, 2, 0)]


# --- The decision ---------------------------------------------------------------------------------


def keep_both(pair: NearDuplicate) -> None:
    pair.decision = NearDuplicate.Decision.DIFFERENT
    pair.save(update_fields=["decision"])


def ask_again(pair: NearDuplicate) -> None:
    pair.decision = NearDuplicate.Decision.OPEN
    pair.save(update_fields=["decision"])


@transaction.atomic
def keep_one(pair: NearDuplicate, side: str) -> Image:
    """Keep the "first" or the "second", with the tags and all that was said about both. Returns the other,
    which is in the trash now.
    """
    kept, other = (pair.first, pair.second) if side == "first" else (pair.second, pair.first)
    tagging.add([kept], other.tags.all())
    kept.title = kept.title or other.title
    kept.notes = "\n\n".join(dict.fromkeys(filter(None, [kept.notes, other.notes])))
    kept.rating = max(kept.rating, other.rating)
    kept.favorite = kept.favorite or other.favorite
    kept.sensitive = kept.sensitive or other.sensitive
    kept.save(update_fields=["title", "notes", "rating", "favorite", "sensitive"])
    ImageText.refresh(kept)
    Tag.objects.owned_by(kept.owner_id).filter(avatar=other).update(avatar=kept)
    tagging.trash([other])
    return other
