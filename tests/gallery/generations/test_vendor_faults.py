"""Whatever a vendor's server does: how often it was asked, what the person is told, and what it may cost."""

import base64
import gzip
import io
import json
import random
import re
import socket
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image as PillowImage

from gallery.generations import calls, generation, recovery
from gallery.models import ConnectionProfile, GenerationCall
from tests.conftest import picture_bytes
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openai import FakeOpenAI, draw

pytestmark = pytest.mark.thorough

KEY = "sk-test-0123456789abcdef"
USAGE = {"input_tokens": 20, "output_tokens": 1000}  # 0.0301 US dollars
COST = Decimal("0.0301")
NO, MAYBE = False, True


@pytest.fixture
def vendor():
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def profile(owner, vendor, settings):
    settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
    profile = ConnectionProfile(owner=owner, name="OpenAI", provider="openai", base_url=vendor.url)
    profile.api_key = KEY
    profile.save()
    return profile


def ask(profile, **wish):
    asked = {"prompt": "a red panda", "model": "gpt-image-2.5-flare", "size": "1024x1024", "quality": "low"}
    return generation.submit(profile.owner, generation.Wish(profile=profile, **asked | wish))


def run(asked):
    for call in asked.calls.all():
        calls.run(call.pk)
    asked.refresh_from_db()
    return asked


def error(status, code=None, headers=None, **more):
    body = {"message": "Vendor's words.", "type": "x", "param": None, "code": code}
    return Reply(status, headers or {}, {"error": body | more})


def answer(*items, usage=USAGE, **more):
    return Reply(body={"created": 1, "data": list(items), "usage": usage} | more)


def coded(data):
    return {"b64_json": base64.b64encode(data).decode()}


def noise():
    file = io.BytesIO()
    PillowImage.frombytes("RGB", (64, 96), random.Random(7).randbytes(64 * 96 * 3)).save(file, "PNG")
    return file.getvalue()


GOOD = {"b64_json": draw("1024x1024", "png", "x")}
PLAIN = json.dumps({"created": 1, "data": [GOOD]})
GZIPPED = gzip.compress(json.dumps({"created": 1, "data": [GOOD], "usage": USAGE}).encode())


def raw(text, kind="application/json", encoding="identity"):
    return Reply(
        200,
        {"Content-Type": kind, "Content-Encoding": encoding},
        text if isinstance(text, bytes) else text.encode(),
    )


