import time

import pytest

from providers import sse
from providers.errors import BadResponse


def found(stream, size):
    """The name and the lines of each event, when the stream comes in pieces of `size` bytes."""
    scanner = sse.Scanner()
    events = [e for i in range(0, len(stream), size) for e in scanner.feed(stream[i : i + size])]
    return [(e.name, [stream[a:b] for a, b in e.ranges]) for e in [*events, *scanner.end()]]


MIXED = b": hello\nevent: a\ndata: {1}\nid: 7\n\n\n: on\n\ndata:{2}\ndata: {3}\nretry: 5\n\nevent: lost\n\n"
EXPECTED = [("a", [b"{1}"]), ("", [b"{2}", b"{3}"])]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_events_are_found_however_the_stream_is_cut(size, newline):
    assert found(MIXED.replace(b"\n", newline), size) == EXPECTED
    assert found(b"\xef\xbb\xbfdata: {1}\n\n", size) == [("", [b"{1}"])]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_last_event_needs_no_empty_line(ending):
    assert found(b'data: {"a": 1}' + ending, 4) == [("", [b'{"a": 1}'])]


def test_event_that_was_cut_off_is_none():
    assert found(b'data: {1}\n\ndata: {"b64_json": "iVBOR', 9) == [("", [b"{1}"])]


def test_line_of_many_megabytes_costs_little():
    scanner, piece = sse.Scanner(), b"A" * 16_384
    started = time.process_time()
    scanner.feed(b"data: {")
    for _ in range(4000):  # 65 MB
        scanner.feed(piece)
    (event,) = scanner.feed(b"}\n\n")
    assert event.ranges == ((6, 6 + 4000 * 16_384 + 2),)
    assert time.process_time() - started < 1


def test_line_and_event_have_a_limit(monkeypatch):
    monkeypatch.setattr(sse, "LARGEST_LINE", 1000)
    with pytest.raises(BadResponse):
        found(b"data: " + b"A" * 2000, 100)
    with pytest.raises(BadResponse):
        found(b"data:\n" * 1002, 100)
