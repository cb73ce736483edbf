"""JSON answers with pictures in them, read without ever holding a picture in memory.

Long strings are left where they are on the disk; the small rest is parsed. A long string is then known by
a mark, and `save` decodes it to a file, piece by piece.
"""

import base64
import binascii
import io
import json
import math
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from providers import encodings
from providers.cleaning import storable
from providers.errors import BadPicture, BadResponse, NoPicture
from providers.vocabulary import Answer

try:  # ten times as fast as the standard library, where it is installed
    from pybase64 import b64decode as decode_strictly  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from base64 import b64decode as decode_strictly  # type: ignore[assignment, unused-ignore]

LONG = 32 * 1024  # bytes of a string from which on it stays on the disk
LARGEST_REST = 1024**2  # bytes of everything else
LARGEST_ODD = 64 * 1024**2  # bytes of a string in unusual base64
LARGEST_INFLATED = 512 * 1024**2
LARGEST_RATIO = 64  # of a body to its compressed form; base64 of pictures has less than 2
PIECE = 256 * 1024  # base64 characters decoded at a time; a multiple of four
WINDOWS = (512, 8 * 1024, 256 * 1024)  # bytes searched at a time: near first, then in great steps
UNUSABLE = "The answer cannot be used: {}. The raw answer is kept."


class Text:
    """A file that is read where it is needed; unlike a mapped one, it takes no memory."""

    def __init__(self, file: BinaryIO, *, end: int | None = None):
        self._descriptor = file.fileno()
        self.size = os.fstat(self._descriptor).st_size if end is None else end  # where it ends, in bytes

    def between(self, start: int, end: int) -> bytes:
        return os.pread(self._descriptor, end - start, start)


class JsonBody:
    """A parsed answer: `data`, in which a mark stands for each long string.

    With `strict`, what JSON does not know (NaN, a name that comes twice, another encoding) is an error.
    """

    def __init__(self, text: Text, start: int, *, strict: bool = True):
        self._text = text
        self._load = strictly if strict else json.loads
        self._mark = secrets.token_hex(8)
        self._long: list[tuple[int, int]] = []
        self.data = self._parse(self._rest(start))

    def save(self, string: object, path: Path) -> None:
        """Decode a base64 string, long or short, with or without a data URL's head, to the file `path`."""
        with path.open("wb") as file:
            self._write(string, file)

    def save_or_link(self, item: Mapping[str, Any], path: Path) -> str:
        """Save the `b64_json` or the `data:` URL of an item to `path`; or give the address that it names."""
        url = item.get("url")
        is_inline = isinstance(url, str) and url.startswith(("data:", self._mark))
        if isinstance(url, str) and url and not is_inline and not item.get("b64_json"):
            return url
        self.save(item.get("b64_json") or url, path)
        return ""

    def bytes_of(self, string: object) -> bytes:
        """Decode a base64 string in memory, for small pictures such as previews."""
        file = io.BytesIO()
        self._write(string, file)
        return file.getvalue()

    def text_of(self, string: str) -> str:
        """The whole of a string, also of one that was left on the disk; it must fit into memory."""
        if not string.startswith(self._mark):
            return string
        start, end = self._long[int(string.removeprefix(self._mark))]
        if end - start > LARGEST_ODD:
            raise BadResponse(UNUSABLE.format("a text in it is too large"))
        try:
            return str(storable(json.loads(b'"' + self._text.between(start, end) + b'"')))
        except ValueError as exc:
            raise BadResponse(UNUSABLE.format("a text in it is damaged")) from exc

    def start_of(self, string: str, size: int = 128) -> str:
        """The first characters of a string, also of one that was left on the disk."""
        if not string.startswith(self._mark):
            return string[:size]
        start, end = self._long[int(string.removeprefix(self._mark))]
        return self._text.between(start, min(start + size, end)).decode(errors="replace")

    def _write(self, string: object, file: BinaryIO) -> None:
        if not isinstance(string, str) or not string:
            raise NoPicture(UNUSABLE.format("a picture is missing in it"))
        try:
            if string.startswith(self._mark):
                self._decode(*self._long[int(string.removeprefix(self._mark))], file)
            else:
                file.write(_decoded(string.encode()))
        except (ValueError, IndexError) as exc:
            raise BadPicture(UNUSABLE.format("a picture in it is damaged")) from exc

    def _rest(self, position: int) -> bytes:
        """The text with marks for its long strings; also notes where those are."""
        kept, size, start = [], 0, position
        while (opening := self._quote(position)) >= 0:
            closing = self._closing(opening + 1)
            if closing < 0:
                raise BadResponse(UNUSABLE.format("it is cut off"))
            if closing - opening > LONG:
                kept += [self._text.between(start, opening + 1), f"{self._mark}{len(self._long)}".encode()]
                self._long.append((opening + 1, closing))
                size, start = size + opening - start, closing
            position = closing + 1
            if size + position - start > LARGEST_REST:
                raise BadResponse(UNUSABLE.format("it is too large"))
        if size + self._text.size - start > LARGEST_REST:
            raise BadResponse(UNUSABLE.format("it is too large"))
        return b"".join([*kept, self._text.between(start, self._text.size)])

    def _parse(self, rest: bytes) -> Any:
        try:
            return storable(self._load(rest))
        except (ValueError, RecursionError) as exc:
            raise BadResponse(UNUSABLE.format("it is not JSON")) from exc

    def _closing(self, position: int) -> int:
        """Where the string that began before `position` ends, or -1."""
        while (found := self._quote(position)) >= 0:
            backslashes = 0
            while self._text.between(found - 1 - backslashes, found - backslashes) == b"\\":
                backslashes += 1
            if backslashes % 2 == 0:
                return found
            position = found + 1
        return -1

    def _quote(self, position: int) -> int:
        """The next quotation mark, or -1."""
        step = 0
        while position < self._text.size:
            window = WINDOWS[min(step, len(WINDOWS) - 1)]
            found = self._text.between(position, min(position + window, self._text.size)).find(b'"')
            if found >= 0:
                return position + found
            position, step = position + window, step + 1
        return -1

    def _decode(self, start: int, end: int, file: BinaryIO) -> None:
        head = self._text.between(start, min(start + 128, end))
        if head.startswith(b"data:") and b"," in head:
            start += head.index(b",") + 1
        try:
            for place in range(start, end, PIECE):
                piece = self._text.between(place, min(place + PIECE, end))
                file.write(decode_strictly(piece, validate=True))
        except binascii.Error:
            # Line breaks, escaped slashes or the other alphabet: rare, so in one piece.
            if end - start > LARGEST_ODD:
                raise
            file.seek(0)
            file.truncate()
            file.write(_decoded(json.loads(b'"' + self._text.between(start, end) + b'"').encode()))


