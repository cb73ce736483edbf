"""The life of an action on many pictures: begun, carried on by whoever has its lease, stopped, undone.

The pictures stand in chunks from the start. Each chunk is done, or undone, in one transaction together with
what its undo needs and with the progress, so that a worker may die anywhere and the next one goes on.
"""

import logging
import threading
import time
import uuid
from datetime import timedelta
from functools import partial
from itertools import batched
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from gallery import tasks
from gallery.bulk import deeds, leftovers
from gallery.bulk.selection import BulkError, Selection
from gallery.generations import admission
from gallery.models import BulkAction, BulkChunk, Download, QueuedTask, Tag
from gallery.tagging.tagspec import TagError
from gallery.work import leases

log = logging.getLogger(__name__)

WAITED_FOR = threading.BoundedSemaphore(3)  # actions that callers wait for while they are done
CHUNK = 500  # pictures in one transaction
AT_ONCE = 1_000  # pictures that are done while the person waits
WAKE_AFTER = timedelta(seconds=10)  # an action that nobody took up until then has lost its wake-up
KEPT = timedelta(days=30)  # in the history, where it can be undone
ARCHIVES_KEPT = timedelta(days=7)
SET_ASIDE = (
    "This stopped the server three times, so it was set aside. What was done so far can be undone. "
    "Tell the people who run this server."
)
BROKEN = "Something went wrong on the way. What was done so far can be undone; the log says more."

Status = BulkAction.Status


class Superseded(Exception):
    """The action is not ours any more: it was stopped, is being undone, or somebody else has taken it up."""


# --- Beginning, stopping, undoing -----------------------------------------------------------------


def begin(
    selection: Selection,
    action: BulkAction.Action,
    *,
    tags: list[Tag] | None = None,
    value: Any = None,
    seconds: float | None = None,
) -> BulkAction:
    """Do `action` to all of `selection`: at once when these are few, else by a worker.

    `tags` belong to tag and untag, `value` to rate (0 to 5), favorite and sensitive (true or false). With
    `seconds` even many are done at once, for that long; a worker does the rest. Raises `BulkError`.
    """
    if not len(selection):
        raise BulkError("ids", "None of these images is here any more. Load the page again.")
    row = _write_down(selection, action, tags or [], value)
    if row.matched <= AT_ONCE:
        run(row.pk, seconds)
    elif seconds is None or not _run_while_waited_for(row, seconds):
        _wake(row)
    row.refresh_from_db()
    return row


def _run_while_waited_for(row: BulkAction, seconds: float) -> bool:
    """Do many at once, unless so many callers wait for that already that pages would find no thread."""
    if not WAITED_FOR.acquire(blocking=False):
        return False
    try:
        run(row.pk, seconds)
    finally:
        WAITED_FOR.release()
    return True


@transaction.atomic
def _write_down(selection: Selection, action: BulkAction.Action, tags: list[Tag], value: Any) -> BulkAction:
    if len(selection) > AT_ONCE:
        admission.admit_bulk(selection.owner)
    if tags:
        params = {"tags": [tag.pk for tag in tags], "names": [tag.name for tag in tags]}
        params |= leftovers.made(tags)
    else:
        params = {} if value is None else {"value": value}
    row = BulkAction.objects.create(
        owner=selection.owner,
        action=action,
        params=params,
        query=selection.query,
        matched=len(selection),
    )
    chunks = batched(selection.keys, CHUNK)
    rows = [BulkChunk(action=row, position=n, images=list(keys)) for n, keys in enumerate(chunks)]
    BulkChunk.objects.bulk_create(rows, batch_size=100)
    return row


def stop(action: BulkAction) -> None:
    """Stop `action` before its next chunk. What is done stays, and can be undone."""
    running = BulkAction.objects.filter(pk=action.pk, status__in=(Status.QUEUED, Status.RUNNING))
    running.update(status=Status.STOPPED, attempt_token=None, lease_until=None, finished_at=timezone.now())
    action.refresh_from_db()


def undo(action: BulkAction) -> None:
    """Put back what `action` has changed so far, at once or by a worker; a running one goes no further.

    What is being undone, or was, stays as it is.
    """
    started = BulkAction.objects.filter(pk=action.pk).exclude(status__in=(Status.UNDOING, Status.UNDONE))
    if started.update(status=Status.UNDOING, attempt_token=None, lease_until=None, error=""):
        action.refresh_from_db()
        if action.done <= AT_ONCE:
            run(action.pk)
        else:
            _wake(action)
    action.refresh_from_db()


