"""Errors to a Sentry server, for who set SENTRY_DSN: which classes and lines, and ids to look up in our logs.

Nothing that people wrote goes there. Messages, variables, bodies, headers, cookies and addresses may hold
prompts and keys, so an event is made anew from a short list of what may leave; the log has the rest.
"""

from typing import Any

from config.logs import names, one_line
from config.request_ids import NONE, current

MISSING = (
    "SENTRY_DSN is set, and the package sentry-sdk is not there. "
    "Run: .venv/bin/pip install --require-hashes --no-deps -r requirements-scale.txt"
)
KEPT = ("event_id", "timestamp", "level", "platform", "logger", "release", "server_name", "sdk")
OURS = ("gallery", "config", "providers")  # what others log may be put together before we see it
OF_A_FRAME = ("filename", "function", "lineno", "module", "in_app")
type Event = dict[str, Any]


def begin(dsn: str) -> None:
    """Report errors of this process from now on. Ends the start when it cannot."""
    try:
        import sentry_sdk
    except ImportError as exc:
        raise SystemExit(MISSING) from exc
    try:
        sentry_sdk.init(dsn, **OPTIONS)
    except sentry_sdk.utils.BadDsn as exc:
        raise SystemExit("SENTRY_DSN is no address that Sentry gave out.") from exc


def scrub(event: Any, hint: Any) -> Any:
    """A new event with what may leave of `event`."""
    said = {name: event[name] for name in KEPT if name in event}
    said["tags"] = {"request_id": current(), **names()} if current() != NONE else names()
    if problems := (event.get("exception") or {}).get("values"):
        said["exception"] = {"values": [_problem(one) for one in problems]}
    words = (event.get("logentry") or {}).get("message")
    if words and str(event.get("logger")).partition(".")[0] in OURS:
        said["logentry"] = {"message": words}  # as the code has it, without what was put in
    return _clean(said)


def _problem(problem: Event) -> Event:
    """Its class and where it came from. Its words are in the log."""
    frames = (problem.get("stacktrace") or {}).get("frames") or []
    kept = [{name: frame.get(name) for name in OF_A_FRAME} for frame in frames]
    return {"type": problem.get("type"), "module": problem.get("module"), "stacktrace": {"frames": kept}}


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _clean(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_clean(part) for part in value]
    return one_line(value) if isinstance(value, str) else value


def nothing(event: Any, hint: Any) -> None:
    """Only errors are sent."""


# What is logged as an error comes with its exception, Django's answers of 500 too. Nothing has to be
# patched for that, so the integrations that the package finds by itself stay off.
OPTIONS: dict[str, Any] = {
    "before_send": scrub,
    "before_send_transaction": nothing,
    "before_send_log": nothing,
    "auto_enabling_integrations": False,
    "auto_session_tracking": False,
    "send_default_pii": False,
    "max_request_body_size": "never",
    "include_local_variables": False,
    "include_source_context": False,
    "max_breadcrumbs": 0,
    "traces_sample_rate": 0,
}
