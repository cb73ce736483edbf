"""The body of a request, received whole before a thread is asked for: a slow sender holds none.

Who sends too slowly, too much, or more than the disk has room for is told so, and the connection is closed.
"""

import asyncio
import io
import tempfile
import time
from contextlib import suppress
from http import HTTPStatus
from typing import BinaryIO

from django.conf import settings
from django.template.loader import render_to_string

from gallery import alone
from gallery.api import problems
from gallery.files import quotas

IN_MEMORY = 1 << 20  # bytes; more goes to disk
PATIENCE = 30.0  # seconds that any body may take
SLOWEST = 16_384  # bytes a second that keep a longer one welcome
LONGEST = 1800.0  # seconds, however large
LINGER = 2.0  # seconds in which a refused sender may notice that it was answered
RETRY_SECONDS = 60
TITLES = {408: "Too slow", 413: "Too big", 503: "Back in a moment", 507: "The disk is full"}


class Refused(Exception):
    """The body is not taken. `sentence` is for whoever sent it."""

    def __init__(self, status: int, sentence: str, retry_after: int = 0):
        super().__init__(sentence)
        self.status, self.sentence, self.retry_after = status, sentence, retry_after


class Gone(Exception):
    """The sender hung up before the end."""


async def collect(scope, receive, run) -> tuple[BinaryIO, int]:
    """Receive the body into a file; `run` runs a function in a thread. Raises `Refused` and `Gone`."""
    length = announced(scope)
    if length is None:
        return io.BytesIO(), 0
    check(length)
    body = Body()
    try:
        return await body.receive(receive, run)
    except BaseException:
        body.close()
        raise


def announced(scope) -> int | None:
    """How many bytes the headers promise: 0 when they do not say, None when there is no body."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return 0
    text = headers.get(b"content-length", b"0")
    return int(text) if text.isdigit() and int(text) else None


def check(size: int) -> None:
    """Raise `Refused` when there is no place for a body of `size` bytes."""
    if size > settings.MAX_REQUEST_BYTES:
        limit = f"{settings.MAX_REQUEST_BYTES / (1 << 20):,.0f} MB"
        raise Refused(413, f"This is too much at once. The limit is {limit}; send fewer files at a time.")
    if size > IN_MEMORY and not quotas.is_room_on_disk(size):
        raise full()


def full() -> Refused:
    return Refused(507, "The disk is full. Nothing more can be added until there is room.", RETRY_SECONDS)


class Body:
    """What has come so far."""

    def __init__(self):
        self.fresh, self.size = bytearray(), 0
        self.file: BinaryIO | None = None
        self.begun = time.monotonic()

    async def receive(self, receive, run) -> tuple[BinaryIO, int]:
        more = True
        while more:
            more = self.add(await self.next(receive))
            if len(self.fresh) > IN_MEMORY:
                await run(self.spill)
        if self.file is None:
            return io.BytesIO(self.fresh), self.size
        await run(self.spill)
        self.file.seek(0)
        return self.file, self.size

    async def next(self, receive) -> dict:
        end = self.begun + min(PATIENCE + self.size / SLOWEST, LONGEST)
        try:
            message = await asyncio.wait_for(receive(), max(0.0, end - time.monotonic()))
        except TimeoutError as exc:
            raise Refused(408, "The transfer was too slow and was ended. Send it again.") from exc
        if message["type"] == "http.disconnect":
            raise Gone
        return message

    def add(self, message: dict) -> bool:
        """Take a piece; return whether there are more."""
        self.fresh += message.get("body", b"")
        self.size += len(message.get("body", b""))
        if self.size > settings.MAX_REQUEST_BYTES:
            check(self.size)
        return message.get("more_body", False)

    def spill(self) -> None:
        check(len(self.fresh))
        try:
            if self.file is None:
                self.file = tempfile.TemporaryFile(dir=settings.SPOOL_DIR, buffering=0)  # noqa: SIM115  `close` does
            self.file.write(self.fresh)
        except OSError as exc:
            raise full() from exc
        self.fresh = bytearray()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


async def turn_away(refused: Refused, scope, receive, send) -> None:
    """Answer, let the sender notice, and close the connection: the rest of the body is not wanted."""
    body, headers = written(refused, scope)
    headers += [(b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER):
            while (await receive()).get("more_body"):
                pass
    await send({"type": "http.response.body", "body": b""})


def written(refused: Refused, scope) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The answer as a problem document for programs, as a page or a sentence for people."""
    headers = [(b"cache-control", b"private, no-store"), (b"x-content-type-options", b"nosniff")]
    if refused.retry_after:
        headers.append((b"retry-after", b"%d" % refused.retry_after))
    if scope["path"].startswith("/api/"):
        headers.append((b"content-type", problems.CONTENT_TYPE.encode()))
        return problems.respond(refused.status, refused.sentence).content, headers
    if is_for_a_window(scope):
        page = page_of(refused, comes_again=refused.status == 503 and scope["method"] == "GET")
        headers.append((b"content-type", b"text/html; charset=utf-8"))
        headers.append((b"content-security-policy", alone.policy(page).encode()))
        return page.encode(), headers
    headers.append((b"content-type", b"text/plain; charset=utf-8"))
    return f"{title_of(refused)}. {refused.sentence}\n".encode(), headers


def page_of(refused: Refused, *, comes_again: bool) -> str:
    context = {"title": title_of(refused), "sentence": refused.sentence, "comes_again": comes_again}
    return render_to_string("refused.html", context)


def title_of(refused: Refused) -> str:
    return TITLES.get(refused.status) or HTTPStatus(refused.status).phrase


def is_for_a_window(scope) -> bool:
    """Whether a browser asks for a whole page, and not a script for a part of one."""
    headers = dict(scope["headers"])
    return b"text/html" in headers.get(b"accept", b"") and b"hx-request" not in headers
