"""Workers that are frozen, doubled, told to stop and poisoned, beside a vendor that counts.

    python -m tests.crash --scenarios [NAME …]

Each function is one story; what it asserts must hold. A line is printed for each.
"""

import os
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections

from gallery.models import ConnectionProfile, Generation, GenerationCall, QueuedTask
from gallery.work import parking
from tests.crash import clicks, rules, stage
from tests.crash.points import another_worker, in_the_end, trace
from tests.crash.stage import WorkerProcess
from tests.crash.vendor import posts

State = GenerationCall.State
FREEZES = 5


def frozen_past_its_lease(profile: ConnectionProfile, ledger: Path) -> str:
    """A worker stands still, another one takes over, the first one wakes: one POST, one set of pictures."""
    outside = [number for number, call in enumerate(trace(profile), 1) if _is_outside_the_database(call)]
    ends = []
    for number in sorted(random.sample(outside, FREEZES)):
        ends.append(_freeze(profile, ledger, number))
    return f"frozen at {', '.join(ends)}"


def _is_outside_the_database(call) -> bool:
    """In the midst of a transaction a frozen worker has a lock that others wait for; that is no takeover."""
    return call.name in ("connect", "rename", "mkdir", "sendfile") or "spool" in call.target


def _freeze(profile, ledger: Path, number: int) -> str:
    prompt = f"frozen at {number}"
    frozen = WorkerProcess(trapped=True, kill_at=number, freeze=True)
    frozen.wait_until_idle()
    frozen.supervisor.arm()
    asked = stage.ask(profile, prompt)
    stage.wait_for(lambda: frozen.supervisor.killed or stage.settled(asked), "a worker freezes")
    stage.let_leases_run_out()
    with another_worker():
        stage.wait_for(lambda: not Generation.objects.active().filter(pk=asked.pk).exists(), "a takeover")
        frozen.signal(signal.SIGCONT)
        stage.wait_for(lambda: posts(ledger).count(prompt) == 1, "the request goes out")
        stage.wait_for(lambda: stage.settled(asked), "the end")
        _let_it_finish(frozen)
    stage.let_files_grow_old()
    with another_worker():  # keeps house when it starts, and files what the first one brought home
        found = in_the_end(asked, lambda: _wrong_after_waking(asked, posts(ledger).count(prompt)))
    assert not found, (number, frozen.supervisor.killed, found)
    return str(frozen.supervisor.killed.name)


def _let_it_finish(worker: WorkerProcess) -> None:
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0


def _wrong_after_waking(asked: Generation, count: int) -> Iterable[str]:
    asked.refresh_from_db()
    if count != 1:
        yield f"{count} POSTs"
    if asked.status != "done":
        yield f"It is {asked.status}: {asked.error_message}"
    else:
        yield from rules.complete(asked)
    yield from rules.litter()


def queued_three_times_with_two_workers(profile: ConnectionProfile, ledger: Path) -> str:
    prompts = [f"thrice {number}" for number in range(6)]
    with another_worker(), another_worker():
        asked = [stage.ask(profile, prompt) for prompt in prompts]
        for one in asked:
            _queue_twice_more(one)
        stage.wait_for(lambda: all(map(stage.settled, asked)), "all are made")
    _each_once(ledger, prompts, asked)
    return f"{len(asked)} generations, {3 * len(asked)} wake-ups"


def _queue_twice_more(asked: Generation) -> None:
    from gallery.generations import generation

    call = asked.calls.get()
    generation.wake(call)
    generation.wake(call)


def _each_once(ledger: Path, prompts: list[str], asked: list[Generation]) -> None:
    for one in asked:
        one.refresh_from_db()
        assert one.status == "done", (one.prompt, one.status, one.error_message)
        assert not list(rules.complete(one))
    counts = {prompt: posts(ledger).count(prompt) for prompt in prompts}
    assert set(counts.values()) == {1}, counts


def told_to_stop(profile: ConnectionProfile, ledger: Path) -> str:
    """By SIGTERM, SIGTERM twice and SIGHUP, at any moment: status 0, nothing sent later, nothing lost."""
    times = int(os.environ.get("STOPS", "10"))
    for number in range(times):
        _stop(profile, ledger, number)
    return f"{times} times"


