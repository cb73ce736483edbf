"""How log lines are written: on one line each, without secrets, with the request or the job they belong to.

What strangers typed is part of messages and of exceptions. Control characters are spelt out, so that nobody
can end a line, begin another or colour the terminal; what continues a line is set apart with a bar.
"""

import json
import logging
import re

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from config.request_ids import NONE, current, current_request
from config.request_secrets import secrets_of
from gallery.work import occupation
from providers.redaction import redact

# C0 and C1 controls, the line ends of Unicode, and the marks that turn the direction of writing around.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# What PostgreSQL adds about the row in question holds prompts.
_ROW = re.compile(r"(?m)^(DETAIL|CONTEXT):.*$")


def one_line(text: str) -> str:
    """`text` without secrets, and with its control characters spelt out."""
    return _UNSEEN.sub(_spelt, _clean(text))


def _clean(text: str) -> str:
    return redact(_ROW.sub(r"\1: [left out]", text), secrets_of(current_request()))


def _spelt(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class SafeFormatter(logging.Formatter):
    """A line for people, with the lines of a trace behind a bar."""

    def format(self, record):
        first = (
            f"{self.formatTime(record)} {record.levelname} [{_what_for()}] "
            f"{record.name}: {one_line(record.getMessage())}"
        )
        return "\n".join([first, *(f"  | {line}" for line in traces(record, self))])


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for LOG_FORMAT=json."""

    def format(self, record):
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": current(),
            **names(),
            "message": one_line(record.getMessage()),
        }
        if trace := traces(record, self):
            line["exception"] = "\n".join(trace)
        return json.dumps(line)


def names() -> dict[str, str]:
    """Whom and what the line is about, as far as it is known: `user_id`, `job`, `generation_id` …"""
    return _user_of(current_request()) | dict(occupation.current())


def _user_of(request: HttpRequest | None) -> dict[str, str]:
    """Who asks, when that was found out already: to write a line, nobody looks it up."""
    user = getattr(request, "_cached_user", None) or vars(request or object).get("user")
    pk = None if type(user) is SimpleLazyObject else getattr(user, "pk", None)
    return {"user_id": str(pk)} if pk else {}


def _what_for() -> str:
    name = current()
    return name if name != NONE else occupation.current().get("job", NONE)


def traces(record: logging.LogRecord, formatter: logging.Formatter) -> list[str]:
    """The lines of the record's exception, cleaned each."""
    told = formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[1] else ""
    stack = record.stack_info or ""
    text = _clean("\n".join(filter(None, [told, stack])))
    return [_UNSEEN.sub(_spelt, line) for line in text.split("\n")] if text else []
