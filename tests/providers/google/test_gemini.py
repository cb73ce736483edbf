"""What Google answers: pictures, costs, turns of a conversation, streams, and refusals that are HTTP 200."""

import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openai import draw
from tests.providers.google.conftest import MODEL, REQUEST, look


def test_answer_becomes_a_picture_with_its_cost(generate):
    result = generate(replace(REQUEST, aspect_ratio="9:16", seed=7))
    assert [look(image) for image in result.images] == [("JPEG", (768, 1376))]
    assert (result.images[0].seed, result.model, result.request_id) == (7, MODEL, "resp-1")
    # 20 tokens at 1.50, 1120 at 30, 22 words and 214 thoughts at 7.50, per million
    cost = (20 * Decimal("1.5") + 1120 * 30 + (22 + 214) * Decimal("7.5")) / 1_000_000
    assert (result.usage.cost_usd, result.usage.cost_source) == (cost, "computed")


def test_pictures_that_go_along_are_paid_as_such(generate, picture_file):
    request = replace(REQUEST, model="gemini-3-pro-image", references=(picture_file("a.png"),))
    cost = (Decimal(1310) * 2 + 1120 * 120 + (22 + 214) * 12) / 1_000_000
    assert generate(request).usage.cost_usd == cost


DRAWN = {"modality": "IMAGE", "tokenCount": 1120}


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"promptTokenCount": 10, "candidatesTokenCount": 1120}, "0.033615"),  # without details
        ({"candidatesTokenCount": 1120, "candidatesTokensDetails": [DRAWN, {"modality": "AUDIO"}]}, "0.0336"),
        ({"promptTokenCount": 10}, "0.033607"),  # the list price, as in the next two
        ({"promptTokenCount": "many", "candidatesTokenCount": None}, "0.033607"),
        ({}, "0.033607"),
        ({"candidatesTokenCount": 10**9}, None),  # absurd
    ],
)  # fmt: skip
def test_cost_is_computed_from_whatever_was_counted(generate, vendor, usage, cost):
    part = {"inlineData": {"mimeType": "image/png", "data": draw("64x64", "png", "x")}}
    body = {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}], "usageMetadata": usage}
    vendor.script(Reply(body=body))
    result = generate(REQUEST)
    assert result.usage.cost_usd == (cost and Decimal(cost))
    assert result.usage.raw == usage


def test_estimate_is_near_what_is_billed(google, generate):
    request = replace(REQUEST, resolution="4K", n=2)
    one = generate(replace(request, n=1)).usage.cost_usd
    assert google.estimate(request).usd == pytest.approx(2 * one, rel=Decimal("0.05"))


def test_thoughts_are_no_results(generate):
    result = generate(replace(REQUEST, prompt="FAKE_THOUGHT_FIRST"))
    assert [look(image)[1] for image in result.images] == [(1024, 1024)]


def test_every_picture_that_came_is_kept(generate):
    result = generate(replace(REQUEST, prompt="FAKE_TWO"))
    assert len({image.path.read_bytes() for image in result.images}) == 2
    assert [image.facts["turn_picture"] for image in result.images] == [0, 1]


