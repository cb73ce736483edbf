"""The OpenAI adapter against the strict fake, over real HTTP: what is sent, what is read, what goes wrong."""

import base64
import io
import json
import logging
import traceback
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors, http, registry
from providers.base import Connection, ImageRequest, InputImage
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openai import FakeOpenAI, draw
from tests.providers.conftest import KEY

REQUEST = ImageRequest(prompt="A red panda reading", model="gpt-image-2.6-flare")
FULL = ImageRequest(
    prompt="Ein Panda — mit „Lampe“",
    model="gpt-image-2.6-sunburst",
    n=2,
    size="1536x864",
    quality="xhigh",
    background="opaque",
    output_format="webp",
    user_id="u_5f2c9b1e",
    options={"output_compression": "85", "moderation": "low", "complexity": "low"},
)
GONE = replace(REQUEST, model="dall-e-3", options={"force_model": True})


@pytest.fixture
def picture_file(tmp_path, picture):
    """A function that saves a small picture and describes it as an input."""

    def save(name, **kwargs):
        path = tmp_path / name
        path.write_bytes(picture(**kwargs))
        return InputImage(path=path, mime_type="image/png")

    return save


def look(image):
    """Format and size of a picture that came."""
    with Image.open(image.path) as picture:
        return picture.format, picture.size


# What is sent


def test_generation_is_one_post_with_what_was_asked_and_nothing_else(generate, vendor):
    generate(REQUEST)
    sent = vendor.last
    assert (vendor.posts, sent.method, sent.path) == (1, "POST", "/v1/images/generations")
    assert sent.json == {"model": "gpt-image-2.6-flare", "prompt": "A red panda reading", "n": 1}
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept-encoding"] == "identity"


def test_every_parameter_goes_out_under_the_vendors_name(generate, vendor):
    generate(FULL)
    assert vendor.last.json == {
        "model": "gpt-image-2.6-sunburst",
        "prompt": "Ein Panda — mit „Lampe“",
        "n": 2,
        "size": "1536x864",
        "quality": "xhigh",
        "background": "opaque",
        "output_format": "webp",
        "output_compression": 85,
        "moderation": "low",
        "complexity": "low",
        "safety_identifier": "u_5f2c9b1e",
    }


def test_organization_and_project_go_into_headers(openai, vendor, tmp_path):
    openai.connection = replace(openai.connection, options={"organization": "org-1", "project": "proj_2"})
    openai.send(REQUEST, tmp_path / "call.answer")
    headers = vendor.last.headers
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj_2")


@pytest.mark.parametrize(("count", "name"), [(1, "image"), (3, "image[]")])
def test_edit_sends_texts_first_and_then_the_files(generate, vendor, picture_file, count, name):
    references = tuple(picture_file(f"{i}.png") for i in range(count))
    request = replace(REQUEST, mode="edit", references=references, size="1024x1024", quality="low")
    result = generate(request)
    parts = vendor.last.parts
    assert (vendor.last.path, len(result.images)) == ("/v1/images/edits", 1)
    assert {part.name: part.content for part in parts[:5]} == {
        "model": b"gpt-image-2.6-flare",
        "prompt": b"A red panda reading",
        "n": b"1",
        "size": b"1024x1024",
        "quality": b"low",
    }
    files = [(part.name, part.file_name, part.content_type, part.content) for part in parts[5:]]
    assert files == [
        (name, f"image-{i}.png", "image/png", picture.path.read_bytes())
        for i, picture in enumerate(references, 1)
    ]


def test_new_picture_with_references_is_sent_as_an_edit(generate, vendor, picture_file):
    generate(replace(REQUEST, references=(picture_file("a.png"),)))
    assert vendor.last.path == "/v1/images/edits"


def test_mask_becomes_a_png_with_holes_where_it_is_white(generate, vendor, picture_file):
    mask = picture_file("mask.png", color="white", size=(32, 48))
    generate(replace(REQUEST, mode="edit", references=(picture_file("a.png"),), mask=mask))
    part = vendor.last.parts[-1]
    holes = Image.open(io.BytesIO(part.content))
    assert (part.name, part.content_type, holes.size) == ("mask", "image/png", (64, 96))
    assert holes.getchannel("A").getextrema() == (0, 0)


