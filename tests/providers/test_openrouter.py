"""The OpenRouter adapter against the strict fake: the Image API, chats, errors inside a 200, its lists."""

import base64
import json
import logging
import traceback
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from PIL import Image

from providers import errors, registry
from providers.base import (
    Choice,
    Connection,
    DescribeRequest,
    ImageRequest,
    InputImage,
    TextRequest,
    Turn,
    Usage,
)
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openrouter import (
    FLUX,
    GEMINI,
    GPT,
    KEY_FACTS,
    TALKER,
    WRITER,
    FakeOpenRouter,
    picture,
)

KEY = "sk-or-v1-0123456789abcdef"
REQUEST = ImageRequest(prompt="A red fox in snow", model=GEMINI)
CHAT = replace(REQUEST, options={"api": "chat"})
PICTURE = base64.b64encode(b"picture").decode()


@pytest.fixture
def vendor():
    with FakeOpenRouter() as fake:
        yield fake


@pytest.fixture
def openrouter(vendor):
    connection = Connection(base_url=vendor.url, api_key=KEY, allowed_private_hosts=vendor.allowed)
    return registry.connect("openrouter", connection)


@pytest.fixture
def generate(openrouter, tmp_path):
    def send_and_read(request, on_partial=None):
        openrouter.check(request)
        answer = openrouter.send(request, tmp_path / "call.answer", on_partial=on_partial)
        return openrouter.read(request, answer, tmp_path)

    return send_and_read


@pytest.fixture
def references(tmp_path, picture):
    def make(count):
        made = []
        for number in range(count):
            path = tmp_path / f"{number}.png"
            path.write_bytes(picture())
            made.append(InputImage(path=path, mime_type="image/png"))
        return tuple(made)

    return make


def options(provider, **given):
    provider.connection = replace(provider.connection, options=given)


def url_of(image):
    return f"data:image/png;base64,{base64.b64encode(image.path.read_bytes()).decode()}"


def look(image):
    with Image.open(image.path) as drawn:
        return drawn.format, drawn.size


# What is sent: the Image API


def test_generation_is_one_post_with_what_was_asked_and_nothing_else(generate, vendor):
    generate(REQUEST)
    sent = vendor.last
    assert (vendor.posts, sent.method, sent.path) == (1, "POST", "/api/v1/images")
    assert sent.json == {"model": GEMINI, "prompt": "A red fox in snow"}
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert not [name for name in sent.headers if "referer" in name or "openrouter" in name or "title" in name]


def test_every_parameter_goes_out_under_the_vendors_name(generate, vendor, references):
    pictures = references(2)
    generate(
        replace(
            REQUEST,
            aspect_ratio="16:9",
            resolution="2K",
            seed=0,
            user_id="u_1",
            references=pictures,
            mode="edit",
        )
    )
    assert vendor.last.json == {
        "model": GEMINI,
        "prompt": "A red fox in snow",
        "aspect_ratio": "16:9",
        "resolution": "2K",
        "seed": 0,
        "input_references": [
            {"type": "image_url", "image_url": {"url": url_of(image)}} for image in pictures
        ],
        "user": "u_1",
    }


def test_model_of_openai_takes_its_own_parameters(generate, vendor):
    request = replace(REQUEST, model=GPT, n=3, quality="high", background="opaque", output_format="webp")
    result = generate(replace(request, options={"output_compression": "85"}))
    assert vendor.last.json == {
        "model": GPT,
        "prompt": "A red fox in snow",
        "n": 3,
        "quality": "high",
        "background": "opaque",
        "output_format": "webp",
        "output_compression": 85,
    }
    assert [look(image)[0] for image in result.images] == ["WEBP"] * 3


def test_referer_and_title_are_sent_only_where_the_connection_says_so(openrouter, vendor, generate):
    options(openrouter, referer="https://gallery.example", title="My gallery")
    generate(REQUEST)
    headers = vendor.last.headers
    assert (headers["http-referer"], headers["x-openrouter-title"]) == (
        "https://gallery.example",
        "My gallery",
    )


