"""Whether this server can do its work: each check answers yes or no, and never says more to a stranger."""

import shutil
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from gallery.files import storage
from gallery.files.quotas import FREE_SPACE_FLOOR
from gallery.models import Worker

SILENCE = timedelta(seconds=60)  # a worker says every five that it lives; a busy machine is late


def checks() -> dict[str, bool]:
    """What works, by name."""
    return {name: _holds(check) for name, check in CHECKS.items()}


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:  # noqa: BLE001  whatever it is, this part is not ready
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def _storage() -> bool:
    storage.probe()
    return True


def _worker() -> bool:
    return Worker.objects.filter(seen_at__gte=Now() - SILENCE).exists()


def _space() -> bool:
    """Below the floor nothing is sent and nothing taken in."""
    return free_bytes() >= FREE_SPACE_FLOOR


def free_bytes() -> int:
    """What is free where DATA_DIR lies."""
    return shutil.disk_usage(settings.DATA_DIR).free


CHECKS = {"database": _database, "storage": _storage, "worker": _worker, "space": _space}