def _stop(profile, ledger: Path, number: int) -> None:
    prompts = [f"stop {number}.{i} slow={random.uniform(0, 1):.2f}" for i in range(8)]
    log = settings.DATA_DIR / "workers.log"
    size = log.stat().st_size if log.exists() else 0
    worker = WorkerProcess("--concurrency", "3")  # so that some still wait when it is told
    worker.wait_until_idle()
    asked = [stage.ask(profile, prompt, n=1) for prompt in prompts]
    time.sleep(random.uniform(0, 1.5))
    worker.signal(signal.SIGHUP if number % 5 == 4 else signal.SIGTERM)
    if number % 3 == 2:
        worker.signal(signal.SIGTERM)
    stage.wait_for(lambda: "Stopping" in _since(log, size) or not worker.is_alive(), "it says that it stops")
    time.sleep(0.3)  # for what had gone out before
    before = len(posts(ledger))
    assert worker.wait() == 0
    assert len(posts(ledger)) == before, "It sent something after it was told to stop."
    with another_worker():
        stage.let_leases_run_out()
        stage.wait_for(lambda: all(map(stage.settled, asked)), "the rest is made")
    counts = {prompt: posts(ledger).count(prompt) for prompt in prompts}
    assert set(counts.values()) == {1}, counts
    for one in asked:
        one.refresh_from_db()
        assert one.status == "done", (one.status, one.error_message)


def _since(log: Path, size: int) -> str:
    return log.read_bytes()[size:].decode(errors="replace")


def poisoned(profile: ConnectionProfile, ledger: Path) -> str:
    """An answer whose reading kills its worker is set aside after three, and the others are made."""
    prompt, others = "poison in it", [f"beside the poison {number}" for number in range(4)]
    asked = stage.ask(profile, prompt)
    beside = [stage.ask(profile, other) for other in others]
    deaths = 0
    for _ in range(8):
        stage.let_leases_run_out()
        deaths += _dies([asked, *beside])
    asked.refresh_from_db()
    assert deaths == parking.CRASHES, deaths
    assert (asked.status, asked.error_code) == ("failed", "interrupted"), asked.error_message
    assert "set aside" in asked.error_message
    parked = QueuedTask.objects.get(path="gallery.tasks.run_call", args=[asked.calls.get().pk])
    assert parked.attempts == parking.CRASHES
    for one in beside:  # a request that was under way when a worker died is lost, and said to be
        one.refresh_from_db()
        assert one.status in ("done", "unknown"), (one.prompt, one.status, one.error_message)
        assert posts(ledger).count(one.prompt) <= 1
    assert asked.results.count() == 0
    parking.release(QueuedTask.objects.all())  # as the button of the admin does
    with another_worker():
        stage.wait_for(lambda: stage.settled(asked), "the task ends")
    with another_worker():
        stage.wait_for(lambda: Generation.objects.filter(pk=asked.pk, status="done").exists(), "it is filed")
    _each_once(ledger, [prompt], [asked])
    return f"{deaths} workers died of it"


def _dies(asked: list[Generation]) -> bool:
    """Whether a worker dies of one of these, before all of them are over."""
    worker = WorkerProcess(prepare=_die_of_poison)
    try:
        stage.wait_for(lambda: not worker.is_alive() or all(map(stage.over, asked)), "an end")
        return not worker.is_alive()
    finally:
        worker.kill()


def _die_of_poison() -> None:
    from gallery.generations import filing

    read = filing._read

    def deadly(call, *rest):
        if "poison in" in call.generation.prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(call, *rest)

    filing._read = deadly


SCENARIOS: dict[str, Callable[[ConnectionProfile, Path], str]] = {
    story.__name__: story
    for story in (
        frozen_past_its_lease,
        queued_three_times_with_two_workers,
        told_to_stop,
        poisoned,
        clicks.fifty_requests_with_one_key,
        clicks.fifty_clicks_on_one_page,
        clicks.fifty_for_the_last_dollar,
    )
}


@contextmanager
def _a_clean_table():
    close_old_connections()
    QueuedTask.objects.all().delete()
    yield


def tell(profile: ConnectionProfile, ledger: Path, names: list[str]) -> int:
    """Run the stories of those names, or all; a line for each. Returns the exit status."""
    failed = 0
    for name in names or list(SCENARIOS):
        begun = time.monotonic()
        try:
            with _a_clean_table():
                said = "ok: " + SCENARIOS[name](profile, ledger)
        except Exception:  # noqa: BLE001  the others are told all the same
            said, failed = "BROKEN\n" + traceback.format_exc(), 1
        print(f"{name}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
    return failed
