"""A web server and two Celery workers, one of which is killed while the broker goes: nothing is lost.

The workers have spools of their own, as on machines of their own, and share the database and the store.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.brokers import KEYS, RabbitMQ, Redis
from tests.crash import vendor
from tests.e2e import conftest
from tests.e2e.client import ApiClient
from tests.e2e.test_database_restarts import PREPARE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.postgres, pytest.mark.celery]

GENERATIONS = 40


class CeleryWorker:
    """A machine with a worker: its own data folder, in which only the store is that of all."""

    def __init__(self, folder: Path, server: conftest.Server):
        self.folder, self.log = folder, folder / "worker.log"
        store = Path(server.variables["DATA_DIR"]) / "media"
        store.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        (folder / "media").symlink_to(store)
        self.environment = server.environment | {"DATA_DIR": str(folder)}
        self.start()

    def start(self, *words: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("celery"), "-A", "config", "worker", "-c", "12", *words],
                cwd=conftest.ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def place(self) -> str:
        return (self.folder / "spool" / "place").read_text()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(40)


@contextmanager
def database():
    """A new one on the server that the tests run on."""
    server = os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    name = f"vignette_brokers_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server.rpartition("/")[0] + f"/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("kind", [Redis, RabbitMQ])
def test_nothing_is_lost_or_sent_twice_when_worker_and_broker_are_killed(kind, tmp_path):
    with ExitStack() as stack:
        broker = kind(tmp_path)
        stack.callback(broker.close)
        url, ledger = stack.enter_context(vendor.running(tmp_path))
        address = stack.enter_context(database())
        host = url.removeprefix("http://").split("/")[0]
        server = conftest.Server(
            tmp_path, DATABASE_URL=address, BROKER_URL=broker.address, ALLOWED_PRIVATE_HOSTS=host, **KEYS
        )
        prepare = PREPARE.format(url=url, key=vendor.KEY)
        server.token = server.manage("shell", "-v0", "-c", prepare).split()[-1]
        workers = [CeleryWorker(tmp_path / name, server) for name in ("first", "second")]
        for worker in workers:
            stack.callback(worker.stop)
        stack.enter_context(conftest.running(server))
        _live_through(broker, server, workers, ledger, address)
    assert "Workers are started apart" in server.log.read_text()


def _live_through(broker, server, workers, ledger: Path, address: str) -> None:
    api, victim = ApiClient(server.address, server.token), workers[0]
    prompts = [f"harbour {number} slow={1 + number % 3}" for number in range(GENERATIONS)]
    _until(lambda: len(_rows(address, "SELECT 1 FROM gallery_worker")) == len(workers))
    asked = {prompt: _ask(api, prompt) for prompt in prompts[:-10]}
    _until(lambda: len(_under_way(address, victim)) > 2)
    victim.kill()
    sent_by_the_dead = _under_way(address, victim)
    broker.go()
    asked |= {prompt: _ask(api, prompt) for prompt in prompts[-10:]}  # rows, of which nobody is told
    victim.start()
    broker.come_back()
    _wait_for_all(api, asked)

    assert [worker.process.poll() for worker in workers] == [None, None]  # a broker that goes ends none
    ends = {prompt: api.get(f"/generations/{number}")["status"] for prompt, number in asked.items()}
    assert max(Counter(vendor.posts(ledger)).values()) == 1
    assert set(prompts) - sent_by_the_dead <= set(vendor.posts(ledger)) <= set(prompts)
    assert {prompt for prompt, status in ends.items() if status == "unknown"} <= sent_by_the_dead
    assert set(ends.values()) <= {"done", "unknown"}
    pictures = api.get("/images?limit=200")["items"]
    assert len(pictures) == list(ends.values()).count("done")
    assert {api.call("GET", f"/images/{picture['id']}/original")[0] for picture in pictures} == {200}


def _ask(api: ApiClient, prompt: str) -> str:
    status, answer = api.call("POST", "/generations", {"prompt": prompt})
    assert status == 202, answer
    return answer["id"]


def _under_way(address: str, worker: CeleryWorker) -> set[str]:
    """The prompts that a killed worker had sent, and whose answers died with it."""
    query = (
        "SELECT prompt FROM gallery_generation JOIN gallery_generationcall AS call"
        " ON call.generation_id = gallery_generation.id WHERE call.state = 'sent' AND call.place = %s"
    )
    return {prompt for (prompt,) in _rows(address, query, worker.place)}


def _rows(address: str, query: str, *values) -> list[tuple]:
    with psycopg.connect(address) as connection:
        return connection.execute(query, values).fetchall()


def _until(condition, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def _wait_for_all(api: ApiClient, asked: dict[str, str]) -> None:
    """For those of the worker that was killed until its leases are over, and a round of housekeeping."""
    waiting, end = list(asked.values()), time.monotonic() + 120
    while waiting:
        assert time.monotonic() < end, waiting
        waiting = [number for number in waiting if not _is_over(api.get(f"/generations/{number}"))]
        time.sleep(0.3)


def _is_over(generation) -> bool:
    return generation["status"] not in ("queued", "running", "saving")
