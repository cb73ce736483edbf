"""Archives made to fill disk and memory, to lead elsewhere, or to say one thing and hold another."""

import io
import stat
import struct
import zipfile
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gallery.imports import importing
from gallery.imports.archives import ArchiveError, open_archive
from gallery.models import Image, Import, ImportEntry
from tests.conftest import picture_bytes
from tests.gallery.specimens import flipped

pytestmark = pytest.mark.thorough

ENCRYPTED, UTF8, DESCRIPTOR = 0x1, 0x800, 0x8


def local(name: bytes, data: bytes, *, flags=0, method=0, size=None, packed=None, crc=None) -> bytes:
    sizes = (zlib.crc32(data) if crc is None else crc, len(data) if packed is None else packed)
    real = len(data) if size is None else size
    return (
        struct.pack("<4s5H3I2H", b"PK\3\4", 20, flags, method, 0, 0x5021, *sizes, real, len(name), 0) + name
    )


def central(
    name: bytes, data: bytes, place: int, *, flags=0, method=0, size=None, mode=0, packed=None
) -> bytes:
    real, stored = len(data) if size is None else size, len(data) if packed is None else packed
    head = (b"PK\1\2", 3 << 8 | 20, 20, flags, method, 0, 0x5021, zlib.crc32(data), stored, real)
    return struct.pack("<4s6H3I5H2I", *head, len(name), 0, 0, 0, 0, mode << 16, place) + name


def end(count: int, size: int, place: int) -> bytes:
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, size, place, 0)


def by_hand(*files: tuple[bytes, bytes], mode=0, **fields) -> bytes:
    """A ZIP of stored `files`, its headers as the test wants them."""
    body, listed = b"", b""
    for name, data in files:
        both = {key: value for key, value in fields.items() if key in ("flags", "method", "size")}
        listed += central(name, data, len(body), mode=mode, **both)
        body += local(name, data, **both) + data
    return body + listed + end(len(files), len(listed), len(body))


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return file.getvalue()


@pytest.fixture
def read(tmp_path):
    """What comes of an archive: for each entry its bytes, or why not; or why none is read."""

    def run(data: bytes) -> dict[str, bytes | str] | str:
        (tmp_path / "a.zip").write_bytes(data)
        try:
            with open_archive(tmp_path / "a.zip") as archive:
                return {entry.name: content_of(archive, entry) for entry in archive.entries}
        except ArchiveError as exc:
            return exc.code

    return run


def content_of(archive, entry) -> bytes | str:
    try:
        with archive.open(entry) as stream:
            return stream.read()
    except ArchiveError as exc:
        return exc.code


# --- Too much -------------------------------------------------------------------------------------


def test_a_bomb_is_refused_by_its_list(read):
    assert read(zipped(a_png=bytes(20 << 20))) == "archive_too_large"
    assert read(zipped(**{f"{n}_png": bytes(3 << 20) for n in range(8)})) == "archive_too_large"


def test_all_pictures_together_are_bounded(read, settings):
    settings.MAX_IMPORT_BYTES = 1 << 20
    half = [bytes([number]) * 10 + picture_bytes(size=(8, 8)) * 10_000 for number in range(8)]
    assert read(zipped(**{f"{n}_png": data for n, data in enumerate(half)})) == "archive_too_large"
    assert len(read(zipped(**{f"{n}_png": data for n, data in enumerate(half[:3])}))) == 3


def test_entries_that_share_their_bytes_are_refused(read):
    data = zlib.compress(bytes(100_000))[2:-4]
    body = local(b"a.png", data, method=8, size=100_000) + data
    listed = b"".join(
        central(b"%d.png" % n, data, 0, method=8, size=100_000, packed=len(data)) for n in range(40)
    )
    assert read(body + listed + end(40, len(listed), len(body))) == "bad_archive"


def test_an_entry_within_another_is_refused(read):
    inner = local(b"b.png", b"INNER") + b"INNER"
    body = local(b"a.png", inner) + inner
    listed = central(b"a.png", inner, 0) + central(b"b.png", b"INNER", len(body) - len(inner))
    found = read(body + listed + end(2, len(listed), len(body)))
    assert found == "bad_archive" or "bad_archive" in found.values()


def test_an_archive_in_an_archive_stays_closed(read):
    inner = zipped(a_png=picture_bytes())
    assert read(zipped(inner_zip=inner, b_png=b"B")) == {"inner.zip": "not_a_picture", "b.png": b"B"}
    assert read(zipped(inner_zip=inner)) == "no_images_in_archive"


def test_a_length_that_lies_gives_no_more_than_it_says(read):
    data = zlib.compress(bytes(30 << 20))[2:-4]
    body = local(b"a.png", data, method=8, size=100) + data
    listed = central(b"a.png", data, 0, method=8, size=100, packed=len(data))
    assert read(body + listed + end(1, len(listed), len(body))) == {"a.png": "bad_archive"}


# --- Elsewhere ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR]
)
def test_links_devices_and_pipes_are_left_out(read, kind):
    assert read(by_hand((b"a.png", b"/etc/passwd"), mode=kind | 0o777)) == "no_images_in_archive"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"../../../etc/a.png", "etc/a.png"),
        (b"/etc/a.png", "etc/a.png"),
        (b"..\\..\\a.png", "a.png"),
        (b"C:\\windows\\a.png", "windows/a.png"),
        (b"\\\\host\\share\\a.png", "host/share/a.png"),
        (b"./a.png", "a.png"),
        (b"~/a.png", "~/a.png"),
        (b"a.png\0.exe", "a.png"),
        (b"....//a.png", "a.png"),
    ],
)
def test_a_path_is_a_label_and_leads_nowhere(read, tmp_path, name, shown):
    around = set(tmp_path.parent.iterdir())
    assert read(by_hand((name, b"x"))) == {shown: b"x"}
    assert set(tmp_path.parent.iterdir()) == around