def test_routing_settings_go_along(openrouter, vendor, generate):
    options(
        openrouter,
        order="google-ai-studio, google-vertex",
        ignore=["x"],
        sort="price",
        allow_fallbacks="false",
        data_collection="allow",
        zdr="false",
    )
    generate(REQUEST)
    assert vendor.last.path == "/api/v1/images"
    assert vendor.last.json["provider"] == {
        "order": ["google-ai-studio", "google-vertex"],
        "ignore": ["x"],
        "sort": "price",
        "allow_fallbacks": False,
    }


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"data_collection": "deny"}, {"data_collection": "deny"}),
        ({"zdr": "true", "only": "x"}, {"zdr": True, "only": ["x"]}),
        ({"zdr": True}, {"zdr": True}),
        ({"routing": {"max_price": {"image": "0.1"}}}, {"max_price": {"image": "0.1"}}),
    ],
)
def test_settings_that_the_image_api_does_not_know_go_by_chat(openrouter, vendor, generate, given, sent):
    options(openrouter, **given)
    generate(REQUEST)
    assert (vendor.last.path, vendor.last.json["provider"]) == ("/api/v1/chat/completions", sent)


# What is sent: chats


@pytest.mark.parametrize(("resolution", "sent"), [("1K", "1K"), ("4K", "4K")])
def test_chat_sends_the_picture_and_its_configuration(generate, vendor, references, resolution, sent):
    pictures = references(1)
    request = replace(CHAT, aspect_ratio="16:9", resolution=resolution, seed=7, references=pictures)
    generate(replace(request, user_id="u_1"))
    assert vendor.last.path == "/api/v1/chat/completions"
    assert vendor.last.json == {
        "model": GEMINI,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "A red fox in snow"},
                    {"type": "image_url", "image_url": {"url": url_of(pictures[0])}},
                ],
            }
        ],
        "modalities": ["image", "text"],
        "image_config": {"aspect_ratio": "16:9", "image_size": sent},
        "seed": 7,
        "user": "u_1",
    }


def test_chat_has_its_own_words_for_resolutions(openrouter):
    request = replace(CHAT, model="google/gemini-3.1-flash-image", resolution="512")
    openrouter.check(request)
    assert openrouter.build(request).json["image_config"] == {"image_size": "0.5K"}
    model = openrouter.model_info(GEMINI)
    able = replace(model.capabilities, resolution=Choice(values=("1.5K",)))
    openrouter.connection = replace(openrouter.connection, listed=(replace(model, capabilities=able),))
    with pytest.raises(errors.InvalidRequest, match="must be one of 512, 1K, 2K, 4K") as caught:
        openrouter.check(replace(CHAT, resolution="1.5K"))
    assert caught.value.field == "resolution"


def test_model_that_only_talks_goes_by_chat_and_one_that_only_draws_says_so(openrouter, vendor, generate):
    generate(replace(REQUEST, model=TALKER))
    assert vendor.last.json["modalities"] == ["image", "text"]
    options(openrouter, zdr=True)
    generate(replace(REQUEST, model=FLUX))
    assert vendor.last.json["modalities"] == ["image"]


def test_next_turn_repeats_the_models_message_byte_for_byte(generate, vendor):
    first = generate(CHAT)
    assert len(json.dumps(first.images[0].facts)) > 40_000  # its signature was too long to be kept in memory
    came = InputImage(path=first.images[0].path, mime_type="image/png")
    turn = Turn(prompt="A red fox in snow", pictures=(came,), facts=dict(first.images[0].facts))
    request = replace(REQUEST, prompt="Make it night.", turns=(turn,))
    generate(request)
    user, answered, asked = vendor.last.json["messages"]
    assert (user["content"], asked["content"]) == ("A red fox in snow", "Make it night.")
    said = vendor.said[0]
    assert answered == {name: value for name, value in said.items() if value is not None}
    assert vendor.posts == 2


def test_turn_of_another_api_goes_along_as_the_persons_own_picture(generate, vendor, references):
    pictures = references(2)
    turn = Turn(prompt="A fox", references=pictures[:1], pictures=pictures[1:], facts={"x": 1})
    generate(replace(REQUEST, prompt="Make it night.", turns=(turn,)))
    first, second = vendor.last.json["messages"]
    assert [part["type"] for part in first["content"]] == ["text", "image_url", "image_url"]
    assert second == {"role": "user", "content": "Make it night."}


