"""The Anthropic adapter against the strict fake, over real HTTP: texts, descriptions, and no pictures."""

import base64
import json
import logging
import traceback
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from providers import describing, errors, registry
from providers.base import Connection, DescribeRequest, ImageRequest, InputImage, TextRequest
from tests.fake_vendors.anthropic import FakeAnthropic
from tests.fake_vendors.base import Reply
from tests.providers.conftest import KEY

TEXT = TextRequest(prompt="A panda", model="claude-haiku-5-5", instructions="Write.", max_tokens=300)
COST = Decimal("0.000310")  # 1000 tokens at 0.10, 1000 cached at 0.01, 400 at 0.50, per million


@pytest.fixture
def vendor():
    with FakeAnthropic() as fake:
        yield fake


@pytest.fixture
def anthropic(vendor):
    connection = Connection(base_url=vendor.url, api_key=KEY, allowed_private_hosts=vendor.allowed)
    return registry.connect("anthropic", connection)


@pytest.fixture
def describe_request(tmp_path, picture):
    path = tmp_path / "seen.png"
    path.write_bytes(picture())
    image = InputImage(path=path, mime_type="image/png")
    return DescribeRequest(image=image, model=TEXT.model, known_tags=("character:Mirel",))


# No pictures


@pytest.mark.parametrize("model", ["", "claude-haiku-5-5", "dall-e-3"])
def test_pictures_are_refused_before_anything_is_sent(anthropic, vendor, tmp_path, model):
    request = ImageRequest(prompt="A red panda", model=model)
    for ask in (anthropic.check, lambda request: anthropic.send(request, tmp_path / "call.answer")):
        with pytest.raises(errors.InvalidRequest) as caught:
            ask(request)
        assert caught.value.message == (
            "Anthropic makes no pictures. It can describe pictures, suggest tags and help to write prompts."
            " Choose another connection to generate."
        )
        assert (caught.value.field, caught.value.may_have_been_charged) == ("profile", False)
    assert vendor.requests == []


def test_there_are_no_models_for_pictures(anthropic, vendor):
    assert not anthropic.supports_image_generation
    assert (anthropic.models(), anthropic.live_models(), anthropic.default_model()) == ((), (), "")
    assert vendor.requests == []


# Texts


def test_text_is_one_post_with_what_was_asked_and_nothing_else(anthropic, vendor):
    completion = anthropic.complete(replace(TEXT, user_id="u_1"))
    assert completion.text == "A red panda in a library, ink and wash."
    assert (completion.usage.cost_usd, completion.usage.cost_source) == (COST, "computed")
    assert (completion.model, completion.request_id) == (TEXT.model, "req_0001")
    sent = vendor.last
    assert (vendor.posts, sent.method, sent.path) == (1, "POST", "/v1/messages")
    assert (sent.headers["x-api-key"], sent.headers["anthropic-version"]) == (KEY, "2026-10-21")
    assert "authorization" not in sent.headers
    assert sent.json == {
        "model": "claude-haiku-5-5",
        "max_tokens": 300,
        "system": "Write.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "A panda"}]}],
        "metadata": {"user_id": "u_1"},
    }


