import base64
import json
import os
import tracemalloc

import pytest

from providers import bodies, spooling
from providers.errors import BadResponse

LARGE, SMALL = os.urandom(3_000_001), os.urandom(100)


def text(content):
    return base64.b64encode(content).decode()


@pytest.fixture
def read(tmp_path):
    """A function that spools a body and gives back its data and the first picture's bytes."""

    def spool_and_read(body, **headers):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = spooling.write_answer(tmp_path / "a.answer", status=200, headers=headers, url="", body=[raw])
        with bodies.json_body(answer) as opened:
            opened.save(opened.data["data"][0], tmp_path / "picture")
            return opened.data, (tmp_path / "picture").read_bytes()

    return spool_and_read


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    "write",
    [
        text,
        lambda content: f"data:image/png;base64,{text(content)}",
        lambda content: text(content).rstrip("="),
        lambda content: base64.urlsafe_b64encode(content).decode(),
        lambda content: base64.encodebytes(content).decode(),
    ],
    ids=["plain", "data URL", "no padding", "other alphabet", "lines"],
)
def test_picture_comes_out_whole_however_it_is_written(read, content, write):
    data, saved = read({"data": [write(content)], "usage": {"a": 1}})
    assert saved == content
    assert data["usage"] == {"a": 1}


def test_escaped_slashes_are_understood(read):
    assert read(json.dumps({"data": [text(LARGE)]}).replace("/", "\\/").encode())[1] == LARGE


def test_quotes_and_backslashes_in_other_strings_do_not_mislead(read):
    odd = 'say "hi" \\" \\\\ ' * 4000
    data, saved = read({"odd": odd[:1000], "a": "\\", "data": [text(LARGE)], '"': "\\\\"})
    assert saved == LARGE
    assert (data["odd"], data["a"], data['"']) == (odd[:1000], "\\", "\\\\")


def test_large_picture_takes_no_memory(read, tmp_path):
    body = json.dumps({"data": [text(os.urandom(12_000_000))]}).encode()
    answer = spooling.write_answer(tmp_path / "b.answer", status=200, headers={}, url="", body=[body])
    tracemalloc.start()
    with bodies.json_body(answer) as opened:
        opened.save(opened.data["data"][0], tmp_path / "picture")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"data": ["',
        b'{"data": ["' + text(LARGE).encode()[:-500],
        b'{"data": [""]}',
        b'{"data": [null]}',
        b'{"data": ["<not base64>"]}',
        b'{"data": ["' + b"<" * 100_000 + b'"]}',
        b'{"data": ["' + b"A" * 99_997 + b'"]}',
        b"[" * 100_000,
        b'{"data": NaN}',
        b'{"data": [-Infinity]}',
        b'{"data": 1e400}',
        b'{"data": ["YQ=="], "data": ["Yg=="]}',
        '{"data": ["YQ=="]}'.encode("utf-16"),
        '{"data": ["YQ=="]}'.encode("utf-8-sig"),
        '{"data": ["YQ=="], "é": 1}'.encode("latin-1"),
        b'"a",' * 1_100_000,
        b" " * 5_000_000,
    ],
)
@pytest.mark.thorough
def test_answer_that_cannot_be_used_is_a_bad_response(read, body):
    with pytest.raises(BadResponse):
        read(body)
