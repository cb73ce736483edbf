"""The embedded worker: durable wake-ups in our own database, a thread for each task, no server.

`django.tasks` is the only call the application makes. `EmbeddedBackend` turns it into a row of QueuedTask;
`Worker` runs those rows. A row is only a wake-up: a task that is run twice finds nothing left to do.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import close_old_connections, connection, connections
from django.db.models.functions import Now

from gallery.models import QueuedTask
from gallery.work import housekeeping, stopping, wakeups
from gallery.work.pulse import pulse
from gallery.work.runner import HEARTBEAT_EVERY, RowBackend, Runner

log = logging.getLogger(__name__)


class EmbeddedBackend(RowBackend):
    """Workers look at the rows by themselves, at once when they are knocked at."""

    def wake(self, *, is_due: bool) -> None:
        wakeups.notify()


class Worker(Runner):
    """Runs queued tasks, many at once, until it is told to stop."""

    def __init__(self, concurrency: int | None = None):
        super().__init__(concurrency)
        self.pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="task")

    def run(self) -> None:
        """Work until `stop`; then let running tasks finish for a while."""
        log.info("Worker %s takes up to %d tasks at once", self.name, self.concurrency)
        pulse.begin()
        helpers = [threading.Thread(target=part, daemon=True) for part in (self._keep_house, self.beat)]
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
        self.finish()
        for helper in helpers:
            helper.join(HEARTBEAT_EVERY)
        self.sign_off()
        connections.close_all()

    def _start_due_tasks(self) -> bool:
        """Start what is due and fits. Returns whether there may be more at once."""
        free = self.free
        if not free:
            self.slot_free.wait(0.5)
            self.slot_free.clear()
            return True
        rows = self.take(free)
        for row in rows:
            self.pool.submit(self.run_one, row)
        return len(rows) == free

    def _keep_house(self) -> None:
        rounds = housekeeping.Rounds(housekeeping.DUTIES)
        while not self.stopping.is_set():
            close_old_connections()
            rounds.do_what_is_due()
            self.stopping.wait(housekeeping.LOOK_EVERY)
        connection.close()


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
