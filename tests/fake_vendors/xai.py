"""xAI's image API as it is documented, stricter than the real one about what it does not know.

Words in the prompt make it fail: FAKE_MODERATION (an error with a bill), FAKE_MODERATED_ITEM, FAKE_NO_DATA,
FAKE_RATE, FAKE_BUSY, FAKE_CREDIT, FAKE_BLOCKED, FAKE_OLD_CODES, FAKE_500, FAKE_503, FAKE_URL (addresses
although base64 was asked for), FAKE_FAILED (a deferred picture that fails), FAKE_FEWER, and each fault of
`base.FAULTS`. `polls` scripts what the next questions about deferred pictures meet. By hand:
`python -m tests.fake_vendors.xai`.
"""

import argparse
import base64
import contextlib
import io
import json
import sys
import threading
import time
from hashlib import sha256
from typing import Any

from PIL import Image

from tests.fake_vendors import chat
from tests.fake_vendors.base import FakeVendor, Recorded, Reply

TEAM = "team 1f2e3d4c-0000-4000-8000-000000000000"
TICKS = {  # of one picture
    "grok-imagine-image-2.0": {"1k/low": 4, "1k/medium": 6, "2k/low": 6, "2k/medium": 8},
    "grok-imagine-image": {"1k": 2, "2k": 2},
}
CENT = 10**8  # ticks
REDIRECTED = {"grok-imagine-image-quality": "grok-imagine-image-2.0"}
MOST_REFERENCES = {"grok-imagine-image-2.0": 5, "grok-imagine-image": 3}
WRITERS = {"grok-4.3": {"none", "low", "medium", "high"}, "grok-4.7": {"low", "medium", "high"}}
COMMON = {
    "model", "prompt", "n", "aspect_ratio", "resolution", "quality", "response_format", "user", "deferred",
    "storage_options", "output",
}  # fmt: skip
RATIOS = {
    "auto", "1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2",
    "2:1",
}  # fmt: skip
NEW_RATIOS = {"21:9", "5:2"}
WORDS = {
    "resolution": {"1k", "1.5k", "2k"},
    "quality": {"auto", "low", "medium"},
    "response_format": {"url", "b64_json"},
}
MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
LINK_SECONDS = 60.0
BAD_KEY = "Incorrect API key provided. You can obtain an API key from https://console.x.ai."


class Refusal(Exception):
    """The request breaks a rule."""

    def __init__(self, status: int, code: str, error: str, **more: Any):
        super().__init__(error)
        headers = more.pop("headers", {})
        self.reply = Reply(status, headers, {"code": code, "error": error, **more})


class FakeXAI(FakeVendor):
    root = "/v1"

    def __init__(self, port: int = 0):
        super().__init__(port)
        self.polls: list[Reply | str] = []
        self.jobs: dict[str, dict[str, Any]] = {}  # what a deferred picture will be, by its id
        self.asked: dict[str, int] = {}  # how often each was asked for
        self.links: dict[str, bytes] = {}
        self.fetched: dict[str, float] = {}  # when each address was used first

    def step_for(self, request: Recorded):
        if request.method == "GET" and request.path.startswith("/v1/images/"):
            return self.polls.pop(0) if self.polls else ""
        return super().step_for(request)

    def answer(self, request: Recorded, step: str) -> Reply:
        if request.path in self.links:
            return self._picture(request.path)
        try:
            reply = self._route(request, step)
        except Refusal as refusal:
            reply = refusal.reply
        reply.headers = {"x-request-id": f"xai-req-{len(self.requests)}", **reply.headers}
        return reply

    def _route(self, request: Recorded, step: str) -> Reply:
        check_key(request)
        match request.method, request.path:
            case "GET", "/v1/api-key":
                return Reply(body=KEY_FACTS)
            case "GET", "/v1/image-generation-models":
                return Reply(body={"models": [listed(name) for name in TICKS]})
            case "POST", "/v1/images/generations":
                fields = json_fields(request)
                check_fields(fields, COMMON)
                return self._draw(fields, 0, step)
            case "POST", "/v1/images/edits":
                fields = json_fields(request)
                check_fields(fields, COMMON | {"image", "images"})
                return self._draw(fields, check_pictures(fields), step)
            case "POST", "/v1/chat/completions":
                return write(json_fields(request))
        if request.method == "GET" and request.path.startswith("/v1/images/"):
            return self._poll(request.path.removeprefix("/v1/images/"))
        raise Refusal(404, "not-found", f"No such path: {request.path}")

    def _draw(self, fields: dict[str, Any], references: int, step: str) -> Reply:
        trigger(fields)
        model = REDIRECTED.get(fields["model"], fields["model"])
        count = max(1, fields.get("n", 1) - 1) if step == "fewer" else fields.get("n", 1)
        pictures = [draw(fields, index) for index in range(count)]
        by_url = fields.get("response_format", "url") == "url" or "FAKE_URL" in fields["prompt"]
        items = [self._linked(picture) if by_url else encoded(picture) for picture in pictures]
        if "FAKE_MODERATED_ITEM" in fields["prompt"]:
            items[0] = {"url": "", "b64_json": "", "respect_moderation": False}
        if "FAKE_NO_DATA" in fields["prompt"]:
            items = []
        body = {"data": items, "usage": {"cost_in_usd_ticks": ticks(fields, references)}, "model": model}
        return self._defer(fields, body) if fields.get("deferred") else Reply(body=body)

    def _linked(self, picture: bytes) -> dict[str, Any]:
        path = f"/xai-imgen/{sha256(picture).hexdigest()[:16]}-{len(self.links)}.jpeg"
        self.links[path] = picture
        return {"url": f"http://127.0.0.1:{self.port}{path}", "mime_type": "image/jpeg", "revised_prompt": ""}

    def _picture(self, path: str) -> Reply:
        first = self.fetched.setdefault(path, time.monotonic())
        if time.monotonic() - first > LINK_SECONDS:
            return Reply(404, {}, b"gone")
        return Reply(200, {"Content-Type": "image/jpeg"}, self.links[path])

    def _defer(self, fields: dict[str, Any], body: dict[str, Any]) -> Reply:
        known = f"b7d0c0a2-{len(self.jobs):04}"
        self.jobs[known] = {"request_id": known, "status": "done", **body}
        if "FAKE_FAILED" in fields["prompt"]:
            error = {"code": "internal_error", "message": "The picture could not be made."}
            self.jobs[known] = {"request_id": known, "status": "failed", "error": error}
        return Reply(body={"request_id": known})

    def _poll(self, known: str) -> Reply:
        if known not in self.jobs:
            raise Refusal(404, "not-found", "No such request, or it is older than 24 hours.")
        self.asked[known] = self.asked.get(known, 0) + 1
        if self.asked[known] == 1:
            return Reply(202, {}, {"request_id": known, "status": "pending"})
        return Reply(body=self.jobs[known])


