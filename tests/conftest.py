import io

import pytest
from PIL import Image as PillowImage

from gallery.models import User
from tests.services import s3_server  # noqa: F401  a fixture


def pytest_collection_modifyitems(items):
    """Whole processes on a busy machine stumble now and then; the summary names who needed a second try."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("slow", "crash", "browser")):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
def owner(db):
    return User.objects.create_user("owner", password="owner-pass")


@pytest.fixture
def other(db):
    return User.objects.create_user("other", password="other-pass")


@pytest.fixture
def staff(db):
    return User.objects.create_user("staff", password="staff-pass", is_staff=True)


@pytest.fixture
def owner_client(client, owner):
    client.force_login(owner)
    return client


@pytest.fixture
def other_client(other):
    from django.test import Client

    client = Client()
    client.force_login(other)
    return client


def picture_bytes(color="#8a2a66", size=(64, 96), format="PNG", **save):
    """A small real picture; another colour gives another checksum."""
    file = io.BytesIO()
    PillowImage.new("RGB", size, color).save(file, format, **save)
    return file.getvalue()


@pytest.fixture
def picture():
    """A function that makes the bytes of a small real picture."""
    return picture_bytes


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    """Each test has its own store and spool."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "gallery.files.storage.DurableLocalStorage",
            "OPTIONS": {"location": settings.MEDIA_ROOT},
        }
    }
