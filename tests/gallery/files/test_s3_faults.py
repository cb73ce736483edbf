"""A store behind a network that fails: pages answer, nothing is lost or doubled, work goes on by itself."""

import time
import uuid
from datetime import timedelta
from hashlib import sha256

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from gallery import ingest
from gallery.files import checking, leftovers, s3, storage
from gallery.generations import calls, generation
from gallery.models import ConnectionProfile, Image
from gallery.pictures import trashing
from providers import registry
from tests.conftest import picture_bytes
from tests.gallery.scripted import Scripted
from tests.proxy import Proxy

pytestmark = [pytest.mark.s3, pytest.mark.django_db(transaction=True)]

AWAY = ("refuse", "reset", "swallow", "unavailable", "slow")
PATIENCE = 3.0  # seconds that a person waits for a page


@pytest.fixture
def proxy(s3_server):
    host, port = s3_server.address.removeprefix("http://").split(":")
    one = Proxy((host, int(port)))
    yield one
    one.close()


@pytest.fixture(autouse=True)
def store(settings, s3_server, proxy, monkeypatch):
    """The store through the proxy, in a folder of its own; nothing has to be an hour old to be looked at."""
    s3_server.make_bucket("pictures")
    settings.MEDIA_STORAGE = "s3"
    options = s3_server.options("pictures") | {"location": uuid.uuid4().hex, "endpoint_url": proxy.address}
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "gallery.files.s3.PrivateS3Storage", "OPTIONS": options}
    }
    monkeypatch.setattr(leftovers, "NOTE_SECONDS", -60)
    monkeypatch.setattr(checking, "GRACE", -checking.GRACE)


@pytest.fixture
def hurry(monkeypatch):
    """Waits that are as long as in use would take minutes here."""
    monkeypatch.setattr(s3, "READ", 2)
    monkeypatch.setattr(s3, "AWAY", 0.0)
    monkeypatch.setattr(s3, "KNOWN_GOOD", 0.0)


def keys():
    return sorted(
        file.key for folder in ("uploaded", "generated", "thumbnails") for file in storage.files(folder)
    )


def timed(call):
    started = time.monotonic()
    return call(), time.monotonic() - started


def upload(client, color="#123456"):
    file = SimpleUploadedFile("a.png", picture_bytes(color))
    return client.post(reverse("add-upload"), {"file": file, "tags": ""}, headers={"HX-Request": "true"})


@pytest.mark.parametrize("mode", AWAY)
def test_nobody_waits_for_a_store_that_is_away(proxy, owner_client, mode):
    upload(owner_client)
    image = Image.objects.get()
    proxy.become(mode)
    storages["default"]._answers.note(away=False)
    storages["default"]._answers._good = float("-inf")  # five seconds later
    addresses = [reverse("index"), image.get_absolute_url(), reverse("original", args=[image.public_id])]
    for address in addresses:
        response, seconds = timed(lambda address=address: owner_client.get(address))
        assert (response.status_code < 400, seconds < PATIENCE) == (True, True), (address, seconds)
    response, seconds = timed(lambda: upload(owner_client, "#654321"))
    assert (response.status_code, seconds < PATIENCE) == (503, True), seconds
    assert "The picture store cannot be reached or written." in response.content.decode()
    response, seconds = timed(lambda: owner_client.get(reverse("health-ready")))
    assert (response.status_code, response.json()["checks"]["storage"], seconds < PATIENCE) == (
        503,
        False,
        True,
    )
    proxy.become("pass")
    storages["default"]._answers._away = float("-inf")  # five seconds later
    assert upload(owner_client, "#654321").status_code == 200
    assert len(keys()) == 6


def test_limits_of_waiting_are_set(store):
    config = storages["default"].client.meta.config
    hasty = storages["default"].hasty_client.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (2, 10, 3)
    assert hasty.connect_timeout + hasty.read_timeout < PATIENCE
    assert hasty.retries["total_max_attempts"] == 1


