"""What stands between the server and Django: it sends files, so that slow readers hold no thread.

Views run in a small pool of threads (`bridge`), and are called when the body is there (`bodies`). A view that
answers with a file names it in the header `X-Sendfile`; the shell takes the header away and sends the file
itself, piece by piece as the reader takes it; so it does with a file that is made on its way, whose pieces
the view leaves in the request's scope. A view that lets somebody follow a generation says so in `X-Events`,
and the shell sends the events. Thumbnails with a signed address need nothing of Django and are answered here
at once.
"""

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from config import bodies, bridge
from config.events import Streams, until_gone
from config.headers import Completed
from config.proxies import settle
from gallery.files import media
from gallery.files.renditions import MIME_TYPE

logger = logging.getLogger(__name__)

FILE_THREADS = 8
UPLOADS = {
    "/add/upload/",
    "/add/import/",
    "/api/v1/images",
    "/api/v1/imports",
}  # POSTs that wait for decoders
PACKED = bodies.Refused(415, "Compressed requests are not accepted. Send the body as it is.")
BUSY = bodies.Refused(503, "Many others ask for something at this moment. Try again in a moment.", 5)
Headers = list[tuple[bytes, bytes]]


def encode(headers: dict[str, str]) -> Headers:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


PLAIN = encode(media.HEADERS | {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": media.NOT_KEPT})
THUMBNAIL = encode(media.HEADERS | {"Content-Type": MIME_TYPE, "Cache-Control": media.KEPT})


class Shell:
    """An ASGI application around another one, which runs Django."""

    def __init__(self, django):
        self.django = django
        self.files = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="files")
        self.streams = Streams()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            await self.answer(settle(scope, settings.TRUSTED_PROXIES), receive, Completed(send))
        elif scope["type"] == "lifespan":
            await live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def answer(self, scope, receive, send):
        if is_thumbnail(scope):
            await send_thumbnail(scope, send)
        elif header(scope, b"content-encoding") not in ("", "identity"):
            await bodies.turn_away(PACKED, scope, receive, send)
        else:
            await self.ask_django(scope, receive, send)

    async def ask_django(self, scope, receive, send):
        """Receive the body, then pass the request on."""
        try:
            body = await bodies.collect(scope, receive, self.run)
        except bodies.Gone:
            return
        except bodies.Refused as refused:
            await bodies.turn_away(refused, scope, receive, send)
            return
        try:
            await self.pass_on(scope | {bridge.BODY: body, bridge.LANE: lane_of(scope)}, receive, send)
        except bridge.Full:
            await bodies.turn_away(BUSY, scope, nothing_more, send)
        finally:
            body[0].close()

    async def pass_on(self, scope, receive, send):
        """Ask Django; hold back an answer that names a file or events, and send those instead."""
        held = None

        async def tap(message):
            nonlocal held
            if message["type"] == "http.response.start" and is_for_us(message):
                held = message
            elif held is None:
                await send(message)

        inner = scope | {media.SENDFILE: True}
        await self.django(inner, receive, tap)
        if held and (named := header(held, b"x-events")):
            await self.streams.answer(receive, send, named)
        elif held and media.PIECES in inner:
            await self.send_pieces(receive, send, held, inner[media.PIECES])
        elif held:
            await self.send_file(scope, send, held)

    async def send_file(self, scope, send, start):
        path = Path(header(start, b"x-sendfile"))
        if not path.resolve().is_relative_to(Path(settings.MEDIA_ROOT).resolve()):
            logger.error("A view named a file outside the media folder.")
            await send_text(send, 404, "Not found.")
            return
        try:
            file = await self.run(path.open, "rb")
        except OSError:
            await send_text(send, 404, "The file is missing from storage.")
            return
        try:
            await self.send_open_file(scope, send, start, file)
        finally:
            file.close()

    async def send_open_file(self, scope, send, start, file):
        size = os.fstat(file.fileno()).st_size
        headers = [
            pair for pair in start["headers"] if pair[0].lower() not in (b"x-sendfile", b"content-length")
        ]
        headers.append((b"accept-ranges", b"bytes"))
        etag = header(start, b"etag")
        try:
            part = media.choose_part(size, header(scope, b"range"), header(scope, b"if-range"), etag)
        except media.Unsatisfiable:
            headers += [(b"content-range", b"bytes */%d" % size), (b"content-length", b"0")]
            await send_whole(send, 416, headers)
            return
        status = 206 if part else start["status"]
        if part:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (part.first, part.end - 1, size)))
        part = part or media.Part(0, size)
        headers.append((b"content-length", b"%d" % part.length))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send_part(send, file, part if scope["method"] != "HEAD" else media.Part(0, 0))

    async def send_part(self, send, file, part: media.Part):
        await self.run(file.seek, part.first)
        left = part.length
        while left > 0 and (chunk := await self.run(file.read, min(media.CHUNK, left))):
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def send_pieces(self, receive, send, start, pieces):
        """Send what a view has left to be sent, until it is over or the reader leaves."""
        leaving = asyncio.ensure_future(until_gone(receive))
        try:
            headers = [pair for pair in start["headers"] if pair[0].lower() != b"x-pieces"]
            await send(start | {"headers": headers})
            while not leaving.done() and (some := await self.run(take, pieces)):
                for piece in some:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()
            with suppress(ValueError):  # a thread is still at the last piece
                pieces.close()

    async def run(self, function, *args):
        return await asyncio.get_running_loop().run_in_executor(self.files, function, *args)


