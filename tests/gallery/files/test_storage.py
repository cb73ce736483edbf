import errno
import os
import stat
from datetime import UTC, datetime

import pytest
from django.core.files.storage import default_storage

from gallery.files import storage
from gallery.models import Image
from gallery.models.base import uuid7


def read(key: str) -> bytes:
    with storage.open(key) as file:
        return file.read()


def test_put_leaves_one_file_that_only_we_can_read(settings):
    storage.put("uploaded/1/a.png", b"bytes", "image/png")
    folder = settings.MEDIA_ROOT / "uploaded" / "1"
    assert [path.name for path in folder.iterdir()] == ["a.png"]
    assert stat.S_IMODE((folder / "a.png").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert read("uploaded/1/a.png") == b"bytes"


def test_put_again_replaces(settings):
    storage.put("thumbnails/1/a.webp", b"first", "image/webp")
    storage.put("thumbnails/1/a.webp", b"other", "image/webp")
    assert read("thumbnails/1/a.webp") == b"other"
    assert storage.size("thumbnails/1/a.webp") == 5


def test_file_is_synced_before_it_gets_its_name_and_the_folder_after(settings, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor):
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_replace(self, target):
        order.append("name")
        replace(self, target)

    (settings.MEDIA_ROOT / "uploaded").mkdir(parents=True)
    settings.SPOOL_DIR.mkdir()
    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(storage.Path, "replace", note_replace)
    storage.put("uploaded/a.png", b"bytes", "image/png")
    assert order == ["file", "name", "folder"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "storage_full"), (errno.EDQUOT, "storage_full"), (errno.EIO, "storage")],
)
def test_failure_has_a_code_and_leaves_nothing(settings, monkeypatch, call, number, code):
    def fail(*args):
        raise OSError(number, "injected")

    (settings.MEDIA_ROOT / "uploaded").mkdir(parents=True)
    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else (storage.Path, "replace")), fail)
    with pytest.raises(storage.StorageError) as caught:
        storage.put("uploaded/a.png", b"bytes", "image/png")
    assert caught.value.code == code
    assert list((settings.MEDIA_ROOT / "uploaded").iterdir()) == []


def test_file_of_the_spool_is_linked_not_copied(settings):
    settings.SPOOL_DIR.mkdir()
    spooled = settings.SPOOL_DIR / "incoming-1"
    spooled.write_bytes(b"bytes")
    storage.put("uploaded/1/a.png", spooled, "image/png")
    assert (settings.MEDIA_ROOT / "uploaded/1/a.png").stat().st_ino == spooled.stat().st_ino


def test_file_from_elsewhere_is_copied(settings, tmp_path):
    foreign = tmp_path / "holiday.png"
    foreign.write_bytes(b"bytes")
    storage.put("imported/1/a.png", foreign, "image/png")
    foreign.write_bytes(b"changed later")
    assert read("imported/1/a.png") == b"bytes"


@pytest.mark.parametrize("key", ["../outside.png", "/etc/passwd", "uploaded/../../outside.png"])
def test_key_that_leads_out_is_refused(key):
    with pytest.raises(Exception, match="located outside"):
        storage.put(key, b"bytes", "image/png")


def test_missing_file_is_said_so():
    with pytest.raises(FileNotFoundError):
        storage.open("uploaded/1/none.png")
    assert not storage.exists("uploaded/1/none.png")
    storage.delete("uploaded/1/none.png")


def test_nothing_has_a_public_address():
    with pytest.raises(ValueError, match="no public address"):
        default_storage.url("uploaded/1/a.png")
    assert storage.signed_address("uploaded/1/a.png", 60, "", "image/png") is None


def test_original_key_is_the_same_for_the_same_picture():
    made = datetime(2026, 11, 22, 10, 11, 12, 345678, tzinfo=UTC)
    key = storage.original_key("upload", 7, made, "ab" * 32, "png")
    assert key == f"uploaded/7/20261122T101112345678-{'ab' * 32}.png"


def test_thumbnail_key_is_that_of_the_row(owner):
    image = Image(owner=owner, public_id=uuid7())
    assert storage.thumbnail_key(owner.pk, image.public_id.hex, 320) == image.thumbnail_key(320)
