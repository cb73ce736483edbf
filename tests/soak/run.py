"""One evening: the server is started, people come, stay and leave, and what they left is looked through."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import free_port
from tests.soak import flood, people, things, watching
from tests.soak.wire import Notes

PHOTOGRAPH, SMALL, ENTRIES = 8_000_000, 60_000, 500  # bytes, bytes, pictures of an archive
UNWANTED = ("database is locked", "Traceback", " ERROR ", " CRITICAL ", "deadlock")


@dataclass(frozen=True, kw_only=True)
class Evening:
    """What is known when all have gone home."""

    notes: Notes
    watch: watching.Watch
    log: Path
    unwanted: list[str]  # lines of the log that should not be there
    counts: dict  # jobs by state, and those that are still under way
    storage: list[str]  # what check_storage had to say
    status: int  # with which the server ended
    flood: flood.Flood
    storm: watching.Watch  # over the flood and until all of it was done
    posts: int  # requests that reached the vendor
    cpu: float  # per cent of the machine that was busy
    doubled: int  # requests that came to the vendor a second time
    kills: int  # workers that were killed


@contextmanager
def database(name: str, server: str):
    """The address of an empty database, gone afterwards. SQLite's lies in the data folder."""
    if name == "sqlite":
        yield ""
        return
    import psycopg

    server = os.environ.get("TEST_DATABASE_URL", server)
    fresh = f"vignette_soak_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{fresh}"')
    try:
        yield f"{server.rpartition('/')[0]}/{fresh}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{fresh}" WITH (FORCE)')


def spend(folder: Path, address: str, options) -> Evening:
    """An evening as `options` say: its seconds, the vendor's delay, the place if it is another one."""
    seconds, delay = options.seconds, options.delay
    vendor = things.Vendor(delay)
    place = (options.kind or Place)(folder, address, vendor.host)
    try:
        place.manage("migrate", "--verbosity", "0")
        who = place.ask("prepare", vendor.address)
        known = place.check_storage()  # the files of a seeded library are made up
        place.start()
        notes, watch = Notes(), watching.Watch(place.processes)
        before = watching.cpu_seconds()
        crowd = people.Crowd(place.port, notes)
        invite(crowd, who)
        watch.start()
        over = threading.Event()
        trouble = threading.Thread(target=place.disturb, args=(over, seconds))
        trouble.start()
        time.sleep(seconds)
        over.set()
        trouble.join()
        watch.end()
        busy, whole = (now - then for now, then in zip(watching.cpu_seconds(), before, strict=True))
        crowd.go_home(delay + 60)
        print(*notes.table(), "All have gone home; now a flood.", sep="\n", flush=True)
        storm = watching.Watch(place.processes)
        storm.start()
        poured = flood.pour(place.port, who["tokens"][0], who["tokens"][1], options.requests)
        watching.wait_for(lambda: place.ask("count")["under_way"] == 0, delay + 300, 2)
        storm.end()
        counts = place.ask("count")
        status = place.stop()
        log = place.logs()
        return Evening(
            notes=notes, watch=watch, log=place.log, counts=counts,
            storage=sorted(place.check_storage() - known),
            unwanted=[line for line in log.splitlines() if any(word in line for word in UNWANTED)],
            status=status, flood=poured, storm=storm, posts=vendor.posts, cpu=busy / whole * 100,
            doubled=vendor.doubled, kills=place.kills,
        )  # fmt: skip
    finally:
        place.end()
        vendor.close()


def invite(crowd: people.Crowd, who: dict) -> None:
    photograph, small = things.photograph(PHOTOGRAPH), things.photograph(SMALL)
    for number in range(20):
        session = who["sessions"][number % len(who["sessions"])]
        crowd.join(people.Reader(), (3, 9), session=session)
    for number in range(5):
        crowd.join(people.uploader(photograph), (6, 14), session=who["writers"][number])
        crowd.join(people.generator(crowd), (2, 6), token=who["tokens"][5 + number])
    crowd.join(people.importer(crowd, small, ENTRIES), (20, 30), token=who["tokens"][10])
    crowd.join(people.prober, (1, 1))


class Place:
    """`manage.py serve` in a data folder of its own."""

    def __init__(self, folder: Path, address: str, allowed: str):
        self.port, self.log = free_port(), folder / "serve.log"
        self.process: subprocess.Popen | None = None
        self.kills = 0
        kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        self.environment = kept | {
            "DATA_DIR": str(folder / "var"), "DJANGO_READ_DOT_ENV": "false", "ALLOWED_PRIVATE_HOSTS": allowed,
            "DATABASE_URL": address or f"sqlite:///{folder / 'var' / 'db.sqlite3'}",
        }  # fmt: skip

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess:
        command = [sys.executable, *words]
        return subprocess.run(
            command,
            env=self.environment,
            check=check,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def manage(self, *words: str) -> None:
        self.run("manage.py", *words)

    def ask(self, *words: str) -> dict:
        return json.loads(self.run("-m", "tests.soak.rows", *words).stdout.strip().splitlines()[-1])

    def check_storage(self) -> set[str]:
        """What is wrong, a line for each file."""
        lines = self.run("manage.py", "check_storage", check=False).stdout.splitlines()
        return {line for line in lines if ": " in line and not line.startswith(("Checked", "CommandError"))}

    def start(self) -> None:
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        if not watching.wait_for(self._answers, 90):
            raise RuntimeError(f"the server did not start: {self.log.read_text()}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5):
                return watching.worker_of(self.process.pid) is not None
        except OSError:
            return False

    def processes(self) -> dict[str, int | None]:
        return {"web": self.process.pid, "worker": watching.worker_of(self.process.pid)}

    def disturb(self, over: threading.Event, seconds: float) -> None:
        """Nothing is killed here."""

    def logs(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(90)

    def end(self) -> None:
        """For an evening that broke off: the worker must be gone before its folder is."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