def test_picture_that_is_gone_or_too_large_stops_it_before_it_is_sent(openai, vendor, tmp_path, picture_file):
    gone = InputImage(path=tmp_path / "gone.png", mime_type="image/png")
    with pytest.raises(errors.InvalidRequest, match="Choose it again"):
        openai.send(replace(REQUEST, references=(gone,)), tmp_path / "call.answer")
    large = picture_file("large.png", size=(6001, 6000))
    with pytest.raises(errors.InvalidRequest, match="too large for a mask"):
        openai.send(replace(REQUEST, references=(large,), mask=large), tmp_path / "call.answer")
    assert vendor.posts == 0


def test_forced_old_model_has_the_wire_form_it_had(openai):
    request = replace(GONE, size="1792x1024", quality="hd", style="natural", user_id="u_1")
    openai.check(request)
    assert openai.build(request).json == {
        "model": "dall-e-3",
        "prompt": "A red panda reading",
        "n": 1,
        "size": "1792x1024",
        "quality": "hd",
        "style": "natural",
        "response_format": "b64_json",
        "user": "u_1",
    }


def test_variation_of_the_oldest_model_sends_the_picture_alone(openai, picture_file):
    request = replace(
        GONE, model="dall-e-2", mode="variation", prompt="", references=(picture_file("a.png"),)
    )
    openai.check(request)
    wire = openai.build(request)
    body = b"".join(wire.form)
    assert wire.url.endswith("/images/variations")
    assert b'name="prompt"' not in body
    assert b'name="image"; filename="image-1.png"' in body
    assert len(wire.form) == len(body)


# How many calls


@pytest.mark.parametrize(
    ("model", "n", "calls"), [("gpt-image-2", 10, [10]), ("dall-e-3", 3, [1, 1, 1]), ("dall-e-2", 4, [4])]
)
def test_request_is_split_by_what_one_call_may_bring(openai, model, n, calls):
    parts = openai.split(replace(REQUEST, model=model, n=n))
    assert [part.n for part in parts] == calls
    assert {part.prompt for part in parts} == {REQUEST.prompt}


# What is read


def test_answer_becomes_pictures_with_their_cost(generate):
    result = generate(FULL)
    assert [look(image) for image in result.images] == [("WEBP", (1536, 864))] * 2
    assert result.images[0].facts == {
        "size": "1536x864", "quality": "xhigh", "background": "opaque", "output_format": "webp",
    }  # fmt: skip
    tokens = result.usage.raw
    expected = (Decimal(tokens["input_tokens"]) * 5 + Decimal(tokens["output_tokens"]) * 30) / 1_000_000
    assert (result.usage.cost_usd, result.usage.cost_source) == (expected, "computed")
    assert result.request_id.startswith("req_")


def test_estimate_is_what_the_vendor_then_counts(openai, generate):
    request = replace(REQUEST, n=3, quality="high", size="1024x1536")
    assert abs(openai.estimate(request).usd - generate(request).usage.cost_usd) < Decimal("0.0001")


def test_answer_can_be_read_again_after_a_crash(openai, tmp_path):
    sent = openai.send(REQUEST, tmp_path / "call.answer")
    again = openai.open_answer(tmp_path / "call.answer")
    assert again == sent
    assert len(openai.read(REQUEST, again, tmp_path).images) == 1


def test_real_bytes_are_kept_when_the_format_is_another(generate, vendor):
    vendor.script("wrong_mime")
    assert look(generate(REQUEST).images[0]) == ("JPEG", (1024, 1024))


def test_compressed_answer_is_read(generate, vendor):
    vendor.script("gzip")
    assert look(generate(REQUEST).images[0]) == ("PNG", (1024, 1024))


def test_fewer_pictures_than_asked_are_a_result_that_says_so(generate, vendor):
    vendor.script("fewer", "bad_base")
    request = replace(REQUEST, n=3)
    assert (len(generate(request).images), generate(request).message) == (
        2,
        "OpenAI sent 2 of 3 pictures that can be used.",
    )


