"""How a request that is turned away before Django saw it is answered: to programs, to scripts, to windows."""

import json

import pytest

from config import bodies

TOO_BIG = bodies.Refused(413, "The limit is 512 MB.")
BUSY = bodies.Refused(503, "Many others ask.", 5)
WINDOW = (b"accept", b"text/html,*/*")


def answered(refused, path="/add/upload/", *headers, method="POST"):
    body, sent = bodies.written(refused, {"path": path, "method": method, "headers": list(headers)})
    return body.decode(), {name.decode(): value.decode() for name, value in sent}


def test_a_window_gets_a_page_that_needs_nothing_else():
    page, headers = answered(TOO_BIG, "/add/upload/", WINDOW)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "<h1>Too big</h1>" in page
    assert "The limit is 512 MB." in page
    assert "http-equiv" not in page


@pytest.mark.parametrize(("method", "times"), [("GET", 1), ("POST", 0)])
def test_what_was_asked_for_comes_again_by_itself_and_no_form_does(method, times):
    page, headers = answered(BUSY, "/", WINDOW, method=method)
    assert headers["retry-after"] == "5"
    assert page.count('<meta http-equiv="refresh" content="5">') == times


def test_a_script_gets_a_sentence():
    text, headers = answered(TOO_BIG, "/add/upload/", WINDOW, (b"hx-request", b"true"))
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert text == "Too big. The limit is 512 MB.\n"


def test_a_program_gets_a_problem_document():
    text, headers = answered(TOO_BIG, "/api/v1/images", WINDOW)
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(text)["status"] == 413
