"""What is done for every request beside its view: old sessions end, and the audit log knows who asks."""

import time

from django.conf import settings
from django.http import HttpResponseNotAllowed

from gallery import audit
from gallery.work.patience import can_write_now

NOTE_EVERY = 3600  # seconds; a visit prolongs a session at most this often, for it costs a write


class SessionLifeMiddleware:
    """End a session that is older than any may become; let a visit prolong a younger one."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            look_after(request.session)
        return self.get_response(request)


def look_after(session) -> None:
    """`begun` is written when somebody logs in (`accounts`). A session without it is no log-in of ours."""
    if "_auth_user_id" not in session:
        return
    now = time.time()
    if session.get("begun", 0) + settings.SESSION_LONGEST < now:
        session.flush()
    elif session.get("seen", session["begun"]) + NOTE_EVERY < now and can_write_now():
        session["seen"] = now  # saved, it lasts for SESSION_COOKIE_AGE from here


class MethodsMiddleware:
    """Pages are read and forms are sent; every other method is for programs."""

    known = ("GET", "HEAD", "POST")

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method not in self.known and not request.path_info.startswith("/api/"):
            return HttpResponseNotAllowed(self.known)
        return self.get_response(request)


class AuditMiddleware:
    """Let the audit log know who asks, and from where."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        with audit.during(request):
            return self.get_response(request)
