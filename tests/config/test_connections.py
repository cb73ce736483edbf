"""Callers who are slow, who send too much, and who say two things at once: others are served meanwhile."""

import hashlib
import threading
from contextlib import ExitStack

import pytest

from config import bodies, bridge, connections
from gallery.files import quotas
from tests.config.serving import read_all, serving, until

pytestmark = pytest.mark.thorough

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(autouse=True)
def spool(settings):
    settings.SPOOL_DIR.mkdir()


@pytest.fixture(scope="module")
def shared_server():
    with serving() as running:
        yield running


@pytest.fixture
def server(shared_server):
    until(lambda: shared_server.open_connections == 0)
    shared_server.app.calls.clear()
    return shared_server


@pytest.fixture
def narrow_server(one_thread):
    with serving() as running:
        yield running


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(connections, "READ_SECONDS", 1.0)
    monkeypatch.setattr(connections, "CLOSE_SECONDS", 1.0)
    monkeypatch.setattr(bodies, "PATIENCE", 1.0)
    monkeypatch.setattr(bodies, "LINGER", 0.2)


@pytest.fixture
def one_thread(monkeypatch):
    monkeypatch.setattr(bridge, "THREADS", {bridge.PAGES: 1, bridge.UPLOADS: 1})


# --- The head of a request ------------------------------------------------------------------------


def test_two_hundred_dripping_heads_are_hung_up_on_and_others_served(hurried, server):
    with ExitStack() as stack:
        callers = [stack.enter_context(server.connect()) for _ in range(200)]
        for caller in callers:
            caller.sendall(HEAD)
        assert server.get().endswith(b"ok")
        stop = drip(callers, b"X-Drip: 1\r\n")
        answers = [read_all(caller) for caller in callers]
        stop.set()
    assert all(answer.startswith(b"HTTP/1.1 408") or not answer for answer in answers)
    until(lambda: server.open_connections == 0)


@pytest.mark.parametrize(
    "first", [b"", b"\r\n", b"GET", HEAD + b"\r\n"], ids=["silent", "blank", "word", "asked"]
)
def test_a_caller_who_asks_nothing_more_is_hung_up_on(hurried, server, first):
    with server.connect() as caller:
        caller.sendall(first)
        stop = drip([caller], b"\r\n")
        read_all(caller)
        stop.set()
    until(lambda: server.open_connections == 0)


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X-Long: " + b"a" * (1 << 20) + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: a\r\n" % number for number in range(20_000)) + b"\r\n",
        b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=["one header of 1 MB", "20,000 headers", "an address of 1 MB"],
)
def test_a_head_that_is_too_large_is_refused(server, head):
    with server.connect() as caller:
        threading.Thread(target=send_quietly, args=(caller, head), daemon=True).start()
        answer = read_all(caller)
    assert not answer or answer.startswith(b"HTTP/1.1 431")  # a reset may overtake the answer
    assert server.app.calls == []


def test_a_head_just_over_the_limit_is_answered_431(server):
    answer = server.ask(HEAD + b"X-Long: " + b"a" * connections.HEAD_BYTES + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431")
    assert b"The headers of the request are too large." in answer
    assert b"x-content-type-options: nosniff" in answer


def test_a_head_without_end_is_ended_when_it_is_too_large(server):
    begun = HEAD + b"X-Endless: "
    answer = server.ask(begun + b"a" * (connections.HEAD_BYTES + 1 - len(begun)))
    assert answer.startswith(b"HTTP/1.1 431")


def test_who_has_waited_longest_without_asking_makes_room(server, monkeypatch):
    monkeypatch.setattr(connections, "most", lambda: 5)
    with ExitStack() as stack:
        silent = [stack.enter_context(server.connect()) for _ in range(5)]
        until(lambda: server.open_connections == 5)
        assert server.get().endswith(b"ok")
        assert read_all(silent[0]) == b""
        until(lambda: server.open_connections == 4)


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST
        + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        POST
        + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        POST + b"Content-Length: +5\r\n\r\nhello",
        POST + b"Content-Length: 5, 5\r\n\r\nhello",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
        POST + b"X: a\nContent-Length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    ],
)
def test_a_request_that_says_two_things_at_once_is_refused_and_hung_up_on(hurried, server, request_bytes):
    answer = server.ask(request_bytes)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1
    assert "/smuggled" not in server.app.calls


def test_requests_one_behind_the_other_are_answered_in_order(server):
    last = POST + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc"
    answer = server.ask(HEAD + b"\r\n" + last)
    assert answer.index(b"ok") < answer.index(b"3 ba7816bf")


# --- The body -------------------------------------------------------------------------------------


