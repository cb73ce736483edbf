"""Texts and descriptions by OpenAI: what is asked, what is read, what goes wrong."""

import base64
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from providers import catalog, describing, errors, registry
from providers.base import (
    Completion,
    Connection,
    DescribeRequest,
    InputImage,
    TagSuggestion,
    TextRequest,
    Usage,
)
from tests.fake_vendors.base import Reply
from tests.providers.conftest import KEY

TEXT = TextRequest(prompt="A panda", model="gpt-6-luna", instructions="Write a prompt.", max_tokens=300)
COST = Decimal("0.000310")  # 1000 tokens at 0.10, 1000 cached at 0.01, 400 at 0.50, per million


@pytest.fixture
def describe_request(tmp_path, picture):
    path = tmp_path / "seen.png"
    path.write_bytes(picture())
    image = InputImage(path=path, mime_type="image/png")
    return DescribeRequest(image=image, model="gpt-6-luna", known_tags=("character:Mirel", "forest"))


def test_text_is_one_post_with_what_was_asked_and_nothing_else(openai, vendor):
    completion = openai.complete(replace(TEXT, user_id="u_1"))
    assert completion.text == "A red panda in a library, warm lamplight, ink and wash."
    assert (completion.usage.cost_usd, completion.usage.cost_source) == (COST, "computed")
    assert (completion.model, completion.request_id[:4]) == ("gpt-6-luna", "req_")
    assert (vendor.posts, vendor.last.path) == (1, "/v1/chat/completions")
    assert vendor.last.headers["authorization"] == f"Bearer {KEY}"
    assert vendor.last.json == {
        "model": "gpt-6-luna",
        "messages": [
            {"role": "system", "content": "Write a prompt."},
            {"role": "user", "content": "A panda"},
        ],
        "max_completion_tokens": 300,
        "reasoning_effort": "none",
        "safety_identifier": "u_1",
    }


def test_model_that_is_not_listed_is_asked_without_effort_and_costs_nobody_knows(openai, vendor):
    body = {
        "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1},
    }
    vendor.script(Reply(body=body))
    completion = openai.complete(replace(TEXT, model="gpt-9", instructions=""))
    assert "reasoning_effort" not in vendor.last.json
    assert completion.usage == Usage(raw={"prompt_tokens": 1})


