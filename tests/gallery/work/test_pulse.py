"""What a worker believes of others that are silent, when the database was away and nobody could speak."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from gallery.files import places
from gallery.generations import recovery
from gallery.models import GenerationCall
from gallery.work import pulse as module
from gallery.work.pulse import Pulse
from gallery.work.runner import Runner
from tests.gallery.generations.test_openai_generation import ask, profile, vendor  # noqa: F401  fixtures

ELSEWHERE = "0" * 32


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def pulse(clock, monkeypatch):
    """That of a worker which has lived for a minute."""
    made = Pulse()
    made.begin()
    _live(made, clock, 60)
    for name in ("gallery.work.runner.pulse", "gallery.generations.recovery.pulse"):
        monkeypatch.setattr(name, made)
    return made


def _live(pulse, clock, seconds):
    for _ in range(seconds // 5):
        clock[0] += 5
        pulse.felt()


@pytest.fixture
def call(profile):  # noqa: F811
    """One that is under way, and whose lease ran out while nobody could renew it."""
    call = ask(profile).calls.get()
    past = timezone.now() - timedelta(minutes=1)
    GenerationCall.objects.update(state="sent", place=places.here(), lease_until=past, sent_at=past)
    call.refresh_from_db()
    return call


def state(call):
    recovery.recover()
    call.refresh_from_db()
    return call.state


def test_a_program_without_a_heartbeat_judges_at_once():
    assert Pulse().is_sure_of_this_place()
    assert Pulse().is_sure_of_others()


def test_who_has_just_come_waits_for_a_word_of_others_alone(clock):
    made = Pulse()
    made.begin()
    assert (made.is_sure_of_this_place(), made.is_sure_of_others()) == (True, False)
    _live(made, clock, 20)
    assert made.is_sure_of_others()


def test_an_outage_is_noticed_while_it_lasts_and_for_a_while_after_it(pulse, clock):
    assert pulse.is_sure_of_others()
    clock[0] += 20
    assert not pulse.is_sure_of_this_place()
    pulse.felt()
    assert not pulse.is_sure_of_this_place()
    _live(pulse, clock, 15)
    assert not pulse.is_sure_of_others()
    _live(pulse, clock, 5)
    assert pulse.is_sure_of_others()
    assert pulse.is_sure_of_this_place()


def test_a_heartbeat_that_could_not_be_written_is_none(db, pulse, clock, monkeypatch):
    runner = Runner(1)

    def fail(_started):
        clock[0] += 20
        runner.finished.set()
        raise OperationalError("the database is away")

    monkeypatch.setattr(runner, "_say", fail)
    runner.beat()
    assert not pulse.is_sure_of_this_place()


@pytest.mark.parametrize("place", ["", ELSEWHERE], ids=["here", "elsewhere"])
def test_what_is_under_way_outlives_an_outage(call, pulse, clock, place):
    if place:
        GenerationCall.objects.update(place=place)
    clock[0] += 90
    assert state(call) == "sent"
    pulse.felt()
    assert state(call) == "sent"
    _live(pulse, clock, 20)
    assert state(call) == "unknown"  # nobody has said a word since
