"""How the cells of a batch go out: a few at a time, each one once, whatever stops the worker.

A cell is marked in the transaction that creates its generation, under a lock of the batch. So a worker that
is killed leaves either both or neither, and the next one goes on with the cells that are still planned.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from gallery import tasks
from gallery.batches.recipes import wish_of
from gallery.files import quotas
from gallery.generations import admission, generation
from gallery.models import Batch, BatchCell, Generation, QueuedTask
from providers.errors import AuthError, InvalidRequest, ProviderError

log = logging.getLogger(__name__)

AT_ONCE = 4  # generations of one batch that wait or run
WAKE_AFTER = timedelta(seconds=10)  # a batch that nobody fed until then has lost its wake-up
HOPELESS = ("auth", "permission", "billing")  # what the next cells would end in as well
SET_ASIDE = (
    "This stopped the server three times, so it was paused. Nothing was lost. "
    "Tell the people who run this server, then continue."
)

State, CellState = Batch.State, BatchCell.State


class Paused(Exception):
    """The batch cannot go on for now; the argument says why, to the person."""


def wake(batch_id: int, *, later: timedelta | None = None) -> None:
    """Queue the task that feeds the batch."""
    run_after = timezone.now() + later if later else None
    tasks.feed_batch.using(run_after=run_after).enqueue(batch_id)


def feed(batch_id: int) -> None:
    """Send as many cells as may be under way. Two at once, or one too many, do no harm."""
    try:
        while _send_next(batch_id):
            pass
    except Paused as exc:
        _pause(batch_id, str(exc))
    except admission.TooMany as exc:
        wake(batch_id, later=timedelta(seconds=exc.seconds))


def _send_next(batch_id: int) -> bool:
    """Send one cell. Returns whether there may be another one."""
    with transaction.atomic():
        batch = _lock(batch_id)
        if batch is None or batch.state != State.RUNNING:
            return False
        _see_that_it_can_go_on(batch)
        under_way = batch.cells.in_flight().count()
        cell = batch.cells.filter(state=CellState.PLANNED).first() if under_way < AT_ONCE else None
        if cell is None:
            if not under_way:
                _finish(batch)
            return False
        _send(cell, batch)
        return True


def _lock(batch_id: int) -> Batch | None:
    rows = Batch.objects.select_for_update(of=("self",), no_key=True).select_related(
        "profile__owner", "owner"
    )
    return rows.filter(pk=batch_id).first()


def _see_that_it_can_go_on(batch: Batch) -> None:
    """Raises `Paused` when the next cell would end like one before it."""
    ended = Generation.objects.filter(
        pk__in=batch.cells.values("generation"), error_code__in=HOPELESS, finished_at__gte=batch.begun_at
    )
    if first := ended.order_by("finished_at").first():
        raise Paused(first.error_message)
    try:
        quotas.check(batch.owner)
    except quotas.QuotaExceeded as exc:
        raise Paused(exc.message) from exc


def _send(cell: BatchCell, batch: Batch) -> None:
    """Make the generation of `cell`. What is wrong with it alone is written down beside it."""
    earlier = cell.generation
    try:
        with transaction.atomic():
            wish = wish_of(cell, batch)
            made = generation.submit(batch.owner, wish, idempotency_key=_key(cell, batch))
    except InvalidRequest as exc:
        if exc.field == "profile":
            raise Paused(exc.message) from exc
        _change(cell, state=CellState.FAILED, error=exc.message)
        return
    except admission.TooMany:
        raise
    except ProviderError as exc:  # the key is missing, the month's limit is reached
        if isinstance(exc, AuthError) or exc.code == "budget_exceeded":
            raise Paused(exc.message) from exc
        _change(cell, state=CellState.FAILED, error=exc.message)
        return
    if earlier:
        Generation.objects.filter(pk=made.pk).update(retry_of=earlier)
    spent = cell.earlier_cost_usd + ((earlier.cost_usd if earlier else None) or 0)
    _change(cell, state=CellState.SUBMITTED, generation=made, error="", earlier_cost_usd=spent)


def _key(cell: BatchCell, batch: Batch) -> str:
    return f"batch:{batch.public_id}:{cell.index}:{cell.attempt}"


def _change(cell: BatchCell, **changes) -> None:
    for name, value in changes.items():
        setattr(cell, name, value)
    cell.save(update_fields=list(changes))


def _finish(batch: Batch) -> None:
    batch.state, batch.finished_at = State.DONE, timezone.now()
    batch.save(update_fields=["state", "finished_at"])


def _pause(batch_id: int, reason: str) -> None:
    Batch.objects.filter(pk=batch_id, state=State.RUNNING).update(state=State.PAUSED, reason=reason)


# --- What people do -------------------------------------------------------------------------------


def pause(batch: Batch) -> None:
    """Send no more cells. Those that are under way come to their end."""
    _pause(batch.pk, "")
    batch.refresh_from_db()


@transaction.atomic
def resume(batch: Batch) -> None:
    """Go on with a paused batch, or with what was left of a stopped one."""
    paused = Batch.objects.filter(pk=batch.pk, state__in=[State.PAUSED, State.CANCELLED])
    if paused.update(state=State.RUNNING, reason="", begun_at=timezone.now(), finished_at=None):
        wake(batch.pk)
    batch.refresh_from_db()


def cancel(batch: Batch) -> None:
    """Stop for good: nothing more is sent, and what has not gone out to the vendor is called back."""
    running = Batch.objects.filter(pk=batch.pk, state__in=[State.RUNNING, State.PAUSED])
    if running.update(state=State.CANCELLED, reason="", finished_at=timezone.now()):
        for cell in batch.cells.in_flight().select_related("generation"):
            if cell.generation:
                generation.cancel(cell.generation)
    batch.refresh_from_db()


@transaction.atomic
def retry(batch: Batch, *, unsure: bool = False) -> int:
    """Plan the cells anew that went wrong, and go on. Returns how many.

    What may have been charged stays, unless it is `unsure` cells that are meant, and then only those.
    """
    _lock(batch.pk)
    wanted = batch.cells.unsure() if unsure else batch.cells.troubled()
    keys = list(wanted.values_list("pk", flat=True))
    if keys:
        again = {"state": CellState.PLANNED, "error": "", "attempt": F("attempt") + 1}
        BatchCell.objects.filter(pk__in=keys).update(**again)
        changes = {"state": State.RUNNING, "reason": "", "begun_at": timezone.now(), "finished_at": None}
        Batch.objects.filter(pk=batch.pk).update(**changes)
        wake(batch.pk)
    batch.refresh_from_db()
    return len(keys)


# --- Housekeeping ---------------------------------------------------------------------------------


def recover() -> None:
    """Wake a worker for every batch that should go on and that none is woken for."""
    for batch in Batch.objects.filter(state=State.RUNNING, begun_at__lt=timezone.now() - WAKE_AFTER):
        awake = QueuedTask.objects.filter(path=tasks.feed_batch.module_path, args=[batch.pk])
        if not awake.exists() and batch.cells.in_flight().count() < AT_ONCE:
            wake(batch.pk)


def give_up(batch_id: int) -> None:
    """Pause a batch that stopped its worker again and again."""
    _pause(batch_id, SET_ASIDE)
