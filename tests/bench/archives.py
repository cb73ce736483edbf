"""A ZIP of many pictures, against `zipfile` on the same files; and what it takes of memory."""

import os
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path
from statistics import median

from gallery.files import zipping
from gallery.files.zipping import Entry
from tests.bench import machine
from tests.bench.rows import Row

FILES, SIZE = 1_000, 300_000  # of the comparison: 300 MB, so that they stay in the page cache
LISTED = 10_000  # pictures of the archive whose memory is measured
ROUNDS = 5
GOAL, MEMORY_GOAL = 2.0, 5.0  # times zipfile's throughput; MiB


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="vignette-zip-") as folder:
        entries = [_file(Path(folder), number) for number in range(FILES)]
        times: dict[str, list[float]] = {"ours": [], "zipfile": []}
        for _ in range(ROUNDS):
            times["ours"].append(_cpu(lambda: _ours(entries)))
            times["zipfile"].append(_cpu(lambda: _zipfile(entries)))
        return [_throughput(times), _going_on(entries), _memory(entries[0])]


def _throughput(times: dict[str, list[float]]) -> Row:
    ours, theirs = (FILES * SIZE / 1e6 / median(times[name]) for name in ("ours", "zipfile"))
    return Row(
        number=11, work=f"ZIP of {FILES:,} pictures of {SIZE // 1000} kB", measured=f"{ours:,.0f} MB/s CPU",
        against=f"zipfile {theirs:,.0f} MB/s", ratio=f"{ours / theirs:.1f}×", goal=f"≥ {GOAL:g}×",
        met=ours >= GOAL * theirs,
    )  # fmt: skip


def _going_on(entries: list[Entry]) -> Row:
    """A download that broke off just before its end: what the rest costs, and whether it fits."""
    whole = zipping.length(entries)
    sent = list(zipping.pieces(lambda: entries, _opened))
    first = whole - 1_000_000
    rest: list[bytes] = []
    seconds = _cpu(lambda: rest.extend(zipping.pieces(lambda: entries, _opened, first)))
    fits = sum(map(len, sent)) == whole and b"".join(rest) == b"".join(sent)[first:]
    return Row(
        number=11, work="the last MB of it again, after the line broke",
        measured=f"{seconds * 1000:.0f} ms CPU, {'the same bytes' if fits else 'other bytes'}",
        against="zipfile: from the beginning", goal="the length told before, the same bytes", met=fits,
    )  # fmt: skip


def _file(folder: Path, number: int) -> Entry:
    data = os.urandom(SIZE)
    path = folder / f"{number}.png"
    path.write_bytes(data)
    return Entry(name=path.name, key=str(path), size=SIZE, crc=zlib.crc32(data), time=0x21 << 16)


def _opened(key: str, offset: int):
    file = open(key, "rb")  # noqa: SIM115  the writer closes it
    file.seek(offset)
    return file


def _ours(entries: list[Entry]) -> None:
    assert sum(map(len, zipping.pieces(lambda: entries, _opened))) == zipping.length(entries)


class Sink:
    """Somebody who takes bytes and cannot go back, as a connection."""

    def write(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> None:
        pass


def _zipfile(entries: list[Entry]) -> None:
    """What a view writes that streams with the standard library, in pieces of the same size."""
    with zipfile.ZipFile(Sink(), "w") as archive:  # type: ignore[arg-type]
        for entry in entries:
            with archive.open(zipfile.ZipInfo(entry.name), "w") as target, open(entry.key, "rb") as source:
                while piece := source.read(zipping.PIECE):
                    target.write(piece)


def _cpu(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


# --- Memory -------------------------------------------------------------------------------------

CHILD = """
import sys
from tests.bench.archives import stream
stream(sys.argv[1], int(sys.argv[2]))
"""


def _memory(entry: Entry) -> Row:
    """In a process of its own: how far the peak stands above what it needs for one picture."""
    one, many = (_peak(entry.key, n) for n in (1, LISTED))
    return Row(
        number=11, work=f"ZIP of {LISTED:,} pictures, memory",
        measured=f"{many - one:.1f} MiB more than for one",
        goal=f"≤ {MEMORY_GOAL:g} MiB", met=many - one <= MEMORY_GOAL,
    )  # fmt: skip


def _peak(path: str, n: int) -> float:
    words = [sys.executable, "-c", CHILD, path, str(n)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def stream(path: str, n: int) -> None:
    """Send an archive that names the file `n` times; print the peak of memory in MiB."""
    import django

    django.setup()
    from gallery.files import downloads
    from gallery.models import Download

    size, crc = os.path.getsize(path), zlib.crc32(Path(path).read_bytes())
    lines = (
        downloads.line(
            Entry(name=f"2026-11-22 Mirel Vane, forest ({k}).png", key=path, size=size, crc=crc, time=0)
        )
        for k in range(n)
    )
    download = Download(entries="\n".join(lines))
    sent = sum(map(len, zipping.pieces(lambda: downloads.entries(download), _opened)))
    assert sent > n * size
    print(machine.peak(os.getpid()))  # getrusage would tell the parent's peak as well
