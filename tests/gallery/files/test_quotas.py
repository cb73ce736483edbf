"""What one person may keep, and what the disk has room for."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from gallery import ingest
from gallery.files import quotas
from gallery.imports import importing
from gallery.ingest import IngestError
from gallery.models import Image
from tests.gallery.api.conftest import api_of
from tests.gallery.imports.test_importing import archive_of


@pytest.fixture
def first(owner, picture):
    return ingest.store(owner, picture("#123456"), source="upload").image


def test_without_limits_nothing_is_counted(first, django_assert_num_queries):
    with django_assert_num_queries(0):
        quotas.check(first.owner, 1 << 40)


@pytest.mark.parametrize("is_trashed", [False, True])
def test_a_full_library_takes_no_more_images(first, picture, settings, is_trashed):
    settings.MAX_IMAGES_PER_USER = 1
    if is_trashed:
        Image.objects.update(trashed_at=timezone.now())
    with pytest.raises(IngestError, match="Your library holds 1 images") as caught:
        ingest.store(first.owner, picture("#654321"), source="upload")
    assert caught.value.code == "quota"
    assert Image.objects.count() == 1


def test_bytes_have_a_limit(first, picture, settings):
    content = picture("#654321")
    settings.MAX_STORED_BYTES_PER_USER = first.bytes + len(content) - 1
    with pytest.raises(IngestError, match="This does not fit: your library uses"):
        ingest.store(first.owner, content, source="upload")
    settings.MAX_STORED_BYTES_PER_USER += 1
    ingest.store(first.owner, content, source="upload")


def test_the_other_library_is_another_one(first, other, picture, settings):
    settings.MAX_IMAGES_PER_USER = 1
    ingest.store(other, picture(), source="upload")


def test_the_same_picture_again_takes_no_room(first, picture, settings):
    settings.MAX_IMAGES_PER_USER = 1
    assert ingest.store(first.owner, picture("#123456"), source="upload").duplicate


def test_what_was_paid_for_is_kept_in_any_case(first, picture, settings, monkeypatch):
    settings.MAX_IMAGES_PER_USER = 1
    monkeypatch.setattr(quotas, "FREE_SPACE_FLOOR", 1 << 60)
    ingest.store(first.owner, picture("#654321"), source="generated")


def test_a_full_library_is_said_to_programs_and_in_the_page(first, owner_client, picture, settings):
    settings.MAX_IMAGES_PER_USER = 1
    answer = api_of(first.owner).upload("/images", file=SimpleUploadedFile("a.png", picture("#654321")))
    assert (answer.status_code, answer.json()["code"]) == (507, "quota")
    assert "ask the people who run this server for more room" in answer.json()["detail"]
    page = owner_client.post(reverse("add-upload"), {"file": SimpleUploadedFile("a.png", picture("#654321"))})
    assert 'data-state="refused"' in page.content.decode()
    assert "Your library holds 1 images" in page.content.decode()


def test_an_import_brings_in_what_fits_and_says_what_does_not(owner, picture, settings):
    settings.MAX_IMAGES_PER_USER = 1
    job = importing.create_from_archive(
        owner, archive_of(a__png=picture("#111111"), b__png=picture("#222222")), "two.zip"
    )
    importing.run(job.pk)
    states = job.entries.values_list("state", "error_code")
    assert list(states) == [("added", ""), ("failed", "quota")]


def test_an_almost_full_disk_takes_nothing_in(owner, picture, monkeypatch):
    monkeypatch.setattr(quotas, "FREE_SPACE_FLOOR", 1 << 60)
    with pytest.raises(IngestError, match="The disk is full") as caught:
        ingest.store(owner, picture(), source="upload")
    assert (caught.value.code, caught.value.retryable) == ("storage_full", True)
    assert not Image.objects.exists()
