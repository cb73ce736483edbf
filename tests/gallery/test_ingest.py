import io
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from zlib import crc32

import pytest
from django.db import transaction

from gallery import ingest
from gallery.files import filenames, storage
from gallery.models import Image, ImageText, Tag


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def store(owner, data, **facts):
    return ingest.store(owner, io.BytesIO(data), source="upload", **facts)


def refusal(owner, data, **facts) -> ingest.IngestError:
    with pytest.raises(ingest.IngestError) as caught:
        store(owner, data, **facts)
    return caught.value


def test_store_keeps_the_bytes_as_they_came(owner, picture):
    data = picture()
    image = store(owner, data, file_name="Harbour.png").image
    with storage.open(image.storage_key) as file:
        assert file.read() == data
    assert (image.sha256, image.crc32, image.bytes) == (sha256(data).hexdigest(), crc32(data), len(data))
    assert (image.width, image.height, image.mime_type, image.file_name) == (
        64,
        96,
        "image/png",
        "Harbour.png",
    )


def test_store_writes_both_thumbnails_below_the_owners_folder(owner, picture):
    image = store(owner, picture()).image
    assert all(storage.exists(image.thumbnail_key(size)) for size in (320, 1280))
    assert image.storage_key.startswith(f"uploaded/{owner.pk}/")
    assert image.storage_key.endswith(f"-{image.sha256}.png")


def test_store_takes_the_type_from_the_bytes_not_from_the_name(owner, picture):
    image = store(owner, picture(format="JPEG"), file_name="wrong.png").image
    assert image.mime_type == "image/jpeg"
    assert image.storage_key.endswith(".jpg")


def test_store_leaves_no_temporary_file(owner, picture, settings):
    store(owner, picture())
    assert files_below(settings.SPOOL_DIR) == []


def test_store_files_the_words_and_the_facts(owner, picture):
    facts = ingest.Facts(
        prompt="Blue hour\0 at the quay", model="demo", created_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    image = store(owner, picture(), title="Quay", facts=facts).image
    image.refresh_from_db()
    assert (image.prompt, image.model, image.created_at.year) == ("Blue hour at the quay", "demo", 2026)
    assert "blue hour" in ImageText.objects.get(image=image).words


def test_store_puts_the_tags_on(owner, picture):
    tag = Tag.objects.create(owner=owner, name="Mirel", kind="character")
    image = store(owner, picture(), tags=[tag]).image
    assert list(image.tags.all()) == [tag]


def test_duplicate_gets_the_tags_and_stores_nothing(owner, picture, settings):
    first = store(owner, picture()).image
    before = files_below(settings.MEDIA_ROOT)
    tag = Tag.objects.create(owner=owner, name="again")
    second = store(owner, picture(), tags=[tag])
    assert (second.image, second.duplicate) == (first, True)
    assert list(first.tags.all()) == [tag]
    assert files_below(settings.MEDIA_ROOT) == before


def test_picture_in_the_trash_is_no_duplicate(owner, picture):
    first = store(owner, picture()).image
    Image.objects.filter(pk=first.pk).update(trashed_at=datetime.now(UTC))
    second = store(owner, picture())
    assert not second.duplicate
    assert second.image.storage_key != first.storage_key


def test_same_bytes_of_another_owner_are_no_duplicate(owner, other, picture):
    store(owner, picture())
    assert not store(other, picture()).duplicate


def test_slower_of_two_equal_uploads_becomes_a_duplicate_and_leaves_no_file(owner, picture, settings):
    slow = ingest.prepare(owner, io.BytesIO(picture()), source="upload")
    fast = store(owner, picture()).image
    with transaction.atomic():
        stored = ingest.commit(slow)
    assert (stored.image, stored.duplicate) == (fast, True)
    assert len(files_below(settings.MEDIA_ROOT)) == 3


def test_race_that_the_first_look_misses_is_caught_by_the_constraint(owner, picture, settings, monkeypatch):
    slow = ingest.prepare(owner, io.BytesIO(picture()), source="upload")
    fast = store(owner, picture()).image
    monkeypatch.setattr(ingest, "_live_twin", blind_once(ingest._live_twin))
    with transaction.atomic():
        assert ingest.commit(slow).image == fast
    assert len(files_below(settings.MEDIA_ROOT)) == 3


def blind_once(look):
    answers = [None]
    return lambda prepared: answers.pop() if answers else look(prepared)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "empty_file", "This file is empty."),
        (b"II*\0" + bytes(99), "unsupported_type", "TIFF is not supported. Save it as PNG and add it again."),
        (b"\x89PNG\r\n\x1a\n", "corrupt_image", "This file is damaged and could not be read."),
    ],
)
def test_refused_file_says_why_and_leaves_nothing(owner, settings, data, code, words):
    error = refusal(owner, data)
    assert (error.code, error.message) == (code, words)
    assert files_below(settings.DATA_DIR / "media") + files_below(settings.SPOOL_DIR) == []
    assert not Image.objects.exists()


def test_too_big_file_is_told_the_limit(owner, picture, settings):
    settings.MAX_UPLOAD_BYTES = 1 << 20
    error = refusal(owner, bytes(2 << 20))
    assert (error.code, error.message) == ("too_big", "This file is too big. The limit here is 1 MB.")
    assert files_below(settings.SPOOL_DIR) == []


def test_full_disk_is_named_and_leaves_neither_row_nor_file(owner, picture, settings, monkeypatch):
    put = storage.DurableLocalStorage.put

    def full(self, key, *rest):
        if key.startswith("thumbnails/"):
            raise storage.storage_full()
        put(self, key, *rest)

    monkeypatch.setattr(storage.DurableLocalStorage, "put", full)
    error = refusal(owner, picture())
    assert (error.code, error.retryable) == ("storage_full", True)
    assert files_below(settings.MEDIA_ROOT) == []
    assert not Image.objects.exists()


def test_failing_commit_takes_the_files_away_again(owner, picture, settings, monkeypatch):
    monkeypatch.setattr(ImageText, "refresh", lambda image: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store(owner, picture())
    assert files_below(settings.MEDIA_ROOT) == []


def test_file_of_the_spool_is_taken_in_and_left_where_it_is(owner, picture, settings):
    settings.SPOOL_DIR.mkdir()
    answer = settings.SPOOL_DIR / "answer.png"
    answer.write_bytes(picture())
    image = ingest.store(owner, answer, source="generated").image
    assert answer.read_bytes() == picture()
    assert image.storage_key.startswith("generated/")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("C:\\temp\\a.png", "a.png"),
        ("../../etc/passwd.png", "passwd.png"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie: x.png"),
        ("a\ud800.png", "a?.png"),
        ("x" * 300, "x" * 255),
        ("猫.png", "猫.png"),
    ],
)
def test_file_name_is_only_shown(name, shown):
    assert filenames.last_part(name) == shown
