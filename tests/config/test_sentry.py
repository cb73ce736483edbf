"""What reaches a Sentry server: enough to find the log lines, and nothing that a person wrote."""

import gzip
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from config import sentry
from config.settings import BASE_DIR
from gallery.work import occupation

KEY, PROMPT = "sk-CANARY-0123456789abcdef", "CANARYPROMPT a fox in the rain"
BREAKING = f"""
import logging, sys
import django
from django.conf import settings
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
django.setup()
import sentry_sdk
from django.test import Client
from django.urls import path
from config import urls
from gallery.work import occupation

def breaking(request):
    prompt = request.POST["prompt"]
    raise RuntimeError("It broke with " + prompt + " and {KEY}")

breaking.login_required = False
urls.urlpatterns.append(path("breaking/", breaking))
client = Client(raise_request_exception=False, headers={{"Authorization": "Bearer {KEY}"}})
client.cookies["csrftoken"] = "{KEY}"
answer = client.post("/breaking/?q=CANARYPROMPT", {{"prompt": "{PROMPT}"}})
assert answer.status_code == 500
log = logging.getLogger("gallery.generations.calls")
with occupation.with_task("gallery.tasks.run_call", [17]):
    log.error("Call %s failed", "{PROMPT}")
sentry_sdk.flush(10)
"""


@pytest.fixture
def server():
    """A Sentry server that keeps what it is sent."""

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            self.server.envelopes.append(gzip.decompress(body) if is_packed else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Keep) as http:
        http.envelopes = []
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield http
        http.shutdown()


def run(code, tmp_path, **variables):
    environment = os.environ | {"DATA_DIR": str(tmp_path), "DJANGO_READ_DOT_ENV": "false"} | variables
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=BASE_DIR, env=environment
    )


def events_of(envelopes):
    lines = [line for envelope in envelopes for line in envelope.splitlines()]
    return [event for line in lines if "exception" in (event := json.loads(line)) or "logentry" in event]


@pytest.mark.thorough
def test_errors_arrive_with_classes_lines_and_ids_and_nothing_else(server, tmp_path):
    done = run(
        BREAKING,
        tmp_path,
        SENTRY_DSN=f"http://key@127.0.0.1:{server.server_port}/1",
        ALLOWED_HOSTS="testserver",
        DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}",
    )
    assert done.returncode == 0, done.stderr
    sent = b"\n".join(server.envelopes).decode()
    assert [word for word in ("CANARY", "fox in the rain", "It broke") if word in sent] == []
    assert "CANARYPROMPT" in done.stderr  # what was left out there is in the log here
    broke, failed = sorted(events_of(server.envelopes), key=lambda event: "exception" not in event)
    problem = broke["exception"]["values"][-1]
    assert problem["type"] == "RuntimeError"
    assert problem["stacktrace"]["frames"][-1]["function"] == "breaking"
    assert broke["tags"]["request_id"] in done.stderr
    assert (failed["logentry"]["message"], failed["tags"]["job"]) == ("Call %s failed", "run_call:17")
    assert {"request", "user", "extra", "breadcrumbs", "modules", "contexts"} & {*broke, *failed} == set()


def test_an_event_is_made_of_what_is_named_and_cleaned():
    event = {
        "level": "error", "request": {"cookies": KEY}, "user": {"id": 7}, "transaction": f"/x/{KEY}",
        "logger": f"of {KEY}", "exception": {"values": [{"type": "E", "value": PROMPT, "stacktrace": {
            "frames": [{"function": "f", "lineno": 3, "vars": {"key": KEY}, "context_line": PROMPT}]}}]},
    }  # fmt: skip
    with occupation.with_task("gallery.tasks.run_import", [3]):
        scrubbed = sentry.scrub(event, {})
    frame = dict.fromkeys(sentry.OF_A_FRAME) | {"function": "f", "lineno": 3}
    assert scrubbed == {
        "level": "error",
        "logger": "of [hidden]",
        "tags": {"job": "run_import:3"},
        "exception": {"values": [{"type": "E", "module": None, "stacktrace": {"frames": [frame]}}]},
    }


@pytest.mark.parametrize(
    ("logger", "stays"), [("gallery.generations.calls", True), ("asyncio", False), ("django.security", False)]
)
def test_words_that_others_log_stay_here(logger, stays):
    scrubbed = sentry.scrub({"logger": logger, "logentry": {"message": PROMPT}}, {})
    assert ("logentry" in scrubbed) is stays


def test_without_the_package_the_start_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(SystemExit, match="requirements-scale.txt"):
        sentry.begin("http://key@127.0.0.1:1/1")


def test_an_address_that_is_none_is_refused_at_the_start(tmp_path):
    done = run("import config.settings", tmp_path, SENTRY_DSN="no address")
    assert done.returncode != 0
    assert "SENTRY_DSN is no address that Sentry gave out." in done.stderr


def test_without_an_address_the_package_is_not_loaded(tmp_path):
    done = run("import sys, config.settings; print('sentry_sdk' in sys.modules)", tmp_path, SENTRY_DSN="")
    assert done.stdout.strip() == "False"
