"""How picture bytes leave: addresses that are signed once per page, and answers with the right headers.

A gallery page shows sixty thumbnails and may not cost sixty look-ups. Who may see the page may see its
thumbnails, so the page signs their addresses and whoever serves them checks the signature alone. An address
stays the same all day, which lets browsers keep what they have, and is good on that day and the next
(days of UTC). Originals are asked for at the database each time.
"""

import functools
import hashlib
import hmac
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse

from gallery.files import storage

DAY = 86_400
CHUNK = 1 << 18
NAME = re.compile(r"([0-9a-f]{32})-(320|1280)\.webp")
PREFIX = "/media/t/"
SENDFILE = "vignette.sendfile"  # in the scope of requests that came through config.asgi
PIECES = "vignette.pieces"  # there a view leaves the pieces of its answer for the shell to send

# A picture opened on its own must not act as a page of this site, whatever hides in it.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
KEPT = "private, max-age=31536000, immutable"
NOT_KEPT = "private, no-store"
REDIRECT_KEPT = "private, max-age=60"  # far less than the signed address lives


# --- Signed addresses -------------------------------------------------------------------------------


def thumbnail_url(public_id: uuid.UUID, owner_id: int, size: int) -> str:
    """Return the address of a thumbnail, good today and tomorrow. Costs a few microseconds."""
    path = f"{owner_id}/{public_id.hex}-{size}.webp"
    return f"{PREFIX}{path}?s={_signature(path, _today())}"


def is_signed(owner: str | int, name: str, signature: str) -> bool:
    """Whether `signature` was made for this thumbnail today or yesterday, and the name is one of ours."""
    if not NAME.fullmatch(name) or not signature.isascii():
        return False
    path, today = f"{owner}/{name}", _today()
    return any(hmac.compare_digest(signature, _signature(path, day)) for day in (today, today - 1))


def _today() -> int:
    return int(time.time()) // DAY


def _signature(path: str, day: int) -> str:
    return hashlib.blake2b(
        f"{day}/{path}".encode(), key=_key(settings.SECRET_KEY), digest_size=16, person=b"thumbnail"
    ).hexdigest()


@functools.lru_cache(maxsize=1)
def _key(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), person=b"thumbnail key").digest()


# --- Headers --------------------------------------------------------------------------------------


def disposition(file_name: str, extension: str, *, download: bool) -> str:
    """Return a Content-Disposition (RFC 6266) whose name may hold any character, encoded by RFC 8187."""
    stem = file_name.rsplit(".", 1)[0].strip(". ") or "picture"
    whole = f"{stem}.{extension}"
    plain = re.sub(r"[^A-Za-z0-9 ._-]", "_", whole)
    kind = "attachment" if download else "inline"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(whole, safe='')}"


@dataclass(frozen=True)
class Part:
    """The bytes of a file that an answer carries: from `first` to before `end`."""

    first: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.first


type Pieces = Callable[[int, int], Iterator[bytes]]  # the bytes of a file from one place to before another


class Unsatisfiable(Exception):
    """The range lies outside the file."""


RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def part_of(size: int, range_header: str) -> Part | None:
    """Return what a Range header (RFC 9110, 14.2) asks for, or None for the whole file.

    Several ranges at once are answered with the whole file, as the RFC allows. Raises `Unsatisfiable`.
    """
    match = RANGE.fullmatch(range_header.replace(" ", ""))
    if not match or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        part = Part(max(0, size - int(last)), size)
    else:
        part = Part(int(first), min(int(last), size - 1) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if part.length <= 0:
        raise Unsatisfiable
    return part


def choose_part(size: int, range_header: str, if_range: str, etag: str) -> Part | None:
    """Like `part_of`; a Range that was meant for another version of the file is left out of account."""
    if not range_header or (if_range and if_range != etag):
        return None
    return part_of(size, range_header)


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the browser has this version (RFC 9110, 13.1.2: weak comparison)."""
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return bool(etag) and (etag in known or known == ["*"])


def file_etag(stat: os.stat_result) -> str:
    return f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'


# --- Answers --------------------------------------------------------------------------------------


def respond(request, key: str, *, content_type: str, cache: str, disposition: str = "", etag: str = ""):
    """Send what is stored under `key`: by redirect, by the web server, by the shell, or ourselves.

    Raises `FileNotFoundError` when the file is gone.
    """
    headers = HEADERS | {"Content-Type": content_type, "Cache-Control": cache}
    if disposition:
        headers["Content-Disposition"] = disposition
    if etag:
        headers["ETag"] = etag
    if matches(request.headers.get("If-None-Match", ""), etag):
        return HttpResponse(status=304, headers=headers)
    address = storage.signed_address(key, settings.SIGNED_ADDRESS_SECONDS, disposition, content_type)
    if address:
        return _redirect(address, cache)
    if settings.X_ACCEL_PREFIX:
        return HttpResponse(headers=headers | {"X-Accel-Redirect": settings.X_ACCEL_PREFIX + quote(key)})
    path = Path(default_storage.path(key))
    if SENDFILE in request.META.get("asgi.scope", ()):
        path.stat()  # a file that is gone is the view's to explain, not the shell's
        return HttpResponse(headers=headers | {"X-Sendfile": str(path)})
    return _stream(request, path, headers)


def _redirect(address: str, cache: str) -> HttpResponseBase:
    kept = NOT_KEPT if cache == NOT_KEPT else REDIRECT_KEPT
    return HttpResponseRedirect(address, headers={"Cache-Control": kept, "Referrer-Policy": "no-referrer"})


def _stream(request, path: Path, headers: dict[str, str]) -> HttpResponseBase:
    """Send the file from this thread, for servers without a way to send files."""
    size = path.stat().st_size
    headers["Accept-Ranges"] = "bytes"
    try:
        part = choose_part(
            size,
            request.headers.get("Range", ""),
            request.headers.get("If-Range", ""),
            headers.get("ETag", ""),
        )
    except Unsatisfiable:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    status = 206 if part else 200
    if part:
        headers["Content-Range"] = f"bytes {part.first}-{part.end - 1}/{size}"
    part = part or Part(0, size)
    headers["Content-Length"] = str(part.length)
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    return StreamingHttpResponse(_read(path, part), status=status, headers=headers)


def respond_with_zip(request, name: str, size: int, etag: str, pieces: Pieces):
    """Send an archive that is made on its way, `size` bytes of `pieces`, or the part that is asked for."""
    headers = HEADERS | {"Content-Type": "application/zip", "Cache-Control": NOT_KEPT, "ETag": etag}
    headers |= {"Content-Disposition": disposition(name, "zip", download=True), "Accept-Ranges": "bytes"}
    asked = (request.headers.get("Range", ""), request.headers.get("If-Range", ""))
    try:
        part = choose_part(size, *asked, etag)
    except Unsatisfiable:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    if part:
        headers["Content-Range"] = f"bytes {part.first}-{part.end - 1}/{size}"
    return _hand_over(request, 206 if part else 200, headers, part or Part(0, size), pieces)


def _hand_over(request, status: int, headers: dict[str, str], part: Part, pieces: Pieces):
    """Leave the pieces to the shell, so that a slow reader holds no thread of ours; without it send them."""
    headers["Content-Length"] = str(part.length)
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    body, scope = pieces(part.first, part.end), request.META.get("asgi.scope", {})
    if SENDFILE not in scope:
        return StreamingHttpResponse(body, status=status, headers=headers)
    scope[PIECES] = body
    return HttpResponse(status=status, headers=headers | {"X-Pieces": "1"})


def _read(path: Path, part: Part):
    left = part.length
    with path.open("rb") as file:
        file.seek(part.first)
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
