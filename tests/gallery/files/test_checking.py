"""Files and rows: what is found, what is mended, and that twice run is once done."""

import io
import json
import os
import time

import pytest
from django.core.management import CommandError, call_command

from gallery import ingest
from gallery.files import checking, storage


@pytest.fixture
def image(owner, picture):
    return ingest.store(owner, picture(), source="upload").image


def found(**options):
    return [(finding.what, finding.mended) for finding in checking.check(**options).findings]


def read(key):
    with storage.open(key) as file:
        return file.read()


def age(settings):
    """Let every file be older than the time a picture may take to come in."""
    for path in settings.MEDIA_ROOT.rglob("*"):
        os.utime(path, (time.time() - 7200,) * 2)


def test_sound_library_has_no_findings(image, settings):
    age(settings)
    report = checking.check(repair=True)
    assert (report.pictures, report.files, report.findings) == (1, 3, [])


def test_missing_thumbnails_are_made_again(image):
    before = read(image.thumbnail_key(320))
    storage.delete(image.thumbnail_key(320))
    storage.put(image.thumbnail_key(1280), b"", "image/webp")
    assert found() == [("thumbnail_missing", False), ("thumbnail_broken", False)]
    assert found(repair=True) == [("thumbnail_missing", True), ("thumbnail_broken", True)]
    assert read(image.thumbnail_key(320)) == before
    assert found() == []


@pytest.mark.parametrize("damage", [b"", b"other bytes"])
def test_altered_original_comes_back_from_another_copy(image, other, picture, damage):
    ingest.store(other, picture(), source="upload")
    storage.put(image.storage_key, damage, "image/png")
    assert found() == [("altered", False)]
    assert found(repair=True) == [("altered", True)]
    assert read(image.storage_key) == picture()
    assert found() == []


def test_same_length_needs_the_whole_check(image, picture):
    storage.put(image.storage_key, bytes(len(picture())), "image/png")
    assert found(quick=True) == []
    assert found() == [("altered", False)]


def test_only_copy_that_is_gone_stays_a_finding(image, picture):
    storage.delete(image.storage_key)
    for _ in range(2):
        assert ("missing", False) in found(repair=True)


def test_original_without_picture_is_set_aside_and_serves_again(image, settings, picture):
    key, stray = image.storage_key, image.storage_key.replace("uploaded", "imported")
    storage.put(stray, picture("navy"), "image/png")
    assert found() == []  # it may be coming in just now
    age(settings)
    assert found(repair=True) == [("orphaned", True)]
    assert read(f"orphaned/{stray}") == picture("navy")
    assert not storage.exists(stray)
    assert found(repair=True) == []
    storage.put(f"orphaned/{key}", picture(), "image/png")
    storage.delete(key)
    assert found(repair=True) == [("missing", True)]
    assert read(key) == picture()


def test_thumbnails_of_nobody_go(image, settings):
    strays = [
        f"thumbnails/{image.owner_id}/{'0' * 32}-320.webp",
        f"thumbnails/{image.owner_id + 1}/{image.public_id.hex}-320.webp",
        "thumbnails/readme.txt",
    ]
    for key in strays:
        storage.put(key, b"x", "image/webp")
    age(settings)
    assert found(repair=True) == [("thumbnail_orphaned", True)] * 3
    assert not any(map(storage.exists, strays))
    assert found() == []


def test_command_names_each_and_ends_with_what_to_do(image):
    storage.delete(image.thumbnail_key(320))
    said = io.StringIO()
    with pytest.raises(CommandError, match="1 to mend"):
        call_command("check_storage", stdout=said)
    assert f"{image.thumbnail_key(320)}: thumbnail is missing" in said.getvalue()
    call_command("check_storage", repair=True, stdout=said)
    assert "(mended)" in said.getvalue()
    said = io.StringIO()
    call_command("check_storage", json=True, stdout=said)
    assert json.loads(said.getvalue()) == {"pictures": 1, "files": 3, "findings": []}


def test_original_that_cannot_be_mended_asks_for_a_backup(image):
    storage.delete(image.storage_key)
    with pytest.raises(CommandError, match="Restore those files from a backup"):
        call_command("check_storage", repair=True, stdout=io.StringIO())