def test_several_pictures_are_split_by_what_each_way_takes(openrouter):
    def counts(request):
        return [part.n for part in openrouter.split(request)]

    assert counts(replace(REQUEST, n=3)) == [1, 1, 1]
    assert counts(replace(REQUEST, model=GPT, n=4)) == [4]
    assert counts(replace(REQUEST, model=GPT, n=2, options={"api": "chat"})) == [1, 1]
    assert counts(replace(REQUEST, model=GPT, n=2, stream=True)) == [1, 1]


# What is read


def test_answer_becomes_pictures_with_the_cost_that_is_reported(generate):
    result = generate(REQUEST)
    assert look(result.images[0]) == ("JPEG", (96, 64))
    assert (result.usage.cost_usd, result.usage.cost_source) == (Decimal("0.037"), "reported")
    assert result.usage.raw["completion_tokens_details"]["image_tokens"] == 1680
    assert result.request_id == "or-req-1"


def test_chats_answer_becomes_pictures_with_the_name_of_the_generation(generate):
    result = generate(CHAT)
    assert look(result.images[0]) == ("PNG", (96, 64))
    assert (result.usage.cost_usd, result.usage.cost_source) == (Decimal("0.037"), "reported")
    assert (result.model, result.request_id) == (GEMINI, "gen-1795305600-abc")


@pytest.mark.parametrize("model", [GEMINI, GPT, TALKER])
def test_estimate_is_what_is_then_reported(openrouter, generate, model):
    request = replace(REQUEST, model=model)
    assert openrouter.estimate(request).usd == generate(request).usage.cost_usd


