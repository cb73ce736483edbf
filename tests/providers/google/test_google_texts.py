"""Texts and descriptions by Google."""

import base64
from dataclasses import replace
from decimal import Decimal

import pytest

from providers import describing, errors
from providers.base import DescribeRequest, TextRequest

TEXT = TextRequest(prompt="A panda", model="gemini-3.5-flash-lite", instructions="Write.", max_tokens=300)


@pytest.fixture
def describe_request(picture_file):
    return DescribeRequest(image=picture_file("seen.png"), model=TEXT.model, known_tags=("character:Mirel",))


def test_text_is_one_post_with_what_was_asked_and_nothing_else(google, vendor):
    completion = google.complete(TEXT)
    assert completion.text == "A red panda in a library, ink and wash."
    # 2000 tokens at 0.30, 300 and 100 of thinking at 2.50, per million
    assert (completion.usage.cost_usd, completion.usage.cost_source) == (Decimal("0.0016"), "computed")
    assert (completion.model, completion.request_id, vendor.posts) == (TEXT.model, "resp-text", 1)
    assert vendor.last.path == f"/v1beta/models/{TEXT.model}:generateContent"
    assert vendor.last.json == {
        "contents": [{"role": "user", "parts": [{"text": "A panda"}]}],
        "systemInstruction": {"parts": [{"text": "Write."}]},
        "generationConfig": {"maxOutputTokens": 1324, "thinkingConfig": {"thinkingLevel": "low"}},
    }


def test_description_shows_the_picture_and_asks_for_json(google, vendor, describe_request):
    description = google.describe(describe_request)
    seen, asked = vendor.last.json["contents"][0]["parts"]
    assert base64.b64decode(seen["inlineData"]["data"]) == describe_request.image.path.read_bytes()
    assert (seen["inlineData"]["mimeType"], asked["text"]) == ("image/png", "Describe and tag this picture.")
    configuration = vendor.last.json["generationConfig"]
    assert configuration["responseMimeType"] == "application/json"
    assert configuration["responseJsonSchema"] == describing.SCHEMA
    assert description.caption == "A red panda reads under a lamp."
    assert description.tags[0].name == "Mirel"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_BLOCK", errors.Refused),
        ("FAKE_TEXT_SAFETY", errors.Refused),
        ("FAKE_CUT", errors.BadResponse),
        ("FAKE_RATE", errors.RateLimited),
        ("FAKE_LIMIT_ZERO", errors.BillingError),
        ("FAKE_OVERLOADED", errors.Overloaded),
        ("FAKE_RESET", errors.ConnectionLost),
        ("FAKE_EMPTY", errors.BadResponse),
    ],
)
def test_text_that_does_not_come_says_why(google, vendor, word, kind):
    with pytest.raises(kind) as caught:
        google.complete(replace(TEXT, prompt=word))
    assert (type(caught.value), vendor.posts) == (kind, 1)


def test_estimate_of_a_text_is_the_most_that_it_costs(google, describe_request):
    estimate = google.estimate_text(describe_request)
    assert google.describe(describe_request).usage.cost_usd <= estimate.usd
    # 1000 tokens of the answer and 1024 of thoughts at 2.50, per million
    assert estimate.usd >= Decimal("0.00506")


def test_text_model_that_is_not_listed_is_asked_without_thinking(google):
    body = google.build_text(replace(TEXT, model="gemini-9", instructions="")).json
    assert body["generationConfig"] == {"maxOutputTokens": 300}
    assert "systemInstruction" not in body
