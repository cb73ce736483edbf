"""Reading foreign ZIP files (and CHARX, which is one) without trusting a word of them.

Nothing is ever unpacked to a name the archive gives: entries are streamed, one at a time, and known by their
place in the list. What the list claims is checked before the first byte is inflated.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from django.conf import settings

from gallery.files import filenames

MAX_ENTRIES = 10_000
MAX_LIST_BYTES = 4 << 20  # of the central directory, which is read into memory at once
MAX_RATIO = 200  # inflated to packed; pictures are packed already and stay far below
MAX_GROWTH = 4  # what all pictures unpack to, to the archive or to the largest that is taken
RATIO_COUNTS_FROM = 16 << 20  # bytes inflated; below, a ratio does no harm
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # others may ask for gigabytes of memory
JUNK = {"__macosx", "thumbs.db", "desktop.ini"}
# With these the decoder decides, and says what to do about those it does not take.
PICTURES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".gif", ".webp", ".avif"),
    *(".svg", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".jxl", ".jp2", ".psd", ".ico", ".tga"),
}
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    LookupError,
    struct.error,
)


class ArchiveError(Exception):
    """An archive, or one entry of it, that is not read. The message says why, to the person who gave it."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Entry:
    index: int  # its place in the archive's list
    name: str  # for display: "faces/mirel.png"
    refusal: ArchiveError | None = None  # why it is not read


def looks_like_picture(name: str) -> bool:
    """Whether it is worth a try: pictures by their ending, and files without one."""
    ending = Path(name).suffix.lower()
    return not ending or ending in PICTURES


class Archive:
    """An open archive whose list was checked."""

    def __init__(self, file: zipfile.ZipFile, size: int):
        self.file = file
        self.infos = file.infolist()
        self._check_list(size)
        self.entries = [_entry(index, info) for index, info in enumerate(self.infos) if not _is_junk(info)]
        self._check_contents()
        self._check_amount(size)

    def _check_list(self, size: int) -> None:
        if len(self.infos) > MAX_ENTRIES:
            raise _too_many()
        packed = sum(info.compress_size for info in self.infos)
        if packed > size or any(info.header_offset < 0 for info in self.infos):
            raise _damaged()
        inflated = sum(info.file_size for info in self.infos)
        if inflated > max(RATIO_COUNTS_FROM, size * MAX_RATIO):
            raise _too_large(inflated, "which no archive of pictures does. Make a new one of pictures only.")

    def _check_contents(self) -> None:
        if any(entry.refusal is None for entry in self.entries):
            return
        if any(entry.refusal.code == "archive_encrypted" for entry in self.entries if entry.refusal):
            raise _encrypted()
        raise ArchiveError("no_images_in_archive", "There is no picture in this archive. Choose another one.")

    def _check_amount(self, size: int) -> None:
        """What would be read may unpack to a few times the archive; pictures hardly shrink in one."""
        inflated = sum(self.infos[entry.index].file_size for entry in self.entries if not entry.refusal)
        limit = MAX_GROWTH * max(size, settings.MAX_IMPORT_BYTES)
        if inflated > limit:
            raise _too_large(
                inflated, f"and the limit here is {limit / 2**20:,.0f} MB. Split it into several."
            )

    @contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        """Stream one entry. Reading it may raise `ArchiveError` too."""
        if entry.refusal:
            raise entry.refusal
        try:
            stream = self.file.open(self.infos[entry.index])
        except UNREADABLE as exc:
            raise _damaged_entry() from exc
        with stream:
            yield io.BufferedReader(_Checked(stream))


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open the ZIP at `path` and check its list. Raises `ArchiveError`."""
    with path.open("rb") as raw:
        try:
            file = zipfile.ZipFile(_Bounded(raw))
        except (*UNREADABLE, UnicodeError) as exc:
            raise _damaged() from exc
        with file:
            yield Archive(file, path.stat().st_size)


class _Bounded:
    """Refuses to hand over a list that does not fit into memory; zipfile reads all of it at once."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MAX_LIST_BYTES:
            raise _too_many()
        return self.file.read(size)


class _Checked(io.RawIOBase):
    """The inflated bytes of one entry, every failure said as `ArchiveError`."""

    def __init__(self, stream: IO[bytes]):
        self.stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self.stream.read(len(buffer))
        except UNREADABLE as exc:
            raise _damaged_entry() from exc
        buffer[: len(data)] = data
        return len(data)


# --- What an entry is -----------------------------------------------------------------------------


def _entry(index: int, info: zipfile.ZipInfo) -> Entry:
    name = _display_name(info.filename) or f"entry {index + 1}"
    return Entry(index=index, name=name, refusal=_refusal(info, name))


def _refusal(info: zipfile.ZipInfo, name: str) -> ArchiveError | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return ArchiveError("entry_skipped", "This is a link or a device, not a file, and was left out.")
    if info.flag_bits & 0x1:
        return _encrypted()
    if not looks_like_picture(name):
        return ArchiveError("not_a_picture", "This is not a picture and was left out.")
    if info.compress_type not in METHODS:
        return ArchiveError("bad_archive", "This is packed in a way that is not read here. Use plain ZIP.")
    return None


def _is_junk(info: zipfile.ZipInfo) -> bool:
    parts = info.filename.replace("\\", "/").lower().split("/")
    return info.is_dir() or any(part in JUNK for part in parts) or parts[-1].startswith("._") or not parts[-1]


def _display_name(name: str) -> str:
    """A path that can be shown and stored: it leads nowhere, and nothing is ever opened by it."""
    parts = [part.strip() for part in filenames.visible(name).replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part.strip(". ") and not part.endswith(":"))[-500:]


def _too_large(inflated: int, why: str) -> ArchiveError:
    return ArchiveError("archive_too_large", f"This archive unpacks to {inflated / 2**20:,.0f} MB, {why}")


def _too_many() -> ArchiveError:
    return ArchiveError(
        "too_many_entries",
        f"This archive holds too many files. At most {MAX_ENTRIES:,} are read. Split it into several.",
    )


def _encrypted() -> ArchiveError:
    return ArchiveError("archive_encrypted", "This needs a password. Make an archive without one.")


def _damaged() -> ArchiveError:
    return ArchiveError("bad_archive", "This is not a whole ZIP file. Make it again, or check the upload.")


def _damaged_entry() -> ArchiveError:
    return ArchiveError("bad_archive", "This file is damaged in the archive and could not be read.")