@pytest.mark.parametrize(
    ("usage", "cost", "source"),
    [
        (
            {"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}},
            "0.21",
            "reported",
        ),
        ({"cost": 0, "is_byok": False}, "0", "reported"),
        ({"cost": None}, "0.037", "table"),
        (None, "0.037", "table"),
        ({"cost": 1e9}, None, "unknown"),
        ({"cost": 1e300}, None, "unknown"),
        ({"cost": -1}, None, "unknown"),
    ],
)
def test_cost_is_what_was_taken_and_where_nothing_is_said_the_list_price(
    generate, vendor, usage, cost, source
):
    vendor.script(Reply(body={"data": [{"b64_json": PICTURE}], "usage": usage}))
    used = generate(REQUEST).usage
    assert used == Usage(raw=usage or {}, cost_usd=cost and Decimal(cost), cost_source=source)


def test_picture_that_a_chat_names_by_address_is_fetched(generate, vendor, monkeypatch):
    def serve(self, request, step):
        if request.method == "GET":
            return Reply(200, {}, picture("x"))
        images = [{"type": "image_url", "image_url": {"url": f"http://127.0.0.1:{self.port}/made.png"}}]
        return Reply(body={"choices": [{"message": {"images": images}}], "usage": {"cost": 0.01}})

    monkeypatch.setattr(FakeOpenRouter, "answer", serve)
    assert look(generate(CHAT).images[0]) == ("PNG", (96, 64))
    assert "authorization" not in vendor.last.headers


def test_fewer_pictures_than_asked_are_a_result_that_says_so(generate, vendor):
    vendor.script("fewer")
    result = generate(replace(REQUEST, model=GPT, n=3))
    assert (len(result.images), result.message) == (2, "OpenRouter sent 2 of 3 pictures that can be used.")


# Streams


STREAM = replace(REQUEST, model=GPT, stream=True)


def test_stream_shows_previews_and_ends_with_the_picture(generate, vendor):
    previews = []
    result = generate(STREAM, previews.append)
    assert vendor.last.json == {"model": GPT, "prompt": "A red fox in snow", "stream": True}
    assert vendor.last.headers["accept"] == "text/event-stream"
    assert [(preview.index, preview.data[:4]) for preview in previews] == [(0, b"\x89PNG")]
    assert (look(result.images[0])[0], result.usage.cost_usd) == ("PNG", Decimal("0.053"))


def test_plain_answer_to_a_stream_is_read(generate, vendor):
    vendor.script("no_stream")
    assert len(generate(STREAM).images) == 1


def test_stream_that_breaks_off_is_unknown_and_one_that_fails_has_failed(generate, vendor):
    vendor.script("eof", "midstream_error")
    with pytest.raises(errors.ConnectionLost):
        generate(STREAM)
    with pytest.raises(errors.ServerError) as caught:
        generate(STREAM)
    assert (caught.value.may_have_been_charged, vendor.posts) == (False, 2)


# What goes wrong: one POST each, whatever happens


def said(status, kind="", message="Vendor's words.", headers=None, **error):
    about = {"metadata": {"error_type": kind}} if kind else {}
    return Reply(status, headers or {}, {"error": {"code": status, "message": message, **about, **error}})


def available(status, code):
    return said(status, availability={"code": code})


TABLE = [
    (said(400, "invalid_request"), errors.InvalidRequest, ""),
    (said(400, "invalid_prompt"), errors.InvalidRequest, "prompt"),
    (said(400, "model_not_found"), errors.ModelUnavailable, "model"),
    (said(400, message="acme/fake-1.0 is not a valid model ID"), errors.ModelUnavailable, "model"),
    (said(400, "wrong_endpoint"), errors.ModelUnavailable, "model"),
    (said(400, "invalid_image"), errors.InvalidRequest, "references"),
    (said(400, "image_too_large"), errors.InvalidRequest, "references"),
    (said(400, "image_too_small"), errors.InvalidRequest, "references"),
    (said(400, "unsupported_image_format"), errors.InvalidRequest, "references"),
    (said(400, "image_download_failed"), errors.InvalidRequest, "references"),
    (said(404, "image_not_found"), errors.InvalidRequest, "references"),
    (said(400, "content_policy_violation"), errors.Refused, ""),
    (said(400, "refusal"), errors.Refused, ""),
    (said(401, "authentication", "User not found."), errors.AuthError, ""),
    (said(401, message="No auth credentials found"), errors.AuthError, ""),
    (said(402, "payment_required"), errors.BillingError, ""),
    (said(403, "permission_denied"), errors.PermissionDenied, ""),
    (said(403, "region_restricted"), errors.PermissionDenied, ""),
    (said(403, metadata={"reasons": ["violence"], "flagged_input": "x"}), errors.Refused, ""),
    (said(404, "not_found"), errors.ModelUnavailable, "model"),
    (said(404, message="No endpoints found that support …"), errors.ModelUnavailable, "model"),
    (available(404, "no_endpoints"), errors.ModelUnavailable, "model"),
    (available(404, "model_deprecated"), errors.ModelUnavailable, "model"),
    (available(404, "model_unavailable_upstream"), errors.ModelUnavailable, "model"),
    (available(404, "privacy_restricted"), errors.ModelUnavailable, "model"),
    (available(404, "constraint_filtered"), errors.ModelUnavailable, "model"),
    (said(404, availability={"error_type": "free_variant_ended"}), errors.ModelUnavailable, "model"),
    (said(408, "timeout"), errors.ServerError, ""),
    (said(409), errors.ServerError, ""),
    (said(504, "timeout"), errors.ServerError, ""),
    (said(524, "timeout"), errors.ServerError, ""),
    (said(413, "payload_too_large"), errors.InvalidRequest, ""),
    (said(422, "unprocessable"), errors.InvalidRequest, ""),
    (said(429, "rate_limit_exceeded"), errors.RateLimited, ""),
    (said(429, "capacity_exhausted"), errors.RateLimited, ""),
    (said(500, "server"), errors.ServerError, ""),
    (said(500, "unmapped"), errors.ServerError, ""),
    (said(502, "provider_unavailable"), errors.ServerError, ""),
    (said(502, metadata={"raw": "blocked by our safety system"}), errors.Refused, ""),
    (said(503, "provider_overloaded"), errors.Overloaded, ""),
    (said(503, "temporarily_unavailable"), errors.Overloaded, ""),
    (said(529, "overloaded"), errors.Overloaded, ""),
    (Reply(502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"), errors.ServerError, ""),
    (Reply(500, {}, {"error": "text"}), errors.ServerError, ""),
    ("redirect", errors.InvalidRequest, ""),
    ("html", errors.BadResponse, ""),
    ("empty", errors.BadResponse, ""),
    ("truncated_json", errors.BadResponse, ""),
    ("gzip_bomb", errors.BadResponse, ""),
    (Reply(200, {}, b"[1]"), errors.NoPicture, ""),
    (Reply(200, {}, {"created": 1}), errors.NoPicture, ""),
    (Reply(200, {}, {"data": ["x", {"b64_json": "<html>"}]}), errors.BadPicture, ""),
    ("no_data", errors.NoPicture, ""),
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
    unsure = (errors.ServerError, errors.BadResponse, errors.ConnectionLost)
    assert error.may_have_been_charged == (isinstance(error, unsure) or step == "redirect")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_CREDIT", errors.BillingError),
        ("FAKE_MODERATION", errors.Refused),
        ("FAKE_POLICY", errors.Refused),
        ("FAKE_RATE", errors.RateLimited),
        ("FAKE_UPSTREAM", errors.ServerError),
        ("FAKE_UPSTREAM_POLICY", errors.Refused),
        ("FAKE_OVERLOADED", errors.Overloaded),
        ("FAKE_529", errors.Overloaded),
        ("FAKE_PRIVATE", errors.ModelUnavailable),
    ],
)
@pytest.mark.parametrize("request_", [REQUEST, CHAT], ids=["images", "chat"])
@pytest.mark.thorough
def test_words_in_the_prompt_make_the_fake_fail_either_way(generate, vendor, request_, word, kind):
    with pytest.raises(kind) as caught:
        generate(replace(request_, prompt=f"A cat, {word}, at night"))
    assert (type(caught.value), vendor.posts, caught.value.request_id) == (kind, 1, "or-req-1")


@pytest.mark.parametrize(("word", "seconds"), [("FAKE_RATE", 7), ("FAKE_OVERLOADED", 11), ("FAKE_529", None)])
def test_waiting_time_is_read_from_the_header_or_the_body(generate, word, seconds):
    with pytest.raises(errors.ProviderError) as caught:
        generate(replace(REQUEST, prompt=word))
    assert caught.value.retry_after == (seconds and timedelta(seconds=seconds))


def test_words_of_the_models_provider_and_the_reasons_are_told(generate):
    with pytest.raises(errors.ServerError) as caught:
        generate(replace(REQUEST, prompt="FAKE_UPSTREAM"))
    assert caught.value.provider_message == "Provider returned error: boom"
    with pytest.raises(errors.Refused, match=r"\(violence\)"):
        generate(replace(REQUEST, prompt="FAKE_MODERATION"))


# Errors inside a 200


def inside(code, usage=None, **error):
    choice = {"finish_reason": "error", "message": {"content": ""}, "error": {"code": code, **error}}
    return Reply(body={"id": "gen-7", "choices": [choice], "usage": usage})


INSIDE = [
    (inside(502, message="Provider returned error"), errors.ServerError),
    (inside("502", message="x"), errors.ServerError),
    (inside("provider_unavailable", message="x"), errors.ServerError),
    (inside(429, message="x"), errors.ServerError),
    (inside(503, message="x"), errors.ServerError),
    (inside(None), errors.ServerError),
    (inside(403, message="x", metadata={"reasons": ["a"]}), errors.Refused),
    (inside(400, message="x", metadata={"error_type": "content_policy_violation"}), errors.Refused),
    (inside(502, message="x", metadata={"raw": "PROHIBITED_CONTENT"}), errors.Refused),
    (inside(402, message="x"), errors.BillingError),
    (Reply(body={"error": {"code": 402, "message": "x"}}), errors.BillingError),
    (Reply(body={"error": "text"}), errors.ServerError),
    (Reply(body={"choices": [{"finish_reason": "error", "message": {}}]}), errors.Refused),
]


@pytest.mark.parametrize(("step", "kind"), INSIDE, ids=range(len(INSIDE)))
@pytest.mark.parametrize("request_", [REQUEST, CHAT], ids=["images", "chat"])
@pytest.mark.thorough
def test_error_inside_a_200_has_failed_and_is_never_sent_again(generate, vendor, request_, step, kind):
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(request_)
    # Of a chat that failed at the model's provider, nobody says whether it was billed.
    worked = kind is errors.Refused or caught.value.status in (500, 502)
    unsure = b'"choices"' in step.bytes() and worked
    assert (type(caught.value), caught.value.may_have_been_charged, vendor.posts) == (kind, unsure, 1)
    assert caught.value.is_settled or kind is errors.Refused
    assert caught.value.message.endswith(".")


def test_error_inside_a_200_costs_what_its_usage_says(generate, vendor):
    vendor.script(inside(502, {"cost": 0.02}, message=f"x {KEY}"))
    with pytest.raises(errors.ServerError) as caught:
        generate(CHAT)
    error = caught.value
    assert (error.cost_usd, error.may_have_been_charged, error.request_id) == (Decimal("0.02"), True, "gen-7")
    assert KEY not in error.provider_message


@pytest.mark.parametrize(
    ("prompt", "message", "words"),
    [
        ("FAKE_WORDS", "The model answered with words", "I would rather talk about it."),
        ("FAKE_SAFETY", r"declined this \(IMAGE_SAFETY\)", ""),
    ],
)
def test_chat_without_a_picture_is_refused_and_costs_what_it_cost(generate, vendor, prompt, message, words):
    with pytest.raises(errors.Refused, match=message) as caught:
        generate(replace(CHAT, prompt=prompt))
    error = caught.value
    assert (error.provider_message, error.cost_usd, vendor.posts) == (words, Decimal("0.037"), 1)
    assert error.may_have_been_charged


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"refusal": "I cannot draw that."}},
        {"finish_reason": "content_filter", "message": {"content": "I cannot draw that."}},
    ],
)
def test_refusal_of_a_chat_keeps_the_models_words(generate, vendor, choice):
    vendor.script(Reply(body={"choices": [choice], "usage": {"cost": 0}}))
    with pytest.raises(errors.Refused, match="safety filter") as caught:
        generate(CHAT)
    assert (caught.value.provider_message, caught.value.may_have_been_charged) == (
        "I cannot draw that.",
        False,
    )


