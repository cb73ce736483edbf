"""`make soak`: people at work on the real server for minutes, and whether it holds.

20 browse, 5 upload photographs of 8 MB, 5 generate, one imports archives of 500 pictures, one asks for
health. On SQLite, and on PostgreSQL where TEST_DATABASE_URL or the usual server answers. With
`--machines redis` or `rabbitmq` two web servers and two workers share the work, and some are killed.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.bench.__main__ import machine
from tests.brokers import OwnRabbitMQ, RabbitMQ, Redis
from tests.soak import machines, people, run, verdict

ROOT = Path(__file__).resolve().parent.parent.parent
LONG = 300  # seconds from which latencies and growth are judged as well
BROKERS = {"redis": Redis, "rabbitmq": OwnRabbitMQ if OwnRabbitMQ.PROGRAM.exists() else RabbitMQ}
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"


def main() -> int:
    options = _options()
    failures = 0
    for name in options.databases.split(","):
        with _folder(name) as folder:
            print(f"· {name}: {options.seconds} seconds", flush=True)
            with run.database(name, POSTGRES) as address:
                evening = run.spend(folder, address, options)
            findings = verdict.judge(evening, is_long=options.is_long)
            text = f"{machine()}, {name}, {options.seconds} s\n\n{verdict.table(evening)}\n{_said(findings)}"
            print(text)
            _write(name, text)
            failures += bool(findings)
    return 1 if failures else 0


@contextmanager
def _folder(name: str):
    """One for the evening. What was logged in it is kept in `var/soak`, until the next one."""
    with tempfile.TemporaryDirectory(prefix="vignette-soak-") as folder:
        try:
            yield Path(folder)
        finally:
            kept = ROOT / "var" / "soak" / name
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            for log in Path(folder).glob("*.log"):
                shutil.copy(log, kept)


def _options():
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--delay", type=float, help="Seconds that the vendor takes.")
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--requests", type=int, default=1000, help="That one person sends at once.")
    parser.add_argument("--machines", choices=BROKERS, help="Several, woken through this broker.")
    options = parser.parse_args()
    options.kind = None
    if options.machines:
        options.databases = "postgres"
        options.kind = partial(_machines, BROKERS[options.machines])
    options.is_long = options.seconds >= LONG
    options.company = people.Company()
    if options.machines and not options.is_long:
        options.company = people.SMALL_COMPANY
    if options.delay is None:
        options.delay = 20 if options.is_long else 2
    return options


def _machines(broker, folder: Path, address: str, vendor: str) -> machines.Machines:
    running = broker(folder)
    try:
        return machines.Machines(folder, address, vendor, running)
    except BaseException:
        running.close()
        raise


def _said(findings: list[str]) -> str:
    return "\n".join(f"NOT MET: {finding}" for finding in findings) if findings else "All goals are met."


def _write(name: str, text: str) -> None:
    folder = ROOT / "var" / "soak"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{name}.md").write_text(text + "\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended then as well
    os.chdir(ROOT)
    sys.exit(main())
