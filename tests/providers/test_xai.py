"""The xAI adapter against the strict fake, over real HTTP: what is sent, what is read, what goes wrong."""

import base64
import logging
import traceback
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors, jobs, registry
from providers.base import Connection, DescribeRequest, ImageRequest, InputImage, TextRequest, Usage
from tests.fake_vendors.base import Reply
from tests.fake_vendors.xai import BAD_KEY, KEY_FACTS, FakeXAI, encoded

KEY = "xai-test-0123456789abcdef"
REQUEST = ImageRequest(prompt="A red panda reading", model="grok-imagine-image-2.0")
DEFERRED = replace(REQUEST, options={"deferred": "true"})
PICTURE = base64.b64encode(b"picture").decode()


@pytest.fixture
def vendor():
    with FakeXAI() as fake:
        yield fake


@pytest.fixture
def xai(vendor, monkeypatch):
    connection = Connection(base_url=vendor.url, api_key=KEY, allowed_private_hosts=vendor.allowed)
    provider = registry.connect("xai", connection)
    monkeypatch.setattr(type(provider), "poll_pause", 0.01)
    return provider


@pytest.fixture
def generate(xai, tmp_path):
    def send_and_read(request):
        xai.check(request)
        answer = xai.send(request, tmp_path / "call.answer")
        return xai.read(request, answer, tmp_path)

    return send_and_read


@pytest.fixture
def references(tmp_path, picture):
    """A function that makes so many small pictures to go along."""

    def make(count):
        made = []
        for number in range(count):
            path = tmp_path / f"{number}.png"
            path.write_bytes(picture())
            made.append(InputImage(path=path, mime_type="image/png"))
        return tuple(made)

    return make


def look(image):
    with Image.open(image.path) as picture:
        return picture.format, picture.size


# What is sent


def test_generation_is_one_post_with_what_was_asked_and_nothing_else(generate, vendor):
    generate(REQUEST)
    sent = vendor.last
    assert (vendor.posts, sent.method, sent.path) == (1, "POST", "/v1/images/generations")
    assert sent.json == {
        "model": "grok-imagine-image-2.0",
        "prompt": "A red panda reading",
        "n": 1,
        "response_format": "b64_json",
    }
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["content-type"] == "application/json"


def test_every_parameter_goes_out_under_the_vendors_name(generate, vendor):
    generate(
        replace(REQUEST, n=2, aspect_ratio="5:2", resolution="2k", quality="medium", user_id="u_5f2c9b1e")
    )
    assert vendor.last.json == {
        "model": "grok-imagine-image-2.0",
        "prompt": "A red panda reading",
        "n": 2,
        "aspect_ratio": "5:2",
        "resolution": "2k",
        "quality": "medium",
        "response_format": "b64_json",
        "user": "u_5f2c9b1e",
    }


def test_single_reference_is_an_edit_without_a_shape(generate, vendor, references):
    picture = references(1)
    generate(replace(REQUEST, mode="edit", references=picture, aspect_ratio="auto", quality="low"))
    data = base64.b64encode(picture[0].path.read_bytes()).decode()
    assert vendor.last.path == "/v1/images/edits"
    assert vendor.last.json == {
        "model": "grok-imagine-image-2.0",
        "prompt": "A red panda reading",
        "n": 1,
        "quality": "low",
        "response_format": "b64_json",
        "image": {"url": f"data:image/png;base64,{data}"},
    }


def test_several_references_go_along_as_a_list_in_their_order(generate, vendor, references):
    pictures = references(5)
    result = generate(replace(REQUEST, references=pictures, aspect_ratio="1:1"))
    sent = vendor.last.json
    assert [item["url"].partition(",")[2] for item in sent["images"]] == [
        base64.b64encode(picture.path.read_bytes()).decode() for picture in pictures
    ]
    assert (sent["aspect_ratio"], "image" in sent, len(result.images)) == ("1:1", False, 1)


@pytest.mark.parametrize("model", ["grok-2-image", "grok-2-image-1212"])
def test_forced_old_model_gets_the_little_that_it_took(xai, model):
    request = replace(REQUEST, model=model, n=10, options={"force_model": True})
    xai.check(request)
    assert xai.build(request).json == {
        "model": model,
        "prompt": "A red panda reading",
        "n": 10,
        "response_format": "b64_json",
    }
    with pytest.raises(errors.InvalidRequest):
        xai.check(replace(request, aspect_ratio="1:1"))


