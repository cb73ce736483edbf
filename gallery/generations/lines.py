"""The order in which a person's requests go out, and what holds them back.

Turns between people are dealt out by `fairness`; which of their own requests takes a turn is for each person
to say. A call that is *held* has no wake-up: its owner paused the queue, or its connection has no room now.
It is woken from here, and by recovery when a worker was stopped before it could do so.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from gallery.generations import generation as generations
from gallery.models import ConnectionProfile, Generation, GenerationCall, QueuedTask, User
from gallery.models.generation import ACTIVE, Status
from gallery.work import parking

State = GenerationCall.State
type Move = Literal["first", "up", "down"]
MOVES = ("first", "up", "down")
PLENTY = 32_000  # requests at once through a connection without a limit
RUN_CALL = "gallery.tasks.run_call"
AT_ONCE = 25  # calls that are woken in one transaction: others want to write as well


# --- Order ----------------------------------------------------------------------------------------


def waiting(owner: User) -> QuerySet[Generation]:
    """What waits as a whole, in the order in which it goes out."""
    return Generation.objects.owned_by(owner).filter(status=Status.QUEUED).order_by("-place", "id")


@transaction.atomic
def move(row: Generation, where: Move) -> None:
    """Change places among what its owner has waiting. What has begun meanwhile stays where it is."""
    _lock(row.owner)
    keys = list(waiting(row.owner).values_list("pk", flat=True))
    if row.pk not in keys:
        return
    index = keys.index(row.pk)
    keys.pop(index)
    keys.insert({"first": 0, "up": max(0, index - 1), "down": index + 1}[where], row.pk)
    _number(keys)


@transaction.atomic
def put_first(owner: User, rows: Iterable[Generation]) -> None:
    """Let `rows` go out before everything else that waits, in their order."""
    _lock(owner)
    keys = list(waiting(owner).values_list("pk", flat=True))
    known = set(keys)
    chosen = [row.pk for row in rows if row.pk in known]
    _number(list(dict.fromkeys([*chosen, *keys])))


def _number(keys: list[int]) -> None:
    rows = [Generation(pk=key, place=len(keys) - index) for index, key in enumerate(keys)]
    Generation.objects.bulk_update(rows, ["place"], batch_size=200)


def first_before(call: GenerationCall) -> GenerationCall | None:
    """The call that its owner wants to go out before this one, if there is one that can go now."""
    mine, now = call.generation, timezone.now()
    before = GenerationCall.objects.filter(
        state=State.QUEUED,
        run_after__lte=now,
        generation__owner=mine.owner_id,
        generation__status__in=ACTIVE,
        generation__place__gt=mine.place,
    )
    if not before.exists():
        return None
    free = before.exclude(generation__profile__paused_until__gt=now)
    free = free.exclude(generation__profile__in=_full(mine.owner_id))
    return _in_order(free).select_related("generation__profile", "generation__owner").first()


@transaction.atomic
def take_turn(first: GenerationCall, *, of: GenerationCall) -> bool:
    """Let `first` go out in the turn `of` another call: they exchange their wake-ups. False: it cannot.

    So each runs under its own name. A call that stops its worker is then counted and set aside itself, and
    not the one whose turn it took, which keeps a wake-up whatever becomes of this one.
    """
    rows = QueuedTask.objects.select_for_update().filter(path=RUN_CALL).order_by("pk")
    known = list(rows.filter(Q(args=[of.pk]) | Q(args=[first.pk])))
    turn = next((row for row in known if row.args == [of.pk] and row.lease_until), None)
    own = [row for row in known if row.args == [first.pk]]
    if any(row.lease_until or row.attempts >= parking.SUSPECT for row in own):
        return False  # it is at work elsewhere, or may be so only while nothing else is
    begun = own[0].attempts if own else 0
    if own:
        _rename(own[0], of, turn.attempts - 1 if turn else 0)
    else:
        generations.wake(of)
    if turn:
        _rename(turn, first, begun + 1)
    return True


def _rename(row: QueuedTask, call: GenerationCall, attempts: int) -> None:
    QueuedTask.objects.filter(pk=row.pk).update(args=[call.pk], attempts=attempts)


def _in_order(calls: QuerySet[GenerationCall]) -> QuerySet[GenerationCall]:
    return calls.order_by("-generation__place", "generation_id", "index")


def _full(owner_id: int) -> list[int]:
    """The connections through which nothing goes out at this moment."""
    paced = ConnectionProfile.objects.filter(~Q(max_at_once=None) | Q(seconds_between__gt=0), owner=owner_id)
    return [profile.pk for profile in paced if not _has_room(profile)]


# --- A pause of the whole queue -------------------------------------------------------------------


@transaction.atomic
def pause(owner: User) -> None:
    """Send nothing more of `owner`. What is under way is finished."""
    User.objects.filter(pk=owner.pk).update(queue_paused=True)


def resume(owner: User) -> None:
    """Go on with what was held: with the first hundred at once, with others after the next housekeeping."""
    with transaction.atomic():
        _lock(owner)
        User.objects.filter(pk=owner.pk).update(queue_paused=False)
    _move_all(_held().filter(generation__owner=owner), rounds=4)


def is_paused(call: GenerationCall) -> bool:
    """Whether its owner paused the queue; then the call is held."""
    if not call.generation.owner.queue_paused:
        return False
    with transaction.atomic():
        owner = _lock(call.generation.owner)
        if owner is None or not owner.queue_paused:
            return False
        GenerationCall.objects.filter(pk=call.pk, state=State.QUEUED).update(held=True)
    return True


def _lock(owner: User) -> User | None:
    return User.objects.select_for_update(no_key=True).filter(pk=owner.pk).first()


# --- Room at a connection -------------------------------------------------------------------------


def is_paced(profile: ConnectionProfile) -> bool:
    return profile.max_at_once is not None or profile.seconds_between > 0


def take_place(call: GenerationCall, profile: ConnectionProfile) -> bool:
    """Whether there is room for the call now; if not, it is held. Call it in the transaction that claims it.

    The rows are locked in the order in which a call that ends locks them.
    """
    if not is_paced(profile):
        return True
    row = GenerationCall.objects.select_for_update().filter(pk=call.pk, state=State.QUEUED).first()
    Generation.objects.select_for_update().filter(pk=call.generation_id).values_list("pk").first()
    place = ConnectionProfile.objects.select_for_update(no_key=True).filter(pk=profile.pk).first()
    if row is None:
        return False
    if place is None or _has_room(place):
        if place and place.seconds_between:
            place.next_at = timezone.now() + timedelta(seconds=place.seconds_between)
            place.save(update_fields=["next_at"])
        return True
    GenerationCall.objects.filter(pk=call.pk).update(held=True)
    return False


def _has_room(profile: ConnectionProfile) -> bool:
    is_early = profile.seconds_between and profile.next_at and profile.next_at > timezone.now()
    return not is_early and _free(profile) > 0


def _free(profile: ConnectionProfile) -> int:
    """How many more requests the connection takes beside those that are under way."""
    if profile.max_at_once is None:
        return PLENTY
    under_way = GenerationCall.objects.filter(generation__profile=profile, state=State.SENT)
    return max(0, profile.max_at_once - under_way.count())


def let_next(call: GenerationCall) -> None:
    """Let those that wait for the connection of `call` move up, after it went out or came back."""
    profile = call.generation.profile
    if profile is not None and is_paced(profile):
        move_up(profile.pk)


@transaction.atomic
def move_up(profile_id: int) -> bool:
    """Wake as many held calls of a connection as it has room for; with a pace the next one, at its time.

    Returns whether there may be more to wake, after others had their turn at the database.
    """
    rows = ConnectionProfile.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
    profile = rows.filter(pk=profile_id).first()
    if profile is None or profile.owner.queue_paused:
        return False
    held, free, at = _held().filter(generation__profile=profile), _free(profile), timezone.now()
    if profile.seconds_between:
        free = min(free, 1)
        if profile.next_at and profile.next_at > at:
            at = profile.next_at
            if _awake(profile).filter(run_after=at).exists():
                return False
    woken = _wake(_unlocked(_in_order(held))[: min(free, AT_ONCE)], at)
    return woken == AT_ONCE and not is_paced(profile)


def move_all() -> None:
    """Wake what is held without need. Workers do so by themselves; this is for those that were stopped."""
    _move_all(_held().filter(generation__owner__queue_paused=False), rounds=20)


def _move_all(held: QuerySet[GenerationCall], rounds: int) -> None:
    for key in set(held.order_by().values_list("generation__profile", flat=True)):
        if key is None:  # the connection was deleted, which the calls find out
            _wake(_in_order(held.filter(generation__profile=None))[:AT_ONCE], timezone.now())
            continue
        for _ in range(rounds):
            if not move_up(key):
                break


def _held() -> QuerySet[GenerationCall]:
    return GenerationCall.objects.filter(held=True, state=State.QUEUED)


def _awake(profile: ConnectionProfile) -> QuerySet[GenerationCall]:
    return GenerationCall.objects.filter(generation__profile=profile, state=State.QUEUED, held=False)


def _unlocked(calls: QuerySet[GenerationCall]) -> QuerySet[GenerationCall]:
    """Without those that a worker looks at in this moment: it decides about them."""
    if not connection.features.has_select_for_update_skip_locked:
        return calls
    return calls.select_for_update(skip_locked=True, of=("self",))


def _wake(calls: Iterable[GenerationCall], at: datetime) -> int:
    """Wake `calls` at a moment. Returns how many."""
    woken = 0
    for call in calls:
        if GenerationCall.objects.filter(pk=call.pk, held=True).update(held=False, run_after=at):
            call.run_after = at
            generations.wake(call)
            woken += 1
    return woken
