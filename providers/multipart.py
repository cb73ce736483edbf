"""Forms with files, streamed: a request with sixteen pictures is never in memory as a whole."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PIECE = 64 * 1024  # bytes


@dataclass(frozen=True, kw_only=True)
class FilePart:
    """One file of a form."""

    name: str  # of the field: "image[]"
    file_name: str  # as the vendor sees it: "1.png"
    mime_type: str
    path: Path | None = None  # where its bytes are, or …
    content: bytes = b""  # … the bytes

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path else len(self.content)

    def pieces(self) -> Iterator[bytes]:
        if self.path is None:
            yield self.content
            return
        with self.path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


class Form:
    """The body of a multipart request: texts first, then files. Can be sent once or more."""

    def __init__(self, texts: Mapping[str, str], files: Sequence[FilePart]):
        self.boundary = secrets.token_hex(16)
        self._texts = [self._head(f'name="{name}"') + text.encode() for name, text in texts.items()]
        self._files = [(self._head_of(file), file) for file in files]
        self._end = f"--{self.boundary}--\r\n".encode()
        self._length = sum(len(text) + 2 for text in self._texts) + len(self._end)
        self._length += sum(len(head) + file.size + 2 for head, file in self._files)

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        for text in self._texts:
            yield text + b"\r\n"
        for head, file in self._files:
            yield head
            yield from file.pieces()
            yield b"\r\n"
        yield self._end

    def _head_of(self, file: FilePart) -> bytes:
        disposition = f'name="{file.name}"; filename="{file.file_name}"'
        return self._head(disposition, f"Content-Type: {file.mime_type}\r\n")

    def _head(self, disposition: str, more: str = "") -> bytes:
        return f"--{self.boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n".encode()
