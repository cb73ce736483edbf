"""A name for each request: in every log line about it, and in its answer for whoever asks what went wrong."""

import re
import secrets
from contextvars import ContextVar

from django.core.signals import request_finished, request_started
from django.dispatch import receiver
from django.http import HttpRequest

HEADER = "X-Request-ID"
NONE = "-"  # in lines of a worker or a command
_FITTING = re.compile(r"[A-Za-z0-9._-]{8,64}")  # a proxy in front may name the request
_name: ContextVar[str] = ContextVar("request_id", default=NONE)
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def current() -> str:
    return _name.get()


def current_request() -> HttpRequest | None:
    return _request.get()


class RequestIdMiddleware:
    """Name the request before anything else is done with it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get(HEADER, "")
        name = given if _FITTING.fullmatch(given) else secrets.token_hex(8)
        # Not taken back here: Django logs the answer's status after all middleware.
        _name.set(name)
        _request.set(request)
        request.number = name
        response = self.get_response(request)
        response.headers[HEADER] = name
        return response


@receiver((request_started, request_finished))
def _forget(**_kwargs):
    """A thread serves one request after the other."""
    _name.set(NONE)
    _request.set(None)
