"""What a server may answer through the door out: too much, too slowly, in pieces, or not HTTP at all."""

import gzip
import io
import tracemalloc
import zlib

import pytest

from providers import egress
from providers.egress import EgressError
from tests.internet import PICTURE, dripping, endless, internet, ok, reset

pytestmark = pytest.mark.thorough


@pytest.fixture
def wire():
    with internet() as wire:
        yield wire


def fetch(url="http://img.test/a.png", **kwargs):
    sink = io.BytesIO()
    fetched = egress.fetch(url, sink=sink, **{"max_bytes": 10_000, "deadline": 5, **kwargs})
    return fetched, sink.getvalue()


def refused(url="http://img.test/a.png", **kwargs):
    with pytest.raises(EgressError) as caught:
        fetch(url, **kwargs)
    return caught.value.code


@pytest.mark.parametrize(
    "status", ["204 No Content", "300 Choices", "304 Same", "403 No", "404 No", "500 Oh"]
)
def test_any_status_but_200_is_an_error(wire, status):
    wire.pages["/a.png"] = ok(b"", status)
    assert refused() == "http_status"


def test_larger_file_than_allowed_is_refused_before_or_while_it_comes(wire):
    wire.pages["/a.png"] = ok(b"x" * 20_000)
    assert refused() == "too_big"
    wire.pages["/a.png"] = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * 50,
    ]
    assert refused() == "too_big"
    wire.pages["/a.png"] = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 20_000
    assert refused() == "too_big"


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
GZIPPED = b"Content-Encoding: gzip\r\n"
ZEROS = bytes(5_000_000)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(PICTURE), "gzip"),
        (gzip.compress(PICTURE), "X-GZIP, identity"),
        (zlib.compress(PICTURE), "deflate"),
        (gzip.compress(gzip.compress(PICTURE)), "gzip, gzip"),
        (gzip.compress(PICTURE[:9]) + gzip.compress(PICTURE[9:]), "gzip"),
        (PICTURE, "identity"),
    ],
    ids=["gzip", "X-GZIP", "deflate", "twice", "in two parts", "identity"],  # the bytes hold the time
)
def test_compressed_file_is_unpacked(wire, body, encoding):
    wire.pages["/a.png"] = ok(body, Content_Encoding=encoding)
    assert fetch()[1] == PICTURE


@pytest.mark.parametrize(
    "page",
    [
        ok(gzip.compress(PICTURE) + bytes(512), Content_Encoding="gzip"),
        ok(gzip.compress(PICTURE) + gzip.compress(b"")[:9], Content_Encoding="gzip"),
        endless(CHUNKED + GZIPPED + b"\r\n" + chunk(gzip.compress(PICTURE)), chunk(b"x" * 50_000)),
    ],
    ids=["padding", "half a part", "flood"],
)
def test_what_follows_a_compressed_file_is_left_unread(wire, page):
    wire.pages["/a.png"] = page
    tracemalloc.start()
    try:
        assert fetch(max_bytes=10**9, deadline=20)[1] == PICTURE
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "page",
    [
        ok(gzip.compress(ZEROS), Content_Encoding="gzip"),
        ok(zlib.compress(ZEROS), Content_Encoding="deflate"),
        ok(gzip.compress(gzip.compress(ZEROS)), Content_Encoding="gzip, gzip"),
        endless(CHUNKED + b"\r\n", chunk(b"x" * 1000)),
        endless(OK + b"\r\n", b"x" * 1000),
        endless(CHUNKED + GZIPPED + b"\r\n", chunk(gzip.compress(b""))),
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nx",
        OK + b"Content-Length: 999999999999\r\n\r\nx",
    ],
    ids=["gzip", "deflate", "twice", "chunks", "no length", "empty parts", "digits", "length"],
)
def test_bomb_ends_at_the_limit(wire, page):
    wire.pages["/a.png"] = page
    sink = io.BytesIO()
    with pytest.raises(EgressError) as caught:
        egress.fetch("http://img.test/a.png", sink=sink, max_bytes=10_000, deadline=20)
    assert caught.value.code == "too_big"
    assert sink.tell() <= 10_000


@pytest.mark.parametrize(
    "page",
    [
        endless(CHUNKED + b"\r\n-1\r\n", b"x" * 100_000),
        endless(CHUNKED + b"\r\n5;", b"x" * 100_000),
        endless(CHUNKED + b"\r\n1\r\nx\r\n0\r\nA: ", b"x" * 100_000),
        endless(OK + b"A: ", b"x" * 100_000),
        endless(OK, b"A: " + b"x" * 1000 + b"\r\n"),
    ],
    ids=["chunk below zero", "chunk line", "trailer", "header", "headers"],
)
def test_flood_takes_no_memory(wire, page):
    """It ends by what is wrong with it; were it read until the deadline, memory would fill meanwhile."""
    wire.pages["/a.png"] = page
    tracemalloc.start()
    try:
        assert refused(deadline=20, max_bytes=10**9) in ("bad_answer", "unreachable")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("status", [100, 102, 103])
def test_what_comes_before_the_answer_is_passed_over(wire, status):
    before = f"HTTP/1.1 {status} Soon\r\nLink: </a.css>\r\n\r\n".encode()
    wire.pages["/a.png"] = before * 3 + ok(PICTURE)
    assert fetch()[1] == PICTURE


def test_another_protocol_is_not_spoken(wire):
    wire.pages["/a.png"] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + PICTURE
    assert refused() == "http_status"


@pytest.mark.parametrize("first", [b"", OK, OK + b"Content-Length: 2000\r\n\r\nhalf", CHUNKED + b"\r\n"])
def test_reset_is_an_error_whenever_it_comes(wire, first):
    wire.pages["/a.png"] = lambda line: reset(line, first)
    assert refused() == "unreachable"


@pytest.mark.parametrize(
    "encoding", ["br", "zstd", "compress", "gzip, gzip, gzip", "gzip", "deflate", "gzip, br"]
)
def test_unknown_or_false_compression_is_refused(wire, encoding):
    wire.pages["/a.png"] = ok(PICTURE, Content_Encoding=encoding)
    assert refused() == "bad_answer"


@pytest.mark.parametrize(
    "page",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nabcde\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(PICTURE)[:-9],
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/7.7 200 OK\r\n\r\n",
        b"just some words",
        b"",
    ],
    ids=[
        "half", "half chunk", "5000 headers", "long header", "two lengths", "length below zero", "no number",
        "no chunk", "half gzip", "no status", "HTTP/7.7", "HTTP/0.9", "nothing",
    ],
)  # fmt: skip
def test_broken_answer_is_an_error_and_says_that_the_request_was_sent(wire, page):
    wire.pages["/a.png"] = page
    with pytest.raises(EgressError) as caught:
        fetch()
    assert caught.value.code in ("unreachable", "bad_answer")
    assert caught.value.sent


@pytest.mark.parametrize(
    "first",
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\n\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 2000,),
        (b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" * 2000,),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",),
    ],
    ids=["headers", "body", "body without an end", "continues", "hints", "trailers"],
)
def test_deadline_counts_for_the_whole_answer(wire, first):
    wire.pages["/a.png"] = dripping(*first)
    assert refused(deadline=0.4) == "timeout"