def test_many_pictures_are_several_calls(xai):
    assert [part.n for part in xai.split(replace(REQUEST, n=10))] == [4, 4, 2]


# What is read


def test_answer_becomes_pictures_with_the_cost_that_xai_reports(generate):
    result = generate(replace(REQUEST, n=2, aspect_ratio="16:9"))
    assert [look(image) for image in result.images] == [("JPEG", (1024, 576))] * 2
    assert result.usage == Usage(
        raw={"cost_in_usd_ticks": 800_000_000}, cost_usd=Decimal("0.08"), cost_source="reported"
    )
    assert (result.model, result.request_id) == ("grok-imagine-image-2.0", "xai-req-1")


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({}, 0),
        ({"n": 3, "quality": "medium"}, 0),
        ({"resolution": "2k"}, 0),
        ({"quality": "low"}, 2),
        ({}, 3),
        ({"model": "grok-imagine-image", "resolution": "2k"}, 1),
    ],
)
def test_estimate_is_what_xai_then_reports(xai, generate, references, change, count):
    request = replace(REQUEST, references=references(count), **change)
    assert xai.estimate(request).usd == generate(request).usage.cost_usd
    assert xai.estimate(request).basis == "price list of 22 November 2026"


def test_model_that_really_served_and_the_revised_prompt_are_kept(generate, vendor):
    item = {"b64_json": PICTURE, "revised_prompt": "A rusty panda"}
    vendor.script(Reply(body={"data": [item], "model": "grok-imagine-image-3"}))
    result = generate(REQUEST)
    assert (result.model, result.images[0].revised_prompt) == ("grok-imagine-image-3", "A rusty panda")
    assert (result.usage.cost_usd, result.usage.cost_source) == (Decimal("0.04"), "table")


@pytest.mark.parametrize("ticks", [10**15, 10**60, -1])
def test_absurd_bill_is_not_believed(generate, vendor, ticks):
    body = {"data": [{"b64_json": PICTURE}], "usage": {"cost_in_usd_ticks": ticks}}
    vendor.script(Reply(body=body), said(400, "imagine:content-moderated", usage=body["usage"]))
    assert generate(REQUEST).usage == Usage(raw=body["usage"])
    with pytest.raises(errors.Refused) as caught:
        generate(REQUEST)
    assert (caught.value.cost_usd, caught.value.may_have_been_charged) == (None, True)


def test_refusal_without_a_bill_has_no_cost_of_its_own(generate, vendor):
    vendor.script(Reply(body={"data": []}))
    with pytest.raises(errors.Refused) as caught:
        generate(REQUEST)
    assert (caught.value.cost_usd, caught.value.may_have_been_charged) == (None, True)


def test_pictures_that_come_by_address_are_fetched_without_the_key(generate, vendor):
    result = generate(replace(REQUEST, prompt="FAKE_URL", n=2))
    assert [look(image) for image in result.images] == [("JPEG", (1024, 1024))] * 2
    assert [request.method for request in vendor.requests] == ["POST", "GET", "GET"]
    assert "authorization" not in vendor.last.headers


def test_fewer_pictures_than_asked_are_a_result_that_says_so(generate, vendor):
    vendor.script("fewer")
    result = generate(replace(REQUEST, n=3))
    assert (len(result.images), result.message) == (2, "xAI sent 2 of 3 pictures that can be used.")


# Moderation, in its three shapes


def test_item_that_is_held_back_leaves_the_others_and_says_so(generate):
    result = generate(replace(REQUEST, prompt="FAKE_MODERATED_ITEM", n=3))
    assert (len(result.images), result.refused) == (2, 1)
    assert result.message == "xAI's safety filter held back 1 of 3 pictures, which xAI charges for."
    assert result.usage.cost_usd == Decimal("0.12")


@pytest.mark.parametrize(
    ("word", "cost"),
    [
        ("FAKE_MODERATED_ITEM", Decimal("0.04")),
        ("FAKE_NO_DATA", Decimal("0.04")),
        ("FAKE_MODERATION", Decimal("0.09")),
        ("FAKE_OLD_CODES", None),
    ],
)
def test_refusal_costs_what_xai_reports(generate, vendor, word, cost):
    with pytest.raises(errors.Refused) as caught:
        generate(replace(REQUEST, prompt=word))
    error = caught.value
    assert (error.cost_usd, error.may_have_been_charged, vendor.posts) == (cost, True, 1)
    charge = "It was charged." if cost else "It may have been charged."
    assert error.message == f"xAI's safety filter declined this. Change the prompt and try again. {charge}"