@pytest.mark.thorough
def test_description_is_what_the_official_sdk_sends(anthropic, vendor, describe_request):
    import anthropic as sdk  # here, for it takes seconds

    description = anthropic.describe(describe_request)
    ours = vendor.last
    seen, asked = ours.json["messages"][0]["content"]
    assert base64.b64decode(seen["source"]["data"]) == describe_request.image.path.read_bytes()
    assert asked["text"] == "Describe and tag this picture."
    assert description.caption == "A red panda reads under a lamp."
    assert (description.tags[0].name, description.usage.cost_usd) == ("Mirel", COST)
    with sdk.Anthropic(api_key=KEY, base_url=vendor.url, max_retries=0) as client:
        client.messages.create(
            model=TEXT.model,
            max_tokens=1000,
            system=describing.text_request(describe_request).instructions,
            messages=[{"role": "user", "content": [seen, asked]}],
            output_config={"format": {"type": "json_schema", "schema": describing.SCHEMA}},
        )
    assert vendor.last.json == ours.json
    assert vendor.last.path == ours.path
    assert vendor.last.headers["anthropic-version"] == ours.headers["anthropic-version"]


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": "x"}, {"output_tokens": 5}, [1]])
def test_cost_that_cannot_be_computed_is_unknown(anthropic, vendor, usage):
    content = [{"type": "text", "text": "x"}]
    vendor.script(Reply(body={"content": content, "stop_reason": "end_turn", "usage": usage}))
    assert anthropic.complete(TEXT).usage.cost_usd is None


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("", "https://api.anthropic.com/v1/messages"),
        ("http://x.test/", "http://x.test/v1/messages"),
        ("http://x.test/claude/v1", "http://x.test/claude/v1/messages"),
    ],
)
def test_version_is_added_to_an_address_without_one(base_url, url):
    provider = registry.connect("anthropic", Connection(base_url=base_url, api_key=KEY))
    assert provider.build_text(TEXT).url == url


# What goes wrong


def said(status, kind, message="Vendor's words.", **details):
    error = {"type": kind, "message": message, **({"details": details} if details else {})}
    return Reply(status, {}, {"type": "error", "error": error, "request_id": "req_1"})