async def live(receive, send):
    """Answer the server's start and stop."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def take(pieces) -> list[bytes]:
    """The next pieces, about a quarter of a megabyte: a thread is asked once for them all."""
    some, size = [], 0
    while size < media.CHUNK and (piece := next(pieces, None)) is not None:
        some.append(piece)
        size += len(piece)
    return some


def header(message, name: bytes) -> str:
    """Return a header of a request or an answer, or ""."""
    for key, value in message["headers"]:
        if key.lower() == name:
            return value.decode("latin-1")
    return ""


async def nothing_more() -> dict:
    """What `receive` says of a body that was received already."""
    return {"type": "http.request", "body": b"", "more_body": False}


def lane_of(scope) -> str:
    return bridge.UPLOADS if scope["method"] == "POST" and scope["path"] in UPLOADS else bridge.PAGES


def is_for_us(start) -> bool:
    return any(header(start, name) for name in (b"x-sendfile", b"x-events", b"x-pieces"))


async def send_whole(send, status: int, headers: Headers, body: bytes = b""):
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_text(send, status: int, text: str):
    body = text.encode()
    await send_whole(send, status, [*PLAIN, (b"content-length", b"%d" % len(body))], body)


# --- Thumbnails -----------------------------------------------------------------------------------


def is_thumbnail(scope) -> bool:
    """Whether this is for us: with S3 or a sending web server in front, the view knows where to redirect."""
    return (
        scope["path"].startswith(media.PREFIX)
        and scope["method"] in ("GET", "HEAD")
        and settings.MEDIA_STORAGE == "local"
        and not settings.X_ACCEL_PREFIX
    )


async def send_thumbnail(scope, send):
    owner, _, name = scope["path"].removeprefix(media.PREFIX).partition("/")
    signature = scope["query_string"].decode("latin-1").removeprefix("s=")
    if not owner.isdecimal() or not media.is_signed(owner, name, signature):
        await send_text(send, 404, "Not found.")
        return
    try:
        etag, data = read_small(f"{settings.MEDIA_ROOT}/thumbnails/{owner}/{name}")
    except OSError:
        await send_text(send, 404, "The file is missing from storage.")
        return
    headers = [*THUMBNAIL, (b"etag", etag.encode()), (b"content-length", b"%d" % len(data))]
    if media.matches(header(scope, b"if-none-match"), etag):
        await send_whole(send, 304, headers[:-1])
        return
    await send_whole(send, 200, headers, data if scope["method"] == "GET" else b"")


def read_small(path: str) -> tuple[str, bytes]:
    """Read a file of some kB in place: handing it to a thread costs more than reading it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        stat = os.fstat(descriptor)
        return media.file_etag(stat), os.read(descriptor, stat.st_size)
    finally:
        os.close(descriptor)
