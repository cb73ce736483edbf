"""How a worker learns within milliseconds that there is work, without a broker.

SQLite: a knock at the worker's socket in the data folder, after the commit. Who changes the database without
knocking is noticed all the same: `PRAGMA data_version` of a connection changes when another one commits.
PostgreSQL: LISTEN and NOTIFY; the note is delivered when the transaction that wrote the row commits.
"""

import os
import select
import socket
import sqlite3
import threading
import time
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

CHANNEL = "vignette_queue"
LOOK_EVERY, LOOK_OFTEN = 0.1, 0.01  # seconds between looks at the database: with a door, and without one


def notify() -> None:
    """Tell listening workers that a row was queued in the current transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    else:
        transaction.on_commit(_knock)


def _doors() -> Path:
    return settings.DATA_DIR / "wake"


def _knock() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as knocker:
        knocker.setblocking(False)
        for door in _doors().glob("*.door"):
            try:
                knocker.sendto(b".", str(door))
            except ConnectionRefusedError:
                door.unlink(missing_ok=True)  # of a worker that was killed
            except OSError:
                continue  # it has been knocked at often enough, or just went; the worker looks by itself


def listen():
    """A listener, made before the queue is first read.

    `wait(seconds, stopping)` returns whether something was queued, and not only perhaps; `close()` ends it.
    """
    return PostgresListener() if connection.vendor == "postgresql" else SqliteListener()


class SqliteListener:
    def __init__(self):
        self.connection = sqlite3.connect(
            connection.settings_dict["NAME"], uri=True, isolation_level=None, check_same_thread=False
        )
        self.version = self._version()
        self.path = _doors() / f"{os.getpid()}.door"
        self.door = self._open_door()

    def _open_door(self) -> socket.socket | None:
        """None: this file system has no sockets, or the folder's name is too long for one."""
        door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
            door.bind(str(self.path))
        except OSError:
            door.close()
            return None
        door.setblocking(False)
        return door

    def _version(self) -> int:
        return self.connection.execute("PRAGMA data_version").fetchone()[0]

    def wait(self, seconds: float, stopping: threading.Event) -> bool:
        """Return when somebody knocked or has committed something, or after `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not stopping.is_set():
            if self._is_knocked_at(stopping):
                return True
            version = self._version()
            if version != self.version:
                self.version = version
                return False
        return False

    def _is_knocked_at(self, stopping: threading.Event) -> bool:
        """Wait a moment for a knock; all that came are taken as one."""
        if self.door is None:
            stopping.wait(LOOK_OFTEN)
            return False
        if not select.select([self.door], [], [], LOOK_EVERY)[0]:
            return False
        try:
            while self.door.recv(64):
                pass
        except BlockingIOError:
            return True
        return True

    def close(self) -> None:
        if self.door is not None:
            self.door.close()
            self.path.unlink(missing_ok=True)
        self.connection.close()


class PostgresListener:
    def __init__(self):
        self.connection = None

    def _connect(self):
        import psycopg

        parameters = connection.get_connection_params()
        for name in ("cursor_factory", "context", "prepare_threshold"):
            parameters.pop(name, None)
        listening = psycopg.connect(**parameters, autocommit=True)
        listening.execute(f"LISTEN {CHANNEL}")
        return listening

    def wait(self, seconds: float, stopping: threading.Event) -> bool:
        """Return on a note, or after `seconds`; connect again when the server was restarted."""
        if self.connection is None or self.connection.closed:
            self.connection = self._connect()
            return False  # something may have been queued before we listened
        return any(True for _note in self.connection.notifies(timeout=seconds, stop_after=1))

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
