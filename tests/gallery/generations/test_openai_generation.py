"""A generation with OpenAI, from the wish to the rows, over real HTTP against the strict fake."""

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from gallery import ingest
from gallery.generations import calls, generation, recovery
from gallery.models import ConnectionProfile, Image
from providers.errors import InvalidRequest
from tests.conftest import picture_bytes
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openai import FakeOpenAI

MODEL = "gpt-image-2.5-flare"


@pytest.fixture
def vendor():
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def profile(owner, vendor, settings):
    settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
    profile = ConnectionProfile(owner=owner, name="OpenAI", provider="openai", base_url=vendor.url)
    profile.api_key = "sk-test-0123456789abcdef"
    profile.save()
    return profile


def ask(profile, **wish):
    asked = {
        "prompt": "a red panda under a lamp",
        "model": MODEL,
        "size": "1024x1024",
        "quality": "low",
    } | wish
    return generation.submit(profile.owner, generation.Wish(profile=profile, **asked))


def run(asked):
    for call in asked.calls.all():
        calls.run(call.pk)
    asked.refresh_from_db()
    return asked


@pytest.mark.parametrize("n", [1, 4])
def test_pictures_are_one_paid_request(profile, vendor, n):
    asked = run(ask(profile, n=n))
    assert asked.status == "done", asked.error_message
    assert (vendor.posts, asked.images.count()) == (1, n)
    assert vendor.requests[-1].json["n"] == n


@pytest.mark.parametrize("size", ["1024x1024", "1536x1024", "1024x1536", "1536x864", "2048x1152"])
@pytest.mark.parametrize("quality", ["low", "high"])
def test_each_size_and_quality_goes_out_and_comes_back(profile, vendor, size, quality):
    asked = run(ask(profile, size=size, quality=quality))
    sent, image = vendor.requests[-1].json, asked.images.get()
    assert (sent["size"], sent["quality"]) == (size, quality)
    assert f"{image.width}x{image.height}" == size


def test_cost_is_counted_from_usage_and_shared(profile):
    asked = run(ask(profile, n=4))
    call = asked.calls.get()
    assert asked.cost_source == "computed"
    # 30 $ for a million output image tokens, 5 $ for a million of text
    expected = (
        Decimal(call.usage["output_tokens"]) * 30 + Decimal(call.usage["input_tokens"]) * 5
    ) / 1_000_000
    assert asked.cost_usd == expected.quantize(Decimal("0.000001"))
    assert sum(image.cost_usd for image in asked.images.all()) == asked.cost_usd


def test_the_estimate_is_near_the_bill(profile):
    asked = run(ask(profile, n=2))
    assert asked.estimated_cost_usd == pytest.approx(asked.cost_usd, rel=Decimal("0.1"))


def test_a_revised_prompt_is_kept(profile, vendor):
    vendor.script(
        Reply(200, body={"created": 1, "data": [{"b64_json": PIXEL, "revised_prompt": "a panda, lit"}]})
    )
    run(ask(profile))
    assert Image.objects.get().revised_prompt == "a panda, lit"


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("FAKE_MODERATION", "refused", "refused"),
        ("FAKE_QUOTA", "failed", "billing"),
        ("FAKE_UNVERIFIED", "failed", "permission"),
        ("FAKE_500", "unknown", "server_error"),
        ("FAKE_RESET", "unknown", "network"),
    ],
)
def test_what_goes_wrong_is_told_as_it_is_after_one_request(profile, vendor, word, status, code):
    asked = run(ask(profile, prompt=f"a panda {word}"))
    assert (asked.status, asked.error_code) == (status, code)
    assert asked.may_have_been_charged == (status == "unknown")
    assert asked.error_message
    for _ in range(2):
        asked.calls.update(lease_until=timezone.now() - timedelta(minutes=5))
        recovery.recover()
        run(asked)
    assert vendor.posts == 1


def test_a_wrong_key_says_so(profile, vendor):
    profile.api_key = "sk-bad-0123456789abcdef"
    profile.save()
    asked = run(ask(profile))
    assert (asked.status, asked.error_code) == ("failed", "auth")
    assert "0123456789abcdef" not in asked.error_message + asked.provider_message