# What the server does: the state, `error.code`, and whether it may have been charged. One POST each.
ENDINGS = {
    "reset": ("reset", "unknown", "network", MAYBE),
    "close": ("close", "unknown", "network", MAYBE),
    "half a body": ("half_body", "unknown", "network", MAYBE),
    "half a chunked body": ("half_chunked", "unknown", "network", MAYBE),
    "drip": ("drip", "unknown", "timeout", MAYBE),
    "400": (error(400, "invalid_value"), "failed", "invalid_request", NO),
    "401": (error(401, "invalid_api_key"), "failed", "auth", NO),
    "402": (error(402), "failed", "billing", NO),
    "403": (error(403), "failed", "permission", NO),
    "404": (error(404, "model_not_found"), "failed", "model_unavailable", NO),
    "408": (error(408), "unknown", "server_error", MAYBE),
    "409": (error(409), "unknown", "server_error", MAYBE),
    "405": (error(405), "failed", "invalid_request", NO),
    "415": (error(415), "failed", "invalid_request", NO),
    "413": (error(413), "failed", "invalid_request", NO),
    "422": (error(422), "failed", "invalid_request", NO),
    "429 without credit": (error(429, "insufficient_quota"), "failed", "billing", NO),
    "500": (error(500), "unknown", "server_error", MAYBE),
    "502": (Reply(502, {}, b"<h1>Bad gateway</h1>"), "unknown", "server_error", MAYBE),
    "504": (error(504), "unknown", "server_error", MAYBE),
    "501": (error(501), "unknown", "server_error", MAYBE),
    "524": (Reply(524, {}, b"<h1>A timeout occurred</h1>"), "unknown", "server_error", MAYBE),
    "302": (Reply(302, {"Location": "https://api.openai.com/v1"}), "failed", "invalid_request", MAYBE),
    "307": (Reply(307, {"Location": "http://127.0.0.1:1/"}), "failed", "invalid_request", MAYBE),
    "308": (Reply(308, {"Location": "http://127.0.0.1:1/"}), "failed", "invalid_request", MAYBE),
    "blocked": (error(400, "moderation_blocked"), "refused", "refused", NO),
    "words of refusal": (answer(refusal="I cannot draw that.", usage=None), "refused", "refused", MAYBE),
    "an error in a 200": (
        Reply(body=error(200, "moderation_blocked").body),
        "refused",
        "refused",
        NO,
    ),
    "202": (Reply(202, {}, {"id": "job"}), "unknown", "bad_response", MAYBE),
    "html": ("html", "unknown", "bad_response", MAYBE),
    "empty": ("empty", "unknown", "bad_response", MAYBE),
    "truncated": ("truncated_json", "unknown", "bad_response", MAYBE),
    "bomb": ("gzip_bomb", "unknown", "bad_response", MAYBE),
    "false gzip": (raw(PLAIN, "application/json", "gzip"), "unknown", "bad_response", MAYBE),
    "brotli": (raw(PLAIN, "application/json", "br"), "unknown", "bad_response", MAYBE),
    "deep": (raw("[" * 200_000), "unknown", "bad_response", MAYBE),
    "NaN": (raw(PLAIN.replace('"created": 1', '"created": NaN')), "unknown", "bad_response", MAYBE),
    "1e400": (raw(PLAIN.replace('"created": 1', '"created": 1e400')), "unknown", "bad_response", MAYBE),
    "twice": (raw(PLAIN.replace("{", '{"data": [],', 1)), "unknown", "bad_response", MAYBE),
    "UTF-16": (raw(PLAIN.encode("utf-16")), "unknown", "bad_response", MAYBE),
    "BOM": (raw(PLAIN.encode("utf-8-sig")), "unknown", "bad_response", MAYBE),
    "no data": (answer(usage=None), "failed", "bad_response", MAYBE),
    "renamed": (answer({"picture": "x"}, usage=None), "failed", "bad_response", MAYBE),
    "null": (answer({"b64_json": None}, usage=None), "failed", "bad_response", MAYBE),
    "number": (answer({"b64_json": 7}, usage=None), "failed", "bad_response", MAYBE),
    "a list": (raw("[1, 2]"), "failed", "bad_response", MAYBE),
    "events": (raw(f"data: {PLAIN}\n\n", "text/event-stream"), "failed", "bad_response", MAYBE),
    "cut base64": (answer({"b64_json": GOOD["b64_json"][:-3]}, usage=None), "failed", "bad_response", MAYBE),
    "html in base64": (answer({"b64_json": "<html>"}, usage=None), "failed", "bad_response", MAYBE),
    "SVG": (answer(coded(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), usage=None), "failed", "bad_response",
            MAYBE),
    "file address": (answer({"url": "file:///etc/passwd"}, usage=None), "failed", "bad_response", MAYBE),
    "private address": (answer({"url": "https://10.0.0.1/a.png"}, usage=None), "failed", "bad_response",
                        MAYBE),
}  # fmt: skip


# What the sentence says, whatever its words.
MEANINGS = {
    "network": "connection broke before the answer was complete",
    "timeout": "in time",
    "invalid_request": "did not accept the request|too large|redirect, which was not followed to protect",
    "auth": "did not accept the key",
    "billing": "no credit",
    "permission": "rights",
    "model_unavailable": "Choose another",
    "server_error": "broke off|error of its own",
    "refused": r"declined|refused|cannot draw",
    "bad_response": "cannot be used|without a picture|sent no picture|was not asked for|raw answer is kept",
}


@pytest.mark.parametrize(("step", "status", "code", "charged"), ENDINGS.values(), ids=ENDINGS)
def test_it_is_asked_once_and_the_ending_is_told(profile, vendor, monkeypatch, step, status, code, charged):
    monkeypatch.setattr("providers.openai.OpenAI.request_deadline", 0.5 if step == "drip" else 20)
    vendor.script(step)
    asked = run(ask(profile))
    assert (asked.status, asked.error_code, asked.may_have_been_charged) == (status, code, charged)
    assert re.search(MEANINGS[code], asked.error_message), asked.error_message
    note = ("It may have been charged.", "It was charged.")
    assert asked.error_message.endswith(note) == charged
    GenerationCall.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    recovery.recover()
    run(asked)
    assert vendor.posts == 1


# What does not go wrong, or only in part: the state, and how many pictures there are.
ARRIVALS = {
    "data URL": (answer({"b64_json": "data:image/png;base64," + GOOD["b64_json"]}), 1, "done", 1),
    "data URL as address": (answer({"url": "data:image/png;base64," + GOOD["b64_json"]}), 1, "done", 1),
    "wrong type": ("wrong_mime", 1, "done", 1),
    "one pixel": (answer(coded(picture_bytes(size=(1, 1)))), 1, "done", 1),
    "twice the same": (answer(GOOD, GOOD), 2, "done", 2),
    "in any order": (answer(coded(picture_bytes()) | {"seed": 2}, GOOD | {"seed": 1}), 2, "done", 2),
    "more": (answer(GOOD, coded(picture_bytes())), 1, "done", 2),
    "fewer": ("fewer", 3, "partial", 2),
    "one is broken": (answer(GOOD, {"b64_json": "<html>"}), 2, "partial", 1),
    "one is no picture": (answer(GOOD, coded(b"<html>")), 2, "partial", 1),
    "half a picture": (answer(coded(noise()[:10_000])), 1, "partial", 1),
    "gzip": ("gzip", 1, "done", 1),
    "gzip and more": (Reply(200, {"Content-Encoding": "gzip"}, GZIPPED + b"more"), 1, "done", 1),
}


