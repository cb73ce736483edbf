"""Writes that reading brings along, and that may as well be left out for this time."""

import shutil
from pathlib import Path

from django.db import OperationalError, connection

AT_MOST = 50  # milliseconds
ROOM = 1 << 20  # bytes


def can_write_now() -> bool:
    """Whether a small write would be done at once.

    Who only reads must not wait while SQLite is locked, nor hear that its disk is full. A server's locks are
    on single rows: there is nobody to wait for.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    if not _has_room():
        return False
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {AT_MOST}")
        try:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
        except OperationalError:
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
    return True


def _has_room() -> bool:
    folder = Path(connection.settings_dict["NAME"]).parent
    return not folder.is_dir() or shutil.disk_usage(folder).free > ROOM
