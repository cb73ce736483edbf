"""A library that is damaged by hand: each damage is found, and mended once."""

import hashlib
import os
import time
import uuid

import pytest

from gallery import ingest
from gallery.files import checking, storage
from gallery.generations import inputs
from gallery.models import Generation, Image
from tests.conftest import picture_bytes

pytestmark = [pytest.mark.thorough, pytest.mark.engines]

COPY, ALONE = "#101010", "#202020"  # a picture that another account has as well, and one that is nowhere else


@pytest.fixture
def local():
    """The store of every test."""


@pytest.fixture
def s3(settings, s3_server):
    """A folder of a bucket, with nothing else in it."""
    s3_server.make_bucket("pictures")
    settings.MEDIA_STORAGE = "s3"
    options = s3_server.options("pictures") | {"location": uuid.uuid4().hex}
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "gallery.files.s3.PrivateS3Storage", "OPTIONS": options}
    }


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def store(request):
    request.getfixturevalue(request.param)


@pytest.fixture
def library(owner, other, monkeypatch):
    """Two pictures; the other account has the first as well. Every file is old enough to be looked at."""
    ingest.store(other, picture_bytes(COPY), source="import")
    for color in (COPY, ALONE):
        ingest.store(owner, picture_bytes(color), source="upload", title=color)
    key = inputs.keep_mask(owner, b"a mask")
    Generation.objects.create(owner=owner, provider="demo", model="m", prompt="p", mask_key=key)
    monkeypatch.setattr(checking, "GRACE", -checking.GRACE)
    return owner


def key_of(owner, color):
    return Image.objects.get(owner=owner, title=color).storage_key


def overwrite(key, data):
    storage.put(key, data, "image/png")


def read(key):
    with storage.open(key) as file:
        return file.read()


def flipped(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def thumb(owner):
    return Image.objects.get(owner=owner, title=COPY).thumbnail_key(320)


def lose_row(owner):
    Image.objects.get(owner=owner, title=ALONE).delete()


def resize_row(owner):
    Image.objects.filter(owner=owner, title=ALONE).update(bytes=1)


def set_mask_aside(owner):
    key = Generation.objects.get().mask_key
    overwrite(f"orphaned/{key}", read(key))
    storage.delete(key)


DAMAGES = {
    "original missing": (lambda o: storage.delete(key_of(o, COPY)), ["missing"]),
    "original cut short": (
        lambda o: overwrite(key_of(o, COPY), picture_bytes(COPY)[:-40]),
        ["altered"],
    ),
    "original emptied": (lambda o: overwrite(key_of(o, COPY), b""), ["altered"]),
    "one bit flipped": (lambda o: overwrite(key_of(o, COPY), flipped(picture_bytes(COPY))), ["altered"]),
    "size in the row wrong": (resize_row, ["measured"]),
    "row deleted": (lose_row, ["orphaned", "thumbnail_orphaned", "thumbnail_orphaned"]),
    "original of nobody": (lambda o: overwrite(f"uploaded/{o.pk}/stray.png", b"stray"), ["orphaned"]),
    "half file of a killed process": (
        lambda o: overwrite(f"uploaded/{o.pk}/.incoming-1.part", b"half"),
        ["temporary"],
    ),
    "thumbnail missing": (lambda o: storage.delete(thumb(o)), ["thumbnail_missing"]),
    "thumbnail emptied": (lambda o: overwrite(thumb(o), b""), ["thumbnail_broken"]),
    "thumbnail cut short": (lambda o: overwrite(thumb(o), read(thumb(o))[:-9]), ["thumbnail_broken"]),
    "thumbnail overwritten": (lambda o: overwrite(thumb(o), b"no picture at all"), ["thumbnail_broken"]),
    "thumbnail of nobody": (
        lambda o: overwrite(f"thumbnails/{o.pk}/{'0' * 32}-320.webp", b"x"),
        ["thumbnail_orphaned"],
    ),
    "mask of nobody": (lambda o: inputs.keep_mask(o, b"another mask"), ["mask_orphaned"]),
    "mask missing": (set_mask_aside, ["mask_missing"]),
}


def found(**options):
    return [(finding.what, finding.mended) for finding in checking.check(**options).findings]


def originals():
    """The checksums of all originals and masks, wherever in the store they are."""
    folders = [*storage.FOLDERS.values(), "masks", "orphaned"]
    keys = [file.key for folder in folders for file in storage.files(folder)]
    return {hashlib.sha256(read(key)).hexdigest() for key in keys}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_mended_once(library, name):
    damage, whats = DAMAGES[name]
    assert found() == []
    before = originals()
    damage(library)
    assert found() == [(what, False) for what in whats]
    assert found(repair=True) == [(what, True) for what in whats]
    assert found(repair=True) == []
    assert before <= originals(), "an original was deleted"
    for image in Image.objects.all():
        assert hashlib.sha256(read(image.storage_key)).hexdigest() == image.sha256


def test_all_damages_at_once(store, library):
    for damage, _ in DAMAGES.values():
        damage(library)
    assert any(not mended for _, mended in found())
    assert all(mended for _, mended in found(repair=True))
    assert found() == []


@pytest.mark.parametrize("damage", [storage.delete, lambda key: overwrite(key, b"other")])
def test_only_copy_is_never_given_up(store, library, damage):
    """What cannot be mended stays a finding, and what is left of it stays where it is."""
    key = key_of(library, ALONE)
    damage(key)
    left = originals()
    for _ in range(2):
        whats = [what for what, mended in found(repair=True) if not mended]
        assert whats in (["missing"], ["altered"])
    assert originals() == left
    assert Image.objects.filter(storage_key=key).exists()


def test_old_files_of_the_spool_are_named_and_go(db, settings):
    settings.SPOOL_DIR.mkdir()
    old = settings.SPOOL_DIR / "incoming-1"
    old.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    (settings.SPOOL_DIR / "incoming-2").touch()
    assert [finding.key for finding in checking.check().findings] == ["spool/incoming-1"]
    assert found(repair=True) == [("temporary", True)]
    assert found() == []


@pytest.fixture
def bad_place(monkeypatch):
    """A function that makes one original lie on a bad place of the disk."""

    def spoil(key):
        real = storage.DurableLocalStorage.open_to_read

        class Bad:
            def __enter__(self):
                return self

            def __exit__(self, *args):
                return None

            def read(self, size=-1):
                raise OSError(5, "Input/output error")

        def opened(self, name, offset=0):
            return Bad() if name == key else real(self, name, offset)

        monkeypatch.setattr(storage.DurableLocalStorage, "open_to_read", opened)

    return spoil


def test_bad_place_of_the_disk_does_not_end_the_check(owner, bad_place):
    first = ingest.store(owner, picture_bytes(ALONE), source="upload").image
    second = ingest.store(owner, picture_bytes(COPY), source="upload").image
    storage.delete(second.storage_key)
    bad_place(first.storage_key)
    assert [what for what, _ in found()] == ["unreadable", "missing"]
    assert ("unreadable", False) in found(repair=True)


def test_store_that_is_away_ends_the_check(library, monkeypatch):
    """It says nothing about the files."""

    def away(self, name):
        raise storage.unreachable()

    monkeypatch.setattr(storage.DurableLocalStorage, "size", away)
    with pytest.raises(storage.StorageError):
        checking.check(repair=True)