@pytest.mark.parametrize(("step", "n", "status", "count"), ARRIVALS.values(), ids=ARRIVALS)
def test_what_can_be_kept_is_kept(profile, vendor, step, n, status, count):
    vendor.script(step)
    asked = run(ask(profile, n=n))
    assert (asked.status, asked.results.count(), vendor.posts) == (status, count, 1), asked.error_message
    assert asked.cost_source == "computed"
    assert bool(asked.error_message) == bool(asked.error_code) == (status != "done")


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        (error(429, "rate_limit_exceeded", {"retry-after": "0"}), 1),
        (error(429, "rate_limit_exceeded", {"retry-after": "40"}), 40),
        (error(429, "rate_limit_exceeded", {"retry-after-ms": "7000"}), 7),
        (error(429, "rate_limit_exceeded", {"retry-after": "999999999"}), 900),
        (error(429, "rate_limit_exceeded", message="Please try again in 12s."), 12),
        (error(503, "server_is_overloaded", {"retry-after": "30"}), 30),
        (error(529, None, {"retry-after": "-5"}), 1),
        (error(429, "rate_limit_exceeded", {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}), 1),
        (error(429, "rate_limit_exceeded", {"retry-after": "1e999"}), 900),
    ],
)
def test_who_says_come_back_is_asked_again_when_it_said(profile, vendor, step, seconds):
    vendor.script(step)
    asked = run(ask(profile))
    assert (asked.status, asked.may_have_been_charged) == ("queued", False)
    assert abs(asked.retry_at - timezone.now() - timedelta(seconds=seconds)) < timedelta(seconds=1.5)
    profile.refresh_from_db()
    assert profile.paused_until == asked.retry_at


@pytest.mark.parametrize("item", [{"b64_json": "<html>"}, coded(b"no picture"), {"b64_json": 7}])
def test_tokens_that_were_counted_are_a_cost_although_no_picture_came(profile, vendor, item):
    vendor.script(answer(item))
    asked = run(ask(profile))
    assert (asked.status, asked.cost_usd, asked.cost_source) == ("failed", COST, "computed")
    assert asked.error_message.endswith("It was charged.")


def test_the_raw_answer_is_its_owners_to_download(profile, vendor, owner_client, other_client):
    vendor.script("html", "half_body", answer(coded(b"<svg/>")))
    for begins in (b"<!doctype html>", b'{"created"', b'{"created"'):
        row = run(ask(profile))
        url = f"/generations/{row.public_id}/answers/0/"
        assert url in owner_client.get(row.get_absolute_url()).content.decode()
        reply = owner_client.get(url)
        assert b"".join(reply.streaming_content).startswith(begins)
        assert reply.headers["Content-Disposition"].startswith("attachment")
        assert other_client.get(url).status_code == 404
        assert Client().get(url).status_code == 302


def test_an_error_which_may_repeat_the_key_is_not_handed_out(profile, vendor, owner_client):
    vendor.script(Reply(500, {}, {"error": {"message": f"Wrong: {KEY}"}}))
    row = run(ask(profile))
    assert owner_client.get(f"/generations/{row.public_id}/answers/0/").status_code == 404
    assert KEY not in row.provider_message


def test_a_damaged_picture_says_so_on_its_page(profile, vendor, owner_client):
    vendor.script(answer(coded(noise()[:10_000])))
    (image,) = run(ask(profile)).images.all()
    assert "arrived damaged" in owner_client.get(image.get_absolute_url()).content.decode()


def test_who_cannot_be_reached_is_tried_three_times(profile, settings):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        place = f"127.0.0.1:{nobody.getsockname()[1]}"
    settings.ALLOWED_PRIVATE_HOSTS = [place]
    ConnectionProfile.objects.update(base_url=f"http://{place}/v1")
    asked = ask(ConnectionProfile.objects.get())
    states = []
    for _ in range(4):
        GenerationCall.objects.update(run_after=timezone.now())
        states.append(run(asked).status)
    assert states == ["queued", "queued", "failed", "failed"]
    assert (asked.error_code, asked.may_have_been_charged) == ("network", False)