# Deferred


def test_deferred_picture_is_submitted_once_and_asked_for(generate, vendor):
    result = generate(replace(DEFERRED, aspect_ratio="2:3"))
    assert vendor.requests[0].json == {
        "model": "grok-imagine-image-2.0",
        "prompt": "A red panda reading",
        "n": 1,
        "aspect_ratio": "2:3",
        "response_format": "url",
        "deferred": True,
    }
    asked = [(request.method, request.path.partition("?")[0]) for request in vendor.requests[1:3]]
    assert asked == [("GET", "/v1/images/b7d0c0a2-0000")] * 2
    assert vendor.requests[1].headers["authorization"] == f"Bearer {KEY}"
    assert look(result.images[0]) == ("JPEG", (683, 1024))
    assert (vendor.posts, result.usage.cost_source) == (1, "reported")


@pytest.mark.parametrize("value", [True, "true"])
def test_connection_can_ask_for_all_pictures_to_be_deferred(xai, value):
    xai.connection = replace(xai.connection, options={"deferred": value})
    assert xai.build(REQUEST).json["deferred"] is True
    assert "deferred" not in xai.build(replace(REQUEST, options={"deferred": False})).json


def test_crash_while_waiting_is_gone_on_from_without_a_second_post(xai, vendor, tmp_path, monkeypatch):
    spool = tmp_path / "call.answer"
    monkeypatch.setattr(type(xai), "request_deadline", 0.05)
    vendor.polls = [Reply(202)] * 100
    with pytest.raises(errors.DeadlineExceeded):
        xai.send(DEFERRED, spool)
    assert xai.can_resume(spool)
    monkeypatch.setattr(type(xai), "request_deadline", 5)
    vendor.polls = [Reply(500), Reply(202, {}, b""), Reply(200, {}, b"<html>")]
    assert len(xai.read(DEFERRED, xai.resume(DEFERRED, spool), tmp_path).images) == 1
    assert (vendor.posts, jobs.job_file(spool).exists()) == (1, False)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "internal_error", "message": "x"}, errors.ServerError),
        ({"code": "service_unavailable", "message": "x"}, errors.ServerError),
        ({"code": "permission_denied", "message": "x"}, errors.PermissionDenied),
        ({"code": "permission_denied", "message": "No credits are left."}, errors.BillingError),
        ({"code": "invalid_argument", "message": "Rejected by content moderation."}, errors.Refused),
        ({"code": "invalid_argument", "message": "Bad resolution."}, errors.InvalidRequest),
        ({"code": "failed_precondition", "message": "x"}, errors.InvalidRequest),
        ("what", errors.InvalidRequest),
    ],
)
def test_deferred_picture_that_fails_says_why(generate, vendor, error, kind):
    vendor.polls = [Reply(body={"request_id": "b7d0c0a2-0000", "status": "failed", "error": error})]
    with pytest.raises(kind) as caught:
        generate(DEFERRED)
    assert (type(caught.value), caught.value.is_settled, vendor.posts) == (kind, True, 1)


def test_key_in_a_failures_words_is_taken_out(generate, vendor):
    error = {"code": "invalid_argument", "message": f"What is {KEY}?"}
    vendor.polls = [Reply(body={"status": "failed", "error": error})]
    with pytest.raises(errors.InvalidRequest) as caught:
        generate(DEFERRED)
    assert caught.value.provider_message == f"What is {'*' * len(KEY)}?"


def test_deferred_request_that_is_refused_at_once_is_no_job(generate, xai, vendor, tmp_path):
    with pytest.raises(errors.RateLimited):
        generate(replace(DEFERRED, prompt="FAKE_RATE"))
    assert (len(vendor.requests), xai.can_resume(tmp_path / "call.answer")) == (1, False)


def test_picture_that_comes_at_once_although_it_was_deferred_is_read(generate, vendor):
    vendor.script(Reply(body={"data": [encoded(b"x" * 400_000)]}))
    assert len(generate(DEFERRED).images) == 1
    assert len(vendor.requests) == 1