def test_picture_that_is_damaged_is_told_beside_a_good_one(generate, vendor):
    parts = [{"inlineData": {"data": data}} for data in ("<html>", draw("64x64", "png", "x"))]
    vendor.script(Reply(body={"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}))
    result = generate(REQUEST)
    assert (len(result.images), result.message) == (1, "Google sent another picture that cannot be used.")


def test_words_about_a_blocked_prompt_are_kept(generate, vendor):
    vendor.script(Reply(body={"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "Too odd."}}))
    with pytest.raises(errors.Refused, match="declined the prompt") as caught:
        generate(REQUEST)
    assert caught.value.provider_message == "Too odd."


def test_real_bytes_are_kept_when_the_declared_type_is_another(generate, vendor):
    part = {"inline_data": {"mime_type": "image/png", "data": draw("64x64", "jpeg", "x")}}
    vendor.script(Reply(body={"candidates": [{"content": {"parts": [part]}}]}))
    assert look(generate(REQUEST).images[0]) == ("JPEG", (64, 64))


# Streams


def test_stream_hands_on_thoughts_and_ends_with_the_picture(generate, vendor):
    seen = []
    result = generate(replace(REQUEST, stream=True), on_partial=seen.append)
    assert vendor.last.path == f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
    assert vendor.last.json["generationConfig"]["thinkingConfig"] == {"includeThoughts": True}
    assert [Image.open(io.BytesIO(partial.data)).size for partial in seen] == [(512, 512)]
    assert [look(image)[1] for image in result.images] == [(1024, 1024)]
    assert (result.usage.cost_source, vendor.posts) == ("computed", 1)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_EOF", errors.ConnectionLost),
        ("FAKE_MIDSTREAM", errors.ServerError),
        ("FAKE_BLOCK", errors.Refused),
        ("FAKE_IMAGE_SAFETY", errors.Refused),
        ("FAKE_RATE", errors.RateLimited),
        ("FAKE_WRAPPED", errors.ServerError),
    ],
)
def test_streams_that_bring_no_picture_say_why(generate, vendor, word, kind):
    with pytest.raises(kind) as caught:
        generate(replace(REQUEST, stream=True, prompt=word), on_partial=lambda partial: None)
    assert (type(caught.value), vendor.posts) == (kind, 1)
    assert caught.value.may_have_been_charged == (kind is not errors.RateLimited)


def test_stream_that_comes_as_a_list_is_read(google, generate, vendor):
    candidate = {"content": {"parts": [{"text": "Here."}]}}
    part = {"inlineData": {"mimeType": "image/png", "data": draw("64x64", "png", "x")}}
    last = {"content": {"parts": [part]}, "finishReason": "STOP"}
    vendor.script(Reply(body=json.dumps([{"candidates": [candidate]}, {"candidates": [last]}]).encode()))
    assert len(generate(replace(REQUEST, stream=True)).images) == 1


# What goes wrong: one POST each, whatever happens


@pytest.mark.parametrize(
    ("word", "said", "vendors", "retryable"),
    [
        ("FAKE_BLOCK", "declined the prompt (PROHIBITED_CONTENT)", "", False),
        ("FAKE_IMAGE_SAFETY", "held the picture back (IMAGE_SAFETY)", "Unable to show the generated", False),
        ("FAKE_NO_IMAGE", "(NO_IMAGE). This is no refusal", "", True),
        ("FAKE_WORDS", "words instead of a picture", "I can't create images of that.", True),
        ("FAKE_MAX_TOKENS", "before the picture was drawn", "", True),
        ("FAKE_NEW_REASON", "(MOON_IN_THE_WRONG_PHASE)", "", True),
    ],
)
def test_answers_without_a_picture_are_refusals_that_say_why(
    generate, vendor, word, said, vendors, retryable
):
    with pytest.raises(errors.Refused) as caught:
        generate(replace(REQUEST, prompt=word))
    error = caught.value
    assert said in error.message
    assert error.provider_message.startswith(vendors)
    assert (error.may_have_been_charged, error.retryable, vendor.posts) == (True, retryable, 1)
    assert error.cost_usd > 0
    assert error.request_id == "resp-1"


@pytest.mark.parametrize(
    "finish",
    ["SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION", "IMAGE_PROHIBITED_CONTENT",
     "IMAGE_RECITATION"],
)  # fmt: skip
def test_filters_are_told_from_other_reasons(generate, vendor, finish):
    vendor.script(Reply(body={"candidates": [{"finishReason": finish}]}))
    with pytest.raises(errors.Refused, match="safety filter held the picture back") as caught:
        generate(REQUEST)
    assert not caught.value.retryable
