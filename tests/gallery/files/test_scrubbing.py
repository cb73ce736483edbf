"""Originals are looked through a little at a time, and what spoiled is told to those who run the server."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from gallery import ingest
from gallery.files import checking, scrubbing, storage
from gallery.models import Image, QueuedTask
from tests.conftest import picture_bytes

TASK = "gallery.tasks.look_through_originals"


@pytest.fixture(autouse=True)
def anew(monkeypatch, db):
    monkeypatch.setattr(scrubbing, "_asked", None)
    cache.delete(scrubbing.TURN)


@pytest.fixture
def images(owner):
    return [ingest.store(owner, picture_bytes(f"#{n:02x}3355"), source="upload").image for n in range(3)]


def read(image):
    with storage.open(image.storage_key) as file:
        return file.read()


def spoil(image):
    data = bytearray(read(image))
    data[len(data) // 2] ^= 1
    storage.put(image.storage_key, bytes(data), "image/png")


def in_a_week(monkeypatch):
    later = timezone.now() + scrubbing.WEEK + timedelta(minutes=1)
    monkeypatch.setattr(scrubbing.timezone, "now", lambda: later)


def test_worker_is_woken_once_an_hour_whichever_asks(monkeypatch):
    for _ in range(2):
        scrubbing.wake()
        monkeypatch.setattr(scrubbing, "_asked", None)  # as another process would
    assert QueuedTask.objects.filter(path=TASK).count() == 1
    cache.delete(scrubbing.TURN)  # an hour is over
    scrubbing.wake()
    assert QueuedTask.objects.filter(path=TASK).count() == 2


def test_housekeeping_wakes_it(db):
    from gallery.work import housekeeping

    housekeeping.keep_house()
    assert QueuedTask.objects.filter(path=TASK).exists()


def test_sound_originals_are_read_to_the_end_and_then_left_for_a_week(images, monkeypatch):
    scrubbing.make_round()
    report = scrubbing.read()
    assert (report.pictures, report.found, bool(report.finished)) == (3, [], True)
    spoil(images[0])
    scrubbing.make_round()
    assert scrubbing.read() == report
    in_a_week(monkeypatch)
    scrubbing.make_round()
    assert [line["what"] for line in scrubbing.read().found] == ["altered"]


def test_round_reads_a_part_and_the_next_goes_on_from_there(images, monkeypatch):
    monkeypatch.setattr(scrubbing, "A_ROUND", {"local": images[0].bytes + 1})
    scrubbing.make_round()
    assert (scrubbing.read().pictures, scrubbing.read().finished) == (2, "")
    scrubbing.make_round()
    assert (scrubbing.read().pictures, bool(scrubbing.read().finished)) == (3, True)


def test_spoiled_original_is_logged_and_left_as_it_is(images, caplog):
    spoil(images[1])
    before = read(images[1])
    scrubbing.make_round()
    assert f"{images[1].storage_key}: original is not what was stored" in caplog.text
    assert read(images[1]) == before


def test_log_is_not_flooded(images, monkeypatch, caplog):
    monkeypatch.setattr(scrubbing, "MOST_LOGGED", 1)
    for image in images:
        spoil(image)
    scrubbing.make_round()
    assert caplog.text.count("original is not what was stored") == 1
    assert "2 more; check_storage names them all" in caplog.text
    assert len(scrubbing.read().found) == 3


def test_lost_thumbnail_is_made_again(images):
    storage.delete(images[2].thumbnail_key(320))
    scrubbing.make_round()
    assert storage.exists(images[2].thumbnail_key(320))
    assert scrubbing.read().found == []


def test_finding_goes_with_the_look_through_that_does_not_find_it_again(images, monkeypatch):
    whole = read(images[0])
    spoil(images[0])
    storage.delete(images[1].storage_key)
    scrubbing.make_round()
    assert len(scrubbing.read().found) == 2
    storage.put(images[0].storage_key, whole, "image/png")
    Image.objects.filter(pk=images[1].pk).delete()
    in_a_week(monkeypatch)
    scrubbing.make_round()
    assert scrubbing.read().found == []


def test_whole_check_by_hand_counts(images):
    spoil(images[0])
    scrubbing.note_complete(checking.check())
    assert [line["key"] for line in scrubbing.read().found] == [images[0].storage_key]


def test_broken_report_is_begun_anew(images):
    storage.put(scrubbing.KEY, b"{", "application/json")
    scrubbing.make_round()
    assert scrubbing.read().pictures == 3


def admin_page(client, user):
    client.force_login(user)
    return client.get("/admin/").content.decode()


def test_staff_see_what_spoiled_and_others_nothing(client, images, staff, other):
    spoil(images[0])
    scrubbing.make_round()
    assert f"{images[0].storage_key}: original is not what was stored" in admin_page(client, staff)
    assert images[0].storage_key not in admin_page(client, other)


def test_staff_see_that_all_is_well_and_that_the_store_is_away(client, images, staff, monkeypatch):
    scrubbing.make_round()
    assert "as they were stored: 3." in admin_page(client, staff)

    def away(self):
        raise storage.unreachable()

    monkeypatch.setattr(storage.DurableLocalStorage, "probe", away)
    assert "The picture store does not answer." in admin_page(client, staff)
