"""Error pages: a sentence and a way on."""

import sys

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render

from gallery.api import problems
from gallery.outages import RETRY_SECONDS, outage_of

TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def bad_request(request, text="", exception=None):
    if isinstance(exception, TOO_MUCH):
        return render(request, "413.html", status=413)
    if isinstance(exception, MultiPartParserError):
        text = getattr(exception, "message", "It was damaged on its way here. Go back and send it again.")
        return render(request, "400.html", {"text": text, "what": "This form"}, status=400)
    return render(request, "400.html", {"text": text}, status=400)


def not_found(request, exception=None):
    return render(request, "404.html", status=404)


def forbidden(request, exception=None):
    return render(request, "403.html", status=403)


def csrf_failure(request, reason=""):
    return render(request, "403_csrf.html", status=403)


def server_error(request):
    """A database, store or disk that fails is expected back; everything else is a fault of ours."""
    exc = sys.exception()
    if request.path_info.startswith("/api/"):  # it broke before the API had it
        return problems.broken(exc)
    outage = outage_of(exc)
    if outage is None:
        return render(request, "500.html", status=500)
    response = render(request, "503.html", {"outage": outage}, status=outage.status)
    response["Retry-After"] = RETRY_SECONDS
    return response