def _wake(action: BulkAction) -> None:
    transaction.on_commit(partial(tasks.run_bulk.enqueue, action.pk))


# --- Running --------------------------------------------------------------------------------------


def run(action_id: int, seconds: float | None = None) -> None:
    """Carry the action on, for at most `seconds`, unless somebody else is at it."""
    token = leases.claim(BulkAction.objects.filter(pk=action_id, status__in=BulkAction.ACTIVE))
    if token is None:
        return
    action = BulkAction.objects.get(pk=action_id)
    end = None if seconds is None else time.monotonic() + seconds
    with leases.hold(action, token):
        try:
            _carry_on(action, token, end)
        except (Superseded, DatabaseError) as exc:
            log.info("Action %s goes on elsewhere, or later (%r)", action_id, exc)
        except TagError as exc:
            _end(action, token, Status.FAILED, exc.message)
        except Exception:
            log.exception("Action %s failed", action_id)
            _end(action, token, Status.FAILED, BROKEN)


def _carry_on(action: BulkAction, token: uuid.UUID, end: float | None) -> None:
    ours = BulkAction.objects.filter(pk=action.pk, attempt_token=token)
    ours.filter(status=Status.QUEUED).update(status=Status.RUNNING)
    forward = action.status != Status.UNDOING
    left = action.chunks.filter(before__isnull=forward).order_by("position" if forward else "-position")
    for chunk_id in list(left.values_list("pk", flat=True)):
        if end is not None and time.monotonic() > end:
            ours.update(attempt_token=None, lease_until=None)
            return _wake(action)
        (_do if forward else _undo)(action, token, chunk_id)
    if not forward:
        leftovers.clear(action)
    _end(action, token, Status.DONE if forward else Status.UNDONE)


@transaction.atomic
def _do(action: BulkAction, token: uuid.UUID, chunk_id: int) -> None:
    _still_ours(action, token)
    chunk = BulkChunk.objects.get(pk=chunk_id)
    chunk.before, changed = deeds.do(action, chunk.images)
    chunk.save(update_fields=["before"])
    BulkAction.objects.filter(pk=action.pk).update(
        done=F("done") + len(chunk.images), changed=F("changed") + changed
    )


@transaction.atomic
def _undo(action: BulkAction, token: uuid.UUID, chunk_id: int) -> None:
    _still_ours(action, token)
    chunk = BulkChunk.objects.get(pk=chunk_id)
    deeds.undo(action, chunk.before or [])
    chunk.before = None
    chunk.save(update_fields=["before"])
    BulkAction.objects.filter(pk=action.pk).update(done=F("done") - len(chunk.images))


def _still_ours(action: BulkAction, token: uuid.UUID) -> None:
    """Lock the action for this transaction. Raises `Superseded` when another one has it."""
    if not BulkAction.objects.select_for_update(no_key=True).filter(pk=action.pk, attempt_token=token):
        raise Superseded


def _end(action: BulkAction, token: uuid.UUID, status: str, error: str = "") -> None:
    now = timezone.now()
    moment = {"undone_at": now} if status == Status.UNDONE else {"finished_at": now}
    BulkAction.objects.filter(pk=action.pk, attempt_token=token).update(
        status=status, error=error, attempt_token=None, lease_until=None, **moment
    )


def give_up(action_id: int) -> None:
    """End an action that stopped its worker again and again."""
    token = leases.claim(BulkAction.objects.filter(pk=action_id, status__in=BulkAction.ACTIVE))
    if token:
        _end(BulkAction.objects.get(pk=action_id), token, Status.FAILED, SET_ASIDE)


# --- Housekeeping ---------------------------------------------------------------------------------


def recover() -> None:
    """Wake a worker for every action that none is at."""
    now = timezone.now()
    unclaimed = Q(lease_until=None, created_at__lt=now - WAKE_AFTER)
    left = BulkAction.objects.filter(unclaimed | Q(lease_until__lt=Now()), status__in=BulkAction.ACTIVE)
    for pk in left.values_list("pk", flat=True):
        if not QueuedTask.objects.filter(path=tasks.run_bulk.module_path, args=[pk]).exists():
            tasks.run_bulk.enqueue(pk)


def sweep() -> None:
    """Forget actions that are too old to be undone, and archives that nobody will fetch any more."""
    now = timezone.now()
    old = BulkAction.objects.filter(created_at__lt=now - KEPT).exclude(status__in=BulkAction.ACTIVE)
    old.delete()
    Download.objects.filter(created_at__lt=now - ARCHIVES_KEPT).delete()