def test_a_rate_limit_waits_as_long_as_the_vendor_says_and_goes_on(profile, vendor):
    error = {"message": "slow", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    vendor.script(Reply(429, {"retry-after": "7"}, {"error": error}))
    asked = run(ask(profile))
    assert (asked.status, asked.error_code) == ("queued", "rate_limited")
    assert timedelta(seconds=5) < asked.calls.get().run_after - timezone.now() <= timedelta(seconds=7)
    asked.calls.update(run_after=timezone.now())
    ConnectionProfile.objects.update(paused_until=None)
    assert run(asked).status == "done"
    assert vendor.posts == 2


def test_a_vendor_that_is_not_there_is_not_reached_and_nothing_is_charged(profile, vendor):
    profile.base_url = "http://127.0.0.1:9/v1"
    profile.save()
    from django.test import override_settings

    with override_settings(ALLOWED_PRIVATE_HOSTS=["127.0.0.1"]):
        asked = run(ask(profile))
    assert (asked.status, asked.error_code) == ("queued", "network")
    assert not asked.may_have_been_charged


def test_a_private_address_that_nobody_allowed_is_never_reached(profile, vendor, settings):
    settings.ALLOWED_PRIVATE_HOSTS = []
    asked = ask(profile)
    for _ in range(4):
        asked.calls.update(run_after=timezone.now())
        run(asked)
    assert asked.status == "failed"
    assert vendor.posts == 0


@pytest.fixture
def references(owner):
    return tuple(
        ingest.store(owner, io.BytesIO(picture_bytes(color, (256, 256))), source=Image.Source.UPLOAD).image
        for color in ("#803040", "#304080")
    )


def test_an_edit_takes_its_references_and_mask_along(profile, vendor, references):
    mask = picture_bytes("white", (256, 256))
    asked = run(ask(profile, references=references, mask=mask))
    assert asked.status == "done", asked.error_message
    parts = {part.name for part in vendor.requests[-1].parts}
    assert vendor.requests[-1].path.endswith("/images/edits")
    assert {"image[]", "mask"} <= parts
    assert asked.images.get().parent == references[0]


def test_trying_an_edit_again_sends_the_same_pictures(profile, vendor, references):
    asked = run(ask(profile, references=references, mask=picture_bytes("white", (256, 256))))
    run(generation.retry(asked))
    first, second = (request.parts for request in vendor.requests[-2:])
    assert [part.content for part in first] == [part.content for part in second]


def test_a_reference_that_was_deleted_meanwhile_is_named_and_nothing_is_sent(profile, vendor, references):
    asked = ask(profile, references=references)
    references[1].delete()
    run(asked)
    assert (asked.status, asked.error_code) == ("failed", "invalid_request")
    assert "was deleted" in asked.error_message
    assert vendor.posts == 0


def test_the_recipe_of_a_picture_once_more_is_its_child_and_sends_no_picture(profile, vendor, references):
    asked = run(ask(profile, references=references[:1], mode="again"))
    assert vendor.requests[-1].path.endswith("/images/generations")
    assert asked.images.get().parent == references[0]
    again = run(generation.retry(asked))
    assert vendor.requests[-1].path.endswith("/images/generations")
    assert again.images.count() == 1


def test_the_recipe_of_an_edit_once_more_sends_what_the_edit_sent(profile, vendor, references):
    asked = run(ask(profile, references=references, mode="again"))
    parts = [part for part in vendor.requests[-1].parts if part.name == "image"]
    assert vendor.requests[-1].path.endswith("/images/edits")
    assert len(parts) == 1
    assert asked.images.get().parent == references[0]


def test_a_picture_that_is_only_looked_at_is_no_parent(profile, vendor, references):
    asked = run(ask(profile, references=references[:1], mode="generate"))
    assert vendor.requests[-1].path.endswith("/images/edits")
    assert asked.images.get().parent is None


def test_a_chat_with_a_model_without_memory_edits_the_last_picture(profile, vendor):
    first = run(ask(profile))
    second = run(ask(profile, prompt="now in snow", follows=first))
    assert second.status == "done", second.error_message
    assert vendor.requests[-1].path.endswith("/images/edits")
    assert (second.follows, second.images.get().parent) == (first, first.images.get())


def test_a_chat_cannot_go_on_from_a_picture_that_is_gone(profile, vendor):
    first = run(ask(profile))
    first.images.get().delete()
    with pytest.raises(InvalidRequest, match="is gone"):
        ask(profile, prompt="now in snow", follows=first)