def test_revised_prompt_and_list_price_of_an_old_model_are_kept(openai, generate, vendor):
    item = {"b64_json": draw("1024x1024", "png", "x"), "revised_prompt": "A rusty panda"}
    vendor.script(Reply(body={"created": 1, "data": [item]}))
    result = generate(GONE)
    assert result.images[0].revised_prompt == "A rusty panda"
    assert (result.usage.cost_usd, result.usage.cost_source) == (Decimal("0.04"), "table")


def test_odd_values_are_made_fit_for_a_database(generate, vendor):
    item = json.dumps({"b64_json": draw("1024x1024", "png", "x"), "revised_prompt": "a\x00b\ud800"})
    counted = '{"output_tokens": 5, "z": "\\u0000"}'
    vendor.script(Reply(body=f'{{"data": [{item}], "usage": {counted}}}'.encode()))
    result = generate(REQUEST)
    assert result.usage.raw == {"output_tokens": 5, "z": ""}
    assert result.images[0].revised_prompt == "ab?"


def test_refusal_in_words_is_a_refusal_that_may_have_been_charged(generate, vendor):
    vendor.script(Reply(body={"data": [], "refusal": "I cannot draw that."}))
    with pytest.raises(errors.Refused) as caught:
        generate(REQUEST)
    assert (caught.value.provider_message, caught.value.may_have_been_charged) == (
        "I cannot draw that.",
        True,
    )


def test_a_price_per_picture_is_the_cost_although_tokens_are_counted(generate, vendor):
    counted = {"input_tokens": 20, "output_tokens": 1000}
    vendor.script(Reply(body={"data": [{"b64_json": draw("1024x1024", "png", "x")}], "usage": counted}))
    forced = {"model": "dall-e-3", "quality": "standard", "options": {"force_model": True}}
    usage = generate(replace(REQUEST, n=1, size="1024x1024", **forced)).usage
    assert (usage.cost_usd, usage.cost_source, usage.raw) == (Decimal("0.04"), "table", counted)


def test_absurd_count_of_tokens_is_not_believed(generate, vendor):
    item = {"b64_json": draw("1024x1024", "png", "x")}
    vendor.script(Reply(body={"data": [item], "usage": {"input_tokens": 1, "output_tokens": 10**9}}))
    usage = generate(REQUEST).usage
    assert (usage.cost_usd, usage.cost_source, usage.raw["output_tokens"]) == (None, "unknown", 10**9)


# What goes wrong: one POST each, whatever happens


def said(status, code=None, type="invalid_request_error", param=None, message="Vendor's words.", **headers):
    body = {"error": {"message": message, "type": type, "param": param, "code": code}}
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


