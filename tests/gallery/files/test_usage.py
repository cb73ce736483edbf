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


def test_worker_is_asked_once_a_day(db):
    cache.delete(usage.TURN)
    for _ in range(2):
        usage.wake()
    assert QueuedTask.objects.filter(path="gallery.tasks.measure_usage").count() == 1
