"""A disk that fails at any one of its calls: nothing half, nothing lost, and a sentence for the person.

The calls of our code are counted on a sound disk, and then each of them fails once, in turn.
"""

import errno
import io
import os
import random
import resource
import shutil
import sys
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.utils import timezone
from PIL import Image as PillowImage

from gallery.files import checking, leftovers, storage
from gallery.generations import calls, generation
from gallery.models import ApiToken, ConnectionProfile, GenerationCall, Image
from providers import registry
from tests.conftest import picture_bytes
from tests.gallery.scripted import Scripted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough, pytest.mark.engines]

OURS = tuple(str(Path(module.__file__).parent) for module in (storage, registry))
KINDS = ("mkdir", "link", "fsync", "replace")
NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class Disk:
    """Counts the calls that our code makes. Those that `fails` names fail: (kind, which, error number)."""

    def __init__(self, monkeypatch):
        self.seen: list[str] = []
        self.fails: tuple[str, int, int] | None = None
        for kind in KINDS:
            monkeypatch.setattr(os, kind, self.watched(kind, getattr(os, kind)))

    def watched(self, kind, real):
        def call(*args, **more):
            if asked_by_us():
                self.seen.append(kind)
                if self.fails and self.fails[:2] == (kind, self.seen.count(kind)):
                    raise OSError(self.fails[2], os.strerror(self.fails[2]))
            return real(*args, **more)

        return call

    def steps(self) -> list[tuple[str, int]]:
        return [(kind, which + 1) for kind in KINDS for which in range(self.seen.count(kind))]


def asked_by_us() -> bool:
    """Whether the call comes from the product, at most a few frames of the standard library away."""
    frame = sys._getframe(2)
    for _ in range(4):
        if frame is None or frame.f_code.co_filename.startswith(OURS):
            break
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(OURS)


