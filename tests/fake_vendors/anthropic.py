"""Anthropic's Messages API as it is documented: strict about its version, pictures and schemas.

Words in the prompt make it answer in another way: FAKE_REFUSAL, FAKE_CUT, FAKE_FULL, FAKE_SILENT, FAKE_RATE,
FAKE_RAMP, FAKE_SPEND, FAKE_CREDIT, FAKE_OVERLOADED, FAKE_INTERNAL, FAKE_TIMEOUT, and each fault of
`base.FAULTS`. By hand: `python -m tests.fake_vendors.anthropic --port 9004`.
"""

import argparse
import base64
import contextlib
import io
import json
import sys
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from tests.fake_vendors.base import FakeVendor, Recorded, Reply
from tests.fake_vendors.chat import DESCRIPTION, MAGIC

VERSIONS = {"2023-06-01", "2026-10-21"}
MODELS = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-sonnet-4-5", "claude-quill-9")
FIELDS = {
    "model", "max_tokens", "messages", "system", "output_config", "metadata", "service_tier", "thinking",
    "stop_sequences", "stream", "tools", "tool_choice",
}  # fmt: skip
FORBIDDEN = {"minimum", "maximum", "minLength", "maxLength", "multipleOf"}
LARGEST_REQUEST = 32 * 1024**2
LARGEST_PICTURE = 10 * 1024**2  # in base64
LONGEST_SIDE = 8000

ERRORS: dict[str, tuple[int, str, str, dict[str, str] | None, dict[str, str]]] = {
    "rate": (
        429,
        "rate_limit_error",
        "This request would exceed your rate limit.",
        None,
        {"retry-after": "3"},
    ),
    "ramp": (
        429,
        "rate_limit_error",
        "Slow down.",
        {"error_code": "ramp_limit_exceeded"},
        {"retry-after": "9"},
    ),
    "spend": (429, "rate_limit_error", "Over.", {"error_code": "enforced_spend_limit_reached"}, {}),
    "credit": (
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API.",
        None,
        {},
    ),
    "overloaded": (529, "overloaded_error", "Overloaded", None, {}),
    "internal": (500, "api_error", "Internal server error", None, {}),
    "timeout": (504, "timeout_error", "The request timed out.", None, {}),
}


class Refusal(Exception):
    """The request breaks a rule, or the vendor is unwell."""

    def __init__(self, status: int, kind: str, message: str, details: dict[str, Any] | None = None):
        super().__init__(message)
        error = {"type": kind, "message": message, **({"details": details} if details else {})}
        self.reply = Reply(status, {}, {"type": "error", "error": error, "request_id": "req_011C"})


def wrong(message: str, **details: Any) -> Refusal:
    return Refusal(400, "invalid_request_error", message, details or None)


class FakeAnthropic(FakeVendor):
    def answer(self, request: Recorded, step: str) -> Reply:
        try:
            reply = self._route(request, step)
        except Refusal as refusal:
            reply = refusal.reply
        reply.headers = {"request-id": f"req_{len(self.requests):04}", **reply.headers}
        return reply

    def _route(self, request: Recorded, step: str) -> Reply:
        address = urlsplit(request.path)
        _check_head(request)
        match request.method, address.path:
            case "GET", "/v1/models":
                return _listing(parse_qs(address.query))
            case "POST", "/v1/messages":
                return _message(request, step)
        raise Refusal(404, "not_found_error", "Not found")


def _check_head(request: Recorded) -> None:
    given = [request.headers.get("x-api-key"), request.headers.get("authorization")]
    keys = [key.removeprefix("Bearer ") for key in given if key]
    if len(keys) != 1 or "bad" in keys[0]:
        raise Refusal(401, "authentication_error", "invalid x-api-key")
    version = request.headers.get("anthropic-version")
    if version not in VERSIONS:
        raise wrong(f"anthropic-version: {version or 'header is required'}")


def _message(request: Recorded, step: str) -> Reply:
    if len(request.body) > LARGEST_REQUEST:
        raise Refusal(413, "request_too_large", "Request exceeds the maximum size")
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise wrong("content-type: application/json is required")
    fields = request.json
    _check_fields(fields, request.headers["anthropic-version"])
    if step in ERRORS:
        status, kind, words, details, headers = ERRORS[step]
        reply = Refusal(status, kind, words, details).reply
        reply.headers = headers
        return reply
    return Reply(body=_answer(fields, step))


