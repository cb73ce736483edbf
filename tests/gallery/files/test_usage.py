import time

import pytest
from django.core.cache import cache
from django.utils import timezone

from gallery import ingest
from gallery.files import storage, usage
from gallery.files.usage import Weight
from gallery.models import Image, QueuedTask
from tests.conftest import picture_bytes


def test_all_that_is_kept_is_added_up_by_source_owner_and_trash(owner, other):
    first = ingest.store(owner, picture_bytes("#aa3355"), source="upload").image
    second = ingest.store(other, picture_bytes("#bb3355"), source="import").image
    third = ingest.store(other, picture_bytes("#cc3355"), source="upload").image
    Image.objects.filter(pk=third.pk).update(trashed_at=timezone.now())
    usage.measure()
    known = usage.latest()
    assert known.sources == {
        "upload": Weight(n=1, bytes=first.bytes),
        "import": Weight(n=1, bytes=second.bytes),
    }
    assert known.trash == Weight(n=1, bytes=third.bytes)
    assert known.owners[other.pk] == Weight(n=2, bytes=second.bytes + third.bytes)
    assert known.originals.n == 2
    keys = [image.thumbnail_key(size) for image in (first, second, third) for size in (320, 1280)]
    assert known.thumbnails == Weight(n=6, bytes=sum(map(storage.size, keys)))


def test_nothing_is_known_before_and_when_the_store_is_away(owner, monkeypatch):
    assert usage.latest() is None
    usage.measure()
    assert usage.latest().originals == Weight()

    def away(*args):
        raise storage.unreachable()

    monkeypatch.setattr(storage, "open", away)
    assert usage.latest() is None


def test_a_report_that_cannot_be_read_is_none(db):
    storage.put(usage.KEY, b'{"sources": 3}', "application/json")
    assert usage.latest() is None


@pytest.fixture
def asked(db, monkeypatch):
    """Forget that it was measured; returns how often a worker is asked when it is so many minutes later."""
    cache.delete(usage.TURN)
    clock = time.time

    def look(*, later=0):
        monkeypatch.setattr(time, "time", lambda: clock() + 60 * later)
        usage.wake()
        return QueuedTask.objects.filter(path="gallery.tasks.measure_usage").count()

    return look


def test_worker_is_asked_once_a_day(asked):
    assert [asked(), asked(later=1)] == [1, 1]
    usage.measure()
    assert [asked(later=60), asked(later=23 * 60), asked(later=25 * 60)] == [1, 1, 2]


def test_a_day_on_which_the_store_was_away_is_measured_within_the_hour(asked, monkeypatch):
    assert asked() == 1
    with monkeypatch.context() as patch:
        patch.setattr(storage, "put", lambda *args: (_ for _ in ()).throw(storage.unreachable()))
        with pytest.raises(storage.StorageError):
            usage.measure()
    assert [asked(later=10), asked(later=60)] == [1, 2]
