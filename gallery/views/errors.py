"""Error pages: a sentence and a way on."""

import sys
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext

from gallery import alone
from gallery.api import problems
from gallery.models import User
from gallery.work.outages import RETRY_SECONDS, outage_of

TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
LIMITED_SECONDS = 60  # over which log-ins are counted
# What people write at length. Passwords and keys are not shown again.
PROSE = ("prompt", "negative_prompt", "text", "notes", "description", "title", "name", "tags", "urls")


def bad_request(request, text="", exception=None):
    if isinstance(exception, TOO_MUCH):
        return too_big(request, exception)
    if isinstance(exception, MultiPartParserError):
        damaged = gettext("It was damaged on its way here. Go back and send it again.")
        text = getattr(exception, "message", damaged)
        return render(request, "400.html", {"text": text, "what": gettext("This form")}, status=400)
    return render(request, "400.html", {"text": text}, status=400)


def too_big(request, exc):
    limits = {
        RequestDataTooBig: gettext("{} of text").format(filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)),
        TooManyFieldsSent: gettext("{} fields").format(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS),
        TooManyFilesSent: gettext("{} files").format(settings.DATA_UPLOAD_MAX_NUMBER_FILES),
    }
    context = {"limit": limits[type(exc)], "back": came_from(request)}
    return render(request, "413.html", context, status=413)


def came_from(request) -> str:
    """The path of our page that the form was on; empty when it is not known."""
    parts = urlsplit(request.headers.get("Referer", ""))
    return parts.path if parts.netloc == request.get_host() else ""


def not_found(request, exception=None):
    return render(request, "404.html", status=404)


def forbidden(request, exception=None):
    owner = None
    if request.user.is_authenticated:
        owners = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
        owner = owners.values_list("username", flat=True).first()
    return render(request, "403.html", {"owner": owner}, status=403)


def too_many(request):
    """Too many log-ins. The page counts down to when the next is let through for certain."""
    response = render(request, "429.html", {"seconds": LIMITED_SECONDS}, status=429)
    response["Retry-After"] = str(LIMITED_SECONDS)
    return response


def csrf_failure(request, reason=""):
    """Nothing was done. What was written is shown, to be copied: sending it again would undo the check."""
    return render(request, "403_csrf.html", {"written": written(request)}, status=403)


def written(request) -> list[str]:
    try:
        return [text for name in PROSE for text in request.POST.getlist(name) if text.strip()]
    except (SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return []


def server_error(request):
    """A database, store or disk that fails is expected back; everything else is a fault of ours."""
    exc = sys.exception()
    if request.path_info.startswith("/api/"):  # it broke before the API had it
        return problems.broken(exc)
    outage = outage_of(exc)
    if outage is None:
        return draw(request, "500.html", {"number": getattr(request, "number", "")}, status=500)
    comes_again = request.method == "GET" and outage.status == 503
    response = draw(request, "503.html", {"outage": outage, "comes_again": comes_again}, outage.status)
    response["Retry-After"] = RETRY_SECONDS
    return response


def draw(request, template, context=None, status=200):
    """Draw a page that needs no other file."""
    response = render(request, template, context, status=status)
    response["Content-Security-Policy"] = alone.policy(response.text)
    return response
