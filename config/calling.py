"""Calling Celery workers for what was queued. `config.celery` says what a call means."""

import logging
import time

from django.db import transaction

from config.celery import app
from gallery.work.runner import RowBackend

log = logging.getLogger(__name__)

QUIET = 10.0  # seconds without calls after one that failed, so that pages do not wait again and again
# A connection from before the broker's restart is found dead by the first try.
ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}


class CeleryBackend(RowBackend):
    """A row, and a message once the row can be seen."""

    def wake(self, *, is_due: bool) -> None:
        if is_due:
            transaction.on_commit(bell.ring)


class Bell:
    """Rings for a worker. When the broker is away, that is no harm: the row waits, and is found."""

    def __init__(self):
        self.silent_until = 0.0

    def ring(self, lasts: float | None = None) -> None:
        """Send a message; with `lasts`, one that is good for so many seconds."""
        if time.monotonic() < self.silent_until:
            return
        try:
            app.send_task("vignette.work", expires=lasts, retry=True, retry_policy=ONCE_MORE)
        except Exception as exc:  # noqa: BLE001  each transport has errors of its own
            self.silent_until = time.monotonic() + QUIET
            log.warning("The broker cannot be reached; work waits in the database: %s", exc)


bell = Bell()