USER_ERROR = "image_generation_user_error"
TABLE = [
    (said(401, "invalid_api_key"), errors.AuthError, ""),
    (said(401), errors.AuthError, ""),
    (said(403, "unsupported_country_region_territory"), errors.PermissionDenied, ""),
    (said(403, "unsupported_model"), errors.PermissionDenied, ""),
    (said(403), errors.PermissionDenied, ""),
    (said(429, "rate_limit_exceeded", "requests"), errors.RateLimited, ""),
    (said(429, "slow_down", "rate_limit_error"), errors.RateLimited, ""),
    (said(429, "insufficient_quota", "insufficient_quota"), errors.BillingError, ""),
    (said(429, None, "insufficient_quota"), errors.BillingError, ""),
    (said(429, "credit_balance_exhausted"), errors.BillingError, ""),
    (said(429, "organization_spend_limit_exceeded"), errors.BillingError, ""),
    (said(429, "project_spend_limit_exceeded"), errors.BillingError, ""),
    (said(429, "organization_usage_limit_exceeded"), errors.BillingError, ""),
    (said(400, "billing_hard_limit_reached", "billing_limit_user_error"), errors.BillingError, ""),
    (said(400, "moderation_blocked", USER_ERROR), errors.Refused, ""),
    (said(400, "unknown_parameter", param="response_format"), errors.InvalidRequest, "options"),
    (said(400, "invalid_value", param="quality"), errors.InvalidRequest, "quality"),
    (said(400, "integer_above_max_value", param="n"), errors.InvalidRequest, "n"),
    (said(400, "string_above_max_length", param="prompt"), errors.InvalidRequest, "prompt"),
    (said(400, "missing_required_parameter", param="prompt"), errors.InvalidRequest, "prompt"),
    (said(400, "invalid_value", USER_ERROR, "size"), errors.InvalidRequest, "size"),
    (said(400, "invalid_input_fidelity_model", param="input_fidelity"), errors.InvalidRequest, "options"),
    (said(400, "invalid_image_file", USER_ERROR, "image[0]"), errors.InvalidRequest, "references"),
    (said(400, "invalid_value", USER_ERROR, "model"), errors.ModelUnavailable, "model"),
    (said(404, "model_not_found"), errors.ModelUnavailable, "model"),
    (Reply(413, {"Content-Type": "text/html"}, b"<h1>Too large</h1>"), errors.InvalidRequest, ""),
    (Reply(404, {}, b"nothing here"), errors.ModelUnavailable, ""),
    (Reply(402, {}, b""), errors.BillingError, ""),
    (said(408), errors.ServerError, ""),
    (said(409), errors.ServerError, ""),
    (said(500, None, "server_error"), errors.ServerError, ""),
    (Reply(502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"), errors.ServerError, ""),
    (said(503, "server_is_overloaded", "server_error"), errors.Overloaded, ""),
    (said(504), errors.ServerError, ""),
    ("redirect", errors.InvalidRequest, ""),
    ("html", errors.BadResponse, ""),
    ("empty", errors.BadResponse, ""),
    ("truncated_json", errors.BadResponse, ""),
    ("gzip_bomb", errors.BadResponse, ""),
    ("no_data", errors.NoPicture, ""),
    ("bad_base", errors.BadPicture, ""),
    (Reply(202, {}, {"id": "job"}), errors.BadResponse, ""),
    (Reply(200, {}, {"error": {"message": "no"}}), errors.BadResponse, ""),
    (Reply(200, {}, b"[1, 2]"), errors.NoPicture, ""),
    (Reply(200, {}, {"data": [{}, "what", None]}), errors.NoPicture, ""),
    (Reply(200, {}, {"data": [{"url": "http://x.test/a"}, "what", None]}), errors.LinkBlocked, ""),
    (Reply(200, {"Content-Encoding": "br"}, b"xxxx"), errors.BadResponse, ""),
    ("reset", errors.ConnectionLost, ""),
    ("close", errors.ConnectionLost, ""),
    ("half_body", errors.ConnectionLost, ""),
    ("half_chunked", errors.ConnectionLost, ""),
]


@pytest.mark.parametrize(("step", "kind", "field"), TABLE, ids=range(len(TABLE)))
def test_failure_is_one_post_and_the_right_error(generate, vendor, step, kind, field):
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(REQUEST)
    error = caught.value
    assert (type(error), error.field, vendor.posts) == (kind, field, 1)
    assert error.message.endswith(".")
    assert error.provider_message in ("", "Vendor's words.", "nothing here", "no")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_MODERATION", errors.Refused),
        ("FAKE_RATE", errors.RateLimited),
        ("FAKE_QUOTA", errors.BillingError),
        ("FAKE_500", errors.ServerError),
        ("FAKE_503", errors.Overloaded),
        ("FAKE_UNVERIFIED", errors.PermissionDenied),
        ("FAKE_NO_DATA", errors.BadResponse),
    ],
)
def test_words_in_the_prompt_make_the_fake_fail(generate, vendor, word, kind):
    with pytest.raises(kind) as caught:
        generate(replace(REQUEST, prompt=f"A cat, {word}, at night"))
    assert vendor.posts == 1
    assert caught.value.request_id.startswith("req_")


def test_refusal_names_what_was_refused(generate):
    with pytest.raises(errors.Refused, match=r"\(violence\)"):
        generate(replace(REQUEST, prompt="FAKE_MODERATION"))


def test_an_organisation_that_is_not_verified_is_told_so(generate):
    with pytest.raises(errors.PermissionDenied, match="wants your organisation verified"):
        generate(replace(REQUEST, prompt="FAKE_UNVERIFIED"))


