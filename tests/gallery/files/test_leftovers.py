"""What killed processes leave behind goes by itself; what somebody is at, or has a row, stays."""

import io
import os
import subprocess
import sys

import pytest
from django.db import OperationalError, transaction

from gallery import ingest
from gallery.files import leftovers, storage
from gallery.generations import recovery
from gallery.imports import import_sources
from gallery.models import Image
from gallery.models.base import uuid7

pytestmark = [pytest.mark.thorough, pytest.mark.engines]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def stored(settings):
    return sorted(path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file())


def notes(settings):
    return list(settings.SPOOL_DIR.glob(f"{leftovers.NOTES}*"))


@pytest.fixture
def old(monkeypatch):
    """Nothing needs to be a minute old to be looked at."""
    monkeypatch.setattr(leftovers, "NOTE_SECONDS", -60)


@pytest.fixture
def prepared(owner, picture):
    return ingest.prepare(owner, picture(), source="upload")


def test_old_temporary_files_and_folders_go_and_nothing_else(settings):
    kinds = ["incoming-1", "incoming-2.part", "tmp8x.upload.png", "answer-x", "inputs-x", "seen-x"]
    others = ["call.answer", "call.part", "archive-1", "unfiled-1", "partials"]
    for name in [*kinds, "incoming-new", *others]:
        path = settings.SPOOL_DIR / name
        path.parent.mkdir(exist_ok=True)
        path.mkdir() if name.endswith("-x") or name == "partials" else path.touch()
        if name != "incoming-new":
            os.utime(path, (1, 1))
    (settings.SPOOL_DIR / "answer-x" / "0.png").touch()
    os.utime(settings.SPOOL_DIR / "answer-x", (1, 1))
    assert leftovers.sweep_spool() == len(kinds)
    assert names(settings.SPOOL_DIR) == sorted(["incoming-new", *others])


def test_picture_with_a_row_leaves_no_note(owner, picture, settings):
    ingest.store(owner, picture(), source="upload")
    assert notes(settings) == []


def test_picture_that_somebody_is_at_is_left_alone(prepared, settings, old):
    leftovers.sweep_notes()
    assert len(stored(settings)) == 3
    with transaction.atomic():
        ingest.commit(prepared)
    ingest.settle(prepared)
    assert (len(stored(settings)), notes(settings)) == (3, [])


def test_picture_whose_process_ended_before_its_row_goes(prepared, settings, old):
    prepared.note.leave()
    leftovers.sweep_notes()
    assert (stored(settings), notes(settings)) == ([], [])


def test_picture_whose_process_ended_just_now_is_left_alone(prepared, settings):
    prepared.note.leave()
    leftovers.sweep_notes()
    assert len(stored(settings)) == 3


def test_picture_that_has_its_row_stays_whatever_became_of_its_process(prepared, settings, old):
    with transaction.atomic():
        ingest.commit(prepared)
    prepared.note.leave()
    leftovers.sweep_notes()
    assert (len(stored(settings)), notes(settings)) == (3, [])


HOLD = """
import os, sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
settings.SPOOL_DIR = Path(sys.argv[1])
from gallery.files import leftovers
from gallery.models.base import uuid7
note = leftovers.Note(uuid7(), ["uploaded/1/a.png"])
print("holds", flush=True)
sys.stdin.read()
"""


def test_note_of_a_killed_process_is_free_and_of_a_living_one_is_not(db, settings, old):
    settings.SPOOL_DIR.mkdir()
    storage.put("uploaded/1/a.png", b"x", "image/png")
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.SPOOL_DIR)], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout.readline() == "holds\n"
        leftovers.sweep_notes()
        assert storage.exists("uploaded/1/a.png")
        process.kill()
        process.wait()
        leftovers.sweep_notes()
    assert not storage.exists("uploaded/1/a.png")


def test_half_written_note_stands_for_nothing(settings, db, old):
    settings.SPOOL_DIR.mkdir()
    (settings.SPOOL_DIR / f"{leftovers.NOTES}1").write_text('["uploa')
    leftovers.sweep_notes()
    assert notes(settings) == []


def test_database_that_is_lost_at_the_commit_keeps_the_files_until_it_is_known(
    owner, picture, settings, monkeypatch, old
):
    """The row may be there all the same."""

    def lose(*args, **kwargs):
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "commit", lose)
        patch.setattr(ingest, "_delete_files", lose)
        with pytest.raises(OperationalError):
            ingest.store(owner, picture(), source="upload")
    assert len(stored(settings)) == 3
    leftovers.sweep_notes()
    assert (stored(settings), notes(settings)) == ([], [])


def test_store_that_is_lost_in_the_midst_is_told_and_cleared_later(
    owner, picture, settings, monkeypatch, old
):
    """Deleting fails as well then, and must not hide what went wrong."""
    put = storage.DurableLocalStorage.put

    def lose(self, key, *rest):
        if key.startswith("thumbnails/"):
            raise storage.unreachable()
        put(self, key, *rest)

    def fail(self, name):
        raise storage.unreachable()

    with monkeypatch.context() as patch:
        patch.setattr(storage.DurableLocalStorage, "put", lose)
        patch.setattr(storage.DurableLocalStorage, "delete", fail)
        with pytest.raises(ingest.IngestError) as caught:
            ingest.store(owner, io.BytesIO(picture()), source="upload")
        assert caught.value.code == "storage"
        leftovers.sweep_notes()
        assert len(notes(settings)) == 1  # still away
    leftovers.sweep_notes()
    assert (stored(settings), notes(settings)) == ([], [])
    assert not Image.objects.exists()


def test_files_of_deleted_pictures_go_when_the_store_is_back(settings, db, monkeypatch, old):
    for key in ("uploaded/1/a.png", "uploaded/1/b.png"):
        storage.put(key, b"x", "image/png")
    delete = storage.DurableLocalStorage.delete

    def fail(self, name):
        if name.endswith("a.png"):
            raise storage.unreachable()
        delete(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(storage.DurableLocalStorage, "delete", fail)
        leftovers.delete(["uploaded/1/a.png", "uploaded/1/b.png"])
    assert [path.name for path in stored(settings)] == ["a.png"]
    leftovers.sweep_notes()
    assert (stored(settings), notes(settings)) == ([], [])


def test_files_are_deleted_although_no_note_can_be_written(settings, db, monkeypatch):
    """A full disk is made room on."""
    storage.put("uploaded/1/a.png", b"x", "image/png")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(leftovers, "Note", full)
    leftovers.delete(["uploaded/1/a.png"])
    assert stored(settings) == []


def test_note_that_cannot_be_written_refuses_the_picture(owner, picture, settings, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(leftovers, "Note", full)
    with pytest.raises(ingest.IngestError) as caught:
        ingest.store(owner, picture(), source="upload")
    assert caught.value.code == "storage_full"
    assert stored(settings) == []


def test_note_names_a_picture_once(settings):
    note = leftovers.Note(uuid7(), ["a"])
    note.drop()
    note.drop()
    assert names(settings.SPOOL_DIR) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sweep", [recovery.recover, import_sources.sweep_archives, leftovers.sweep_spool, leftovers.sweep_notes]
)
def test_a_file_that_goes_while_it_is_looked_at_is_no_fault(settings, monkeypatch, sweep):
    settings.SPOOL_DIR.mkdir(parents=True)
    listed = settings.SPOOL_DIR / f"{leftovers.NOTES}gone.part"
    monkeypatch.setattr(type(listed), "glob", lambda folder, pattern: iter([listed]))
    sweep()