KEY_FACTS = {
    "redacted_api_key": "xai-...b14o",
    "user_id": "u-1",
    "name": "gallery",
    "create_time": "2026-10-01T09:00:00Z",
    "modify_time": "2026-10-01T09:00:00Z",
    "team_id": "1f2e3d4c",
    "acls": ["api-key:endpoint:*", "api-key:model:*"],
    "api_key_id": "k-1",
    "team_blocked": False,
    "api_key_blocked": False,
    "api_key_disabled": False,
}
BILL = {"usage": {"cost_in_usd_ticks": 900_000_000}}
TRIGGERS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "FAKE_MODERATION": (
        400, "imagine:content-moderated", "Generated image rejected by content moderation.", BILL,
    ),
    "FAKE_OLD_CODES": (
        400, "Client specified an invalid argument", "Generated image rejected by content moderation.", {},
    ),
    "FAKE_RATE": (
        429, "resource-exhausted",
        f"Too many requests for {TEAM} and model grok-imagine-image-2.0. Your team's rate limit is —"
        " Requests per Second (actual/limit): 2/2.", {"headers": {"retry-after": "2"}},
    ),
    "FAKE_BUSY": (
        429, "resource-exhausted", "The model is currently at capacity due to high demand.", {},
    ),
    "FAKE_CREDIT": (
        403, "permission-denied",
        f"Your {TEAM} has either used all available credits or reached its monthly spending limit. To"
        " continue making API requests, please purchase more credits or raise your spending limit.", {},
    ),
    "FAKE_BLOCKED": (403, "permission-denied", "The API key lacks the ACL for this endpoint.", {}),
    "FAKE_500": (500, "internal", "Internal error.", {}),
    "FAKE_503": (503, "unavailable", "The service is currently unavailable.", {}),
}  # fmt: skip


def trigger(fields: dict[str, Any]) -> None:
    text = json.dumps(fields.get("prompt") or fields.get("messages"))
    for word, (status, code, error, more) in TRIGGERS.items():
        if word in text:
            raise Refusal(status, code, error, **dict(more))


def write(fields: dict[str, Any]) -> Reply:
    """A text, with xAI's own count: thinking apart from the answer, and the bill in ticks."""
    efforts = WRITERS.get(fields.get("model", ""))
    if efforts is None:
        raise Refusal(
            404, "not-found", f"The model does not exist or your {TEAM} does not have access to it."
        )
    if fields.get("reasoning_effort", "low") not in efforts:
        raise Refusal(400, "invalid-argument", "Argument not supported: reasoning_effort")
    trigger(fields)
    user = fields.pop("user", "")
    if not isinstance(user, str):
        raise Refusal(422, "", "user must be a string")
    try:
        reply = chat.reply(fields)
    except chat.Wrong as wrong:
        raise Refusal(400, "invalid-argument", str(wrong)) from wrong
    counted = reply.body["usage"]
    counted["completion_tokens_details"] = {"reasoning_tokens": 100}
    counted["total_tokens"] = 2500
    counted["cost_in_usd_ticks"] = 27_000_000
    return reply


