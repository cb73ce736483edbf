"""One point of the sweep: a worker dies at its K-th call, another one takes up what it left."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.crash import rules, stage
from tests.crash.report import Outcome
from tests.crash.traps import Call
from tests.crash.vendor import posts


def kill_and_recover(profile, ledger: Path, number: int) -> Outcome | None:
    """None: the generation was over before the worker had made that many calls."""
    prompt = f"kill point {number} {secrets.token_hex(4)}"
    asked, call = _work_until_killed(profile, prompt, number)
    if call is None:
        return None
    wreck = rules.examine(stage.only_call(asked), posts(ledger).count(prompt))
    stage.let_leases_run_out()
    stage.let_files_grow_old()
    with another_worker():
        broken = in_the_end(asked, lambda: rules.violations(asked, wreck, posts(ledger).count(prompt)))
    return Outcome(call, asked.status, broken)


def trace(profile) -> list[Call]:
    """The calls of one generation, in order."""
    worker = stage.WorkerProcess(trapped=True, list_all=True)
    worker.wait_until_idle()
    worker.supervisor.arm()
    asked = stage.ask(profile, "a trace")
    stage.wait_for(lambda: stage.settled(asked), "a generation ends")
    worker.kill()
    return worker.supervisor.calls


def _work_until_killed(profile, prompt: str, number: int):
    worker = stage.WorkerProcess(kill_at=number, trapped=True)
    try:
        worker.wait_until_idle()
        worker.supervisor.arm()
        asked = stage.ask(profile, prompt)
        stage.wait_for(lambda: not worker.is_alive() or stage.settled(asked), "a worker is killed")
    finally:
        worker.kill()
    return asked, worker.supervisor.killed


@contextmanager
def another_worker() -> Iterator[None]:
    """A worker that takes up what was left, for as long as the block lasts."""
    worker = stage.WorkerProcess()
    try:
        yield
    finally:
        worker.kill()


def in_the_end(asked, look: Callable[[], Iterable[str]]) -> list[str]:
    """What is still wrong when the generation is over and the worker has had time to clear up."""
    with suppress(TimeoutError):
        stage.wait_for(lambda: stage.settled(asked), "recovery")
        stage.wait_for(lambda: not list(look()), "order", seconds=10)
    return list(look())
