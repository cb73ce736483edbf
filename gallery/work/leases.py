"""Leases: a row says who works on it and until when; a worker that stops renewing has lost it.

A row under lease has `lease_until` and `attempt_token`. Each claim sets a new token, and every later write
of the worker names it, so that one that was frozen past its lease and woke again cannot commit.

Moments are those of the database, whose clock all workers share, however wrong their own ones are.
"""

import logging
import threading
import uuid
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection, models
from django.db.models.functions import Now

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
RENEW_EVERY = 5.0  # seconds

_held: dict[uuid.UUID, tuple[type[models.Model], int]] = {}
_lock = threading.Lock()
_renewer: threading.Thread | None = None


def is_free() -> models.Q:
    """Rows that nobody has."""
    return models.Q(lease_until=None) | models.Q(lease_until__lt=Now())


def claim(rows: models.QuerySet, **changes) -> uuid.UUID | None:
    """Take the one row of `rows` if nobody has it. Returns the new attempt token, or None.

    `rows` must name the row and the state it has to be in; `changes` are committed with the claim.
    """
    token = uuid.uuid4()
    claimed = rows.filter(is_free()).update(lease_until=Now() + LEASE, attempt_token=token, **changes)
    return token if claimed else None


@contextmanager
def hold(row: models.Model, token: uuid.UUID):
    """Renew the lease of `row` for as long as the block runs."""
    _start_renewer()
    with _lock:
        _held[token] = (type(row), row.pk)
    try:
        yield
    finally:
        with _lock:
            _held.pop(token, None)


def renew() -> None:
    """Move the end of all held leases on."""
    with _lock:
        held = dict(_held)
    for token, (model, pk) in held.items():
        model._default_manager.filter(pk=pk, attempt_token=token).update(lease_until=Now() + LEASE)


def _start_renewer() -> None:
    global _renewer
    with _lock:
        if _renewer is None or not _renewer.is_alive():
            _renewer = threading.Thread(target=_renew_for_ever, name="leases", daemon=True)
            _renewer.start()


def _renew_for_ever() -> None:
    pause = threading.Event()
    while not pause.wait(RENEW_EVERY):
        with _lock:
            if not _held:
                continue
        try:
            renew()
        except Exception:
            log.exception("The leases could not be renewed")
        finally:
            connection.close()  # nothing may be held for hours, and this thread cannot know when it is over
