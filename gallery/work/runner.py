"""Running queued tasks: who takes which, with a lease, a heartbeat, and a way back when something fails.

What calls for a hand is not known here: `worker` looks by itself, `config.celery` is sent messages.
"""

import logging
import os
import socket
import threading
import time
from datetime import timedelta

from django.conf import settings
from django.db import (
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
    transaction,
)
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.tasks import DEFAULT_TASK_QUEUE_NAME, Task, TaskResult, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django.utils.module_loading import import_string

from gallery.files import places
from gallery.models import QueuedTask
from gallery.models import Worker as WorkerRow
from gallery.work import fairness, leases, occupation, parking
from gallery.work.pulse import pulse

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
HEARTBEAT_EVERY = 5.0  # seconds
RETRY = timedelta(seconds=5)  # for a task that lost its database in the midst
GRACE = 25.0  # seconds that running tasks get after SIGTERM; what is left then goes to recovery


class RowBackend(BaseTaskBackend):
    """Tasks as rows of our own database; what wakes a worker is for those below to say.

    The name of a queue is that of the one place that can run the task.
    """

    supports_defer = True
    supports_priority = True

    def enqueue(self, task, args, kwargs):
        self.validate_task(task)
        row = QueuedTask.objects.create(
            path=task.module_path,
            args=list(args),
            priority=task.priority or fairness.place_of(task.module_path, list(args)),
            run_after=task.run_after or Now(),
            place="" if task.queue_name == DEFAULT_TASK_QUEUE_NAME else task.queue_name,
        )
        self.wake(is_due=task.run_after is None)
        result: TaskResult = TaskResult(
            task=task, id=str(row.pk), status=TaskResultStatus.READY, enqueued_at=row.created_at,
            started_at=None, finished_at=None, last_attempted_at=None, args=list(args), kwargs=dict(kwargs),
            backend=self.alias, errors=[], worker_ids=[],
        )  # fmt: skip
        task_enqueued.send(type(self), task_result=result)
        return result

    def wake(self, *, is_due: bool) -> None:
        """Tell a worker of the row that was written in the current transaction."""
        raise NotImplementedError


