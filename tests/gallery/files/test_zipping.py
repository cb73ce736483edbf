import io
import random
import zipfile
import zlib
from datetime import datetime

import pytest

from gallery.files import zipping
from gallery.files.zipping import Entry

FILES = {"a": b"first" * 1000, "b": b"", "c": random.Random(1).randbytes(70_000)}


def opened(key, offset):
    return io.BytesIO(FILES[key][offset:])


def entry(key, name, **more):
    data = FILES.get(key, b"")
    time = zipping.dos_time(datetime(2026, 11, 22, 15, 30, 58))
    return Entry(
        **{"key": key, "name": name, "size": len(data), "crc": zlib.crc32(data), "time": time} | more
    )


def note(text):
    return Entry(name="Note.txt", size=len(text), crc=zlib.crc32(text), time=0x21 << 16, text=text)


ENTRIES = [entry("a", "a.png"), entry("b", "empty.png"), entry("c", "Größe 冬 🎃.webp"), note(b"read me")]


def archive(entries=ENTRIES, **part):
    return b"".join(zipping.pieces(lambda: entries, opened, **part))


def test_an_archive_holds_the_files_and_is_as_long_as_was_said():
    data = archive()

    assert len(data) == zipping.length(ENTRIES)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        assert file.namelist() == ["a.png", "empty.png", "Größe 冬 🎃.webp", "Note.txt"]
        assert file.read("Größe 冬 🎃.webp") == FILES["c"]
        assert file.read("Note.txt") == b"read me"
        assert file.getinfo("a.png").date_time == (2026, 11, 22, 15, 30, 58)
        assert file.getinfo("a.png").external_attr >> 16 == 0o100644


def test_any_part_is_the_same_bytes():
    whole = archive()
    cuts = random.Random(2)
    for _ in range(200):
        first, end = sorted(cuts.sample(range(len(whole) + 1), 2))
        assert archive(first=first, end=end) == whole[first:end]
    assert archive(first=len(whole) - 5) == whole[-5:]


def test_a_file_that_lost_its_bytes_spoils_no_other_one():
    entries = [entry("a", "a.png"), entry("b", "gone.png", size=30_000, crc=1), entry("c", "c.png")]
    data = archive(entries)

    assert len(data) == zipping.length(entries)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() == "gone.png"
        assert file.read("c.png") == FILES["c"]


@pytest.mark.thorough
def test_more_files_than_a_plain_archive_can_count_are_all_there():
    entries = [entry("b", "empty.png")] * 66_000
    with zipfile.ZipFile(io.BytesIO(archive(entries))) as file:
        assert len(file.namelist()) == 66_000


def test_places_and_sizes_beyond_four_gigabytes_are_written(tmp_path):
    huge = Entry(name="huge.bin", key="huge", size=5 << 30, crc=0x12345678, time=0x21 << 16)
    entries = [huge, entry("a", "behind.png")]
    header = 30 + len("huge.bin") + 20
    path = tmp_path / "huge.zip"
    with path.open("wb") as file:  # a hole stands for the five gigabytes
        file.write(archive(entries, end=header))
        file.seek(header + huge.size)
        file.write(archive(entries, first=header + huge.size))

    assert path.stat().st_size == zipping.length(entries)
    with zipfile.ZipFile(path) as file:
        assert file.getinfo("huge.bin").file_size == huge.size
        assert file.read("behind.png") == FILES["a"]


@pytest.mark.parametrize("year", [1970, 1980, 2026])
def test_times_before_the_format_existed_become_its_first_year(year):
    time = zipping.dos_time(datetime(year, 11, 22, 1, 2, 3))
    assert ((time >> 25) + 1980, time >> 21 & 15, time >> 16 & 31) == (max(year, 1980), 11, 22)