def test_deferred_request_that_xai_no_longer_knows_is_unknown(generate, xai, vendor, monkeypatch):
    monkeypatch.setattr(type(xai), "unknown_patience", 0)
    vendor.polls = [Reply(404, {}, {"code": "not-found", "error": "No such request."})]
    with pytest.raises(errors.ConnectionLost) as caught:
        generate(DEFERRED)
    assert (caught.value.may_have_been_charged, vendor.posts) == (True, 1)


# What goes wrong: one POST each, whatever happens


def said(status, code="", error: object = "xAI's words.", **more):
    return Reply(status, {}, {"code": code, "error": error, **more})


OLD = "Client specified an invalid argument"
BUSY = "The model is currently at capacity due to high demand."
SPENT = "Your team has either used all available credits or reached its monthly spending limit."
GONE = "The model grok-2-image does not exist or your team does not have access to it."
TABLE = [
    (said(400, "invalid-argument", BAD_KEY), errors.AuthError, ""),
    (said(400, OLD, BAD_KEY), errors.AuthError, ""),
    (said(400, error={"message": BAD_KEY}), errors.AuthError, ""),
    (said(401, "unauthenticated"), errors.AuthError, ""),
    (said(403, "permission-denied", SPENT), errors.BillingError, ""),
    (
        said(403, "The caller does not have permission to execute the operation", SPENT),
        errors.BillingError,
        "",
    ),
    (said(429, "resource-exhausted", SPENT), errors.BillingError, ""),
    (said(403, "permission-denied", "The API key lacks the ACL."), errors.PermissionDenied, ""),
    (said(429, "resource-exhausted", "Too many requests for team x."), errors.RateLimited, ""),
    (said(429, "Some resource has been exhausted", BUSY), errors.RateLimited, ""),
    (said(400, "imagine:content-moderated"), errors.Refused, ""),
    (said(400, "invalid-argument", "Generated image rejected by content moderation."), errors.Refused, ""),
    (said(400, "invalid-argument", "Argument not supported: size"), errors.InvalidRequest, "size"),
    (said(400, "invalid-argument", "Unknown quality: high"), errors.InvalidRequest, "quality"),
    (said(400, "invalid-argument"), errors.InvalidRequest, ""),
    (said(404, "not-found", GONE), errors.ModelUnavailable, "model"),
    (Reply(405), errors.InvalidRequest, ""),
    (Reply(413), errors.InvalidRequest, ""),
    (Reply(415), errors.InvalidRequest, ""),
    (Reply(422, {}, b"Failed to deserialize the JSON body: resolution"), errors.InvalidRequest, "resolution"),
    (said(408), errors.ServerError, ""),
    (said(409), errors.ServerError, ""),
    (said(500, "internal"), errors.ServerError, ""),
    (Reply(502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"), errors.ServerError, ""),
    (said(503, "unavailable"), errors.ServerError, ""),
    (said(504), errors.ServerError, ""),
    (said(529), errors.ServerError, ""),
    ("redirect", errors.InvalidRequest, ""),
    ("html", errors.BadResponse, ""),
    ("empty", errors.BadResponse, ""),
    ("truncated_json", errors.BadResponse, ""),
    ("gzip_bomb", errors.BadResponse, ""),
    (Reply(202, {}, {"request_id": "x"}), errors.BadResponse, ""),
    (Reply(200, {}, {"request_id": "x"}), errors.NoPicture, ""),
    (Reply(200, {}, b"[1, 2]"), errors.NoPicture, ""),
    (Reply(200, {}, {"data": [{"b64_json": "<html>"}]}), errors.BadPicture, ""),
    (Reply(200, {}, {"data": [{"mime_type": "image/jpeg"}]}), errors.NoPicture, ""),
    (said(200, "invalid-argument"), errors.InvalidRequest, ""),
    ("reset", errors.ConnectionLost, ""),
    ("close", errors.ConnectionLost, ""),
    ("half_body", errors.ConnectionLost, ""),
]


@pytest.mark.parametrize(("step", "kind", "field"), TABLE, ids=range(len(TABLE)))
@pytest.mark.thorough
def test_failure_is_one_post_and_the_right_error(generate, vendor, step, kind, field):
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(REQUEST)
    error = caught.value
    assert (type(error), error.field, vendor.posts) == (kind, field, 1)
    assert error.message.endswith(".")
    charged = (errors.ServerError, errors.BadResponse, errors.ConnectionLost, errors.Refused)
    assert error.may_have_been_charged == (isinstance(error, charged) or step == "redirect")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_RATE", errors.RateLimited),
        ("FAKE_BUSY", errors.RateLimited),
        ("FAKE_CREDIT", errors.BillingError),
        ("FAKE_BLOCKED", errors.PermissionDenied),
        ("FAKE_500", errors.ServerError),
        ("FAKE_503", errors.ServerError),
    ],
)
@pytest.mark.thorough
def test_words_in_the_prompt_make_the_fake_fail(generate, vendor, word, kind):
    with pytest.raises(kind) as caught:
        generate(replace(REQUEST, prompt=f"A cat, {word}, at night"))
    assert (vendor.posts, caught.value.request_id) == (1, "xai-req-1")


