"""Raw answers on disk: one line of JSON about the answer, then the body byte for byte.

The file appears under its name only when it is complete and synced, so its existence is the proof that
the answer is whole. Until then it is called `.part`.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import urlsplit, urlunsplit

from providers.errors import BadResponse
from providers.vocabulary import Answer

HEADER_LIMIT = 1024**2  # bytes of the first line
VALUE_LIMIT = (
    1000  # characters of one header; a hundred of them stay below the limit however they are escaped
)
SECRET_HEADERS = {"set-cookie", "authorization", "x-api-key", "x-goog-api-key", "cookie"}


class Watcher(Protocol):
    """Looks at an answer while it is written. What it raises takes the answer away."""

    def see(self, piece: bytes, file: BinaryIO, offset: int) -> None: ...
    def finish(self, file: BinaryIO, offset: int) -> None: ...


def write_answer(
    spool: Path,
    *,
    status: int,
    headers: Mapping[str, str],
    url: str,
    body: Iterable[bytes],
    watcher: Watcher | None = None,
) -> Answer:
    """Write an answer, piece by piece as it comes, and make it durable before it gets its name."""
    named = {name.lower(): value[:VALUE_LIMIT] for name, value in headers.items()}
    kept = {name: value for name, value in named.items() if name not in SECRET_HEADERS}
    head = json.dumps({"status": status, "headers": kept, "url": _without_secrets(url)}).encode() + b"\n"
    with _durable(spool) as file:
        file.write(head)
        for piece in body:
            file.write(piece)
            if watcher:
                watcher.see(piece, file, len(head))
        if watcher:
            watcher.finish(file, len(head))
    return Answer(path=spool, status=status, headers=kept, body_offset=len(head))


def open_answer(spool: Path) -> Answer:
    """Open an answer that an earlier process received. Raises `BadResponse` when it is not one."""
    with spool.open("rb") as file:
        head = file.readline(HEADER_LIMIT)
    try:
        facts = json.loads(head)
        return Answer(path=spool, status=facts["status"], headers=facts["headers"], body_offset=len(head))
    except (ValueError, KeyError, TypeError) as exc:
        raise BadResponse("The stored answer cannot be read.") from exc


def finish(spool: Path) -> bool:
    """Whether the whole answer is there. One that only lacks its name gets it.

    Whoever received it was stopped between the last byte and the name; the length that the vendor had
    announced tells that nothing is missing. A worker that is still at it loses only that race.
    """
    if spool.exists():
        return True
    part = spool.with_suffix(".part")
    try:
        if not _is_whole(part):
            return False
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(spool)
    except FileNotFoundError:
        return spool.exists()
    _sync_folder(spool.parent)
    return True


def _is_whole(part: Path) -> bool:
    try:
        answer = open_answer(part)
        length = int(answer.headers["content-length"])
    except (BadResponse, KeyError, ValueError):
        return False
    is_plain = answer.headers.get("content-encoding", "identity") == "identity"
    return is_plain and part.stat().st_size == answer.body_offset + length


def move(answer: Answer, spool: Path) -> Answer:
    """Give a complete answer, synced on the same file system, its place in the spool."""
    answer.path.replace(spool)
    _sync_folder(spool.parent)
    return replace(answer, path=spool)


@contextmanager
def _durable(path: Path) -> Iterator[BinaryIO]:
    """A new file that gets its name when everything in it is on the disk; a half one is called `.cut`."""
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        part.unlink(missing_ok=True)  # the disk is full, perhaps of this
        raise
    except BaseException:
        # What came of an answer that was cut off is no answer, and may still help somebody who paid for it.
        part.replace(path.with_suffix(".cut"))
        raise
    part.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _without_secrets(url: str) -> str:
    """`url` without the places where vendors accept a key: user part, query, fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
