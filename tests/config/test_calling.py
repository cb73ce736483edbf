"""Celery's side of the queue: who is called when, and what a worker does that hears it."""

import time
from datetime import timedelta

import pytest
from celery import Celery
from django.tasks import task
from django.utils import timezone

from config import calling, celery_worker
from config.celery import app
from gallery.models import QueuedTask
from gallery.work import housekeeping

seen = []


@task
def note(number):
    seen.append(number)


@pytest.fixture
def sent(monkeypatch):
    """The messages that would have gone to a broker."""
    messages = []
    monkeypatch.setattr(app, "send_task", lambda name, **options: messages.append((name, options["expires"])))
    monkeypatch.setattr(calling.bell, "silent_until", 0)
    return messages


@pytest.fixture
def backend():
    return calling.CeleryBackend("default", {"QUEUES": [], "OPTIONS": {}})


def test_a_worker_is_called_when_the_row_can_be_seen(db, sent, backend, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        backend.enqueue(note, [7], {})
        assert sent == []
    assert QueuedTask.objects.get().args == [7]
    assert sent == [("vignette.work", None)]


def test_nobody_is_called_for_what_is_to_be_done_later(db, sent, backend, django_capture_on_commit_callbacks):
    later = note.using(run_after=timezone.now() + timedelta(minutes=1))
    with django_capture_on_commit_callbacks(execute=True):
        backend.enqueue(later, [7], {})
    assert QueuedTask.objects.exists()
    assert sent == []


def test_a_broker_that_is_away_is_not_asked_again_at_once(monkeypatch, caplog):
    tries = []

    def refuse(*_args, **_kwargs):
        tries.append(1)
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr(app, "send_task", refuse)
    bell = calling.Bell()
    for _ in range(5):
        bell.ring()
    assert len(tries) == 1
    assert caplog.text.count("work waits in the database") == 1


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_real_broker_that_is_away_holds_nobody_up(monkeypatch, caplog, scheme):
    away = Celery(broker=f"{scheme}://127.0.0.1:1//", broker_connection_timeout=1)
    monkeypatch.setattr(calling, "app", away)
    began = time.monotonic()
    calling.Bell().ring()
    assert time.monotonic() - began < 5
    assert "work waits in the database" in caplog.text


# --- A worker -------------------------------------------------------------------------------------


@pytest.fixture
def hands(monkeypatch):
    seen.clear()
    made = celery_worker.Hands(concurrency=4)
    monkeypatch.setattr(celery_worker, "hands", made)
    return made


def queue(*numbers, **fields):
    for number in numbers:
        QueuedTask.objects.create(
            **{"path": f"{__name__}.note", "args": [number], "run_after": timezone.now()} | fields
        )


@pytest.mark.django_db(transaction=True)
class TestHands:
    def test_a_call_brings_one_task_to_its_end_and_another_hand_to_the_next(self, hands, sent):
        queue(1, 2)
        celery_worker.work()
        assert (seen, len(sent)) == ([1], 1)
        celery_worker.work()
        assert (seen, len(sent)) == ([1, 2], 1)
        assert not QueuedTask.objects.exists()

    def test_a_call_that_comes_twice_finds_nothing(self, hands, sent):
        queue(1)
        for _ in range(3):
            celery_worker.work()
        assert (seen, sent) == ([1], [])

    def test_who_is_about_to_stop_begins_nothing(self, hands, sent):
        queue(1)
        hands.stop()
        celery_worker.work()
        assert seen == []

    def test_work_that_nobody_called_for_is_found(self, hands, sent, monkeypatch):
        queue(1)
        monkeypatch.setattr(celery_worker, "LOOK_EVERY", 0)
        monkeypatch.setattr(calling.bell, "ring", lambda lasts: (sent.append(lasts), hands.stop()))
        hands._look()
        assert sent == [celery_worker.LASTS]


# --- Housekeeping ---------------------------------------------------------------------------------


def test_beat_and_the_workers_do_everything_that_the_embedded_worker_does():
    by_beat = {entry["args"][0] for entry in app.conf.beat_schedule.values()}
    by_each = {duty.path for duty in housekeeping.LOCAL}
    assert by_beat | by_each == {duty.path for duty in housekeeping.DUTIES}
    assert not by_beat & by_each


def test_a_message_can_name_duties_and_nothing_else(caplog):
    celery_worker.keep("os.getcwd")
    assert "none of its duties" in caplog.text


def test_each_duty_is_done_when_its_time_has_come(monkeypatch):
    done, clock = [], [0.0]
    monkeypatch.setattr(housekeeping, "do", done.append)
    monkeypatch.setattr(housekeeping.time, "monotonic", lambda: clock[0])
    duty = housekeeping.Duty
    rounds = housekeeping.Rounds((duty(path="often", every=20), duty(path="seldom", every=3600)))
    for clock[0] in (0, 10, 20, 30, 3600):
        rounds.do_what_is_due()
    assert done == ["often", "seldom", "often", "often", "seldom"]


def test_messages_are_json_and_hold_no_results():
    assert app.conf.accept_content == ["json"]
    assert (app.conf.task_serializer, app.conf.task_ignore_result) == ("json", True)
    assert (app.conf.task_acks_late, app.conf.worker_prefetch_multiplier) == (True, 1)