@pytest.mark.parametrize("step", ["hang", "drip"])
def test_answer_that_takes_too_long_may_have_been_charged(openai, vendor, tmp_path, monkeypatch, step):
    monkeypatch.setattr(type(openai), "request_deadline", 0.4)
    vendor.script(step)
    with pytest.raises(errors.DeadlineExceeded) as caught:
        openai.send(REQUEST, tmp_path / "call.answer")
    assert (caught.value.may_have_been_charged, vendor.posts) == (True, 1)
    assert not (tmp_path / "call.answer").exists()


def test_vendor_that_is_not_there_was_sent_nothing(openai, vendor, tmp_path):
    openai.connection = replace(
        openai.connection, base_url="http://127.0.0.1:1", allowed_private_hosts=("127.0.0.1",)
    )
    with pytest.raises(errors.NetworkError) as caught:
        openai.send(REQUEST, tmp_path / "call.answer")
    assert (caught.value.may_have_been_charged, vendor.posts) == (False, 0)
    assert caught.value.message.startswith("127.0.0.1:1 did not answer.")
    assert caught.value.message.endswith("Inside a container, 127.0.0.1 is the container itself.")


def test_private_address_needs_to_be_allowed(openai, vendor, tmp_path):
    openai.connection = replace(openai.connection, allowed_private_hosts=())
    with pytest.raises(errors.InvalidRequest, match="ALLOWED_PRIVATE_HOSTS") as caught:
        openai.send(REQUEST, tmp_path / "call.answer")
    assert (caught.value.field, vendor.posts) == ("base_url", 0)


def test_answer_larger_than_any_is_given_up(openai, vendor, tmp_path, monkeypatch):
    monkeypatch.setattr(http, "LARGEST_ANSWER", 1000)
    with pytest.raises(errors.BadResponse, match="larger"):
        openai.send(REQUEST, tmp_path / "call.answer")
    assert vendor.posts == 1


def test_stopped_before_it_is_sent_sends_nothing(openai, vendor, tmp_path):
    with pytest.raises(errors.Cancelled):
        openai.send(REQUEST, tmp_path / "call.answer", cancelled=lambda: True)
    assert vendor.posts == 0


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry_after": "7"}, "", 7),
        ({"retry_after": "0"}, "", 1),
        ({"retry_after": "86400"}, "", 900),
        ({"retry_after_ms": "2500"}, "", 2.5),
        ({}, "Please try again in 12s.", 12),
        ({}, "Please try again in 1m30s.", 90),
        ({}, "Please try again in 250ms.", 1),
    ],
)
def test_waiting_time_is_read_and_bounded(generate, vendor, headers, message, seconds):
    vendor.script(said(429, "rate_limit_exceeded", message=message, **headers))
    with pytest.raises(errors.RateLimited) as caught:
        generate(REQUEST)
    assert caught.value.retry_after == timedelta(seconds=seconds)


# The key


@pytest.mark.parametrize(
    "step", [said(401, message=f"Bad key {KEY}"), "reset", "html", Reply(500, {}, KEY.encode())]
)
def test_key_is_in_no_error_log_or_spool_head(generate, openai, vendor, tmp_path, caplog, step):
    caplog.set_level(logging.DEBUG)
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(REQUEST)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + caught.value.provider_message
    spooled = tmp_path / "call.answer"
    shown += spooled.read_bytes().split(b"\n")[0].decode() if spooled.exists() else ""
    assert KEY not in shown + repr(openai) + repr(openai.connection) + repr(openai.build(REQUEST))


@pytest.mark.parametrize("key", ["", "   ", "sk-\n-x", "sk-ä", "sk one"])
def test_key_that_cannot_be_one_is_never_sent(openai, vendor, tmp_path, key):
    openai.connection = replace(openai.connection, api_key=key)
    with pytest.raises(errors.AuthError):
        openai.send(REQUEST, tmp_path / "call.answer")
    assert openai.test().code == "auth"
    assert vendor.requests == []


def test_key_check_is_free_and_says_what_is_wrong(openai, vendor):
    assert openai.test().ok
    openai.connection = replace(openai.connection, api_key="sk-bad-key")
    result = openai.test()
    assert (result.ok, result.code, vendor.posts) == (False, "auth", 0)