def draw(fields: dict[str, Any], index: int) -> bytes:
    """A plain JPEG of about the asked shape."""
    ratio = fields.get("aspect_ratio", "auto")
    wide, high = (float(side) for side in ("1:1" if ratio == "auto" else ratio).split(":"))
    side = {"1k": 1024, "1.5k": 1536, "2k": 2048}[fields.get("resolution", "1k")]
    size = (side, round(side * high / wide)) if wide >= high else (round(side * wide / high), side)
    color = tuple(sha256(f"{fields['prompt']}/{index}".encode()).digest()[:3])
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "JPEG")
    return file.getvalue()


def encoded(picture: bytes) -> dict[str, Any]:
    return {"b64_json": base64.b64encode(picture).decode(), "mime_type": "image/jpeg", "revised_prompt": ""}


def ticks(fields: dict[str, Any], references: int) -> int:
    model = REDIRECTED.get(fields["model"], fields["model"])
    resolution = fields.get("resolution", "1k")
    usual = "medium" if references else "low"
    quality = fields.get("quality", "auto").replace("auto", usual)
    prices = TICKS[model]
    each = prices.get(f"{resolution}/{quality}") or prices[resolution]
    return fields.get("n", 1) * (each + (references if model.endswith("2.0") else 0)) * CENT


def listed(name: str) -> dict[str, Any]:
    rows = [dict(zip(("resolution", "quality"), key.split("/"), strict=False)) for key in TICKS[name]]
    cents = TICKS[name].values()
    prices = [{**row, "price_per_image": each * CENT} for row, each in zip(rows, cents, strict=True)]
    return {
        "id": name,
        "object": "model",
        "created": 1785542400,
        "owned_by": "xai",
        "version": "2.0",
        "fingerprint": "fp_1a2b3c4d5e",
        "input_modalities": ["text", "image"],
        "output_modalities": ["image"],
        "max_prompt_length": 1024,
        "image_price": max(TICKS[name].values()),
        "pricing": prices if "quality" in rows[0] else [],
        "aliases": [],
    }


# Rules


def check_key(request: Recorded) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key.strip():
        raise Refusal(401, "unauthenticated", "No Authorization header was given.")
    if "bad" in key:
        raise Refusal(400, "invalid-argument", BAD_KEY)


def json_fields(request: Recorded) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        refusal = Refusal(415, "", "")
        refusal.reply = Reply(415)
        raise refusal
    try:
        return request.json
    except json.JSONDecodeError as exc:
        raise Refusal(400, "invalid-argument", "The body is not JSON.") from exc


def check_fields(fields: dict[str, Any], known: set[str]) -> None:
    for name in fields:
        if name not in known:
            raise Refusal(400, "invalid-argument", f"Argument not supported: {name}")
    check_types(fields)
    model = fields.get("model")
    if model not in TICKS and model not in REDIRECTED:
        why = f"The model {model} does not exist or your {TEAM} does not have access to it."
        raise Refusal(404, "not-found", why)
    if not fields.get("prompt"):
        raise Refusal(400, "invalid-argument", "The prompt is empty.")
    if not 1 <= fields.get("n", 1) <= 10:
        raise Refusal(400, "invalid-argument", "n must be between 1 and 10.")
    ratios = RATIOS | (NEW_RATIOS if model != "grok-imagine-image" else set())
    for name, values in {**WORDS, "aspect_ratio": ratios}.items():
        if name in fields and fields[name] not in values:
            raise Refusal(400, "invalid-argument", f"Unknown {name}: {fields[name]}")
    if fields.get("deferred") and fields.get("response_format", "url") != "url":
        raise Refusal(400, "invalid-argument", "A deferred picture comes as url only.")


def check_types(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        wanted = {"n": int, "deferred": bool, "image": dict, "images": list}.get(name, str)
        if name not in ("storage_options", "output") and type(value) is not wanted:
            why = f"Failed to deserialize the JSON body into the target type: {name}: invalid type"
            refusal = Refusal(422, "", why)
            refusal.reply = Reply(422, {"Content-Type": "text/plain"}, why.encode())
            raise refusal


def check_pictures(fields: dict[str, Any]) -> int:
    """How many pictures go along, each of them what it says it is."""
    if ("image" in fields) == ("images" in fields):
        raise Refusal(400, "invalid-argument", "Send image or images.")
    pictures = fields.get("images") or [fields.get("image")]
    most = MOST_REFERENCES[REDIRECTED.get(fields["model"], fields["model"])]
    if not 1 <= len(pictures) <= most:
        raise Refusal(400, "invalid-argument", f"Send 1 to {most} images.")
    if "image" in fields and "aspect_ratio" in fields:
        raise Refusal(400, "invalid-argument", "aspect_ratio needs several images.")
    for picture in pictures:
        head, _, data = picture["url"].removeprefix("data:").partition(";base64,")
        if not base64.b64decode(data, validate=True).startswith(MAGIC.get(head, b"?")):
            raise Refusal(400, "invalid-argument", "An image cannot be read.")
    return len(pictures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the fake xAI until Ctrl-C.")
    parser.add_argument("--port", type=int, default=9002)
    with FakeXAI(parser.parse_args().port) as vendor, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{vendor.url}  ALLOWED_PRIVATE_HOSTS={vendor.allowed[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()
