"""Files that are made on their way: the view leaves their pieces, the shell sends them."""

import asyncio

import pytest

from config.bridge import Bridge
from config.shell import Shell
from gallery.files import media

SCOPE = {
    "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/",
    "query_string": b"", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
    "headers": [(b"host", b"testserver")],
}  # fmt: skip


class Pieces:
    """Many pieces of a hundred kB, which knows how many were taken and whether it was closed."""

    def __init__(self, n):
        self.left, self.taken, self.closed = n, 0, False

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        self.left, self.taken = self.left - 1, self.taken + 1
        return bytes(100_000)

    def close(self):
        self.closed = True


def send_through_the_shell(pieces, leaves_after=None):
    """Returns what was sent to a reader who stays to the end, or leaves after so many pieces."""

    def app(environ, start_response):
        environ["asgi.scope"][media.PIECES] = pieces
        start_response("200 OK", [("Content-Type", "application/zip"), ("X-Pieces", "1")])
        return [b""]

    sent, gone = [], None

    async def receive():
        if not sent:
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if leaves_after is not None and len(sent) > leaves_after:
            gone.set()
            await asyncio.sleep(0)

    async def ask():
        nonlocal gone
        gone = asyncio.Event()
        await Shell(Bridge(app))(SCOPE, receive, send)

    asyncio.run(asyncio.wait_for(ask(), 20))
    return sent


@pytest.mark.parametrize("n", [0, 1, 20])
def test_all_pieces_are_sent_in_order_and_the_inner_header_is_kept_back(n):
    pieces = Pieces(n)
    start, *bodies = send_through_the_shell(pieces)

    assert b"content-type" in dict(start["headers"])
    assert b"x-pieces" not in dict(start["headers"])
    assert sum(len(message["body"]) for message in bodies) == n * 100_000
    assert bodies[-1] == {"type": "http.response.body", "body": b""}
    assert pieces.closed


def test_a_reader_who_leaves_is_sent_no_more():
    pieces = Pieces(1000)
    send_through_the_shell(pieces, leaves_after=5)

    assert pieces.taken < 20
    assert pieces.closed