@contextmanager
def json_body(answer: Answer, *, strict: bool = True) -> Iterator[JsonBody]:
    """Open the JSON body of an answer. Raises `BadResponse` for what is none."""
    with plain(answer) as (file, offset):
        yield JsonBody(Text(file), offset, strict=strict)


def strictly(text: bytes) -> Any:
    """JSON as RFC 8259 has it, in UTF-8; where programs disagree, a bill must not be guessed from it."""
    return json.loads(
        text.decode(), object_pairs_hook=_named_once, parse_constant=_refuse, parse_float=_finite
    )


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("a name comes twice")
    return named


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> float:
    raise ValueError(f"{text[:20]} is no number")


@contextmanager
def plain(answer: Answer) -> Iterator[tuple[BinaryIO, int]]:
    """The body of an answer without its compression: a file, and where in it the body begins."""
    with answer.path.open("rb") as file:
        if answer.path.stat().st_size == answer.body_offset:
            raise BadResponse(UNUSABLE.format("it is empty"))
        if answer.headers.get("content-encoding", "identity").lower() == "identity":
            yield file, answer.body_offset
            return
        with _inflated(answer, file) as inflated:
            yield inflated, 0


def _decoded(text: bytes) -> bytes:
    """Decode base64 in either alphabet, with or without line breaks, padding and the head of a data URL."""
    if text.startswith(b"data:"):
        text = text.partition(b",")[2]
    text = re.sub(rb"\s", b"", text).translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)


@contextmanager
def _inflated(answer: Answer, file: BinaryIO) -> Iterator[BinaryIO]:
    """The body of `file` without its compression, in a file that goes away again."""
    compressed = file.seek(0, os.SEEK_END) - answer.body_offset
    limit = min(LARGEST_INFLATED, LARGEST_RATIO * compressed + LONG)
    file.seek(answer.body_offset)
    pieces = iter(lambda: file.read(PIECE), b"")
    with tempfile.TemporaryFile(dir=answer.path.parent) as plain:
        try:
            for piece in encodings.inflated(pieces, answer.headers["content-encoding"]):
                if plain.write(piece) and plain.tell() > limit:
                    raise BadResponse(UNUSABLE.format("it is too large when uncompressed"))
        except encodings.UnusableEncoding as exc:
            raise BadResponse(UNUSABLE.format(exc)) from exc
        plain.flush()
        if not plain.tell():
            raise BadResponse(UNUSABLE.format("it is empty"))
        yield plain