def test_answer_that_is_lost_behind_a_put_leaves_one_object(proxy, owner, hurry):
    """The object is there, and the client cannot know. What it stored is found, or deleted later."""
    proxy.become("lose answers")
    with pytest.raises(storage.StorageError):
        storage.put("uploaded/1/a.png", b"bytes", "image/png", sha256(b"bytes").hexdigest())
    proxy.become("pass")
    assert keys() == ["uploaded/1/a.png"]
    storage.put("uploaded/1/a.png", b"bytes", "image/png", sha256(b"bytes").hexdigest())
    assert keys() == ["uploaded/1/a.png"]


@pytest.mark.parametrize("mode", ["refuse", "lose answers"])
def test_upload_that_loses_the_store_in_its_midst_is_whole_or_not_there(
    proxy, owner, hurry, mode, monkeypatch
):
    monkeypatch.setattr(ingest, "_ask_store", lambda: proxy.become(mode))  # it was there a moment ago
    with pytest.raises(ingest.IngestError) as caught:
        ingest.store(owner, picture_bytes(), source="upload")
    assert caught.value.code == "storage"
    proxy.become("pass")
    leftovers.sweep_notes()
    assert (Image.objects.count(), keys()) == (0, [])
    monkeypatch.undo()
    ingest.store(owner, picture_bytes(), source="upload")
    assert len(keys()) == 3


def test_reader_that_loses_the_store_is_told_so(proxy, hurry):
    storage.put("uploaded/1/a.png", bytes(32 << 20), "image/png")  # more than waits in any buffer
    with storage.open("uploaded/1/a.png") as file:
        file.read(10)
        proxy.become("refuse")
        with pytest.raises(storage.StorageError):
            file.read()


@pytest.fixture
def profile(owner, monkeypatch):
    Scripted.reset()
    monkeypatch.setitem(registry.PROVIDERS, "scripted", ("Scripted", "tests.gallery.scripted:Scripted"))
    registry.provider_class.cache_clear()
    yield ConnectionProfile.objects.create(owner=owner, name="Main", provider="scripted", is_default=True)
    registry.provider_class.cache_clear()


def run(asked):
    past = timezone.now() - timedelta(minutes=1)
    asked.calls.update(run_after=past, lease_until=past)
    calls.run(asked.calls.get().pk)
    asked.refresh_from_db()
    return asked


@pytest.mark.parametrize("mode", ["refuse", "unavailable", "lose answers"])
def test_paid_answer_waits_for_the_store_and_is_filed_once(proxy, profile, hurry, mode):
    asked = generation.submit(profile.owner, generation.Wish(profile=profile, prompt="a fox", n=2))
    Scripted.on_send = staticmethod(lambda: proxy.become(mode))
    for _ in range(2):
        assert (run(asked).status, asked.error_code) == ("saving", "storage")
        assert asked.calls.get().run_after <= timezone.now() + timedelta(seconds=21)
    proxy.become("pass")
    assert run(asked).status == "done"
    leftovers.sweep_notes()
    assert (asked.images.count(), len(Scripted.sent), len(keys())) == (2, 1, 6)
    assert checking.check().findings == []


def test_nothing_is_sent_while_the_store_is_away(proxy, profile, hurry):
    asked = generation.submit(profile.owner, generation.Wish(profile=profile, prompt="a fox"))
    proxy.become("unavailable")
    assert (run(asked).status, asked.error_code, Scripted.sent) == ("queued", "storage", [])
    proxy.become("pass")
    assert run(asked).status == "done"


def test_files_of_an_emptied_trash_go_when_the_store_is_back(proxy, owner, hurry):
    image = ingest.store(owner, picture_bytes(), source="upload").image
    Image.objects.filter(pk=image.pk).update(trashed_at=timezone.now())
    proxy.become("refuse")
    assert trashing.delete_for_good(Image.objects.filter(pk=image.pk)).n == 1
    proxy.become("pass")
    assert len(keys()) == 3
    leftovers.sweep_notes()
    assert keys() == []