class Runner:
    """The tasks that one process has taken. Threads may share it."""

    def __init__(self, concurrency: int | None = None):
        self.concurrency = concurrency or settings.WORKER_CONCURRENCY
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.stopping = threading.Event()
        self.finished = threading.Event()
        self.running: dict[int, QueuedTask] = {}
        self.lock = threading.Lock()
        self.turn = threading.Lock()  # two claims at once would not see what the other one begins
        self.slot_free = threading.Event()

    # --- Taking -----------------------------------------------------------------------------------

    @property
    def free(self) -> int:
        with self.lock:
            return self.concurrency - len(self.running)

    def take(self, limit: int) -> list[QueuedTask]:
        """Claim what is due and fits; each of the rows has to be given to `run_one`."""
        with self.turn:
            rows = self.claim(limit)
            with self.lock:
                self.running.update({row.pk: row for row in rows})
        return rows

    def has_work(self) -> bool:
        """Whether there is something to claim. Reading takes no lock, and mostly there is nothing."""
        return self._open(list(self.running.values())).exists()

    def claim(self, limit: int) -> list[QueuedTask]:
        with self.lock:
            running = list(self.running.values())
        due = self._open(running)
        if not due.exists():
            return []
        with transaction.atomic():
            if connection.features.has_select_for_update_skip_locked:
                due = due.select_for_update(skip_locked=True)
            rows = list(due.filter(attempts__lt=parking.SUSPECT)[:limit])
            if len(rows) < limit and not self._has_a_suspect():
                rows += due.filter(attempts__gte=parking.SUSPECT)[:1]
            rows = fairness.fitting(rows, running)
            QueuedTask.objects.filter(pk__in=[row.pk for row in rows]).update(
                lease_until=Now() + LEASE, worker=self.name, attempts=F("attempts") + 1
            )
        return rows

    def _open(self, running: list[QueuedTask]) -> QuerySet[QueuedTask]:
        return fairness.open_lines(self.due(), running)

    def due(self) -> QuerySet[QueuedTask]:
        """What nobody does. Our own tasks are ours, although the database was away and their leases ended."""
        with self.lock:
            mine = list(self.running)
        due = QueuedTask.objects.filter(leases.is_free(), places.is_near(), run_after__lte=Now())
        due = due.filter(attempts__lt=parking.CRASHES)
        return due.exclude(pk__in=mine) if mine else due

    def _has_a_suspect(self) -> bool:
        with self.lock:
            return any(row.attempts >= parking.SUSPECT for row in self.running.values())

    # --- Running ----------------------------------------------------------------------------------

    def run_one(self, row: QueuedTask) -> None:
        with occupation.with_task(row.path, row.args):
            self._run(row)

    def _run(self, row: QueuedTask) -> None:
        try:
            task = import_string(row.path)
            if isinstance(task, Task):  # the table may name tasks and nothing else
                task.call(*row.args)
        except (OperationalError, InterfaceError):
            log.exception("The database left task %s in the lurch; it is run again", row)
            self._put_back(row)
        except Exception:
            log.exception("Task %s failed", row)
            self._forget(row)
        else:
            self._forget(row)

    def _forget(self, row: QueuedTask) -> None:
        try:
            QueuedTask.objects.filter(pk=row.pk, worker=self.name).delete()
        except Exception:
            log.exception("Task %s could not be taken off the queue", row)
        finally:
            self._let_go(row)

    def _put_back(self, row: QueuedTask) -> None:
        """Let the task be claimed again soon. When that cannot be written, its lease ends by itself."""
        try:
            connections.close_all()
            soon = timezone.now() + RETRY
            QueuedTask.objects.filter(pk=row.pk, worker=self.name).update(
                lease_until=None, run_after=soon, attempts=F("attempts") - 1
            )
        except Exception:
            log.exception("Task %s could not be put back", row)
        finally:
            self._let_go(row)

    def _let_go(self, row: QueuedTask) -> None:
        connections.close_all()
        with self.lock:
            self.running.pop(row.pk, None)
        self.slot_free.set()

    # --- Being alive ------------------------------------------------------------------------------

    def beat(self) -> None:
        """Say every few seconds that this process lives, and keep what it has."""
        started = timezone.now()
        while not self.finished.is_set():
            try:
                close_old_connections()
                self._say(started)
                pulse.felt()
            except Exception:
                log.exception("The heartbeat could not be written")
                connection.close()
            self.finished.wait(HEARTBEAT_EVERY)
        connection.close()

    def _say(self, started) -> None:
        seen = {"seen_at": Now(), "place": places.here()}
        WorkerRow.objects.update_or_create(
            name=self.name, defaults=seen, create_defaults=seen | {"started_at": started}
        )
        with self.lock:
            running = list(self.running)
        QueuedTask.objects.filter(pk__in=running, worker=self.name).update(lease_until=Now() + LEASE)

    # --- Stopping ---------------------------------------------------------------------------------

    def stop(self) -> None:
        self.stopping.set()

    def finish(self) -> None:
        """Let running tasks end for at most GRACE seconds, and hand over what is left."""
        with self.lock:
            left = len(self.running)
        if left:
            log.info("Stopping: %d running tasks get up to %d seconds to finish", left, GRACE)
        end = time.monotonic() + GRACE
        while self.running and time.monotonic() < end:
            self.slot_free.wait(0.2)
            self.slot_free.clear()
        self._hand_over()
        self.finished.set()

    def _hand_over(self) -> None:
        """What is still running goes on elsewhere, and has not stopped its worker: it was told to stop."""
        with self.lock:
            left = list(self.running)
        try:
            QueuedTask.objects.filter(pk__in=left, worker=self.name).update(attempts=F("attempts") - 1)
        except Exception:
            log.exception("Running tasks could not be handed over; they go on when their leases end")

    def sign_off(self) -> None:
        try:
            WorkerRow.objects.filter(name=self.name).delete()
        except Exception:
            log.exception("The worker's row could not be deleted; housekeeping will")