# --- Odd ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "flags"),
    [(b"caf\x82.png", 0), (b"caf\xe9.png", UTF8), ("猫.png".encode(), UTF8), (b"\xff.png", 0)],
)
def test_names_in_any_encoding_are_read_or_refused_as_a_whole(read, name, flags):
    found = read(by_hand((name, b"x"), flags=flags))
    assert found == "bad_archive" or list(found.values()) == [b"x"]


def test_equal_names_are_two_files(read, tmp_path):
    data = by_hand((b"a.png", b"1"), (b"a.png", b"2"), (b"A.png", b"3"))
    (tmp_path / "a.zip").write_bytes(data)
    with open_archive(tmp_path / "a.zip") as archive:
        assert [content_of(archive, entry) for entry in archive.entries] == [b"1", b"2", b"3"]


def test_two_names_for_one_entry_are_not_believed(read):
    body = local(b"b.png", b"x") + b"x"
    listed = central(b"a.png", b"x", 0)
    assert read(body + listed + end(1, len(listed), len(body))) == {"a.png": "bad_archive"}


def test_sizes_behind_the_data_and_in_64_bits_are_read(read):
    stream = io.BytesIO()
    stream.seekable = lambda: False  # then sizes come behind the data
    with zipfile.ZipFile(stream, "w") as archive, archive.open("a.png", "w", force_zip64=True) as file:
        file.write(b"content")
    assert read(stream.getvalue()) == {"a.png": b"content"}


@pytest.mark.parametrize("method", [1, 6, 9, 12, 14, 93, 97, 99])
def test_other_ways_to_pack_are_named_and_spoil_nothing(read, method):
    assert read(by_hand((b"a.png", b"x"), method=method)) == "no_images_in_archive"


def test_a_password_is_the_reason_only_when_nothing_can_be_read(read):
    assert read(by_hand((b"a.png", b"x"), flags=ENCRYPTED)) == "archive_encrypted"


def test_the_list_may_not_count_other_than_it_holds(read):
    whole = by_hand((b"a.png", b"x"), (b"b.png", b"y"))
    for count, size, place in ((9, 110, 10), (2, 10**9, 0), (2, 0, 2**32 - 1)):
        found = read(whole[:-22] + end(count, size, place))
        assert found in ("bad_archive", "no_images_in_archive")


@pytest.mark.parametrize("junk", [b"MZ" + bytes(500), b"\xff\xd8\xff\xe0" + bytes(3000)])
def test_what_stands_before_an_archive_is_passed_over(read, junk):
    assert read(junk + by_hand((b"a.png", b"x"))) == {"a.png": b"x"}


def test_turned_bits_and_cuts_end_in_a_reason(read):
    whole = zipped(a_png=b"first" * 50, folder_b_png=b"second" * 50)
    for seed in range(1, 300):
        read(flipped(whole, seed, bits=4))
    for length in range(0, len(whole), 3):
        read(whole[:length])
    assert len(read(whole)) == 2


# --- Through the import ---------------------------------------------------------------------------


def ended(owner, data: bytes) -> Import:
    job = importing.create_from_archive(owner, SimpleUploadedFile("a.zip", data), "a.zip")
    importing.run(job.pk)
    job.refresh_from_db()
    return job


def test_each_entry_has_its_own_outcome_and_word(owner):
    files = {
        "good_png": picture_bytes("#135"), "same_png": picture_bytes("#135"), "notes_txt": b"x",
        "cut_png": picture_bytes("#246", size=(400, 400))[:-20], "svg_png": b"<svg/>", "big_svg": b"<svg/>",
    }  # fmt: skip
    job = ended(owner, zipped(**files))
    told = {entry.name: entry.error_code or entry.state for entry in job.entries.all()}
    assert told == {
        "good.png": "added", "same.png": "duplicate", "notes.txt": "not_a_picture", "cut.png": "truncated",
        "svg.png": "unsupported_type", "big.svg": "svg_not_supported",
    }  # fmt: skip
    assert all(entry.error_message for entry in job.entries.filter(state=ImportEntry.State.FAILED))
    assert importing.failure_code(job) == ""


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a_png": b"<svg/>", "b_svg": b"<svg/>"}, "no_images_in_archive"),
        ({"a_png": picture_bytes()[:-15], "b_png": b"<svg/>"}, "truncated"),
    ],
)
def test_an_archive_of_which_nothing_can_be_used_says_why_in_one_word(owner, settings, files, code):
    job = ended(owner, zipped(**files))
    assert (job.status, importing.failure_code(job)) == (Import.Status.FAILED, code)
    assert not Image.objects.exists()
    assert [path for path in settings.SPOOL_DIR.rglob("*") if path.is_file()] == []


def test_an_entry_whose_checksum_is_wrong_is_named(owner):
    data = by_hand((b"a.png", picture_bytes("#111")), (b"b.png", picture_bytes("#222")))
    job = ended(owner, data.replace(picture_bytes("#111"), picture_bytes("#111")[:-1] + b"\0", 1))
    assert [entry.error_code for entry in job.entries.all()] == ["bad_archive", ""]
