"""Bytes on their way in: a stream becomes a file in the spool, counted and hashed as it is read."""

import hashlib
import io
import os
import tempfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext

from gallery import decode
from gallery.files import storage

CHUNK = 1 << 20
RETRYABLE = {"storage_full", "storage", "decode_busy", "decode_unavailable"}


class IngestError(Exception):
    """A file that was not taken in. `message` is written for the person who added it."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def retryable(self) -> bool:
        """Nothing is wrong with the file: the same one may be taken in later."""
        return self.code in RETRYABLE

    @property
    def is_damage(self) -> bool:
        """It is a picture, and not whole: a part of it may be seen."""
        return self.code in decode.errors.DAMAGE


def from_storage(exc: storage.StorageError) -> IngestError:
    return IngestError(exc.code, exc.message)


def receive(stream: BinaryIO | Path | bytes, clean_up: ExitStack) -> tuple[Path, dict]:
    """Return a file below SPOOL_DIR that holds the bytes, and what was counted on the way."""
    if isinstance(stream, Path):
        file = clean_up.enter_context(stream.open("rb"))
        if stream.is_relative_to(settings.SPOOL_DIR):  # ours already, and no one writes to it
            return stream, _count(file)
        stream = file
    elif isinstance(stream, bytes):
        stream = io.BytesIO(stream)
    try:
        settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=settings.SPOOL_DIR, prefix=storage.SPOOL_PREFIX)
    except OSError as exc:
        raise from_storage(storage.from_os_error(exc)) from exc
    path = Path(name)
    clean_up.callback(path.unlink, missing_ok=True)
    with os.fdopen(descriptor, "wb") as copy:
        return path, _count(stream, copy)


def _count(stream: BinaryIO, copy: BinaryIO | None = None) -> dict:
    """Read to the end, into `copy` as well; return the size and the checksums."""
    sha256, crc32, size = hashlib.sha256(), 0, 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > settings.MAX_UPLOAD_BYTES:
            raise _too_big(stream)
        sha256.update(chunk)
        crc32 = zlib.crc32(chunk, crc32)
        if copy is not None:
            _write(copy, chunk)
    if not size:
        raise IngestError("empty_file", gettext("This file is empty."))
    if copy is not None:
        _write(copy, b"")
    return {"sha256": sha256.hexdigest(), "crc32": crc32, "bytes": size}


def _write(copy: BinaryIO, chunk: bytes) -> None:
    try:
        copy.write(chunk)
        if not chunk:
            copy.flush()
    except OSError as exc:
        raise from_storage(storage.from_os_error(exc)) from exc


def _too_big(stream: BinaryIO) -> IngestError:
    size = getattr(stream, "size", None)
    limit = gettext("The limit here is {size}.").format(size=_megabytes(settings.MAX_UPLOAD_BYTES))
    if size:
        return IngestError(
            "too_big",
            gettext("This file is {size}. {limit}").format(size=_megabytes(size), limit=limit),
        )
    return IngestError("too_big", gettext("This file is too big. {limit}").format(limit=limit))


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f}".removesuffix(".0") + " MB"
