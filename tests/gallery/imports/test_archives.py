import stat
import struct
import zipfile

import pytest

from gallery.imports import archives
from gallery.imports.archives import ArchiveError, open_archive


def zipped(path, files, method=zipfile.ZIP_DEFLATED):
    """Write a ZIP of `files`: (name or ZipInfo, bytes)."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return path


def refused(path):
    with pytest.raises(ArchiveError) as caught, open_archive(path):
        pass
    assert caught.value.message.endswith(".")
    return caught.value.code


def entries_of(path):
    with open_archive(path) as archive:
        return [(entry.name, entry.refusal and entry.refusal.code) for entry in archive.entries]


def special(name, mode):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def test_pictures_are_streamed_in_order(tmp_path):
    path = zipped(tmp_path / "a.zip", [("b.png", b"B" * 100_000), ("a.jpg", b"A")])
    with open_archive(path) as archive:
        contents = []
        for entry in archive.entries:
            with archive.open(entry) as stream:
                contents.append((entry.index, entry.name, stream.read()))
    assert contents == [(0, "b.png", b"B" * 100_000), (1, "a.jpg", b"A")]


def test_what_is_no_picture_is_left_out_with_a_reason(tmp_path):
    files = [
        ("ok.png", b"x"),
        ("notes.txt", b"x"),
        ("inner.zip", b"x"),
        (special("link.png", stat.S_IFLNK | 0o777), b"/etc/passwd"),
        (special("pipe.png", stat.S_IFIFO | 0o600), b""),
        ("folder/", b""),
        ("__MACOSX/ok.png", b"x"),
        ("faces/._ok.png", b"x"),
        ("faces/Thumbs.db", b"x"),
    ]
    assert entries_of(zipped(tmp_path / "a.zip", files)) == [
        ("ok.png", None),
        ("notes.txt", "not_a_picture"),
        ("inner.zip", "not_a_picture"),
        ("link.png", "entry_skipped"),
        ("pipe.png", "entry_skipped"),
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/evil.png", "etc/evil.png"),
        ("/abs/evil.png", "abs/evil.png"),
        ("C:\\temp\\evil.png", "temp/evil.png"),
        ("a/./b/../c.png", "a/b/c.png"),
        ("\x1b[31mred\u202e.png", "[31mred.png"),
        ("\u00e9t\u00e9.png", "été.png"),
    ],
)
def test_names_lead_nowhere(tmp_path, name, shown):
    assert entries_of(zipped(tmp_path / "a.zip", [(name, b"x")])) == [(shown, None)]


@pytest.mark.parametrize("content", [b"", b"7z\xbc\xaf'\x1c" + b"0" * 40, b"PK\x03\x04 not really"])
def test_other_files_are_no_archives(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    assert refused(path) == "bad_archive"


def test_half_an_archive_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", [("a.png", b"x" * 500), ("b.png", b"y" * 500)])
    path.write_bytes(path.read_bytes()[:-40])
    assert refused(path) == "bad_archive"


def test_an_archive_without_pictures_is_refused(tmp_path):
    assert refused(zipped(tmp_path / "a.zip", [("notes.txt", b"x")])) == "no_images_in_archive"
    assert refused(zipped(tmp_path / "b.zip", [])) == "no_images_in_archive"


def test_a_bomb_is_refused_before_it_is_inflated(tmp_path):
    assert refused(zipped(tmp_path / "a.zip", [("a.png", bytes(20 << 20))])) == "archive_too_large"


def test_too_many_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    assert refused(zipped(tmp_path / "a.zip", [(f"{n}.png", b"") for n in range(4)])) == "too_many_entries"


def test_a_list_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_LIST_BYTES", 1000)
    assert refused(zipped(tmp_path / "a.zip", [(f"{n}.png", b"") for n in range(40)])) == "too_many_entries"


def test_a_password_is_named_as_the_reason(tmp_path):
    path = zipped(tmp_path / "a.zip", [("a.png", b"x")])
    data = bytearray(path.read_bytes())
    data[6] |= 1  # local header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # list
    path.write_bytes(data)
    assert refused(path) == "archive_encrypted"


def test_a_damaged_entry_spoils_no_other(tmp_path):
    path = zipped(tmp_path / "a.zip", [("bad.png", b"BAD" * 99), ("good.png", b"GOOD")], zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"BADBAD", b"BAXBAD", 1))
    with open_archive(path) as archive:
        bad, good = archive.entries
        with pytest.raises(ArchiveError) as caught, archive.open(bad) as stream:
            stream.read()
        assert caught.value.code == "bad_archive"
        with archive.open(good) as stream:
            assert stream.read() == b"GOOD"


def test_an_entry_that_is_longer_than_it_says_is_cut_off(tmp_path):
    path = zipped(tmp_path / "a.zip", [("a.png", bytes(3_000_000))])
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 100)
    path.write_bytes(data)
    with (
        open_archive(path) as archive,
        archive.open(archive.entries[0]) as stream,
        pytest.raises(ArchiveError),
    ):
        stream.read()


def test_sizes_that_do_not_fit_the_file_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", [("a.png", b"x" * 50)], zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 20, 0xFFFFFFFE)
    path.write_bytes(data)
    assert refused(path) == "bad_archive"


def test_methods_that_may_ask_for_much_memory_are_left_out(tmp_path):
    path = zipped(tmp_path / "a.zip", [("a.png", b"x")])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("b.png", b"x", compress_type=zipfile.ZIP_LZMA)
    assert entries_of(path) == [("a.png", None), ("b.png", "bad_archive")]
