"""Previews that a vendor sends while it draws: kept small, two at a time, and not for long."""

import io
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from gallery.generations import partials
from gallery.models import GenerationCall
from providers.base import PartialImage
from tests.conftest import picture_bytes
from tests.gallery.generations.test_openai_generation import ask, profile, run, vendor  # noqa: F401  fixtures


@pytest.fixture
def call(profile):  # noqa: F811
    return ask(profile).calls.get()


def send(call, number, data=None):
    data = picture_bytes(f"#{number:02x}4060", (1600, 800)) if data is None else data
    partials.keep(call, PartialImage(index=number, data=data))


def test_a_preview_becomes_a_small_webp(call):
    send(call, 0)
    picture = PillowImage.open(io.BytesIO(partials.read(call.public_id, 0)))
    assert (picture.format, picture.size) == ("WEBP", (1280, 640))


def test_the_newest_two_are_kept(call):
    for number in range(4):
        send(call, number)
    assert partials.numbers_of(call.public_id) == [2, 3]
    assert partials.read(call.public_id, 0) is None


def test_each_preview_lets_the_pages_know(call):
    before = call.generation.revision
    send(call, 0)
    call.generation.refresh_from_db()
    assert call.generation.revision == before + 1


@pytest.mark.parametrize("data", [b"", b"<svg onload=alert(1)>", picture_bytes()[:60]])
def test_what_is_no_picture_is_left_out(call, data):
    send(call, 0, data)
    assert partials.numbers_of(call.public_id) == []
    assert not list(partials.folder_of(call.public_id).iterdir())


@pytest.mark.parametrize(
    ("state", "minutes_ago", "kept"), [("sent", None, True), ("done", 0, True), ("done", 2, False)]
)
def test_previews_stay_a_minute_longer_than_their_call(call, state, minutes_ago, kept):
    send(call, 0)
    ended = None if minutes_ago is None else timezone.now() - timedelta(minutes=minutes_ago)
    GenerationCall.objects.update(state=state, finished_at=ended)
    partials.sweep()
    assert partials.folder_of(call.public_id).exists() is kept


def test_sweeping_survives_that_there_is_nothing(db):
    partials.sweep()


def test_a_streamed_generation_leaves_its_previews(profile, vendor):  # noqa: F811
    asked = run(ask(profile, stream=True, n=2))
    assert asked.status == "done", asked.error_message
    assert asked.images.count() == 2
    assert [request.json["stream"] for request in vendor.requests] == [True, True]
    assert [partials.numbers_of(call.public_id) for call in asked.calls.all()] == [[0, 1], [0, 1]]
    assert asked.params["stream"] is True


def test_without_streaming_there_are_none(profile, vendor):  # noqa: F811
    asked = run(ask(profile))
    assert "stream" not in vendor.requests[-1].json
    assert "stream" not in asked.params
    assert partials.numbers_of(asked.calls.get().public_id) == []


def test_a_preview_that_would_have_to_wait_is_left_out(call, monkeypatch):
    monkeypatch.setattr(partials, "PATIENCE", 0.01)
    with partials.TURN:
        send(call, 0)
    assert partials.numbers_of(call.public_id) == []
    send(call, 1)
    assert partials.numbers_of(call.public_id) == [0]
