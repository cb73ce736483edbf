"""Log lines: one each, without secrets, with the request they belong to."""

import json
import logging
import re
import subprocess
import sys
import threading
from uuid import uuid4

import pytest
from django.core.signals import request_started
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from config import request_ids
from config.logs import JsonFormatter, SafeFormatter
from config.settings import BASE_DIR
from gallery.models import ApiToken, Generation, GenerationCall, QueuedTask
from gallery.work import occupation
from gallery.work.runner import Runner

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


# --- Who, and what for ----------------------------------------------------------------------------


def told(message="Done"):
    return json.loads(line(JsonFormatter(), message))


def test_a_line_of_a_task_names_the_task_and_what_it_found_out():
    with occupation.with_task("gallery.tasks.run_call", [17]):
        assert told()["job"] == "run_call:17"
        occupation.note(generation_id="0199-abc", user_id=7)
        assert (told()["generation_id"], told()["user_id"]) == ("0199-abc", "7")
        assert "[run_call:17]" in line(SafeFormatter(), "Done")
    assert not {"job", "generation_id", "user_id"} & told().keys()


def test_what_is_noted_outside_of_a_task_is_not_kept():
    occupation.note(generation_id="0199-abc")
    assert "generation_id" not in told()


def test_tasks_side_by_side_do_not_share_their_names():
    inside, other = threading.Barrier(2, timeout=10), []

    def work(number):
        with occupation.with_task("gallery.tasks.run_import", [number]):
            inside.wait()
            other.append((number, told()["job"]))
            inside.wait()

    threads = [threading.Thread(target=work, args=[number]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(other) == [(1, "run_import:1"), (2, "run_import:2")]


@pytest.mark.parametrize("by", ["session", "token"])
def test_a_line_of_a_request_names_who_asks(client, owner, by, caplog):
    caplog.handler.setFormatter(JsonFormatter())
    bearer = {"Authorization": f"Bearer {ApiToken.issue(owner, 'laptop')[1]}"}
    if by == "session":
        client.force_login(owner)
    where = f"/images/{uuid4()}/" if by == "session" else f"/api/v1/images/{uuid4()}"
    assert client.get(where, headers=bearer if by == "token" else {}).status_code == 404
    (written,) = caplog.text.splitlines()
    assert json.loads(written)["user_id"] == str(owner.pk)
    request_started.send(sender=None)
    assert "user_id" not in told()


def test_writing_a_line_does_not_look_the_person_up(rf):
    request = rf.get("/")
    request.user = SimpleLazyObject(lambda: pytest.fail("somebody asked"))
    request_ids._request.set(request)
    try:
        assert "user_id" not in told()
    finally:
        request_ids._request.set(None)


def test_the_lines_of_a_generation_name_it_in_a_worker(owner, monkeypatch):
    seen = []
    monkeypatch.setattr("gallery.generations.calls.lines.is_paused", lambda call: seen.append(told()) or True)
    generation = Generation.objects.create(owner=owner, provider="demo", model="demo", prompt="fox")
    call = GenerationCall.objects.create(
        generation=generation, index=0, first_image=0, n=1, run_after=timezone.now()
    )
    row = QueuedTask.objects.create(path="gallery.tasks.run_call", args=[call.pk], run_after=timezone.now())
    Runner().run_one(row)
    assert seen[0]["generation_id"] == str(generation.public_id)
    assert (seen[0]["call_id"], seen[0]["user_id"]) == (str(call.public_id), str(owner.pk))
    assert seen[0]["job"] == f"run_call:{call.pk}"