def test_description_shows_the_picture_and_asks_for_json(openai, vendor, describe_request):
    description = openai.describe(describe_request)
    seen, asked = vendor.last.json["messages"][1]["content"]
    data = seen["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(data) == describe_request.image.path.read_bytes()
    assert asked == {"type": "text", "text": "Describe and tag this picture."}
    assert "character:Mirel, forest" in vendor.last.json["messages"][0]["content"]
    assert vendor.last.json["response_format"]["json_schema"]["schema"] == describing.SCHEMA
    assert description.caption == "A red panda reads under a lamp."
    assert description.tags == (
        TagSuggestion(kind="character", name="Mirel", confidence=0.9),
        TagSuggestion(kind="tag", name="red panda", confidence=0.8),
        TagSuggestion(kind="tag", name="lamp", confidence=1.0),
    )
    assert (description.usage.cost_usd, vendor.posts) == (COST, 1)


def test_fenced_json_is_read(openai, describe_request):
    assert openai.describe(replace(describe_request, instructions="FAKE_TEXT_FENCED")).tags[0].name == "Mirel"


@pytest.mark.parametrize(
    "text",
    [
        "A panda.",
        "[]",
        '{"caption": "x"}',
        '{"caption": 1, "tags": []}',
        '{"caption": "x", "tags": {}}',
        '{"caption": "x", "tags": ["panda"]}',
        '{"caption": "x", "tags": [{"kind": "mood", "name": "calm", "confidence": 1}]}',
        '{"caption": "x", "tags": [{"kind": "tag", "name": 7, "confidence": 1}]}',
        '{"caption": "x", "tags": [{"kind": "tag", "name": "a", "confidence": "high"}]}',
        '{"caption": "x", "tags": [{"kind": "tag", "name": "a", "confidence": NaN}]}',
        "[" * 100_000,
    ],
)
def test_description_of_another_form_is_refused_with_what_it_cost(text):
    completion = Completion(text=text, usage=Usage(cost_usd=COST, cost_source="computed"))
    with pytest.raises(errors.BadResponse, match="Try another model") as caught:
        describing.read(completion)
    assert caught.value.cost_usd == COST


@pytest.mark.parametrize(
    ("word", "kind", "said"),
    [
        ("FAKE_TEXT_REFUSAL", errors.Refused, "I'm sorry, I can't help with that."),
        ("FAKE_TEXT_FILTER", errors.Refused, ""),
        ("FAKE_TEXT_CUT", errors.BadResponse, "  A red panda in a l"),
        ("FAKE_TEXT_EMPTY", errors.BadResponse, ""),
    ],
)
def test_answer_without_a_whole_text_says_why_and_what_it_cost(openai, vendor, word, kind, said):
    with pytest.raises(kind) as caught:
        openai.complete(replace(TEXT, prompt=word))
    error = caught.value
    assert (error.may_have_been_charged, error.cost_usd, error.provider_message) == (True, COST, said)
    assert vendor.posts == 1


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ("reset", errors.ConnectionLost),
        ("half_body", errors.ConnectionLost),
        ("html", errors.BadResponse),
        ("empty", errors.BadResponse),
        ("truncated_json", errors.BadResponse),
        ("redirect", errors.InvalidRequest),
        (Reply(200, {}, {"choices": [None]}), errors.BadResponse),
        (Reply(200, {}, b"[]"), errors.BadResponse),
        (Reply(429, {"retry-after": "7"}, {"error": {"message": "x"}}), errors.RateLimited),
        (Reply(500, {}, b""), errors.ServerError),
    ],
)
@pytest.mark.thorough
def test_failure_is_one_post_and_the_right_error(openai, vendor, step, kind):
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        openai.complete(TEXT)
    assert (type(caught.value), vendor.posts) == (kind, 1)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_MODERATION", errors.Refused),
        ("FAKE_QUOTA", errors.BillingError),
        ("FAKE_503", errors.Overloaded),
    ],
)
def test_vendors_errors_mean_the_same_for_texts(openai, word, kind):
    with pytest.raises(kind):
        openai.complete(replace(TEXT, prompt=word))


def test_nothing_is_sent_that_cannot_be_answered(openai, vendor, describe_request):
    gone = replace(describe_request.image, path=describe_request.image.path.with_name("gone"))
    heic = replace(describe_request.image, mime_type="image/heic")
    for request, field in [
        (replace(TEXT, prompt=" "), "prompt"),
        (replace(TEXT, image=heic), "image"),
        (replace(TEXT, image=gone), "references"),
    ]:
        with pytest.raises(errors.InvalidRequest) as caught:
            openai.complete(request)
        assert caught.value.field == field
    assert vendor.requests == []


def test_provider_that_writes_nothing_says_so():
    with pytest.raises(errors.InvalidRequest, match="Demo writes no texts"):
        registry.connect("demo", Connection()).complete(TEXT)


def test_estimate_is_the_most_that_it_costs(openai, describe_request):
    estimate = openai.estimate_text(describe_request)
    assert COST < estimate.usd < Decimal("0.01")
    assert estimate.basis.startswith("at most; price list of ")
    assert openai.estimate_text(replace(TEXT, model="gpt-9")).usd is None


@pytest.mark.parametrize("slug", [slug for slug, _ in registry.provider_choices()])
def test_listed_writers_have_prices_and_a_default_among_them(slug):
    provider = registry.provider_class(slug)
    models = {model.id: model for model in catalog.text_models(slug)}
    assert bool(models) <= provider.supports_text
    for model in models.values():
        assert 0 <= model.prices["text_in"] <= model.prices["text_out"] <= 100
    if models:
        assert models[catalog.default_text_model(slug)].status == "current"


def test_json_schema_is_the_one_that_every_vendor_takes():
    text = json.dumps(describing.SCHEMA)
    assert not any(word in text for word in ("minimum", "maximum", "maxItems", "maxLength"))
