"""The embedded worker: durable wake-ups in our own database, a thread for each task, no server.

`django.tasks` is the only call the application makes. `EmbeddedBackend` turns it into a row of QueuedTask;
`Worker` runs those rows. A row is only a wake-up: a task that is run twice finds nothing left to do.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from django.tasks import Task, TaskResult, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django.utils.module_loading import import_string

from gallery import fairness, leases, parking, stopping, wakeups
from gallery.models import QueuedTask
from gallery.models import Worker as WorkerRow

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
HEARTBEAT_EVERY = 5.0  # seconds
HOUSEKEEPING_EVERY = 20.0  # seconds
RETRY = timedelta(seconds=5)  # for a task that lost its database in the midst
GRACE = 25.0  # seconds that running tasks get after SIGTERM; what is left then goes to recovery


class EmbeddedBackend(BaseTaskBackend):
    """Tasks as rows of our own database."""

    supports_defer = True
    supports_priority = True

    def enqueue(self, task, args, kwargs):
        self.validate_task(task)
        row = QueuedTask.objects.create(
            path=task.module_path,
            args=list(args),
            priority=task.priority or fairness.place_of(task.module_path, list(args)),
            run_after=task.run_after or Now(),
        )
        wakeups.notify()
        result: TaskResult = TaskResult(
            task=task, id=str(row.pk), status=TaskResultStatus.READY, enqueued_at=row.created_at,
            started_at=None, finished_at=None, last_attempted_at=None, args=list(args), kwargs=dict(kwargs),
            backend=self.alias, errors=[], worker_ids=[],
        )  # fmt: skip
        task_enqueued.send(type(self), task_result=result)
        return result


class Worker:
    """Runs queued tasks, many at once, until it is told to stop."""

    def __init__(self, concurrency: int | None = None):
        self.concurrency = concurrency or settings.WORKER_CONCURRENCY
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.stopping = threading.Event()
        self.finished = threading.Event()
        self.running: dict[int, QueuedTask] = {}
        self.lock = threading.Lock()
        self.slot_free = threading.Event()
        self.pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="task")

    def run(self) -> None:
        """Work until `stop`; then let running tasks finish for at most GRACE seconds."""
        log.info("Worker %s takes up to %d tasks at once", self.name, self.concurrency)
        helpers = [threading.Thread(target=part, daemon=True) for part in (self._keep_house, self._beat)]
        for helper in helpers:
            helper.start()
        listener = wakeups.listen()
        while not self.stopping.is_set():
            try:
                if not self._start_due_tasks():
                    listener.wait(1.0, self.stopping)
            except Exception:
                log.exception("The queue could not be read; trying again")
                connection.close()
                self.stopping.wait(1.0)
        listener.close()
        self._finish()
        for helper in helpers:
            helper.join(HEARTBEAT_EVERY)
        self._sign_off()
        connections.close_all()

    def _sign_off(self) -> None:
        try:
            WorkerRow.objects.filter(name=self.name).delete()
        except Exception:
            log.exception("The worker's row could not be deleted; housekeeping will")

    def stop(self) -> None:
        self.stopping.set()

    def _start_due_tasks(self) -> bool:
        """Start what is due and fits. Returns whether there may be more at once."""
        with self.lock:
            free = self.concurrency - len(self.running)
        if not free:
            self.slot_free.wait(0.5)
            self.slot_free.clear()
            return True
        rows = self._claim(free)
        for row in rows:
            with self.lock:
                self.running[row.pk] = row
            self.pool.submit(self._run_one, row)
        return len(rows) == free

    def _claim(self, limit: int) -> list[QueuedTask]:
        with self.lock:
            running = list(self.running.values())
        due = fairness.open_lines(self._due(), running)
        if not due.exists():  # reading takes no lock, and mostly there is nothing
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

    def _due(self) -> QuerySet[QueuedTask]:
        """What nobody does. Our own tasks are ours, although the database was away and their leases ended."""
        with self.lock:
            mine = list(self.running)
        due = QueuedTask.objects.filter(leases.is_free(), run_after__lte=Now(), attempts__lt=parking.CRASHES)
        return due.exclude(pk__in=mine) if mine else due

    def _has_a_suspect(self) -> bool:
        with self.lock:
            return any(row.attempts >= parking.SUSPECT for row in self.running.values())

    def _run_one(self, row: QueuedTask) -> None:
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

    def _beat(self) -> None:
        started = timezone.now()
        while not self.finished.is_set():
            try:
                close_old_connections()
                now = timezone.now()
                WorkerRow.objects.update_or_create(
                    name=self.name,
                    defaults={"seen_at": now},
                    create_defaults={"seen_at": now, "started_at": started},
                )
                with self.lock:
                    running = list(self.running)
                QueuedTask.objects.filter(pk__in=running, worker=self.name).update(lease_until=Now() + LEASE)
            except Exception:
                log.exception("The heartbeat could not be written")
                connection.close()
            self.finished.wait(HEARTBEAT_EVERY)
        connection.close()

    def _keep_house(self) -> None:
        while not self.stopping.is_set():
            try:
                close_old_connections()
                keep_house()
            except Exception:
                log.exception("Housekeeping failed")
                connection.close()
            self.stopping.wait(HOUSEKEEPING_EVERY)
        connection.close()

    def _finish(self) -> None:
        with self.lock:
            left = len(self.running)
        if left:
            log.info("Stopping: %d running tasks get up to %d seconds to finish", left, GRACE)
        end = time.monotonic() + GRACE
        while time.monotonic() < end:
            with self.lock:
                if not self.running:
                    break
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


def keep_house() -> None:
    """Take up what stopped workers left, and clear away what nobody needs any more."""
    from gallery import (
        accounts,
        assists,
        audit,
        bulk,
        duplicates,
        importing,
        leftovers,
        partials,
        recovery,
        scrubbing,
        trashing,
    )

    parts = (
        parking.park,
        recovery.recover,
        assists.recover,
        importing.recover,
        bulk.recover,
        bulk.sweep,
        leftovers.sweep_spool,
        leftovers.sweep_notes,
        scrubbing.wake,
        partials.sweep,
        trashing.empty_by_itself,
        duplicates.wake,
        audit.forget_old,
        accounts.forget_sessions,
        _forget_dead_workers,
    )
    for part in parts:
        _try(part)


def _try(part: Callable[[], object]) -> None:
    """One part that fails must not keep the others from being done."""
    try:
        part()
    except Exception:
        log.exception("Housekeeping: %s.%s failed", part.__module__, part.__name__)


def _forget_dead_workers() -> None:
    WorkerRow.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()


def forget_dead_leases() -> None:
    """Free every lease at once. Only for a worker that knows to be the only one, just after its start."""
    from gallery.models import BulkAction, GenerationCall, Import

    for model in (QueuedTask, GenerationCall, Import, BulkAction):
        model.objects.exclude(lease_until=None).update(lease_until=Now() - timedelta(seconds=1))


def _stop_with_parent(worker: Worker, parent: int) -> None:
    """A server that was killed cannot stop its worker, and the next one starts another."""
    while not worker.stopping.wait(1.0):
        if os.getppid() != parent:
            worker.stop()


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Stop in order when asked to, and when the terminal goes away, unless somebody saw to that (nohup)."""

    def announce_and_stop(*_) -> None:
        stopping.announce()
        stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, announce_and_stop)


def run_until_signal(concurrency: int | None = None, *, with_parent: bool = False) -> None:
    """Run a worker in this process until SIGTERM or SIGINT, or until its parent process is gone."""
    worker = Worker(concurrency)
    if with_parent:
        threading.Thread(target=_stop_with_parent, args=(worker, os.getppid()), daemon=True).start()
    stop_on_signals(worker.stop)
    worker.run()
    logging.shutdown()
    # An ordinary exit would wait for threads that are still at work; recovery goes on from their rows.
    os._exit(0)
