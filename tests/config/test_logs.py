"""Log lines: one each, without secrets, with the request they belong to."""

import json
import logging
import re
import subprocess
import sys

import pytest
from django.core.signals import request_started

from config import request_ids
from config.logs import JsonFormatter, SafeFormatter
from config.settings import BASE_DIR

FORGED = "Fox\r\n2026-01-01 00:00:00,000 INFO [-] root: all is well\x1b[2J\x85\u2028\u202eend"
FORMATTERS = [SafeFormatter(), JsonFormatter()]


def line(formatter, message, *args, exc_info=None):
    record = logging.LogRecord("gallery.x", logging.INFO, "x.py", 1, message, args, exc_info)
    return formatter.format(record)


def failure(text):
    try:
        raise ValueError(text)
    except ValueError:
        return sys.exc_info()


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_nobody_can_begin_a_line_or_colour_the_terminal(formatter):
    written = line(formatter, "Title %s", FORGED)
    assert written.isprintable()
    assert "all is well" in written


def test_every_further_line_of_a_trace_is_set_apart():
    first, *rest = line(SafeFormatter(), "Failed", exc_info=failure(FORGED)).split("\n")
    assert first.endswith("gallery.x: Failed")
    assert any("all is well" in text for text in rest)
    assert all(text.startswith("  | ") and text.isprintable() for text in rest)


def test_json_is_one_object_on_one_line_with_the_trace_in_it():
    written = line(JsonFormatter(), "Failed for %s", "Zoë", exc_info=failure(FORGED))
    assert written.isprintable()
    told = json.loads(written)
    assert told["message"] == "Failed for Zoë"
    assert told["exception"].startswith("Traceback")
    assert {"time", "level", "logger", "request_id"} <= told.keys()


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_secrets_are_hidden_in_messages_and_in_traces(formatter):
    secret = "sk-CANARY-0123456789"
    written = line(formatter, "Key %s", secret, exc_info=failure(f"Bearer {secret}"))
    assert "CANARY" not in written
    assert written.count("[hidden]") >= 2


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_the_row_that_postgresql_quotes_is_left_out(formatter):
    text = "null value in column\nDETAIL:  Failing row contains (7, A private prompt, gAAAA)."
    written = line(formatter, "Not saved: %s", text, exc_info=failure(text))
    assert "null value" in written
    assert "private prompt" not in written


def test_a_request_has_one_name_in_its_lines_and_in_its_answer(client, db):
    lines = []

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(SafeFormatter().format(record))

    handler = Keep()
    logging.getLogger("django.request").addHandler(handler)
    try:
        answer = client.get("/api/v1/nothing-here")
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    name = answer.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{16}", name)
    assert [f"[{name}]" in text for text in lines] == [True]
    request_started.send(sender=None)
    assert request_ids.current() == request_ids.NONE


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("proxy-7f3a9c01", True), ("x", False), ("a b\nc-------", False), ("9" * 65, False)],
)
def test_a_name_from_a_proxy_is_taken_when_it_fits(client, given, is_taken):
    answer = client.get("/health/live", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is is_taken
    assert answer.headers["X-Request-ID"] != client.get("/health/live").headers["X-Request-ID"]


HANDLERS = """
import logging
import django
django.setup()
import config.shell, uvicorn.server
from config.logs import JsonFormatter, SafeFormatter
loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
handlers = [handler for logger in loggers for handler in logger.handlers]
for handler in handlers:
    print(type(handler).__name__, isinstance(handler.formatter, SafeFormatter | JsonFormatter))
"""


def test_every_logger_writes_through_our_formatter():
    """A handler of a library's own would write lines as they come. Other tests' handlers stay out of this."""
    done = subprocess.run(
        [sys.executable, "-c", HANDLERS], capture_output=True, text=True, check=True, cwd=BASE_DIR
    )
    found = {line for line in done.stdout.splitlines() if not line.startswith("NullHandler")}
    assert found == {"StreamHandler True"}