@pytest.mark.parametrize(
    "body", [{"choices": []}, {"choices": [None]}, {"choices": [{"message": {"images": "x"}}]}]
)
def test_odd_answer_of_a_chat_is_no_picture(generate, vendor, body):
    vendor.script(Reply(body=body))
    with pytest.raises(errors.Refused):
        generate(CHAT)


def test_damaged_picture_of_a_chat_is_an_answer_that_cannot_be_used(generate, vendor):
    images = [{"image_url": {"url": "data:image/png;base64,<<"}}]
    vendor.script(Reply(body={"choices": [{"message": {"images": images}}]}))
    with pytest.raises(errors.BadResponse):
        generate(CHAT)


# What is refused before it is sent


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"size": "1024x1024"}, "size"),
        ({"quality": "high"}, "quality"),
        ({"resolution": "512"}, "resolution"),
        ({"style": "vivid"}, "style"),
        ({"stream": True}, "stream"),
        ({"negative_prompt": "x"}, "negative_prompt"),
        ({"n": 11}, "n"),
        ({"options": {"api": "responses"}}, "options"),
        ({"model": GPT, "seed": 1}, "seed"),
        ({"model": GPT, "quality": "high", "options": {"api": "chat"}}, "quality"),
        ({"model": GPT, "stream": True, "options": {"api": "chat"}}, "stream"),
        ({"model": GPT, "options": {"api": "chat", "output_compression": "5"}}, "options"),
        (
            {"model": "openai/gpt-image-2.5-flare", "background": "transparent", "output_format": "jpeg"},
            "background",
        ),
        ({"model": FLUX, "turns": (Turn(prompt="x"),)}, "model"),
    ],
)
def test_what_the_model_does_not_take_is_refused_by_name(openrouter, vendor, change, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        openrouter.check(replace(REQUEST, **change))
    assert (caught.value.field, vendor.requests) == (field, [])


def test_size_and_resolution_together_and_odd_pictures_are_refused(openrouter, tmp_path):
    openrouter.connection = replace(openrouter.connection, listed=openrouter.live_models())
    openrouter.check(
        replace(REQUEST, model="recraft/recraft-v4-vector", size="1024x1024", output_format="svg")
    )
    gif = InputImage(path=tmp_path / "a.gif", mime_type="image/gif")
    with pytest.raises(errors.InvalidRequest) as caught:
        openrouter.check(replace(REQUEST, references=(gif,)))
    assert caught.value.field == "references"


@pytest.mark.parametrize(
    ("model", "successor"),
    [
        ("google/gemini-2.5-flash-image-preview", GEMINI),
        ("google/gemini-2.5-flash-image", GEMINI),
        ("openai/gpt-image-1", "openai/gpt-image-2.5-flare"),
    ],
)
def test_retired_model_is_refused_with_its_successor_unless_forced(openrouter, vendor, model, successor):
    with pytest.raises(errors.ModelUnavailable, match=f"Use {successor} instead"):
        openrouter.check(replace(REQUEST, model=model))
    forced = replace(REQUEST, model=model, options={"force_model": True})
    openrouter.check(forced)
    assert openrouter.build(forced).json == {"model": model, "prompt": "A red fox in snow"}


def test_deprecated_model_is_sent(openrouter):
    openrouter.check(replace(REQUEST, model=TALKER))
    assert openrouter.model_info(TALKER).successor == GPT


# The key


@pytest.mark.parametrize("step", [said(401, message=f"Bad key {KEY}"), "reset", "html"])
def test_key_is_in_no_error_log_or_spool_head(generate, openrouter, vendor, tmp_path, caplog, step):
    caplog.set_level(logging.DEBUG)
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(REQUEST)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + caught.value.provider_message
    for kept in tmp_path.glob("call.*"):
        shown += kept.read_bytes().split(b"\n")[0].decode()
    assert KEY not in shown + repr(openrouter) + repr(openrouter.build(REQUEST))


def test_key_check_is_free_and_tells_what_is_left(openrouter, vendor):
    result = openrouter.test()
    assert (result.ok, result.message) == (True, "OpenRouter accepted the key. $14.20 of its limit are left.")
    assert (vendor.last.path, vendor.posts) == ("/api/v1/key", 0)


@pytest.mark.parametrize(
    ("facts", "ok", "code"),
    [
        ({"limit_remaining": None}, True, "ok"),
        ({"limit_remaining": 0}, False, "billing"),
        ({"limit_remaining": -0.5}, False, "billing"),
        ({"is_management_key": True}, False, "permission"),
    ],
)
def test_key_check_says_what_the_key_cannot_do(openrouter, monkeypatch, facts, ok, code):
    for name, value in facts.items():
        monkeypatch.setitem(KEY_FACTS, name, value)
    result = openrouter.test()
    assert (result.ok, result.code) == (ok, code)


def test_bad_key_and_odd_answers_fail_the_check(openrouter, monkeypatch):
    openrouter.connection = replace(openrouter.connection, api_key="sk-or-bad")
    assert openrouter.test().code == "auth"
    monkeypatch.setattr(FakeOpenRouter, "answer", lambda self, request, step: Reply(200, {}, b"[]"))
    assert openrouter.test().code == "bad_response"


# Models


def test_live_list_says_what_each_model_takes(openrouter, vendor):
    models = {model.id: model for model in openrouter.live_models()}
    assert [request.path for request in vendor.requests] == [
        "/api/v1/images/models",
        "/api/v1/models?output_modalities=image",
    ]
    gemini, gpt = models[GEMINI].capabilities, models[GPT].capabilities
    assert gemini.resolution.values == ("1K", "2K", "4K")
    assert (gemini.max_references, gemini.max_n_per_call, gemini.seed, gemini.stream) == (14, 1, True, False)
    assert (gpt.max_references, gpt.max_n_per_call, gpt.seed, gpt.stream) == (16, 10, False, True)
    assert gpt.options["output_compression"].maximum == 100
    assert gpt.resolution is None
    assert list(models)[0] == openrouter.default_model()


def test_live_list_knows_odd_models(openrouter):
    models = {model.id: model for model in openrouter.live_models()}
    vector, retouch = models["recraft/recraft-v4-vector"], models["example/retouch"]
    assert vector.capabilities.size.values == ("1024x1024", "1365x1024")
    assert (vector.capabilities.modes, vector.facts) == (("generate",), {"modalities": ["image"]})
    assert (retouch.capabilities.modes, retouch.label) == (("edit",), "Example/Retouch")
    assert models[TALKER].capabilities.options["api"].values == ("chat",)
    assert (models[FLUX].status, models[FLUX].retires_on) == ("deprecated", date(2099, 3, 1))
    assert models["google/gemini-2.5-flash-image-preview"].status == "retired"


def test_live_abilities_are_those_that_are_checked_and_sent(openrouter, generate, vendor, references):
    request = replace(
        REQUEST, model="example/retouch", mode="edit", references=references(3), resolution="2K"
    )
    with pytest.raises(errors.InvalidRequest):
        openrouter.check(request)
    openrouter.connection = replace(openrouter.connection, listed=openrouter.live_models())
    generate(request)
    assert len(vendor.last.json["input_references"]) == 3
    with pytest.raises(errors.InvalidRequest):
        openrouter.check(replace(request, mode="generate", references=()))


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 1}'])
def test_list_that_is_none_is_an_error(openrouter, monkeypatch, body):
    monkeypatch.setattr(FakeOpenRouter, "answer", lambda self, request, step: Reply(200, {}, body))
    with pytest.raises(errors.BadResponse):
        openrouter.live_models()


