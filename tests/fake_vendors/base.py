"""A vendor on a loopback port: real HTTP, strict about what it is asked, and able to fail in every way.

    with FakeOpenAI() as vendor:
        vendor.script("reset", Reply(429, {"retry-after": "7"}))
        … Connection(base_url=vendor.url, allowed_private_hosts=vendor.allowed) …
        assert vendor.posts == 1

Each POST uses up one step of the script; without a script the vendor simply works.
"""

import gzip
import json
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

PAUSE = 2.5  # seconds: longer than a page waits between two questions


@dataclass
class Reply:
    """A whole answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | dict[str, Any] = b""
    chunks: Iterable[bytes] | None = None  # instead of a body: pieces that are sent as they are made

    def bytes(self) -> bytes:
        return json.dumps(self.body).encode() if isinstance(self.body, dict) else self.body


@dataclass
class Part:
    """One part of a form."""

    name: str
    file_name: str | None
    content_type: str
    content: bytes


@dataclass
class Recorded:
    """A request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]  # lower-case names
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def parts(self) -> list[Part]:
        """The parts of a multipart body, in order."""
        boundary = re.search(r'boundary="?([^";]+)', self.headers["content-type"])
        assert boundary
        pieces = self.body.split(b"--" + boundary[1].encode())
        assert pieces[-1].strip() == b"--", "the last boundary is missing"
        return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    text = head.decode()
    name, file_name = re.search(r'[; ]name="([^"]*)"', text), re.search(r'filename="([^"]*)"', text)
    kind = re.search(r"content-type: *(\S+)", text, re.IGNORECASE)
    assert name, "a part without a name"
    return Part(name[1], file_name and file_name[1], kind[1] if kind else "", content.removesuffix(b"\r\n"))


class Gone(Exception):
    """The connection was ended on purpose; there is nothing more to answer."""


class FakeVendor:
    """The server; a subclass answers in `answer(request, step)`."""

    root: ClassVar[str] = ""  # path of the base URL: "/v1"

    def __init__(self, port: int = 0):
        self.requests: list[Recorded] = []
        self.steps: list[str | Reply] = []
        self.released = threading.Event()  # ends every "hang"
        self.pause, self.seen = PAUSE, threading.Event()  # FAKE_PAUSES takes so long, or until that is set
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_for(self))
        self._server.daemon_threads = True

    def __enter__(self):
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        ).start()
        return self

    def __exit__(self, *exc_info):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.root}"

    @property
    def allowed(self) -> tuple[str, ...]:
        """What a connection to this vendor needs in `allowed_private_hosts`."""
        return (f"127.0.0.1:{self.port}",)

    @property
    def posts(self) -> int:
        return sum(request.method == "POST" for request in self.requests)

    @property
    def last(self) -> Recorded:
        return self.requests[-1]

    def script(self, *steps: "str | Reply") -> None:
        """What the next POSTs meet: a `Reply`, or the name of a fault."""
        self.steps += steps

    def answer(self, request: Recorded, step: str) -> Reply:
        raise NotImplementedError

    def rest(self) -> None:
        """Wait until somebody has seen what came so far."""
        self.seen.wait(self.pause)

    def step_for(self, request: Recorded) -> str | Reply:
        """The next step of the script, or the fault that the body asks for: FAKE_RESET, FAKE_HALF_BODY, …"""
        if request.method != "POST":
            return ""
        if self.steps:
            return self.steps.pop(0)
        asked = re.search(rb"FAKE_([A-Z_]+)", request.body)
        return asked[1].decode().lower() if asked else ""

    def handle(self, handler: BaseHTTPRequestHandler, request: Recorded) -> Reply:
        with self._lock:
            self.requests.append(request)
            step = self.step_for(request)
        if isinstance(step, Reply):
            return step
        if step in FAULTS:
            return FAULTS[step](self, handler, request)
        return self.answer(request, step)


def _handler_for(vendor: FakeVendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self._serve()

        def do_POST(self):
            self._serve()

        def _serve(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                reply = vendor.handle(self, Recorded(self.command, self.path, headers, body))
            except Gone:
                self.close_connection = True
                return
            self._send(reply)

        def _send(self, reply: Reply):
            if reply.chunks is not None:
                self._send_chunks(reply)
                return
            content = reply.bytes()
            self.send_response(reply.status)
            kind = "application/json" if isinstance(reply.body, dict) else "application/octet-stream"
            for name, value in {
                "Content-Type": kind,
                "Content-Length": str(len(content)),
                **reply.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _send_chunks(self, reply: Reply):
            self.send_response(reply.status)
            for name, value in {"Transfer-Encoding": "chunked", **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for chunk in reply.chunks or ():
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format, *args):
            pass

    return Handler


def late(chunks: list[bytes], rest: Callable[[], None] | None) -> Iterable[bytes]:
    """The chunks of a stream, the last one after a rest."""
    yield from chunks[:-1]
    if rest:
        rest()
    yield chunks[-1]


# Faults: each takes the place of an answer.


def _reset(vendor, handler, request):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    raise Gone


def _close(vendor, handler, request):
    handler.connection.shutdown(socket.SHUT_RDWR)
    raise Gone


def _hang(vendor, handler, request):
    vendor.released.wait(30)
    raise Gone


def _drip(vendor, handler, request):
    """A byte now and then: never late for a timeout that counts from byte to byte."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    while not vendor.released.wait(0.05):
        try:
            handler.wfile.write(b" ")
        except OSError:
            break
    raise Gone


def _half_body(vendor, handler, request):
    content = vendor.answer(request, "").bytes()
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
    handler.wfile.write(b"Content-Length: %d\r\n\r\n" % len(content) + content[: len(content) // 2])
    return _close(vendor, handler, request)


def _half_chunked(vendor, handler, request):
    content = vendor.answer(request, "").bytes()[:500]
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n" + content + b"\r\n")
    return _close(vendor, handler, request)


def _html(vendor, handler, request):
    return Reply(
        200, {"Content-Type": "text/html"}, b"<!doctype html><title>Gateway</title><h1>It works</h1>"
    )


def _empty(vendor, handler, request):
    return Reply(200, {"Content-Type": "application/json"})


def _truncated_json(vendor, handler, request):
    content = vendor.answer(request, "").bytes()
    return Reply(200, {"Content-Type": "application/json"}, content[: len(content) * 2 // 3])


def _gzip(vendor, handler, request):
    content = vendor.answer(request, "").bytes()
    return Reply(
        200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, gzip.compress(content)
    )


def _gzip_bomb(vendor, handler, request):
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1024 * 1024)
    content = b"".join(squeezer.compress(zeros) for _ in range(100)) + squeezer.flush()
    return Reply(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, content)


def _redirect(vendor, handler, request):
    return Reply(302, {"Location": f"{vendor.url}/elsewhere"})


def _slow(vendor, handler, request):
    time.sleep(0.5)
    return vendor.answer(request, "")


FAULTS = {
    "reset": _reset,
    "close": _close,
    "hang": _hang,
    "drip": _drip,
    "half_body": _half_body,
    "half_chunked": _half_chunked,
    "html": _html,
    "empty": _empty,
    "truncated_json": _truncated_json,
    "gzip": _gzip,
    "gzip_bomb": _gzip_bomb,
    "redirect": _redirect,
    "slow": _slow,
}
