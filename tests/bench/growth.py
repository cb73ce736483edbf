"""What more work costs: one worker to four on one queue, and 1 to 500 requests in flight in one worker."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.bench.draining import Drained, drain
from tests.bench.rows import GROWTH, Row

SERVER = os.environ.get("BENCH_DATABASE_URL", "")
WORKERS, EACH, ROUNDS, DELAY = (1, 2, 4), 4, 6, 2.0  # requests at once in a worker, and how often
IN_FLIGHT, LONG_DELAY = (1, 50, 500), 40.0  # long enough for all to be sent before the first is answered
TOGETHER, TOGETHER_GOAL = 50, 1.1
WAITING_GOAL = 100  # MiB


def measure() -> list[Row]:
    rows = [row for name in ("SQLite", "PostgreSQL") if name == "SQLite" or SERVER for row in _workers(name)]
    return [*rows, _together(), *_in_flight()]


def _workers(name: str) -> Iterator[Row]:
    first = None
    for n in WORKERS:
        with database(name) as environment:
            jobs = n * EACH * ROUNDS
            drained = drain(workers=n, jobs=jobs, most=EACH, delay=DELAY, environment=environment)
        pace, ideal = jobs / drained.seconds, n * EACH / DELAY
        first = first or pace
        yield Row(
            number=GROWTH, work=f"{name}: {n} workers, {EACH} requests of {DELAY:g} s at once in each",
            measured=f"{pace:.2f} pictures a second", against=f"the vendor alone: {ideal:g}",
            ratio=f"{pace / ideal:.0%} of it, {pace / first:.2f}× one worker",
        )  # fmt: skip


def _together() -> Row:
    with database("SQLite") as environment:
        drained = drain(workers=1, jobs=TOGETHER, most=600, delay=DELAY, environment=environment)
    seconds = drained.sending + DELAY
    return Row(
        number=9, work=f"{TOGETHER} requests of {DELAY:g} s in one worker, first sent to last answered",
        measured=f"{seconds:.2f} s", against=f"all at once: {DELAY:g} s; filed after {drained.seconds:.1f} s",
        ratio=f"{seconds / DELAY:.2f}×", goal=f"≤ {TOGETHER_GOAL}×", met=seconds <= TOGETHER_GOAL * DELAY,
    )  # fmt: skip


def _in_flight() -> Iterator[Row]:
    for n in IN_FLIGHT:
        with database("SQLite") as environment:
            drained = drain(workers=1, jobs=n, most=600, delay=LONG_DELAY, environment=environment)
        yield _flown(n, drained)
    yield Row(
        number=9, work=f"{n} generations that wait in one worker",
        measured=f"{drained.most} in flight, +{drained.waiting:.0f} MiB",
        against=f"while their pictures come and are filed: +{drained.peak:.0f} MiB",
        goal=f"{n} in flight, ≤ {WAITING_GOAL} MiB",
        met=drained.most >= n * 0.98 and drained.waiting <= WAITING_GOAL,
    )  # fmt: skip


def _flown(n: int, drained: Drained) -> Row:
    filing = drained.seconds - LONG_DELAY
    return Row(
        number=GROWTH, work=f"{n} in flight in one worker, a picture of 1024 pixels each",
        measured=f"waiting +{drained.waiting:.0f} MiB, at most +{drained.peak:.0f} MiB",
        against=f"sent within {drained.sending:.1f} s, {filing:.1f} s beyond the vendor's {LONG_DELAY:g}",
        ratio=f"{n / filing:.1f} pictures a second, {drained.cpu * 1000:.0f} ms CPU each",
    )  # fmt: skip


@contextmanager
def database(name: str) -> Iterator[dict[str, str]]:
    """What names an empty database of that kind and an empty data folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="vignette-growth-") as folder:
        if name == "SQLite":
            yield {"DATA_DIR": folder}
            return
        kind = f"{Path(SERVER).name}_empty"
        with psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(kind)))
            try:
                yield {"DATA_DIR": folder, "DATABASE_URL": f"{SERVER}_empty"}
            finally:
                server.execute(
                    psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(psycopg.sql.Identifier(kind))
                )
