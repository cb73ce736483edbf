"""Imagen, asked by `predict`, where a server still has it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from providers import errors
from providers.base import ImageRequest
from tests.fake_vendors.base import Reply
from tests.providers.google.conftest import look

IMAGEN = ImageRequest(prompt="A fox", model="imagen-4.0-generate-001", options={"force_model": True})


def test_imagen_is_asked_by_predict(generate, vendor):
    options = {"force_model": True, "person_generation": "allow_adult", "safety_setting": "block_only_high"}
    request = replace(
        IMAGEN, n=3, aspect_ratio="16:9", resolution="2K", output_format="jpeg", options=options
    )
    result = generate(request)
    assert vendor.last.path == "/v1beta/models/imagen-4.0-generate-001:predict"
    assert vendor.last.json == {
        "instances": [{"prompt": "A fox"}],
        "parameters": {
            "sampleCount": 3,
            "aspectRatio": "16:9",
            "sampleImageSize": "2K",
            "personGeneration": "allow_adult",
            "safetySetting": "block_only_high",
            "outputOptions": {"mimeType": "image/jpeg"},
            "includeRaiReason": True,
        },
    }
    assert [look(image)[0] for image in result.images] == ["JPEG"] * 3
    assert (result.usage.cost_usd, result.usage.cost_source) == (Decimal("0.12"), "table")


def test_imagen_says_how_many_were_held_back(generate, vendor):
    vendor.script("some_filtered")
    result = generate(replace(IMAGEN, n=3))
    assert (len(result.images), result.refused, vendor.posts) == (2, 1, 1)
    assert result.message.startswith("Google sent 2 of 3 pictures; its safety filter held the others back.")
    assert result.usage.cost_usd == Decimal("0.08")


@pytest.mark.parametrize(("step", "words"), [("all_filtered", "Filtered: 39322892."), ("nothing", "")])
def test_imagen_that_sends_nothing_has_refused(generate, vendor, step, words):
    vendor.script(step)
    with pytest.raises(errors.Refused) as caught:
        generate(IMAGEN)
    assert (caught.value.provider_message, caught.value.may_have_been_charged) == (words, True)


@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"predictions": 1}', b'{"predictions": [{"bytesBase64Encoded": "<p>"}]}'],
)
def test_imagen_that_answers_oddly_is_no_refusal(generate, vendor, body):
    vendor.script(Reply(200, {}, body))
    with pytest.raises(errors.BadResponse):
        generate(IMAGEN)


def test_google_itself_has_no_imagen_any_more(generate, vendor):
    vendor.has_imagen = False
    with pytest.raises(errors.ModelUnavailable) as caught:
        generate(IMAGEN)
    assert (caught.value.field, vendor.posts) == ("model", 1)