def _check_fields(fields: dict[str, Any], version: str) -> None:
    for name in ("temperature", "top_p", "top_k"):
        if name in fields and version == "2026-10-21":
            raise wrong(f"{name}: not permitted with this version")
    for name in fields.keys() - FIELDS - {"temperature", "top_p", "top_k"}:
        raise wrong(f"{name}: Extra inputs are not permitted")
    for name in ("model", "max_tokens", "messages"):
        if name not in fields:
            raise wrong(f"{name}: Field required")
    if fields["model"] not in MODELS:
        raise Refusal(404, "not_found_error", f"model: {fields['model']}")
    if type(fields["max_tokens"]) is not int or fields["max_tokens"] < 1:
        raise wrong("max_tokens: must be greater than or equal to 1")
    for message in fields["messages"]:
        for block in [] if isinstance(message["content"], str) else message["content"]:
            _check_block(block)
    form = fields.get("output_config", {}).get("format")
    if form:
        if form["type"] != "json_schema":
            raise wrong("output_config.format.type: must be json_schema")
        _check_schema(form["schema"])


def _check_block(block: dict[str, Any]) -> None:
    if block["type"] == "text" and block["text"]:
        return
    if block["type"] != "image" or block["source"].keys() != {"type", "media_type", "data"}:
        raise wrong("messages.0.content: Input should be a text or an image")
    source = block["source"]
    if len(source["data"]) > LARGEST_PICTURE:
        raise wrong("messages.0.content.0.image.source.base64: image exceeds 10 MB maximum")
    data = base64.b64decode(source["data"], validate=True)
    if not data.startswith(MAGIC.get(source["media_type"], b"?")):
        raise wrong(f"messages.0.content.0.image: the image does not match {source['media_type']}")
    with Image.open(io.BytesIO(data)) as picture:
        if max(picture.size) > LONGEST_SIDE:
            raise wrong(
                "At least one of the image dimensions exceed max allowed size: 8000 pixels",
                error_code="image_dimensions_too_large",
                max_side_length_pixels=LONGEST_SIDE,
            )


def _check_schema(schema: dict[str, Any]) -> None:
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise wrong("output_config.format.schema: 'additionalProperties' must be false")
    for word in schema.keys() & FORBIDDEN:
        raise wrong(f"output_config.format.schema: '{word}' is not supported")
    for inner in (*schema.get("properties", {}).values(), schema.get("items")):
        if inner:
            _check_schema(inner)


def _answer(fields: dict[str, Any], step: str) -> dict[str, Any]:
    has_form = "format" in fields.get("output_config", {})
    text = json.dumps(DESCRIPTION) if has_form else "  A red panda in a library, ink and wash.\n"
    content = [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, {"type": "text", "text": text}]
    reason, details = "end_turn", None
    if step == "refusal":
        words = "I will not describe this."
        reason, content = "refusal", []
        details = {"type": "refusal", "category": "general_harms", "explanation": words}
    elif step in ("cut", "full"):
        reason = {"cut": "max_tokens", "full": "model_context_window_exceeded"}[step]
        content[1]["text"] = text[:20]
    elif step == "silent":
        content = []
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": fields["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "stop_details": details,
        "usage": {
            "input_tokens": 1000,
            "output_tokens": 400,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 1000,
            "service_tier": "standard",
        },
    }


def _listing(query: dict[str, list[str]]) -> Reply:
    limit = int(query.get("limit", ["20"])[0])
    if not 1 <= limit <= 1000:
        raise wrong("limit: must be between 1 and 1000")
    listed = [_model(name) for name in MODELS][:limit]
    listed.append({**_model("claude-blind-1"), "capabilities": {"image_input": {"supported": False}}})
    listed.append({**_model("claude-past-1"), "lifecycle": "retired"})
    ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"]}
    return Reply(body={"data": listed, "has_more": False, **ends})


def _model(name: str) -> dict[str, Any]:
    is_ending = name == "claude-opus-5-5"
    return {
        "id": name,
        "type": "model",
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-10-07T00:00:00Z",
        "lifecycle": "deprecated" if is_ending else "active",
        "deprecated_at": "2026-11-01T00:00:00Z" if is_ending else None,
        "retires_at": "2027-02-03T00:00:00Z" if is_ending else None,
        "line": "haiku",
        "max_input_tokens": 1000000,
        "max_tokens": 128000,
        "capabilities": {"image_input": {"supported": True}, "structured_outputs": {"supported": True}},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the fake Anthropic until Ctrl-C.")
    parser.add_argument("--port", type=int, default=9004)
    with FakeAnthropic(parser.parse_args().port) as vendor, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{vendor.url}  ALLOWED_PRIVATE_HOSTS={vendor.allowed[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()
