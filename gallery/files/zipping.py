"""ZIP archives whose every byte is settled before one is read: stored, with sizes and CRC-32 known.

So their length can be told at once, any part can be sent again, and nothing is computed over the pictures.
PKWARE's APPNOTE 6.3.10: local headers 4.3.7, central directory 4.3.12, its ends 4.3.14 to 4.3.16. ZIP64
fields appear only where the plain ones are too small; names are UTF-8.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

PIECE = 1 << 20  # bytes read at once
MAX_16, MAX_32 = 0xFFFF, 0xFFFFFFFF  # these values say: look into the ZIP64 field
STORED, UTF8 = 0, 0x800
NEEDS, NEEDS_ZIP64 = 20, 45  # version that can read it
MADE_BY = 3 << 8 | NEEDS_ZIP64  # Unix
MODE = 0o100644 << 16

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
END_64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR_64 = struct.Struct("<4sIQI")

type Opener = Callable[[str, int], BinaryIO]  # what is stored under a key, from a byte on
type Block = tuple[int, Callable[[int, int], Iterator[bytes]]]  # length; its bytes: where from, how many


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file of the archive."""

    name: str  # "2026-11-22 Mirel.png"
    size: int  # bytes
    crc: int  # CRC-32, unsigned
    time: int  # as `dos_time` gives it
    key: str = ""  # where the bytes are stored
    text: bytes = b""  # the bytes themselves, without a key


def dos_time(moment: datetime) -> int:
    """`moment` as ZIP keeps it: without zone, in steps of two seconds, from 1980 on."""
    day = max(0, moment.year - 1980) << 9 | moment.month << 5 | moment.day
    return day << 16 | moment.hour << 11 | moment.minute << 5 | moment.second // 2


def length(entries: Iterable[Entry]) -> int:
    """Returns how many bytes the archive of `entries` has."""
    offset = directory = count = 0
    for entry in entries:
        directory += len(_central(entry, offset))
        offset += len(_local(entry)) + entry.size
        count += 1
    return offset + directory + len(_end(count, directory, offset))


def pieces(
    entries: Callable[[], Iterable[Entry]], opened: Opener, first: int = 0, end: int | None = None
) -> Iterator[bytes]:
    """Give the archive's bytes from `first` to before `end`. `entries` is asked twice for the same ones.

    Of a file that is shorter than its entry says, the rest is zeros: readers then report that one entry, and
    the others are good. Raises what `opened` raises.
    """
    at = 0
    for size, make in _blocks(entries, opened):
        if end is not None and at >= end:
            return
        if at + size > first:
            skip = max(0, first - at)
            stop = size if end is None else min(size, end - at)
            yield from make(skip, stop - skip)
        at += size


def _blocks(entries: Callable[[], Iterable[Entry]], opened: Opener) -> Iterator[Block]:
    offset = 0
    for entry in entries():
        header = _local(entry)
        yield _bytes(header)
        yield _bytes(entry.text) if not entry.key else _file(entry, opened)
        offset += len(header) + entry.size
    place = directory = count = 0
    for entry in entries():
        record = _central(entry, place)
        yield _bytes(record)
        place += len(_local(entry)) + entry.size
        directory += len(record)
        count += 1
    yield _bytes(_end(count, directory, offset))


def _bytes(data: bytes) -> Block:
    def make(skip: int, size: int) -> Iterator[bytes]:
        yield data[skip : skip + size]

    return len(data), make


def _file(entry: Entry, opened: Opener) -> Block:
    def make(skip: int, size: int) -> Iterator[bytes]:
        left = size
        with opened(entry.key, skip) as file:
            while left and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece
        for start in range(0, left, PIECE):
            yield bytes(min(PIECE, left - start))

    return entry.size, make


# --- Headers ------------------------------------------------------------------------------------


def _wide(*values: int) -> tuple[list[int], bytes]:
    """Returns what stands in the plain fields of 32 bits, and the ZIP64 field with those that do not fit."""
    large = [value for value in values if value >= MAX_32]
    field = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    return [min(value, MAX_32) for value in values], field


def _local(entry: Entry) -> bytes:
    name = entry.name.encode()
    (size, _), extra = _wide(entry.size, entry.size)
    day, clock = entry.time >> 16, entry.time & MAX_16
    needs = NEEDS_ZIP64 if extra else NEEDS
    fields = (b"PK\3\4", needs, UTF8, STORED, clock, day, entry.crc, size, size, len(name), len(extra))
    return LOCAL.pack(*fields) + name + extra


def _central(entry: Entry, offset: int) -> bytes:
    name = entry.name.encode()
    (size, _, place), extra = _wide(entry.size, entry.size, offset)
    day, clock = entry.time >> 16, entry.time & MAX_16
    needs = NEEDS_ZIP64 if extra else NEEDS
    head = (b"PK\1\2", MADE_BY, needs, UTF8, STORED, clock, day, entry.crc, size, size)
    return CENTRAL.pack(*head, len(name), len(extra), 0, 0, 0, MODE, place) + name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    """The end of an archive whose directory has `size` bytes and begins at `offset`."""
    n, short_size, short_offset = min(count, MAX_16), min(size, MAX_32), min(offset, MAX_32)
    end = END.pack(b"PK\5\6", 0, 0, n, n, short_size, short_offset, 0)
    if MAX_16 not in (n,) and MAX_32 not in (short_size, short_offset):
        return end
    wide = (b"PK\6\6", END_64.size - 12, MADE_BY, NEEDS_ZIP64, 0, 0, count, count, size, offset)
    return END_64.pack(*wide) + LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1) + end