def test_waiting_time_is_read(generate):
    with pytest.raises(errors.RateLimited) as caught:
        generate(replace(REQUEST, prompt="FAKE_RATE"))
    assert caught.value.retry_after == timedelta(seconds=2)


@pytest.mark.parametrize(("ticks", "is_charged"), [(900_000_000, True), (0, False)])
def test_bill_in_an_error_is_believed(generate, vendor, ticks, is_charged):
    vendor.script(said(500, usage={"cost_in_usd_ticks": ticks}))
    with pytest.raises(errors.ServerError) as caught:
        generate(REQUEST)
    assert (caught.value.cost_usd, caught.value.may_have_been_charged) == (
        Decimal(ticks) / 10**10,
        is_charged,
    )


@pytest.mark.parametrize(
    ("change", "count", "field"),
    [
        ({"size": "1024x1024"}, 0, "size"),
        ({"style": "vivid"}, 0, "style"),
        ({"background": "transparent"}, 0, "background"),
        ({"output_format": "png"}, 0, "output_format"),
        ({"seed": 1}, 0, "seed"),
        ({"negative_prompt": "hands"}, 0, "negative_prompt"),
        ({"stream": True}, 0, "stream"),
        ({"resolution": "4k"}, 0, "resolution"),
        ({"quality": "high"}, 0, "quality"),
        ({"n": 11}, 0, "n"),
        ({"mode": "variation"}, 1, "mode"),
        ({"aspect_ratio": "1:1"}, 1, "aspect_ratio"),
        ({}, 6, "references"),
        ({"model": "grok-imagine-image"}, 4, "references"),
        ({"model": "grok-imagine-image", "quality": "low"}, 0, "quality"),
        ({"model": "grok-imagine-image", "aspect_ratio": "21:9"}, 0, "aspect_ratio"),
        ({"options": {"deferred": "maybe"}}, 0, "options"),
    ],
)
def test_what_the_model_does_not_take_is_refused_by_name(xai, references, change, count, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        xai.check(replace(REQUEST, references=references(count), **change))
    assert caught.value.field == field


def test_mask_and_gif_are_refused(xai, references, tmp_path):
    gif = InputImage(path=tmp_path / "a.gif", mime_type="image/gif")
    for change, field in [
        ({"references": references(1), "mask": references(1)[0]}, "mask"),
        ({"references": (gif,)}, "references"),
    ]:
        with pytest.raises(errors.InvalidRequest) as caught:
            xai.check(replace(REQUEST, **change))
        assert caught.value.field == field


# The key


@pytest.mark.parametrize("step", [said(400, error=f"Incorrect API key provided: {KEY}"), "reset", "html"])
@pytest.mark.parametrize("request_", [REQUEST, DEFERRED])
def test_key_is_in_no_error_log_or_spool_head(generate, xai, vendor, tmp_path, caplog, step, request_):
    caplog.set_level(logging.DEBUG)
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(request_)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + caught.value.provider_message
    for kept in tmp_path.glob("call.*"):
        shown += kept.read_bytes().split(b"\n")[0].decode()
    assert KEY not in shown + repr(xai) + repr(xai.build(REQUEST))


def test_key_check_asks_about_the_key_and_costs_nothing(xai, vendor):
    assert xai.test().ok
    assert (vendor.last.method, vendor.last.path, vendor.posts) == ("GET", "/v1/api-key", 0)


@pytest.mark.parametrize("flag", ["team_blocked", "api_key_blocked", "api_key_disabled"])
def test_blocked_key_fails_its_check(xai, monkeypatch, flag):
    monkeypatch.setitem(KEY_FACTS, flag, True)
    result = xai.test()
    assert (result.ok, result.code) == (False, "permission")


@pytest.mark.parametrize(("key", "code"), [("xai-bad", "auth"), ("", "auth")])
def test_bad_key_fails_its_check(xai, key, code):
    xai.connection = replace(xai.connection, api_key=key)
    assert (xai.test().ok, xai.test().code) == (False, code)


# Models


def test_live_list_has_xais_prices_and_then_the_retired_models(xai, vendor):
    models = {model.id: model for model in xai.live_models()}
    assert vendor.last.path == "/v1/image-generation-models"
    assert models["grok-imagine-image-2.0"].prices["table"]["2k/medium"] == Decimal("0.08")
    assert models["grok-imagine-image"].prices["usd"] == Decimal("0.02")
    assert models["grok-imagine-image-quality"].status == "retired"
    assert list(models)[0] == xai.default_model()


def test_live_price_is_what_the_estimate_goes_by(xai, monkeypatch):
    entry = {"id": "grok-imagine-image-3", "input_modalities": ["text", "image"], "image_price": 9}
    monkeypatch.setattr(FakeXAI, "answer", lambda self, request, step: Reply(body={"models": [entry, {}]}))
    xai.connection = replace(xai.connection, listed=xai.live_models())
    request = replace(REQUEST, model="grok-imagine-image-3", n=2)
    assert xai.estimate(request).usd == Decimal("0.18")
    assert xai.model_info("grok-imagine-image-3").capabilities.max_references == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"models": 1}'])
