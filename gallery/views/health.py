"""Whether the server lives, and whether it can do its work."""

from django.contrib.auth.decorators import login_not_required
from django.http import JsonResponse

from gallery.monitoring import readiness


@login_not_required
def live(request):
    return JsonResponse({"status": "ok"})


@login_not_required
def ready(request):
    checks = readiness.checks()
    status = 200 if all(checks.values()) else 503
    response = JsonResponse(
        {"status": "ok" if status == 200 else "not ready", "checks": checks}, status=status
    )
    # Whoever asks every second is told, and the log is not filled; a server that just starts is no error.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