# Texts


TEXT = TextRequest(prompt="A panda", model=WRITER, instructions="Write a prompt.", max_tokens=300)


def test_text_is_one_post_with_what_was_asked_and_its_reported_cost(openrouter, vendor):
    completion = openrouter.complete(replace(TEXT, user_id="u_1"))
    assert completion.text == "A red panda in a library, warm lamplight, ink and wash."
    assert (completion.usage.cost_usd, completion.usage.cost_source) == (Decimal("0.00042"), "reported")
    assert vendor.last.path == "/api/v1/chat/completions"
    assert vendor.last.json == {
        "model": WRITER,
        "messages": [
            {"role": "system", "content": "Write a prompt."},
            {"role": "user", "content": "A panda"},
        ],
        "max_completion_tokens": 300,
        "reasoning_effort": "none",
        "user": "u_1",
    }


def test_description_asks_only_those_who_keep_to_the_form(openrouter, vendor, references):
    options(openrouter, zdr=True)
    image = references(1)[0]
    description = openrouter.describe(DescribeRequest(image=image, model=WRITER))
    sent = vendor.last.json
    assert sent["provider"] == {"zdr": True, "require_parameters": True}
    assert sent["messages"][-1]["content"] == [
        {"type": "text", "text": "Describe and tag this picture."},
        {"type": "image_url", "image_url": {"url": url_of(image)}},
    ]
    assert [tag.name for tag in description.tags] == ["Mirel", "red panda", "lamp"]


