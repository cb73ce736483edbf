import io

import pytest
from django.core.management import CommandError, call_command

from gallery import ingest
from gallery.files import renditions, storage


@pytest.fixture
def image(owner, picture):
    return ingest.store(owner, picture(size=(2000, 1000)), source="upload").image


def read(key: str) -> bytes:
    with storage.open(key) as file:
        return file.read()


def rebuild(**options) -> str:
    said = io.StringIO()
    call_command("rebuild_thumbnails", stdout=said, stderr=said, **options)
    return said.getvalue()


def test_missing_thumbnail_is_made_again_as_it_was(image):
    before = read(image.thumbnail_key(320))
    storage.delete(image.thumbnail_key(320))
    assert rebuild() == "Pictures with new thumbnails: 1.\n"
    assert read(image.thumbnail_key(320)) == before


def test_thumbnails_that_are_there_are_left_alone_unless_asked(image):
    storage.put(image.thumbnail_key(320), b"old", renditions.MIME_TYPE)
    rebuild()
    assert read(image.thumbnail_key(320)) == b"old"
    rebuild(all=True)
    assert read(image.thumbnail_key(320)) != b"old"


def test_picture_without_original_is_named_and_the_others_go_on(image, owner, picture):
    other = ingest.store(owner, picture("blue"), source="upload").image
    for one in (image, other):
        storage.delete(one.thumbnail_key(1280))
    storage.delete(image.storage_key)
    with pytest.raises(CommandError, match="could not be read: 1"):
        rebuild()
    assert not renditions.missing(other)


def test_delete_files_leaves_nothing(image, settings):
    renditions.delete_files(image)
    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []


def test_rebuild_leaves_no_temporary_file(image, settings):
    renditions.rebuild(image)
    assert list(settings.SPOOL_DIR.iterdir()) == []