@contextmanager
def files_of_at_most(size: int):
    """Let writing fail behind `size` bytes of any file, as on a disk that is full just there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def noise(seed: int, side: int = 96) -> bytes:
    """A picture that does not get small."""
    file = io.BytesIO()
    pixels = random.Random(seed).randbytes(side * side * 3)
    PillowImage.frombytes("RGB", (side, side), pixels).save(file, "PNG")
    return file.getvalue()


def upload(client, data, *, fragment=True):
    file = SimpleUploadedFile("a.png", data)
    headers = {"HX-Request": "true"} if fragment else {}
    return client.post("/add/upload/", {"file": file, "tags": ""}, headers=headers)


def left(settings) -> list[str]:
    """All files of the store and the spool, but answers and empty folders."""
    folders = (settings.MEDIA_ROOT, settings.SPOOL_DIR)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if path.suffix != ".answer")


# --- Upload -----------------------------------------------------------------------------------------


def test_upload_survives_a_fault_of_each_call(owner_client, disk, settings):
    """One test for all: how many calls there are is known when they were counted."""
    assert upload(owner_client, picture_bytes("#000001")).status_code == 200
    steps = disk.steps()
    assert len(steps) >= 8, disk.seen
    for color, ((kind, which), number) in enumerate(zip(steps, cycle(NUMBERS)), start=2):
        Image.objects.all().delete()
        empty(settings)
        disk.seen.clear()
        disk.fails = (kind, which, number)
        response = upload(owner_client, picture_bytes(f"#{color:06x}"))
        case = (kind, which, errno.errorcode[number])
        disk.fails = None
        if kind in ("mkdir", "link") and response.status_code == 200:
            # The folder was there already, or what cannot be linked was copied.
            assert len(left(settings)) == 3, case
            continue
        assert response.status_code == (503 if number == errno.EIO else 507), case
        assert sentence_for(number) in response.content.decode(), case
        assert not Image.objects.exists(), case
        assert left(settings) == [], case
        assert upload(owner_client, picture_bytes(f"#{color:06x}")).status_code == 200, case


def sentence_for(number):
    return "cannot be reached or written" if number == errno.EIO else "The disk is full."


def empty(settings):
    for folder in (settings.MEDIA_ROOT, settings.SPOOL_DIR):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("room", [0, 4096, 20_000])
@pytest.mark.parametrize("fragment", [True, False])
def test_upload_that_does_not_fit_is_told_so(owner_client, settings, room, fragment):
    data = noise(1)
    assert len(data) > 20_000
    with files_of_at_most(room):
        response = upload(owner_client, data, fragment=fragment)
    assert response.status_code == 507
    assert "The disk is full." in response.content.decode()
    assert (Image.objects.count(), left(settings)) == (0, [])


def test_upload_that_fills_the_disk_while_it_comes_in(owner_client, owner, client, settings, monkeypatch):
    """Django keeps large uploads in files while it reads the form."""

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    owner_client.raise_request_exception = False  # as a browser sees it
    _, token = ApiToken.issue(owner, "laptop")
    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", full)
    page = upload(owner_client, noise(1), fragment=False)
    answer = client.post(
        "/api/v1/images", {"file": SimpleUploadedFile("a.png", noise(1))},
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert (page.status_code, answer.status_code) == (507, 507)
    assert "The disk is full" in page.content.decode()
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "storage_full"
    assert not Image.objects.exists()


def test_spool_on_another_file_system_costs_a_copy_and_nothing_else(owner_client, disk, settings):
    disk.fails = ("replace", 1, errno.EXDEV)
    assert upload(owner_client, picture_bytes()).status_code == 200
    image = Image.objects.get()
    with storage.open(image.storage_key) as file:
        assert file.read() == picture_bytes()
    assert len(left(settings)) == 3


@pytest.mark.parametrize("which", [1, 2, 3])
def test_copy_to_another_file_system_that_fails_leaves_nothing(settings, monkeypatch, disk, which):
    """The second file system may be the full one."""
    real = os.replace

    def elsewhere(source, target):
        if Path(source).parent == settings.SPOOL_DIR:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(source, target)

    monkeypatch.setattr(os, "replace", elsewhere)
    storage.probe()
    disk.seen.clear()
    disk.fails = ("fsync", disk.seen.count("fsync") + which + 1, errno.ENOSPC)
    with pytest.raises(storage.StorageError):
        storage.put("uploaded/1/a.png", b"bytes", "image/png")
    assert left(settings) == []


# --- Generation ---------------------------------------------------------------------------------


@pytest.fixture
def profile(owner, monkeypatch):
    Scripted.reset()
    monkeypatch.setitem(registry.PROVIDERS, "scripted", ("Scripted", "tests.gallery.scripted:Scripted"))
    registry.provider_class.cache_clear()
    yield ConnectionProfile.objects.create(owner=owner, name="Main", provider="scripted", is_default=True)
    registry.provider_class.cache_clear()


def ask(profile, n=2):
    return generation.submit(profile.owner, generation.Wish(profile=profile, prompt="a red panda", n=n))


def run(asked):
    with suppress(OSError):  # the worker writes it to the log, and recovery wakes another
        calls.run(asked.calls.get().pk)
    asked.refresh_from_db()
    return asked


def after_the_fault(asked):
    """As a minute later: what was put off is due, and the lease is over. The decoder may be busy for once."""
    past = timezone.now() - timedelta(minutes=1)
    for _ in range(5):
        asked.calls.exclude(state__in=["done", "unknown"]).update(run_after=past, lease_until=past)
        if run(asked).status == "done":
            break
    return asked


def test_generation_survives_a_fault_of_each_call_once_its_answer_is_there(
    profile, disk, settings, monkeypatch
):
    monkeypatch.setattr(leftovers, "NOTE_SECONDS", -60)
    before, steps = at_the_answer(ask(profile), disk)
    assert len(steps) >= 10, disk.seen
    for (kind, which), number in zip(steps, cycle(NUMBERS)):
        Scripted.sent.clear()
        asked = ask(profile)
        disk.seen.clear()
        disk.fails = (kind, before[kind] + which, number)
        case = (kind, which, errno.errorcode[number])
        assert run(asked).status in ("saving", "done"), case
        disk.fails = None
        assert after_the_fault(asked).status == "done", case
        assert (asked.images.count(), len(Scripted.sent)) == (2, 1), case
        leftovers.sweep_notes()
    monkeypatch.setattr(checking, "GRACE", -checking.GRACE)
    assert checking.check().findings == []


def at_the_answer(asked, disk):
    """How many calls of each kind come before the answer is in the spool, and the steps after that."""
    counts = {}
    disk.seen.clear()
    real = calls.filing.file

    def file(call, token):
        counts.update({kind: disk.seen.count(kind) for kind in KINDS})
        real(call, token)

    calls.filing.file, kept = file, real
    try:
        assert run(asked).status == "done"
    finally:
        calls.filing.file = kept
    total = {kind: disk.seen.count(kind) for kind in KINDS}
    return counts, [(kind, n + 1) for kind in KINDS for n in range(total[kind] - counts[kind])]


def test_generation_says_why_it_waits_and_goes_on_when_there_is_room(profile, disk, settings):
    asked = ask(profile)
    before, _ = at_the_answer(ask(profile), disk)
    disk.seen.clear()
    empty(settings)
    disk.fails = ("replace", before["replace"] + 4, errno.ENOSPC)  # the first picture was stored already
    run(asked)
    assert left(settings) == []
    call = asked.calls.get()
    assert (asked.status, call.state, asked.error_code) == ("saving", "answered", "storage")
    assert asked.error_message == "The disk is full. Nothing more can be added until there is room."
    assert call.run_after <= timezone.now() + timedelta(seconds=21)
    disk.fails = None
    assert after_the_fault(asked).status == "done"
    assert asked.error_message == ""


@pytest.mark.parametrize("fault", ["little room", "store cannot be written", "reference away"])
def test_nothing_is_sent_that_could_not_be_kept(profile, monkeypatch, fault):
    asked = ask(profile)
    with monkeypatch.context() as patch:
        if fault == "little room":
            patch.setattr(calls, "FREE_SPACE_FLOOR", 1 << 62)
        elif fault == "store cannot be written":
            patch.setattr(storage.DurableLocalStorage, "probe", away)
        else:
            patch.setattr(calls.generations, "request_for", away)
        run(asked)
    assert (asked.status, asked.error_code, Scripted.sent) == ("queued", "storage", [])
    assert "not sent yet. It goes on" in asked.error_message
    assert after_the_fault(asked).status == "done"
    assert GenerationCall.objects.get().attempts == 1


def away(*args, **kwargs):
    raise storage.unreachable()