def test_a_dripping_body_is_ended_and_holds_no_thread(hurried, narrow_server):
    with narrow_server.connect() as caller:
        caller.sendall(POST + b"Content-Length: 1000\r\n\r\n")
        stop = drip([caller], b"a")
        assert narrow_server.get().endswith(b"ok")
        answer = read_all(caller)
        stop.set()
    assert answer.startswith(b"HTTP/1.1 408")
    assert narrow_server.app.calls == ["/"]


def test_a_body_without_end_is_cut_off(hurried, server, settings):
    settings.MAX_REQUEST_BYTES = 4 << 20
    with server.connect() as caller:
        caller.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        sender = threading.Thread(target=send_quietly, args=(caller, piece, None), daemon=True)
        sender.start()
        answer = read_all(caller)
        sender.join(20)
    assert not answer or answer.startswith(b"HTTP/1.1 413")  # a reset may overtake the answer
    assert server.app.calls == []
    assert server.get().endswith(b"ok")


def test_a_body_that_announces_too_much_is_refused_unread(hurried, server, settings):
    settings.MAX_REQUEST_BYTES = 4 << 20
    answer = server.ask(POST + b"Content-Length: 4194305\r\nExpect: 100-continue\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"The limit is 4 MB; send fewer files at a time." in answer
    assert b"100 Continue" not in answer


def test_programs_read_a_problem_document(hurried, server, settings):
    settings.MAX_REQUEST_BYTES = 1000
    answer = server.ask(b"POST /api/v1/images HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
    assert b"content-type: application/problem+json" in answer
    assert b'"status": 413' in answer


def test_a_body_finds_no_room_on_a_full_disk(hurried, server, monkeypatch):
    monkeypatch.setattr(quotas, "FREE_SPACE_FLOOR", 1 << 60)
    answer = server.ask(POST + b"Content-Length: 8000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 507")
    assert b"The disk is full." in answer
    assert server.ask(POST + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (3 << 20) + 7])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_arrives_whole(server, size, is_chunked):
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    if is_chunked:
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body) if size else b"0\r\n\r\n"
        answer = server.ask(POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    else:
        answer = server.ask(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % size + body)
    assert answer.partition(b"\r\n\r\n")[2] == echo_of(body)


def test_a_sender_who_leaves_in_the_middle_is_not_passed_on(narrow_server):
    with narrow_server.connect() as caller:
        caller.sendall(POST + b"Content-Length: 1000\r\n\r\n" + b"a" * 500)
    until(lambda: narrow_server.open_connections == 0)
    assert narrow_server.get().endswith(b"ok")  # the only thread would have been asked for the other before
    assert narrow_server.app.calls == ["/"]


# --- The answer, and the threads ------------------------------------------------------------------


def test_a_reader_who_does_not_read_holds_no_thread_and_is_hung_up_on(hurried, narrow_server):
    with narrow_server.connect() as caller:
        caller.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        assert caller.recv(10)
        assert narrow_server.get().endswith(b"ok")
        until(lambda: narrow_server.open_connections == 0)


def test_a_large_answer_arrives_whole(server):
    head, _, body = server.get("/big").partition(b"\r\n\r\n")
    assert b"content-length: 33554432" in head
    assert body == bytes(32 << 20)


def test_uploads_that_wait_leave_the_pages_alone(narrow_server):
    upload = b"POST /add/upload/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    with narrow_server.connect() as first, narrow_server.connect() as second:
        first.sendall(upload)
        second.sendall(upload)
        assert narrow_server.app.reached.acquire(timeout=20)
        assert narrow_server.get().endswith(b"ok")


def test_too_many_who_wait_are_asked_to_come_back(hurried, one_thread, monkeypatch):
    monkeypatch.setattr(bridge, "WAITING", {bridge.PAGES: 0, bridge.UPLOADS: 0})
    with serving() as server, server.connect() as caller:
        caller.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert server.app.reached.acquire(timeout=20)
        answer = server.get()
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 5" in answer
    assert b"Try again in a moment." in answer


# --- Callers --------------------------------------------------------------------------------------


def drip(callers, piece: bytes) -> threading.Event:
    """Let each caller send `piece` several times a second, until the event is set."""
    stop = threading.Event()

    def go_on():
        while not stop.wait(0.2):
            for caller in callers:
                send_quietly(caller, piece)

    threading.Thread(target=go_on, daemon=True).start()
    return stop


def send_quietly(caller, piece: bytes, times: int | None = 1) -> None:
    """Send until the other side does not want any more; `None`: for ever."""
    try:
        while times is None or times > 0:
            caller.sendall(piece)
            times = times and times - 1
    except OSError:
        return


def echo_of(body: bytes) -> bytes:
    return f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode()