BAD = "invalid_request_error"
LIMIT = "rate_limit_error"
TABLE = [
    (said(400, BAD), errors.InvalidRequest, ""),
    (said(400, BAD, "x", error_code="image_dimensions_too_large"), errors.InvalidRequest, "image"),
    (said(400, BAD, "messages.0: Could not process image"), errors.InvalidRequest, "image"),
    (said(400, BAD, "Your credit balance is too low to access the API."), errors.BillingError, ""),
    (said(400, BAD, "You have reached your specified API usage limits."), errors.BillingError, ""),
    (said(401, "authentication_error"), errors.AuthError, ""),
    (said(402, "billing_error"), errors.BillingError, ""),
    (said(403, "permission_error"), errors.PermissionDenied, ""),
    (said(404, "not_found_error", "model: claude-x"), errors.ModelUnavailable, "model"),
    (said(408, "timeout_error"), errors.ServerError, ""),
    (said(409, "conflict_error"), errors.ServerError, ""),
    (said(413, "request_too_large"), errors.InvalidRequest, ""),
    (said(429, LIMIT), errors.RateLimited, ""),
    (said(429, LIMIT, "x", error_code="ramp_limit_exceeded"), errors.RateLimited, ""),
    (said(429, LIMIT, "x", error_code="enforced_spend_limit_reached"), errors.BillingError, ""),
    (said(429, LIMIT, "x", error_code="contract_spend_limit_reached"), errors.BillingError, ""),
    (said(500, "api_error"), errors.ServerError, ""),
    (said(503, "api_error"), errors.Overloaded, ""),
    (said(504, "timeout_error"), errors.ServerError, ""),
    (said(529, "overloaded_error"), errors.Overloaded, ""),
    (Reply(502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"), errors.ServerError, ""),
    (Reply(413, {}, b""), errors.InvalidRequest, ""),
    ("redirect", errors.InvalidRequest, ""),
    ("html", errors.BadResponse, ""),
    ("empty", errors.BadResponse, ""),
    ("truncated_json", errors.BadResponse, ""),
    ("refusal", errors.Refused, ""),
    ("cut", errors.BadResponse, ""),
    ("full", errors.BadResponse, ""),
    ("silent", errors.BadResponse, ""),
    (Reply(200, {}, b"[1]"), errors.BadResponse, ""),
    (Reply(200, {}, {"content": "words"}), errors.BadResponse, ""),
    ("reset", errors.ConnectionLost, ""),
    ("close", errors.ConnectionLost, ""),
    ("half_body", errors.ConnectionLost, ""),
]


@pytest.mark.parametrize(("step", "kind", "field"), TABLE, ids=range(len(TABLE)))
@pytest.mark.thorough
def test_failure_is_one_post_and_the_right_error(anthropic, vendor, step, kind, field):
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        anthropic.complete(TEXT)
    error = caught.value
    assert (type(error), error.field, vendor.posts) == (kind, field, 1)
    assert error.message.endswith(".")
    unsure = kind.may_have_been_charged or kind is errors.Refused or step == "redirect"
    assert error.may_have_been_charged == unsure


def test_refusal_tells_its_reason_and_what_it_cost(anthropic):
    with pytest.raises(errors.Refused) as caught:
        anthropic.complete(replace(TEXT, prompt="FAKE_REFUSAL"))
    assert (caught.value.provider_message, caught.value.cost_usd) == ("I will not describe this.", COST)


@pytest.mark.parametrize(("word", "seconds"), [("FAKE_RATE", 3), ("FAKE_RAMP", 9)])
def test_waiting_time_is_the_vendors(anthropic, word, seconds):
    with pytest.raises(errors.RateLimited) as caught:
        anthropic.complete(replace(TEXT, prompt=word))
    assert caught.value.retry_after == timedelta(seconds=seconds)


def test_answer_that_takes_too_long_may_have_been_charged(anthropic, vendor, monkeypatch):
    monkeypatch.setattr(type(anthropic), "text_deadline", 0.4)
    vendor.script("hang")
    with pytest.raises(errors.DeadlineExceeded):
        anthropic.complete(TEXT)
    assert vendor.posts == 1


@pytest.mark.parametrize("step", [said(401, "authentication_error", f"Bad key {KEY}"), "reset", "html"])
def test_key_is_in_no_error_and_no_log(anthropic, vendor, caplog, step):
    caplog.set_level(logging.DEBUG)
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        anthropic.complete(TEXT)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + caught.value.provider_message
    assert KEY not in shown + repr(anthropic) + repr(anthropic.build_text(TEXT))


# The key and the models


def test_key_check_is_free_and_says_what_is_wrong(anthropic, vendor):
    assert anthropic.test().ok
    assert vendor.last.path == "/v1/models?limit=1"
    anthropic.connection = replace(anthropic.connection, api_key="sk-ant-bad")
    result = anthropic.test()
    assert (result.ok, result.code, vendor.posts) == (False, "auth", 0)


def test_live_list_has_the_models_that_see_and_write_json(anthropic):
    models = {model.id: model for model in anthropic.live_text_models()}
    assert list(models)[0] == anthropic.default_text_model()
    assert not {"claude-blind-1", "claude-past-1"} & set(models)
    assert models["claude-quill-9"].label == "Claude Quill 9"
    ending = models["claude-opus-5-5"]
    assert (ending.status, ending.retires_on) == ("deprecated", date(2027, 2, 3))
    assert models["claude-haiku-5-5"].prices["text_in"] == Decimal("0.10")


@pytest.mark.parametrize("body", [b"<html>", json.dumps({"data": {}}).encode()])
def test_list_that_is_none_is_an_error(anthropic, monkeypatch, body):
    monkeypatch.setattr(FakeAnthropic, "answer", lambda self, request, step: Reply(200, {}, body))
    with pytest.raises(errors.BadResponse):
        anthropic.live_text_models()


def test_model_that_ends_is_refused_from_its_day_on(anthropic, vendor, monkeypatch):
    info = replace(anthropic.text_model_info("claude-sonnet-4-5"), status="retired")
    monkeypatch.setattr(anthropic, "text_model_info", lambda model: info)
    with pytest.raises(errors.ModelUnavailable, match="30 November 2026. Use claude-sonnet-5-5 instead"):
        anthropic.complete(replace(TEXT, model="claude-sonnet-4-5"))
    assert vendor.posts == 0