def test_list_that_is_none_is_an_error(xai, monkeypatch, body):
    monkeypatch.setattr(FakeXAI, "answer", lambda self, request, step: Reply(200, {}, body))
    with pytest.raises(errors.BadResponse):
        xai.live_models()


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("grok-imagine-image-quality", " on 2 November 2026"),
        ("grok-imagine-image-quality-20260403", " on 2 November 2026"),
        ("grok-imagine-image-pro", " on 15 May 2026"),
        ("grok-2-image", ""),
        ("grok-2-image-1212", ""),
    ],
)
def test_retired_model_is_refused_with_its_successor(xai, vendor, model, day):
    with pytest.raises(errors.ModelUnavailable, match=f"retired{day}. Use grok-imagine-image-2.0") as caught:
        xai.check(replace(REQUEST, model=model))
    assert (caught.value.field, vendor.requests) == ("model", [])


# Texts


TEXT = TextRequest(prompt="A panda", model="grok-4.3", instructions="Write a prompt.", max_tokens=300)


def test_text_is_one_post_with_what_was_asked_and_nothing_else(xai, vendor):
    completion = xai.complete(replace(TEXT, user_id="u_1"))
    assert completion.text == "A red panda in a library, warm lamplight, ink and wash."
    assert (completion.usage.cost_usd, completion.usage.cost_source) == (Decimal("0.0027"), "reported")
    assert (vendor.posts, vendor.last.path) == (1, "/v1/chat/completions")
    assert vendor.last.json == {
        "model": "grok-4.3",
        "messages": [
            {"role": "system", "content": "Write a prompt."},
            {"role": "user", "content": "A panda"},
        ],
        "max_completion_tokens": 300,
        "reasoning_effort": "none",
        "user": "u_1",
    }


def test_thinking_counts_where_no_cost_is_reported(xai, vendor):
    counted = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1500}
    vendor.script(Reply(body={"choices": [{"message": {"content": "x"}}], "usage": counted}))
    usage = xai.complete(TEXT).usage
    assert usage == Usage(raw=counted, cost_usd=Decimal("0.0025"), cost_source="computed")


def test_description_shows_the_picture_and_asks_for_json(xai, vendor, references):
    description = xai.describe(DescribeRequest(image=references(1)[0], model="grok-4.7"))
    assert vendor.last.json["reasoning_effort"] == "low"
    assert vendor.last.json["response_format"]["type"] == "json_schema"
    assert [tag.name for tag in description.tags] == ["Mirel", "red panda", "lamp"]
    assert (description.usage.cost_source, vendor.posts) == ("reported", 1)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_TEXT_REFUSAL", errors.Refused),
        ("FAKE_TEXT_CUT", errors.BadResponse),
        ("FAKE_MODERATION", errors.Refused),
        ("FAKE_CREDIT", errors.BillingError),
        ("FAKE_503", errors.ServerError),
    ],
)
@pytest.mark.thorough
def test_text_that_fails_is_one_post_and_the_right_error(xai, vendor, word, kind):
    with pytest.raises(kind):
        xai.complete(replace(TEXT, prompt=word))
    assert vendor.posts == 1
