"""Whether the server lives, and whether it can do its work."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import JsonResponse

from gallery import storage


@login_not_required
def live(request):
    return JsonResponse({"status": "ok"})


@login_not_required
def ready(request):
    checks = {"database": _database_answers(), "storage": _storage_answers()}
    status = 200 if all(checks.values()) else 503
    return JsonResponse({"status": "ok" if status == 200 else "not ready", "checks": checks}, status=status)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:  # noqa: BLE001  whatever it is, the answer is "not ready"
        return False
    return True


def _storage_answers() -> bool:
    try:
        storage.probe()
    except Exception:  # noqa: BLE001  whatever it is, the answer is "not ready"
        return False
    return True
