"""Worker processes, forked from this warmed-up one: the real command, without its second of start-up."""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command, execute_from_command_line
from django.db import connections

from gallery import tagging
from gallery.generations import calls, generation
from gallery.models import ConnectionProfile, Generation, GenerationCall, QueuedTask, User, Worker
from tests.crash import traps
from tests.crash.vendor import KEY, MODEL

PATIENCE = 120.0  # seconds
QUIET = 0.1  # seconds without a call: a worker that has started is idle
LATER = timedelta(hours=2)
PICTURES = 2


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    end, pause = time.monotonic() + seconds, 0.01
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: it did not happen within {seconds:g} seconds")
        time.sleep(pause)
        pause = min(0.1, pause * 1.3)


def set_up(address: str) -> ConnectionProfile:
    """A database with one person and a connection to the vendor, and this process warmed up."""
    call_command("migrate", verbosity=0)
    owner = User.objects.create_user(f"crash-{os.getpid()}")
    profile = ConnectionProfile(
        owner=owner, name="Fake", provider="openai", base_url=address, is_default=True
    )
    profile.api_key = KEY
    profile.save()
    first = ask(profile, "warm up")
    for call in first.calls.all():  # loads every module, here rather than in each worker
        calls.run(call.pk)
    QueuedTask.objects.all().delete()
    first.refresh_from_db()
    assert first.status == "done", first.error_message
    return profile


def ask(profile: ConnectionProfile, prompt: str, n: int = PICTURES) -> Generation:
    tags = tagging.resolve(profile.owner, ["character:Mirel", "winter"])
    wish = generation.Wish(profile=profile, prompt=prompt, model=MODEL, n=n, tags=tuple(tags))
    return generation.submit(profile.owner, wish)


class WorkerProcess:
    """`manage.py worker` in a fork of this process; with `traps`, its system calls pass through here."""

    def __init__(
        self, *words: str, trapped: bool = False, prepare: Callable[[], None] | None = None, **watching: Any
    ):
        """`prepare` is called in the new process; `watching` goes to the supervisor."""
        connections.close_all()
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            _be_a_worker(words, theirs if trapped else None, prepare)
        theirs.close()
        self.supervisor = None
        if trapped:
            self.supervisor = traps.Supervisor(traps.take_over(ours), self.pid, **watching)
            self.supervisor.start()
        ours.close()

    def wait_until_idle(self) -> None:
        """It has started, kept house once, and waits for work."""
        wait_for(lambda: Worker.objects.filter(name__endswith=f":{self.pid}").exists(), "a worker starts")
        if self.supervisor:
            wait_for(lambda: time.monotonic() - self.supervisor.last_call > QUIET, "a worker becomes idle")

    def is_alive(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """Its exit status; negative when a signal ended it."""
        wait_for(lambda: not self.is_alive(), "a worker ends")
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self.supervisor:
            self.supervisor.join(10)
        return status


def _be_a_worker(words, trap: socket.socket | None, prepare: Callable[[], None] | None) -> None:
    try:
        os.setsid()
        log = os.open(settings.DATA_DIR / "workers.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if prepare:
            prepare()
        if trap:
            traps.hand_over(trap)
        execute_from_command_line(["manage.py", "worker", *words])
    finally:
        os._exit(1)  # the command itself ends by os._exit(0)


def settled(asked: Generation) -> bool:
    """Whether nothing is left to be done for it."""
    call_ids = [[pk] for pk in asked.calls.values_list("pk", flat=True)]
    queued = QueuedTask.objects.filter(path="gallery.tasks.run_call", args__in=call_ids)
    return not Generation.objects.active().filter(pk=asked.pk).exists() and not queued.exists()


def over(asked: Generation) -> bool:
    return not Generation.objects.active().filter(pk=asked.pk).exists()


def let_leases_run_out() -> None:
    """The thirty seconds after which others may take up what a dead worker had."""
    from gallery.work import worker

    worker.forget_dead_leases()


def let_files_grow_old() -> None:
    """The hour after which what lies about belongs to nobody."""
    moment = time.time() - LATER.total_seconds()
    for folder in (settings.SPOOL_DIR, settings.MEDIA_ROOT):
        for path in [folder, *folder.rglob("*")]:
            with suppress(FileNotFoundError):
                os.utime(path, (moment, moment))


def only_call(asked: Generation) -> GenerationCall:
    return asked.calls.get()
