"""One evening: the server is started, people come, stay and leave, and what they left is looked through."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services import free_port
from tests.soak import flood, people, promises, things, watching
from tests.soak.wire import Notes

PATIENCE = 300  # seconds that work which is left over may take at most
UNWANTED = ("database is locked", "Traceback", " ERROR ", " CRITICAL ", "deadlock")
# Said by housekeeping, of the made-up files of a seeded library. At the end all files are looked at anyway.
SPOILED, AND_MORE = "original is not what was stored", " more; check_storage names them all"


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
    flood: flood.Flood | None  # None: there was none
    storm: watching.Watch  # over the flood and until all of it was done
    posts: int  # requests that reached the vendor
    cpu: float  # per cent of the machine that was busy
    broken: list[str]  # promises that were not kept
    delay: float  # seconds that the vendor takes
    recovered: float  # seconds until nothing was left of what was under way in the end
    trouble: list[str]  # what was done to the machines, a line each
    deaths: list[str]  # processes that ended by themselves
    longest_wait: float  # of a generation that was under way when a worker was killed


def bad_lines(log: Path) -> list[str]:
    """First lines of entries that should not be there. What belongs to an entry stands behind a bar."""
    entries = log.read_text(errors="replace").replace("\n  | ", " | ").split("\n")
    return [entry[:400] for entry in entries if any(word in entry for word in UNWANTED)]


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
    vendor = things.Vendor(options.delay)
    place = (options.kind or Place)(folder, address, vendor.host)
    try:
        place.manage("migrate", "--verbosity", "0")
        with ThreadPoolExecutor(1) as beside:
            started = beside.submit(place.start)
            who = place.ask("prepare", vendor.address, str(options.company.library))
            known = place.check_storage()  # the files of a seeded library are made up
            started.result()
        notes, watch, told = Notes(), watching.Watch(place.processes), promises.Promises()
        crowd = people.Crowd(place.port, notes, told)
        cpu = _be_there(place, crowd, who, watch, options)
        recovered = _seconds_until_done(place, crowd, options.delay)
        print(*notes.table(), sep="\n", flush=True)
        storm = watching.Watch(place.processes)
        storm.start()
        poured = _flood(place, who, options)
        storm.end()
        rows, counts = place.ask("ledger"), place.ask("count")
        status = place.stop()
        return Evening(
            notes=notes, watch=watch, log=place.log, counts=counts,
            storage=sorted(place.check_storage() - known), unwanted=_unforeseen(place.unwanted(), known),
            status=status, flood=poured, storm=storm, posts=vendor.posts, cpu=cpu, recovered=recovered,
            broken=promises.broken(told, rows, vendor, place.kills), trouble=place.trouble,
            delay=options.delay, deaths=place.deaths, longest_wait=promises.longest_wait(rows, place.kills),
        )  # fmt: skip
    finally:
        place.end()
        vendor.close()


def _unforeseen(lines: list[str], known: set[str]) -> list[str]:
    """Without what housekeeping says of files that were made up, and were known to be before it began."""
    keys = {line.partition(": ")[0] for line in known}
    made_up = [line for line in lines if SPOILED in line and any(key in line for key in keys)]
    return [line for line in lines if line not in made_up and not (keys and AND_MORE in line)]


def _be_there(place, crowd: people.Crowd, who: dict, watch: watching.Watch, options) -> float:
    """From the first guest to the last. Returns how busy the machine was, in per cent."""
    before = watching.cpu_seconds()
    people.invite(crowd, who, options.company)
    watch.start()
    over = threading.Event()
    trouble = threading.Thread(target=place.disturb, args=(over, options.seconds))
    trouble.start()
    time.sleep(options.seconds)
    over.set()
    trouble.join()
    watch.end()
    busy, whole = (now - then for now, then in zip(watching.cpu_seconds(), before, strict=True))
    crowd.over.set()
    return busy / whole * 100


def _seconds_until_done(place, crowd: people.Crowd, delay: float) -> float:
    """From the end of the evening until nobody waits for anything any more."""
    begun = time.monotonic()
    place.ask("wait", str(delay + PATIENCE))
    took = time.monotonic() - begun
    crowd.go_home(60)
    return took


def _flood(place, who: dict, options) -> flood.Flood | None:
    if not options.requests:
        return None
    print("All have gone home; now a flood.", flush=True)
    poured = flood.pour(place.port, who["tokens"][0], who["tokens"][1], options.requests)
    place.ask("wait", str(options.delay + PATIENCE))
    return poured


class Place:
    """`manage.py serve` in a data folder of its own."""

    def __init__(self, folder: Path, address: str, allowed: str):
        self.port, self.log = free_port(), folder / "serve.log"
        self.process: subprocess.Popen | None = None
        self.kills: list[promises.Kill] = []
        self.trouble: list[str] = []
        self.deaths: list[str] = []
        kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        self.environment = kept | {
            "DATA_DIR": str(folder / "var"), "DJANGO_READ_DOT_ENV": "false", "ALLOWED_PRIVATE_HOSTS": allowed,
            "DATABASE_URL": address or f"sqlite:///{folder / 'var' / 'db.sqlite3'}",
        }  # fmt: skip

    def run(self, *words: str, check: bool = True) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if check and done.returncode:
            raise RuntimeError(f"{words} ended with status {done.returncode}: {done.stdout}")
        return done.stdout

    def manage(self, *words: str) -> None:
        self.run("manage.py", *words)

    def ask(self, *words: str) -> dict:
        return json.loads(self.run("-m", "tests.soak.rows", *words).strip().splitlines()[-1])

    def check_storage(self) -> set[str]:
        """What is wrong, a line for each file."""
        lines = self.run("manage.py", "check_storage", check=False).splitlines()
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

    def unwanted(self) -> list[str]:
        """Lines of the log that should not be there."""
        return bad_lines(self.log)

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
