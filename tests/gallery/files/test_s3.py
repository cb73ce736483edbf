import io
import time
from hashlib import sha256

import pytest
import requests
from django.core.files.storage import storages

from gallery import ingest
from gallery.files import media, storage
from gallery.files.s3 import PrivateS3Storage
from gallery.files.storage import StorageError
from tests.services import free_port

pytestmark = pytest.mark.s3


@pytest.fixture(scope="session")
def bucket(s3_server):
    s3_server.make_bucket("pictures")
    return "pictures"


@pytest.fixture
def store(settings, s3_server, bucket):
    settings.MEDIA_STORAGE = "s3"
    options = s3_server.options(bucket)
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "gallery.files.s3.PrivateS3Storage", "OPTIONS": options}
    }
    return storages["default"]


def test_what_was_put_comes_back(store):
    storage.put("uploaded/1/a.png", b"bytes", "image/png", sha256(b"bytes").hexdigest())
    with storage.open("uploaded/1/a.png") as file:
        assert file.read() == b"bytes"
    assert storage.exists("uploaded/1/a.png")
    assert storage.size("uploaded/1/a.png") == 5


def test_files_are_listed_by_folder(store):
    storage.put("listed/1/a.png", b"bytes", "image/png")
    storage.put("listed-not/1/a.png", b"bytes", "image/png")
    (file,) = storage.files("listed")
    assert (file.key, file.bytes) == ("listed/1/a.png", 5)
    assert abs(file.modified.timestamp() - time.time()) < 600


def test_deleted_object_is_missing(store):
    storage.put("uploaded/1/b.png", b"bytes", "image/png")
    storage.delete("uploaded/1/b.png")
    storage.delete("uploaded/1/b.png")
    assert not storage.exists("uploaded/1/b.png")
    with pytest.raises(FileNotFoundError):
        storage.open("uploaded/1/b.png")


def test_original_is_written_once_and_a_thumbnail_again(store):
    storage.put("uploaded/1/c.png", b"first", "image/png", sha256(b"first").hexdigest())
    storage.put("uploaded/1/c.png", b"other", "image/png", sha256(b"other").hexdigest())
    assert storage.open("uploaded/1/c.png").read() == b"first"
    storage.put("thumbnails/1/c.webp", b"first", "image/webp")
    storage.put("thumbnails/1/c.webp", b"other", "image/webp")
    assert storage.open("thumbnails/1/c.webp").read() == b"other"


def test_bytes_that_do_not_fit_their_checksum_are_refused(store):
    with pytest.raises(StorageError):
        storage.put("uploaded/1/d.png", b"bytes", "image/png", sha256(b"others").hexdigest())
    assert not storage.exists("uploaded/1/d.png")


def test_signed_address_gives_the_bytes_under_their_name(store):
    storage.put("uploaded/1/e.png", b"bytes", "image/png")
    words = media.disposition("Überfahrt.png", "png", download=True)
    answer = requests.get(storage.signed_address("uploaded/1/e.png", 60, words, "image/png"), timeout=10)
    assert (answer.status_code, answer.content) == (200, b"bytes")
    assert answer.headers["Content-Disposition"] == words
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_object_without_or_with_an_old_or_changed_signature_is_refused(store):
    storage.put("uploaded/1/f.png", b"bytes", "image/png")
    address = storage.signed_address("uploaded/1/f.png", 1, "", "image/png")
    changed = address[:-1] + ("0" if address[-1] != "0" else "1")
    assert requests.get(address.partition("?")[0], timeout=10).status_code == 403
    assert requests.get(changed, timeout=10).status_code == 403
    time.sleep(2.1)
    assert requests.get(address, timeout=10).status_code == 403


def test_signature_never_lasts_longer_than_five_minutes(store):
    assert "X-Amz-Expires=300&" in storage.signed_address("a", 3600, "", "image/png")


def test_nothing_has_a_public_address(store):
    with pytest.raises(ValueError, match="no public address"):
        store.url("uploaded/1/a.png")


def test_picture_goes_in_and_out_by_redirect(store, owner, owner_client, picture):
    image = ingest.store(owner, io.BytesIO(picture()), source="upload").image
    original = owner_client.get(f"/images/{image.public_id}/original/")
    thumbnail = owner_client.get(media.thumbnail_url(image.public_id, owner.pk, 320))
    assert requests.get(original["Location"], timeout=10).content == picture()
    assert requests.get(thumbnail["Location"], timeout=10).headers["Content-Type"] == "image/webp"
    assert (original["Cache-Control"], thumbnail["Cache-Control"]) == (media.NOT_KEPT, media.REDIRECT_KEPT)


def test_server_that_is_away_is_said_within_seconds(settings, s3_server):
    options = s3_server.options("pictures") | {"endpoint_url": f"http://127.0.0.1:{free_port()}"}
    started = time.monotonic()
    with pytest.raises(StorageError) as caught:
        PrivateS3Storage(**options).put("a", b"bytes", "image/png")
    assert caught.value.code == "storage"
    assert time.monotonic() - started < 10
