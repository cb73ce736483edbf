"""A generation with Google, from the wish to the rows, over real HTTP against the strict fake."""

from decimal import Decimal

import pytest

from gallery.generations import calls, generation
from gallery.models import ConnectionProfile
from providers.errors import InvalidRequest, ModelUnavailable
from tests.fake_vendors.google import FakeGoogle

MODEL = "gemini-nano-banana-2.1"


@pytest.fixture
def vendor():
    with FakeGoogle(has_imagen=True) as fake:
        yield fake


@pytest.fixture
def profile(owner, vendor, settings):
    settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
    profile = ConnectionProfile(owner=owner, name="Google", provider="google", base_url=vendor.url)
    profile.api_key = "AQ.test-0123456789"
    profile.save()
    return profile


def ask(profile, **wish):
    asked = {"prompt": "a red panda under a lamp", "model": MODEL} | wish
    return generation.submit(profile.owner, generation.Wish(profile=profile, **asked))


def run(asked):
    for call in asked.calls.all():
        calls.run(call.pk)
    asked.refresh_from_db()
    return asked


@pytest.mark.parametrize("n", [1, 4])
def test_every_picture_is_a_paid_request_of_its_own(profile, vendor, n):
    asked = run(ask(profile, n=n, aspect_ratio="9:16", resolution="2K"))
    assert asked.status == "done", asked.error_message
    assert (vendor.posts, asked.images.count()) == (n, n)
    image = asked.images.first()
    assert (image.width, image.height, image.mime_type) == (1536, 2752, "image/jpeg")
    assert (asked.cost_source, asked.cost_usd) == ("computed", sum(i.cost_usd for i in asked.images.all()))
    assert asked.estimated_cost_usd == pytest.approx(asked.cost_usd, rel=Decimal("0.05"))


def test_turn_of_the_model_is_kept_and_shown_to_nobody(profile, vendor):
    asked = run(ask(profile))
    result = asked.results.get()
    assert result.turn["turn"][-1]["thoughtSignature"]
    assert result.turn["turn_picture"] == 0
    assert "turn" not in result.image.params


def test_a_chat_sends_its_history_back_byte_for_byte(profile, vendor):
    first = run(ask(profile))
    second = run(ask(profile, prompt="now in snow", follows=first))
    third = run(ask(profile, prompt="and at night", follows=second))
    assert third.status == "done", third.error_message
    contents = vendor.requests[-1].json["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user"]
    signed = [part["thoughtSignature"] for part in contents[1]["parts"] if "thoughtSignature" in part]
    kept = first.results.get().turn["turn"]
    assert signed == [part["thoughtSignature"] for part in kept if "thoughtSignature" in part]


def test_thoughts_are_previews_of_a_streamed_picture(profile, vendor):
    asked = run(ask(profile, stream=True))
    assert (asked.status, asked.images.count(), vendor.posts) == ("done", 1, 1)
    assert vendor.last.path.endswith(":streamGenerateContent?alt=sse")


def test_refusals_among_pictures_leave_the_rest(profile, vendor):
    vendor.script("", "image_safety", "", "no_image")
    asked = run(ask(profile, n=4))
    assert (asked.status, asked.images.count(), vendor.posts) == ("partial", 2, 4)
    assert all(call.cost_usd for call in asked.calls.all())


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("FAKE_BLOCK", "refused", "refused"),
        ("FAKE_IMAGE_SAFETY", "refused", "refused"),
        ("FAKE_NO_IMAGE", "refused", "refused"),
        ("FAKE_WORDS", "refused", "refused"),
        ("FAKE_MAX_TOKENS", "refused", "refused"),
        ("FAKE_LIMIT_ZERO", "failed", "billing"),
        ("FAKE_INTERNAL", "unknown", "server_error"),
        ("FAKE_RESET", "unknown", "network"),
    ],
)
def test_what_goes_wrong_is_told_as_it_is_after_one_request(profile, vendor, word, status, code):
    asked = run(ask(profile, prompt=f"a panda {word}"))
    assert (asked.status, asked.error_code, vendor.posts) == (status, code, 1)
    assert asked.error_message


def test_retired_imagen_is_sent_only_when_forced(profile, vendor):
    with pytest.raises(ModelUnavailable, match="retired on 17 August 2026"):
        ask(profile, model="imagen-4")
    asked = run(ask(profile, model="imagen-4", n=2, options={"force_model": True}))
    assert (asked.status, asked.images.count(), vendor.posts) == ("done", 2, 1)
    assert vendor.last.path == "/v1beta/models/imagen-4:predict"


def test_anthropic_says_what_it_can_do_instead(owner):
    profile = ConnectionProfile(owner=owner, name="Claude", provider="anthropic")
    profile.api_key = "sk-ant-test"
    profile.save()
    with pytest.raises(InvalidRequest, match="describe pictures, suggest tags and help to write prompts"):
        ask(profile, model="")
