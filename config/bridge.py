"""Django's WSGI handler behind ASGI: a thread is held while a view works, and neither before nor after.

The body of a request is complete before a thread is asked for (`bodies`), and an answer is complete before it
is sent, so that slow senders and slow readers wait without one. Uploads wait for decode children, and have
threads of their own to do so.
"""

import asyncio
import io
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from django.conf import settings

BODY = "vignette.body"  # in the scope: a file with the whole body, and its size
LANE = "vignette.lane"  # in the scope: which threads are meant, when not those of the pages
PAGES, UPLOADS = "pages", "uploads"
THREADS = {PAGES: 20, UPLOADS: 6}
WAITING = {PAGES: 400, UPLOADS: 60}  # requests that may wait for a thread; more are told to come back
IN_MEMORY = 1 << 20  # bytes of an answer; more goes to disk on its way
PIECE = 1 << 18
NO_HEADERS_TWICE = {"HTTP_COOKIE": "; "}  # what joins a header that came twice, when not a comma


class Full(Exception):
    """Too many requests wait already."""


class Lane:
    """Some threads, and how many requests are at or before them."""

    def __init__(self, name: str):
        self.pool = ThreadPoolExecutor(THREADS[name], thread_name_prefix=name)
        self.most, self.inside = THREADS[name] + WAITING[name], 0

    async def run(self, function, *args):
        if self.inside >= self.most:
            raise Full
        self.inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, function, *args)
        finally:
            self.inside -= 1


class Bridge:
    """A WSGI application as an ASGI one."""

    def __init__(self, app):
        self.app = app
        self.lanes = {name: Lane(name) for name in THREADS}
        self.readers = ThreadPoolExecutor(4, thread_name_prefix="answers")

    async def __call__(self, scope, receive, send):
        """Raises `Full` before anything was done."""
        answer = await self.lanes[scope.get(LANE, PAGES)].run(self.ask, environ_of(scope))
        try:
            await send(answer.start)
            await self.send_body(answer.body, send)
        finally:
            answer.body.close()

    def ask(self, environ: dict[str, Any]) -> "Answer":
        answer = Answer()
        parts = self.app(environ, answer.begin)
        try:
            answer.fill(parts)
        except BaseException:
            answer.body.close()
            raise
        finally:
            getattr(parts, "close", lambda: None)()
        return answer

    async def send_body(self, body: tempfile.SpooledTemporaryFile, send):
        loop, is_on_disk = asyncio.get_running_loop(), body._rolled  # type: ignore[attr-defined]
        while True:
            if is_on_disk:
                piece = await loop.run_in_executor(self.readers, body.read, PIECE)
            else:
                piece = body.read()
            more = is_on_disk and bool(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": more})
            if not more:
                return


class Answer:
    """An answer of the WSGI application, taken down whole."""

    def __init__(self):
        self.start: dict[str, Any] = {}
        self.body = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(settings.SPOOL_DIR))  # noqa: SIM115  the bridge closes it

    def begin(self, status: str, headers: list[tuple[str, str]], exc_info=None):
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.start = {"type": "http.response.start", "status": int(status[:3]), "headers": encoded}
        return self.body.write

    def fill(self, parts) -> None:
        for part in parts:
            self.body.write(part)
        self.body.seek(0)


class FileWrapper:
    """Reads a file in larger pieces than Django would."""

    def __init__(self, file, _size: int = 0):
        self.file = file

    def __iter__(self):
        return iter(lambda: self.file.read(PIECE), b"")

    def close(self):
        self.file.close()


def environ_of(scope) -> dict[str, Any]:
    """The request as PEP 3333 has it. Its body is what was received, whatever its headers say."""
    body, size = scope.get(BODY) or (io.BytesIO(), 0)
    host, port = scope.get("server") or ("localhost", 80)
    address, _ = scope.get("client") or ("", 0)
    environ = {
        "asgi.scope": scope,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port or 0),
        "REMOTE_ADDR": address,
        **_headers(scope["headers"]),
        **_streams(body, scope.get("scheme", "http")),
    }
    environ["CONTENT_LENGTH"] = str(size)
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return environ


def _streams(body: BinaryIO, scheme: str) -> dict[str, Any]:
    return {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }


def _headers(pairs) -> dict[str, str]:
    """Headers as variables. One with an underscore is dropped: it could pass for one that a proxy has set."""
    found: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        if b"_" in raw_name:
            continue
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        found[name] = found[name] + NO_HEADERS_TWICE.get(name, ",") + value if name in found else value
    return found
