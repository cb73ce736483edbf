"""How long the other side of a connection may take, and how much it may send before it has asked anything.

uvicorn waits for ever for the head of a request, for a reader who does not read, and for a connection that
will not close. Somebody who opens many of them on purpose would keep everybody else out.
"""

import functools
import resource
from asyncio import TimerHandle
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from config.headers import FRAME, NOTHING_RUNS

HEAD_SECONDS = 15.0  # from the first byte of a request, or the connection, to the end of its headers
HEAD_BYTES = 65_536
READ_SECONDS = 60.0  # that a reader may take for what stands ready to be sent
CLOSE_SECONDS = 10.0
MOST = 2000  # connections


def plain(status: str, sentence: str) -> bytes:
    body = sentence.encode()
    headers = (
        FRAME
        | NOTHING_RUNS
        | {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
    )
    lines = [f"HTTP/1.1 {status}", *(f"{name.lower()}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


UNREADABLE = plain("400 Bad Request", "The request could not be read.")
TOO_SLOW = plain("408 Request Timeout", "The request took too long to arrive. Send it again.")
TOO_LARGE = plain("431 Request Header Fields Too Large", "The headers of the request are too large.")


@functools.cache
def most() -> int:
    """How many connections there may be; they must leave descriptors for files and databases."""
    return min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to every wait for the other side."""

    silent: ClassVar[dict["Protocol", None]] = {}  # those that have not asked anything yet, the oldest first

    head_timer: TimerHandle | None = None
    read_timer: TimerHandle | None = None
    head_bytes = coming = 0

    def connection_made(self, transport):  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > most():  # who has waited longest without asking anything makes room
            next(iter(self.silent)).transport.abort()

    def connection_lost(self, exc):
        self._end_head()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()
        self.coming = len(data)
        self.head_bytes += self.coming
        super().data_received(data)
        if self.head_timer and self.head_bytes > HEAD_BYTES:
            self._hang_up(TOO_LARGE)

    def on_message_begin(self) -> None:
        self.head_bytes = self.coming  # at most: the head may begin in the midst of what is coming
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._end_head()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self._hang_up(TOO_LARGE)
            raise ValueError("The head of the request is too large")  # the parser stops here
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            self._hang_up(UNREADABLE)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._see_to_the_end()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._see_to_the_end()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.read_timer = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.read_timer:
            self.read_timer.cancel()
            self.read_timer = None

    def _await_head(self) -> None:
        if self.head_timer is None:
            self.silent[self] = None
            self.head_timer = self.loop.call_later(HEAD_SECONDS, self._hang_up, TOO_SLOW)

    def _end_head(self) -> None:
        self.silent.pop(self, None)
        if self.head_timer:
            self.head_timer.cancel()
            self.head_timer = None

    def _hang_up(self, answer: bytes) -> None:
        self._end_head()
        self.transport.write(answer)
        self.transport.close()
        self._see_to_the_end()

    def _see_to_the_end(self) -> None:
        """A reader who leaves the last bytes unread would keep a closing connection for ever."""
        if self.transport.is_closing():
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
