"""How a worker learns within milliseconds that there is work, without a broker.

SQLite: `PRAGMA data_version` of a connection changes when another one commits; asking costs microseconds.
PostgreSQL: LISTEN and NOTIFY; the note is delivered when the transaction that wrote the row commits.
"""

import sqlite3
import threading
import time

from django.db import connection

CHANNEL = "vignette_queue"
SQLITE_POLL = 0.01  # seconds


def notify() -> None:
    """Tell listening workers that a row was queued in the current transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


def listen():
    """A listener with `wait(seconds, stopping)` and `close()`, made before the queue is first read."""
    return PostgresListener() if connection.vendor == "postgresql" else SqliteListener()


class SqliteListener:
    def __init__(self):
        self.connection = sqlite3.connect(
            connection.settings_dict["NAME"], uri=True, isolation_level=None, check_same_thread=False
        )
        self.version = self._version()

    def _version(self) -> int:
        return self.connection.execute("PRAGMA data_version").fetchone()[0]

    def wait(self, seconds: float, stopping: threading.Event) -> None:
        """Return when somebody has committed something, or after `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not stopping.wait(SQLITE_POLL):
            version = self._version()
            if version != self.version:
                self.version = version
                return

    def close(self) -> None:
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

    def wait(self, seconds: float, stopping: threading.Event) -> None:
        """Return on a note, or after `seconds`; connect again when the server was restarted."""
        if self.connection is None or self.connection.closed:
            self.connection = self._connect()
            return  # something may have been queued before we listened
        for _note in self.connection.notifies(timeout=seconds, stop_after=1):
            return

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