def test_live_list_of_writers_has_their_prices(openrouter, vendor, monkeypatch):
    (writer,) = openrouter.live_text_models()
    assert vendor.last.path == "/api/v1/models"
    assert (writer.id, writer.label, writer.effort) == (WRITER, "OpenAI GPT-6 Luna", "none")
    assert writer.prices == {"unit": "token", "text_in": Decimal("1.5"), "text_out": Decimal("7.5")}
    odd = {"id": "x/y", "pricing": {"prompt": "-1", "completion": "0.1", "input_cache_read": "what"}}
    monkeypatch.setattr(FakeOpenRouter, "answer", lambda self, request, step: Reply(body={"data": [odd]}))
    (unpriced,) = openrouter.live_text_models()
    assert (unpriced.label, unpriced.vision, unpriced.prices) == ("x/y", False, {})


def test_text_without_a_reported_cost_is_computed(openrouter, vendor):
    counted = {"prompt_tokens": 1000, "completion_tokens": 100}
    vendor.script(Reply(body={"choices": [{"message": {"content": "x"}}], "usage": counted}))
    assert openrouter.complete(TEXT).usage == Usage(
        raw=counted, cost_usd=Decimal("0.00015"), cost_source="computed"
    )


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("FAKE_TEXT_REFUSAL", errors.Refused),
        ("FAKE_TEXT_CUT", errors.BadResponse),
        ("FAKE_INSIDE", errors.ServerError),
        ("FAKE_CREDIT", errors.BillingError),
        ("FAKE_MODERATION", errors.Refused),
        ("FAKE_OVERLOADED", errors.Overloaded),
    ],
)
@pytest.mark.thorough
def test_text_that_fails_is_one_post_and_the_right_error(openrouter, vendor, word, kind):
    with pytest.raises(kind) as caught:
        openrouter.complete(replace(TEXT, prompt=word))
    assert (type(caught.value), vendor.posts) == (kind, 1)
