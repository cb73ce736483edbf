"""What goes wrong at Google: one POST each, whatever happens."""

import logging
import traceback
from datetime import timedelta

import pytest

from providers import errors
from tests.fake_vendors.base import Reply
from tests.providers.conftest import KEY
from tests.providers.google.conftest import REQUEST


def said(status, name="INVALID_ARGUMENT", message="Vendor's words.", *details, **headers):
    error = {"code": status, "message": message, "status": name, "details": list(details)}
    return Reply(status, {key.replace("_", "-"): value for key, value in headers.items()}, {"error": error})


WRONG = "INVALID_ARGUMENT"
KEY_REASON = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
RATIO = (
    "* GenerateContentRequest.generation_config.image_config.aspect_ratio: aspect_ratio must be one of '1:1'."
)
TABLE = [
    (said(400, WRONG, "API key not valid.", KEY_REASON), errors.AuthError, ""),
    (said(400, WRONG, "API key expired. Please renew the API key.", KEY_REASON), errors.AuthError, ""),
    (said(400, WRONG, "Multiple authentication credentials received."), errors.AuthError, ""),
    (said(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."), errors.AuthError, ""),
    (said(401, "UNAUTHENTICATED"), errors.AuthError, ""),
    (said(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers"), errors.AuthError, ""),
    (said(403, "PERMISSION_DENIED", "Your API key was reported as leaked."), errors.AuthError, ""),
    (said(403, "PERMISSION_DENIED", "x", {"reason": "SERVICE_DISABLED"}), errors.PermissionDenied, ""),
    (said(403, "PERMISSION_DENIED", "x", {"reason": "API_KEY_SERVICE_BLOCKED"}), errors.PermissionDenied, ""),
    (said(404, "NOT_FOUND"), errors.ModelUnavailable, "model"),
    (said(400, WRONG, 'Unknown name "aspectRatio" at \'generation_config\''), errors.InvalidRequest, ""),
    (said(400, WRONG, RATIO), errors.InvalidRequest, "aspect_ratio"),
    (said(400, WRONG, "image_config.image_size is wrong"), errors.InvalidRequest, "resolution"),
    (said(400, WRONG, "Image part is missing a thought_signature"), errors.InvalidRequest, ""),
    (said(400, WRONG, "Unable to process input image."), errors.InvalidRequest, "references"),
    (said(400, WRONG, "Provided image is not valid."), errors.InvalidRequest, "references"),
    (said(400, "FAILED_PRECONDITION", "User location is not supported"), errors.PermissionDenied, ""),
    (said(400, "FAILED_PRECONDITION", "Please enable billing."), errors.BillingError, ""),
    (said(429, "RESOURCE_EXHAUSTED"), errors.RateLimited, ""),
    (said(429, "RESOURCE_EXHAUSTED", "check your plan and billing details."), errors.RateLimited, ""),
    (said(429, "RESOURCE_EXHAUSTED", "Quota exceeded, limit: 0"), errors.BillingError, ""),
    (said(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", DAY), errors.BillingError, ""),
    (said(429, "RESOURCE_EXHAUSTED", "exceeded its monthly spending cap"), errors.BillingError, ""),
    (said(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), errors.BillingError, ""),
    (said(400, WRONG, "Request payload size exceeds the limit"), errors.InvalidRequest, "references"),
    (Reply(413, {"Content-Type": "text/html"}, b"<h1>Too large</h1>"), errors.InvalidRequest, ""),
    (said(408, "CANCELLED"), errors.ServerError, ""),
    (said(409, "ABORTED"), errors.ServerError, ""),
    (said(500, "INTERNAL"), errors.ServerError, ""),
    (Reply(500, {}, b'[{"error": {"code": 500, "message": "x"}}]'), errors.ServerError, ""),
    (Reply(502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"), errors.ServerError, ""),
    (said(503, "UNAVAILABLE"), errors.Overloaded, ""),
    (said(504, "DEADLINE_EXCEEDED"), errors.ServerError, ""),
    ("redirect", errors.InvalidRequest, ""),
    ("html", errors.BadResponse, ""),
    ("empty", errors.BadResponse, ""),
    ("truncated_json", errors.BadResponse, ""),
    ("gzip_bomb", errors.BadResponse, ""),
    (Reply(200, {}, b"{}"), errors.NoPicture, ""),
    (Reply(200, {}, b"[1, null]"), errors.NoPicture, ""),
    (Reply(200, {}, {"candidates": {}}), errors.NoPicture, ""),
    (Reply(200, {}, {"candidates": [{"content": {"parts": [{"inlineData": {"data": "<p>"}}]}}]}),
     errors.BadPicture, ""),
    (Reply(200, {}, {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png"}}]}}]}),
     errors.NoPicture, ""),
    (Reply(200, {}, {"error": {"code": 500, "message": "x"}}), errors.ServerError, ""),
    ("reset", errors.ConnectionLost, ""),
    ("close", errors.ConnectionLost, ""),
    ("half_body", errors.ConnectionLost, ""),
]  # fmt: skip


@pytest.mark.parametrize(("step", "kind", "field"), TABLE, ids=range(len(TABLE)))
@pytest.mark.thorough
def test_failure_is_one_post_and_the_right_error(generate, vendor, step, kind, field):
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(REQUEST)
    error = caught.value
    assert (type(error), error.field, vendor.posts) == (kind, field, 1)
    assert error.message.endswith(".")
    assert error.may_have_been_charged == (kind.may_have_been_charged or step == "redirect")


@pytest.mark.parametrize(
    ("details", "message", "headers", "seconds"),
    [
        ([{"retryDelay": "37s"}], "Please retry in 40.1s.", {}, 37),
        ([{"retryDelay": "2.5s"}], "", {}, 2.5),
        ([{"retryDelay": "9s"}], "", {"retry_after": "7"}, 7),
        ([], "Please retry in 37.36s.", {}, 37.36),
        ([{"retryDelay": "86400s"}], "", {}, 900),
        ([{"retryDelay": "soon"}], "", {}, None),
    ],
)
def test_waiting_time_is_read_and_bounded(generate, vendor, details, message, headers, seconds):
    vendor.script(said(429, "RESOURCE_EXHAUSTED", message, *details, **headers))
    with pytest.raises(errors.RateLimited) as caught:
        generate(REQUEST)
    assert caught.value.retry_after == (seconds and timedelta(seconds=seconds))


def test_answer_that_takes_too_long_may_have_been_charged(google, vendor, tmp_path, monkeypatch):
    monkeypatch.setattr(type(google), "request_deadline", 0.4)
    vendor.script("hang")
    with pytest.raises(errors.DeadlineExceeded):
        google.send(REQUEST, tmp_path / "call.answer")
    assert (vendor.posts, list(tmp_path.glob("call*"))) == (1, [])


@pytest.mark.parametrize("step", [said(401, "UNAUTHENTICATED", f"Bad key {KEY}"), "reset", "html"])
def test_key_is_in_no_error_log_or_spool_head(generate, google, vendor, tmp_path, caplog, step):
    caplog.set_level(logging.DEBUG)
    vendor.script(step)
    with pytest.raises(errors.ProviderError) as caught:
        generate(REQUEST)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + caught.value.provider_message
    spooled = tmp_path / "call.answer"
    shown += spooled.read_bytes().split(b"\n")[0].decode() if spooled.exists() else ""
    assert KEY not in shown + repr(google) + repr(google.build(REQUEST))
