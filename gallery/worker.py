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
from django.db import close_old_connections, connection, connections, transaction
from django.db.models import F, Q
from django.tasks import Task, TaskResult, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django.utils.module_loading import import_string

from gallery import wakeups
from gallery.models import QueuedTask
from gallery.models import Worker as WorkerRow

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
HEARTBEAT_EVERY = 5.0  # seconds
HOUSEKEEPING_EVERY = 20.0  # seconds
GRACE = 25.0  # seconds that running tasks get after SIGTERM; what is left then goes to recovery
MAX_ATTEMPTS = 5  # a wake-up that took its worker down this often is dropped; recovery makes a new one


class EmbeddedBackend(BaseTaskBackend):
    """Tasks as rows of our own database."""

    supports_defer = True
    supports_priority = True

    def enqueue(self, task, args, kwargs):
        self.validate_task(task)
        row = QueuedTask.objects.create(
            path=task.module_path,
            args=list(args),
            priority=task.priority,
            run_after=task.run_after or timezone.now(),
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
        self.running: set[int] = set()
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
        WorkerRow.objects.filter(name=self.name).delete()
        connections.close_all()

    def stop(self, *_) -> None:
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
                self.running.add(row.pk)
            self.pool.submit(self._run_one, row)
        return len(rows) == free

    def _claim(self, limit: int) -> list[QueuedTask]:
        now = timezone.now()
        due = QueuedTask.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), run_after__lte=now)
        if not due.exists():  # reading takes no lock, and mostly there is nothing
            return []
        with transaction.atomic():
            if connection.features.has_select_for_update_skip_locked:
                due = due.select_for_update(skip_locked=True)
            rows = list(due[:limit])
            QueuedTask.objects.filter(pk__in=[row.pk for row in rows]).update(
                lease_until=now + LEASE, worker=self.name, attempts=F("attempts") + 1
            )
        return rows

    def _run_one(self, row: QueuedTask) -> None:
        try:
            if row.attempts < MAX_ATTEMPTS:
                task = import_string(row.path)
                if isinstance(task, Task):  # the table may name tasks and nothing else
                    task.call(*row.args)
            else:
                log.error("Dropped %s: it stopped its worker %d times", row, row.attempts)
        except Exception:
            log.exception("Task %s failed", row)
        finally:
            self._forget(row)

    def _forget(self, row: QueuedTask) -> None:
        try:
            QueuedTask.objects.filter(pk=row.pk, worker=self.name).delete()
        except Exception:
            log.exception("Task %s could not be taken off the queue", row)
        finally:
            connections.close_all()
            with self.lock:
                self.running.discard(row.pk)
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
                QueuedTask.objects.filter(pk__in=running, worker=self.name).update(lease_until=now + LEASE)
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
        self.finished.set()


def keep_house() -> None:
    """Take up what stopped workers left, and clear away what nobody needs any more."""
    from gallery import assists, bulk, duplicates, importing, ingest, partials, recovery, trashing

    parts = (
        recovery.recover,
        assists.recover,
        importing.recover,
        bulk.recover,
        bulk.sweep,
        ingest.sweep_spool,
        partials.sweep,
        trashing.empty_by_itself,
        duplicates.wake,
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
        model.objects.exclude(lease_until=None).update(lease_until=timezone.now() - timedelta(seconds=1))


def _stop_with_parent(worker: Worker, parent: int) -> None:
    """A server that was killed cannot stop its worker, and the next one starts another."""
    while not worker.stopping.wait(1.0):
        if os.getppid() != parent:
            worker.stop()


def run_until_signal(concurrency: int | None = None, *, with_parent: bool = False) -> None:
    """Run a worker in this process until SIGTERM or SIGINT, or until its parent process is gone."""
    worker = Worker(concurrency)
    if with_parent:
        threading.Thread(target=_stop_with_parent, args=(worker, os.getppid()), daemon=True).start()
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    worker.run()
    logging.shutdown()
    # An ordinary exit would wait for threads that are still at work; recovery goes on from their rows.
    os._exit(0)