def test_free_check_never_speaks_of_money(openai, monkeypatch):
    for fault in ("reset", "half_body", "html"):
        monkeypatch.setattr(FakeOpenAI, "step_for", lambda self, request, fault=fault: fault)
        result = openai.test()
        assert not result.ok
        assert "charged" not in result.message


def test_key_that_may_not_list_models_is_still_good(openai, monkeypatch):
    monkeypatch.setattr(FakeOpenAI, "answer", lambda self, request, step: said(403))
    assert openai.test().ok


# Models


def test_live_list_has_the_vendors_models_and_then_the_retired_ones(openai):
    models = {model.id: model for model in openai.live_models()}
    assert models["gpt-image-1.5"].retires_on.isoformat() == "2026-12-01"
    assert models["gpt-image-2-2026-04-21"].capabilities == models["gpt-image-2"].capabilities
    assert models["dall-e-3"].status == "retired"
    assert list(models)[0] == openai.default_model()


def test_list_that_is_none_is_an_error(openai, monkeypatch):
    monkeypatch.setattr(FakeOpenAI, "answer", lambda self, request, step: Reply(200, {}, b"<html>"))
    with pytest.raises(errors.BadResponse):
        openai.live_models()


@pytest.mark.parametrize("model", ["dall-e-3", "dall-e-2", "gpt-image-1"])
def test_retired_model_is_refused_with_date_and_successor(openai, vendor, model):
    with pytest.raises(
        errors.ModelUnavailable, match=r"retired on \d+ \w+ 2026. Use gpt-image-2.6-flare"
    ) as caught:
        openai.check(replace(REQUEST, model=model))
    assert (caught.value.field, vendor.posts) == ("model", 0)


def test_unknown_model_is_sent_with_the_little_that_all_take(openai, generate, vendor):
    vendor.script(Reply(body={"data": [{"b64_json": base64.b64encode(b"picture").decode()}], "usage": {}}))
    generate(replace(REQUEST, model="gpt-image-9", size="1024x1536"))
    assert json.loads(vendor.last.body)["model"] == "gpt-image-9"
    with pytest.raises(errors.InvalidRequest):
        openai.check(replace(REQUEST, model="gpt-image-9", quality="high"))
    assert openai.estimate(replace(REQUEST, model="gpt-image-9")).usd is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"background": "transparent", "output_format": "jpeg"}, "background"),
        ({"options": {"output_compression": 50}}, "options"),
        ({"options": {"output_compression": 101}, "output_format": "jpeg"}, "options"),
        ({"options": {"complexity": "low"}, "model": "gpt-image-2"}, "options"),
        ({"options": {"response_format": "url"}}, "options"),
        ({"options": {"input_fidelity": "high"}, "model": "gpt-image-1.5"}, "options"),
        ({"quality": "max", "model": "gpt-image-2"}, "quality"),
        ({"background": "transparent", "model": "gpt-image-2"}, "background"),
        ({"size": "1000x1000"}, "size"),
        ({"size": "1536x864", "model": "gpt-image-1.5"}, "size"),
        ({"style": "vivid"}, "style"),
        ({"seed": 1}, "seed"),
        ({"negative_prompt": "hands"}, "negative_prompt"),
        ({"n": 11}, "n"),
        ({"n": 0}, "n"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * 32001}, "prompt"),
        ({"mode": "variation"}, "mode"),
        ({"mode": "edit"}, "references"),
        ({"stream": True, "model": "gpt-image-7"}, "stream"),
    ],
)
def test_what_the_model_does_not_take_is_refused_by_name(openai, change, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        openai.check(replace(REQUEST, **change))
    assert caught.value.field == field


def test_reference_of_another_kind_is_refused(openai, tmp_path):
    gif = InputImage(path=tmp_path / "a.gif", mime_type="image/gif")
    with pytest.raises(errors.InvalidRequest) as caught:
        openai.check(replace(REQUEST, mode="edit", references=(gif,)))
    assert caught.value.field == "references"


def test_vendors_own_address_is_used_without_another():
    provider = registry.connect("openai", Connection(api_key=KEY))
    assert provider.build(REQUEST).url == "https://api.openai.com/v1/images/generations"
