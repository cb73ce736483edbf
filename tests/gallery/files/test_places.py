"""Several machines, each with its own spool: who goes on with what, and what is lost with a machine."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from gallery.files import places, storage
from gallery.generations import answers, calls, partials, recovery
from gallery.imports import import_sources, importing
from gallery.models import CallPreview, GenerationCall, QueuedTask, Worker
from gallery.work.runner import Runner
from providers import registry
from providers.base import PartialImage
from tests.conftest import picture_bytes
from tests.gallery.generations.test_openai_generation import ask, profile, vendor  # noqa: F401  fixtures
from tests.gallery.imports.test_importing import three_pictures

ELSEWHERE = "0" * 32


@pytest.fixture
def call(profile):  # noqa: F811
    """A call that a worker elsewhere sent, which has stopped since."""
    call = ask(profile).calls.get()
    past = timezone.now() - timedelta(minutes=1)
    GenerationCall.objects.update(state="sent", place=ELSEWHERE, lease_until=past, sent_at=past)
    QueuedTask.objects.all().delete()
    call.refresh_from_db()
    return call


@pytest.fixture
def colleague(db):
    """Another worker at the place that is not here."""
    now = timezone.now()
    return Worker.objects.create(name="far:1", place=ELSEWHERE, started_at=now, seen_at=now)


def state_after_recovery(call):
    recovery.recover()
    call.refresh_from_db()
    return call.state


def test_a_place_keeps_its_name(settings, tmp_path):
    first = places.here()
    places._known.clear()
    assert places.here() == first
    settings.SPOOL_DIR = tmp_path / "another"
    assert places.here() not in ("", first)
    assert [path.name for path in settings.SPOOL_DIR.iterdir()] == ["place"]


def test_what_was_sent_elsewhere_is_left_to_those_who_live_there(call, colleague):
    assert state_after_recovery(call) == "sent"


def test_what_was_sent_from_where_nobody_lives_is_lost_and_not_sent_again(call, vendor):  # noqa: F811
    assert state_after_recovery(call) == "unknown"
    assert (call.error_code, call.may_have_been_charged) == ("interrupted", True)
    assert not QueuedTask.objects.exists()
    assert vendor.requests == []


def test_a_silent_colleague_counts_as_gone_after_a_minute(call, colleague):
    Worker.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
    assert state_after_recovery(call) == "unknown"


def test_an_answer_whose_folder_has_moved_is_found(call):
    places.here()
    answers.spool_of(call).write_bytes(b"")
    recovery.recover_anywhere()
    call.refresh_from_db()
    assert (call.state, call.place) == ("sent", places.here())


def test_a_job_whose_place_was_away_is_asked_for_when_it_is_back(call, vendor, monkeypatch):  # noqa: F811
    assert state_after_recovery(call) == "unknown"
    adapter = registry.provider_class(call.generation.provider)
    monkeypatch.setattr(adapter, "can_resume", classmethod(lambda cls, spool: True))
    assert state_after_recovery(call) == "sent"
    assert (call.place, call.error_code, call.may_have_been_charged) == (places.here(), "", False)
    assert QueuedTask.objects.get().place == places.here()
    assert vendor.requests == []


def test_a_job_whose_folder_has_moved_is_not_given_up(call, monkeypatch):
    adapter = registry.provider_class(call.generation.provider)
    monkeypatch.setattr(adapter, "can_resume", classmethod(lambda cls, spool: True))
    recovery.recover_anywhere()
    call.refresh_from_db()
    assert (call.state, call.place) == ("sent", places.here())


def test_an_answer_of_a_place_that_was_away_may_lack_its_name(call):
    assert state_after_recovery(call) == "unknown"
    part = answers.spool_of(call).with_suffix(".part")
    part.write_bytes(b'{"status": 200, "headers": {"content-length": "4"}, "url": ""}\n1234')
    assert state_after_recovery(call) == "answered"
    assert answers.spool_of(call).exists()


def test_an_answer_waits_for_its_own_place(call, colleague):
    GenerationCall.objects.update(state="answered")
    recovery.generations.wake(call)
    assert QueuedTask.objects.get().place == ELSEWHERE
    assert Runner(1).claim(1) == []
    QueuedTask.objects.update(place=places.here())
    assert len(Runner(1).claim(1)) == 1


def test_an_answer_that_lies_elsewhere_is_not_looked_for_here(call):
    GenerationCall.objects.update(state="answered")
    calls.run(call.pk)
    call.refresh_from_db()
    assert (call.state, call.attempt_token, call.error_code) == ("answered", None, "")


def test_a_request_that_was_not_sent_yet_can_go_out_anywhere(call):
    GenerationCall.objects.update(state="queued")
    recovery.generations.wake(call)
    assert QueuedTask.objects.get().place == ""


def test_a_wake_up_for_a_place_that_is_gone_is_anybodys(call):
    QueuedTask.objects.create(path="gallery.tasks.run_call", run_after=timezone.now(), place=ELSEWHERE)
    recovery.recover_anywhere()
    assert QueuedTask.objects.get().place == ""


# --- Raw answers, which are handed out where they lie -----------------------------------------------


@pytest.fixture
def odd(call):
    """A call whose answer was none that could be read, and ended elsewhere."""
    facts = {"error_code": "bad_response", "finished_at": timezone.now()}
    GenerationCall.objects.update(state="failed", **facts)
    call.generation.__class__.objects.update(status="failed", **facts)
    call.refresh_from_db()
    return call


def test_a_page_says_that_the_raw_answer_lies_elsewhere(odd, owner_client, other_client):
    page = odd.generation.get_absolute_url()
    assert "on another machine of this server" in owner_client.get(page).content.decode()
    url = f"/generations/{odd.generation.public_id}/answers/0/"
    reply = owner_client.get(url, follow=True)
    assert reply.redirect_chain == [(page, 302)]
    assert reply.content.decode().count("on another machine of this server") == 2
    assert other_client.get(url).status_code == 404


def test_a_raw_answer_that_is_here_or_gone_is_not_said_to_lie_elsewhere(odd):
    assert answers.lie_elsewhere(odd)
    answers.spool_of(odd).write_bytes(b"")
    assert not answers.lie_elsewhere(odd)
    answers.spool_of(odd).unlink()
    odd.finished_at -= timedelta(days=8)
    assert not answers.lie_elsewhere(odd)


def test_no_raw_answer_is_looked_for_elsewhere_where_it_came_in_here(odd):
    odd.place = places.here()
    assert not answers.lie_elsewhere(odd)


# --- Archives, which wait in the store for workers elsewhere ---------------------------------------


@pytest.fixture
def many(settings):
    settings.BROKER_URL = "redis://broker"
    return settings


def test_an_archive_is_imported_by_a_worker_that_has_another_spool(owner, many, tmp_path):
    job = importing.create_from_archive(owner, three_pictures(), "pictures.zip")
    many.SPOOL_DIR = tmp_path / "of-a-worker"
    importing.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.done) == ("done", 3)
    assert not storage.exists(f"archives/{job.archive_spool}")
    assert not list(many.SPOOL_DIR.glob("import-*"))


def test_an_archive_that_is_refused_is_not_kept(owner, many):
    many.MAX_JOBS_PER_USER = 0
    with pytest.raises(importing.ImportRefused):
        importing.create_from_archive(owner, three_pictures(), "pictures.zip")
    assert list(storage.files("archives")) == []


@pytest.mark.parametrize("hours", [1, 30])
def test_archives_that_nobody_waits_for_go_after_a_day(owner, many, hours):
    storage.put("archives/import-dead", b"zip", "application/zip")
    path = many.MEDIA_ROOT / "archives" / "import-dead"
    moment = path.stat().st_mtime - hours * 3600
    os.utime(path, (moment, moment))
    import_sources.sweep_shared()
    assert storage.exists("archives/import-dead") is (hours < 24)


# --- Previews, which web servers elsewhere show ---------------------------------------------------


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setattr(partials, "are_rows", lambda: True)


def send(call, number):
    partials.keep(call, PartialImage(index=0, data=picture_bytes(f"#{number:02x}4060")))


def test_previews_are_seen_by_who_has_another_spool(call, rows, settings, tmp_path):
    for number in range(3):
        send(call, number)
    settings.SPOOL_DIR = tmp_path / "of-a-web-server"
    assert partials.numbers_of(call.public_id) == [1, 2]
    assert partials.read(call.public_id, 2)[8:12] == b"WEBP"
    assert partials.read(call.public_id, 0) is None


def test_previews_in_rows_go_a_minute_after_their_call(call, rows):
    send(call, 0)
    partials.sweep()
    assert CallPreview.objects.count() == 1
    GenerationCall.objects.update(state="done", finished_at=timezone.now() - timedelta(minutes=2))
    partials.sweep()
    assert not CallPreview.objects.exists()
