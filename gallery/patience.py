"""Writes that reading brings along, and that may as well be left out for this time."""

from django.db import OperationalError, connection

AT_MOST = 50  # milliseconds


def can_write_now() -> bool:
    """Whether a small write would be done at once: those who read must not wait while SQLite is locked.

    A server's locks are on single rows: there is nobody to wait for.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
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
