"""A Celery worker process: what its messages do, its heartbeat, its own housekeeping, and its end."""

import logging
import os
import threading
import time

import billiard
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutdown, worker_shutting_down
from django.core.management import call_command
from django.db import close_old_connections, connection

from config.calling import bell
from config.celery import app
from gallery.work import housekeeping, stopping
from gallery.work.pulse import pulse
from gallery.work.runner import Runner

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5  # seconds between looks for work that nobody called for
LASTS = 10.0  # seconds that a call for such work is good for
GOODBYE = 5.0  # seconds in which Celery may take leave of the broker
NO_THREADS = "This worker needs threads: leave out -P, or give -P threads."


class Hands(Runner):
    """The threads of this process."""

    def start(self) -> None:
        log.info("Worker %s takes up to %d tasks at once", self.name, self.concurrency)
        pulse.begin()
        for part in (self.beat, self._look, self._keep_house):
            threading.Thread(target=part, daemon=True).start()

    def run_next(self) -> None:
        """Take the next row and run it. Who finds more of them calls for another hand before that."""
        for row in [] if self.stopping.is_set() else self.take(1):
            if self.has_work():
                bell.ring()
            self.run_one(row)
        connection.close()

    def _look(self) -> None:
        """Call for what nobody called for: the message was lost, or the work was put off until now."""
        while not self.stopping.wait(LOOK_EVERY):
            try:
                close_old_connections()
                if self.free > 0 and self.has_work():
                    bell.ring(LASTS)
            except Exception:
                log.exception("The queue could not be read; trying again")
                connection.close()
        connection.close()

    def _keep_house(self) -> None:
        rounds = housekeeping.Rounds(housekeeping.LOCAL)
        while not self.stopping.wait(housekeeping.LOOK_EVERY):
            close_old_connections()
            rounds.do_what_is_due()
        connection.close()

    def leave(self) -> None:
        """What runs gets as long as in the embedded worker; Celery by itself would wait for ever."""
        self.finish()
        self.sign_off()
        time.sleep(GOODBYE)
        for child in billiard.active_children():  # beat, with -B
            child.terminate()
        logging.shutdown()
        os._exit(0)


hands = Hands()


@app.task(name="vignette.work")
def work() -> None:
    hands.run_next()


@app.task(name="vignette.keep")
def keep(path: str) -> None:
    housekeeping.do(path)
    connection.close()


@setup_logging.connect
def _keep_our_logs(**_kwargs) -> None:
    """Celery sets logging up by itself unless somebody says that it is done."""


@worker_init.connect
def _begin(sender, **_kwargs) -> None:
    if "thread" not in str(sender.pool_cls):
        raise SystemExit(NO_THREADS)
    call_command("check", databases=["default"])
    hands.concurrency = sender.concurrency


@worker_ready.connect
def _start(**_kwargs) -> None:
    hands.start()


@worker_shutting_down.connect
def _stop(**_kwargs) -> None:
    """Begin nothing any more."""
    if not hands.stopping.is_set():
        stopping.announce()
        hands.stop()
        threading.Thread(target=hands.leave, daemon=True).start()


@worker_shutdown.connect
def _sign_off(**_kwargs) -> None:
    hands.finish()
    hands.sign_off()
