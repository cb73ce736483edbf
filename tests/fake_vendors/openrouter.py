"""OpenRouter's image API, chat completions and lists as they are documented, strict about what they take.

Words in the prompt make it fail: FAKE_CREDIT, FAKE_MODERATION, FAKE_POLICY, FAKE_RATE, FAKE_UPSTREAM,
FAKE_UPSTREAM_POLICY, FAKE_OVERLOADED, FAKE_529, FAKE_PRIVATE, FAKE_INSIDE (an error in a 200), FAKE_NO_DATA,
FAKE_WORDS (a chat without a picture), FAKE_SAFETY (a chat that ends for it), FAKE_NO_STREAM (JSON although a
stream was asked for), in streams FAKE_MIDSTREAM_ERROR, FAKE_EOF and FAKE_PAUSES, FAKE_FEWER, and each fault
of `base.FAULTS`. By hand: `python -m tests.fake_vendors.openrouter`.
"""

import argparse
import base64
import contextlib
import io
import json
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from itertools import chain
from typing import Any

from PIL import Image

from tests.fake_vendors import chat
from tests.fake_vendors.base import FakeVendor, Recorded, Reply, late

GEMINI, GPT, FLUX = "google/gemini-nano-banana-2.1", "openai/gpt-image-2", "black-forest-labs/flux-3-image"
TALKER, WRITER = "openai/gpt-5-image", "openai/gpt-6-luna"
RATIOS = ["1:1", "2:3", "3:2", "9:16", "16:9"]


def enum(*values: str) -> dict[str, Any]:
    return {"type": "enum", "values": list(values)}


def span(least: int, most: int) -> dict[str, Any]:
    return {"type": "range", "min": least, "max": most}


DRAWERS: dict[str, dict[str, Any]] = {
    GEMINI: {
        "resolution": enum("1K", "2K", "4K"),
        "aspect_ratio": enum(*RATIOS),
        "input_references": span(0, 14),
        "n": span(1, 1),
        "seed": {"type": "boolean"},
    },
    GPT: {
        "aspect_ratio": enum("1:1", "2:3", "3:2"),
        "quality": enum("auto", "low", "medium", "high"),
        "background": enum("auto", "opaque"),
        "output_format": enum("png", "jpeg", "webp"),
        "output_compression": span(0, 100),
        "input_references": span(0, 16),
        "n": span(1, 10),
    },
    FLUX: {"aspect_ratio": enum(*RATIOS), "input_references": span(0, 1), "seed": {"type": "boolean"}},
    "recraft/recraft-v4-vector": {"size": enum("1024x1024", "1365x1024"), "output_format": enum("svg")},
    "example/retouch": {"input_references": span(1, 3), "resolution": enum("1K", "2K")},
}
IMAGE_ONLY = {FLUX, "recraft/recraft-v4-vector"}
STREAMS = {GPT}
COSTS = {GEMINI: 0.037, GPT: 0.053, FLUX: 0.024, TALKER: 0.042}
FIELDS = {
    "model", "prompt", "n", "resolution", "aspect_ratio", "size", "quality", "output_format",
    "output_compression", "background", "seed", "input_references", "stream", "provider", "user",
    "session_id", "trace",
}  # fmt: skip
ROUTING = {"only", "order", "ignore", "sort", "allow_fallbacks", "options"}
CHAT_ROUTING = ROUTING | {
    "require_parameters", "data_collection", "zdr", "quantizations", "max_price", "preferred_max_latency",
    "preferred_min_throughput",
}  # fmt: skip
CHAT_FIELDS = {
    "model",
    "messages",
    "modalities",
    "image_config",
    "provider",
    "user",
    "seed",
    "session_id",
    "stream",
}
CHAT_SIZES = {"0.5K", "1K", "2K", "4K"}
TYPES = {"n": int, "output_compression": int, "seed": int, "stream": bool, "input_references": list}
MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}


class Refusal(Exception):
    """The request breaks a rule, or is made to fail."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **error: Any):
        super().__init__(message)
        body = {"error": {"code": status, "message": message, **error}, "user_id": "user_1"}
        self.reply = Reply(status, headers or {}, body)


class FakeOpenRouter(FakeVendor):
    root = "/api/v1"

    def __init__(self, port: int = 0):
        super().__init__(port)
        self.said: list[dict[str, Any]] = []  # every message that a model answered with

    def answer(self, request: Recorded, step: str) -> Reply:
        try:
            reply = self._route(request, step)
        except Refusal as refusal:
            reply = refusal.reply
        reply.headers = {"x-request-id": f"or-req-{len(self.requests)}", **reply.headers}
        return reply

    def _route(self, request: Recorded, step: str) -> Reply:
        path, _, query = request.path.removeprefix(self.root).partition("?")
        if path != "/images/models":
            check_key(request)
        match request.method, path:
            case "GET", "/key":
                return Reply(body={"data": KEY_FACTS})
            case "GET", "/images/models":
                return Reply(body={"data": [listed(name) for name in DRAWERS]})
            case "GET", "/models":
                shown = [*DRAWERS, TALKER] if "output_modalities=image" in query else [WRITER]
                data = [entry(name) for name in shown]
                return Reply(body={"data": data, "total_count": len(data), "links": {"next": None}})
            case "POST", "/images":
                return draw(json_fields(request), step, self.rest)
            case "POST", "/chat/completions":
                return self._talk(json_fields(request))
        raise Refusal(404, f"No such path: {path}")

    def _talk(self, fields: dict[str, Any]) -> Reply:
        if "modalities" not in fields:
            return write(fields)
        self._check_chat(fields)
        prompt = text_of(fields["messages"][-1])
        trigger(prompt)
        number = len(self.said)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "Here it is.",
            "refusal": None,
            "reasoning": None,
            "reasoning_details": [
                {"type": "reasoning.encrypted", "data": f"sig{number}" * 12_000, "format": "google-gemini-v1"}
            ],
            "images": [{"type": "image_url", "image_url": {"url": data_url(prompt, number)}, "index": 0}],
        }
        finish, native = "stop", "STOP"
        if "FAKE_WORDS" in prompt:
            message |= {"content": "I would rather talk about it.", "images": []}
        if "FAKE_SAFETY" in prompt:
            message, native = {"role": "assistant", "content": None}, "IMAGE_SAFETY"
        choice = {"index": 0, "finish_reason": finish, "native_finish_reason": native, "message": message}
        if "FAKE_INSIDE" in prompt:
            choice = {"index": 0, "finish_reason": "error", "message": {"role": "assistant", "content": ""}}
            choice["error"] = {"code": 502, "message": "Provider returned error", "metadata": {"raw": "boom"}}
        self.said.append(message)
        return completion(fields["model"], choice, COSTS.get(fields["model"], 0.04))

    def _check_chat(self, fields: dict[str, Any]) -> None:
        for name in fields:
            if name not in CHAT_FIELDS:
                raise Refusal(400, f"Unrecognized key: {name}")
        model = fields.get("model")
        if model not in DRAWERS and model != TALKER:
            raise Refusal(400, f"{model} is not a valid model ID")
        wanted = ["image"] if model in IMAGE_ONLY else ["image", "text"]
        if fields["modalities"] != wanted:
            raise Refusal(404, "No endpoints found that support the requested output modalities: image, text")
        check_routing(fields, CHAT_ROUTING)
        config = fields.get("image_config", {})
        if config.keys() - {"aspect_ratio", "image_size"} or config.get("image_size", "1K") not in CHAT_SIZES:
            raise Refusal(400, "Invalid image_config")
        for message in fields["messages"]:
            self._check_message(message)

    def _check_message(self, message: dict[str, Any]) -> None:
        """What a model said must come back as it was said."""
        if message["role"] == "user":
            parts = message["content"] if isinstance(message["content"], list) else []
            for part in parts:
                if part["type"] == "image_url":
                    check_picture(part)
            return
        kept = {name: value for name, value in message.items() if value is not None}
        if kept not in [{n: v for n, v in said.items() if v is not None} for said in self.said]:
            raise Refusal(400, "Provider returned error", metadata={"raw": "thought_signature is missing"})


KEY_FACTS: dict[str, Any] = {
    "label": "sk-or-v1-abc...123", "limit": 20, "limit_remaining": 14.2, "limit_reset": "monthly",
    "usage": 5.8, "usage_daily": 0.3, "usage_weekly": 1.1, "usage_monthly": 5.8, "byok_usage": 0,
    "byok_usage_daily": 0, "byok_usage_weekly": 0, "byok_usage_monthly": 0, "include_byok_in_limit": False,
    "is_free_tier": False, "is_management_key": False, "is_provisioning_key": False, "expires_at": None,
    "creator_user_id": "user_1",
    "rate_limit": {"requests": -1, "interval": "10s", "note": "deprecated"},
}  # fmt: skip
TRIGGERS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "FAKE_CREDIT": (402, "Insufficient credits. Add more using https://openrouter.ai/credits", {}),
    "FAKE_MODERATION": (
        403, "Your chosen model requires moderation and your input was flagged.",
        {"metadata": {"reasons": ["violence"], "flagged_input": "…", "provider_name": "OpenAI"}},
    ),
    "FAKE_POLICY": (
        400, "Content policy violation.", {"metadata": {"error_type": "content_policy_violation"}},
    ),
    "FAKE_RATE": (
        429, "Rate limit exceeded.",
        {"metadata": {"error_type": "rate_limit_exceeded"}, "headers": {"Retry-After": "7"}},
    ),
    "FAKE_UPSTREAM_POLICY": (
        502, "Provider returned error", {"metadata": {"raw": "blocked by our safety system"}},
    ),
    "FAKE_UPSTREAM": (502, "Provider returned error", {"metadata": {"raw": "boom", "provider_name": "X"}}),
    "FAKE_OVERLOADED": (
        503, "Overloaded.",
        {"availability": {"code": "provider_overloaded", "retryable": True, "retry_after": 11}},
    ),
    "FAKE_529": (529, "Provider overloaded.", {"metadata": {"error_type": "overloaded"}}),
    "FAKE_PRIVATE": (404, "No endpoints found.", {"availability": {"code": "privacy_restricted"}}),
}  # fmt: skip


def trigger(prompt: str) -> None:
    for word, (status, message, more) in TRIGGERS.items():
        if word in prompt:
            raise Refusal(status, message, **dict(more))


def draw(fields: dict[str, Any], step: str, rest: Callable[[], None]) -> Reply:
    """The Image API's answer."""
    check_fields(fields)
    trigger(fields["prompt"])
    model, count = fields["model"], fields.get("n", 1)
    if step == "fewer":
        count = max(1, count - 1)
    kind = fields.get("output_format", "png" if model in STREAMS else "jpeg")
    items = [item(picture(f"{fields['prompt']}/{i}", kind), kind) for i in range(count)]
    counted = usage(round(COSTS.get(model, 0.04) * count, 6))
    if fields.get("stream") and model in STREAMS and step != "no_stream":
        return stream(items[0], counted, step, rest if step == "pauses" else None)
    return Reply(body={"created": 1795305600, "data": [] if step == "no_data" else items, "usage": counted})


def stream(
    last: dict[str, Any], counted: dict[str, Any], step: str, rest: Callable[[], None] | None
) -> Reply:
    """Previews and then the picture, as events between comments."""
    preview = {
        "type": "image_generation.partial_image",
        "partial_image_index": 0,
        **item(picture("p"), "png"),
    }
    ends = {"type": "image_generation.completed", **last, "created": 1795305600, "usage": counted}
    if step == "midstream_error":
        error = {"message": "Provider returned error", "code": "provider_unavailable", "type": "server_error"}
        ends = {"type": "error", "error": {**error, "param": None}}
    events = [preview] if step == "eof" else [preview, ends]
    pictures = [
        b": OPENROUTER PROCESSING\n\n",
        *(f"data: {json.dumps(event)}\n\n".encode() for event in events),
    ]
    ending = [] if step == "eof" else [b"data: [DONE]\n\n"]
    chunks = chain(late(pictures, rest), ending)
    return Reply(200, {"Content-Type": "text/event-stream"}, chunks=chunks)


def write(fields: dict[str, Any]) -> Reply:
    """A text with its cost."""
    if fields.get("model") != WRITER:
        raise Refusal(400, f"{fields.get('model')} is not a valid model ID")
    check_routing(fields, CHAT_ROUTING)
    needs_all = fields.pop("provider", {}).get("require_parameters", False)
    if "response_format" in fields and not needs_all:
        raise Refusal(400, "A schema needs require_parameters in this fake.")
    fields.pop("user", None)
    text = json.dumps(fields["messages"])
    trigger(text)
    try:
        reply = chat.reply(fields)
    except chat.Wrong as wrong:
        raise Refusal(400, str(wrong)) from wrong
    reply.body["usage"] |= {"cost": 0.00042, "is_byok": False}
    if "FAKE_INSIDE" in text:
        reply.body["choices"][0] |= {"finish_reason": "error", "error": {"code": 429, "message": "Busy"}}
    return reply


def completion(model: str, choice: dict[str, Any], cost: float) -> Reply:
    body = {
        "id": "gen-1795305600-abc",
        "object": "chat.completion",
        "created": 1795305600,
        "model": model,
        "provider": "Google AI Studio",
        "system_fingerprint": None,
        "choices": [choice],
        "usage": usage(cost),
    }
    return Reply(200, {"X-Generation-Id": "gen-1795305600-abc"}, body)


def usage(cost: float) -> dict[str, Any]:
    return {
        "prompt_tokens": 12,
        "completion_tokens": 1894,
        "total_tokens": 1906,
        "cost": cost,
        "is_byok": False,
        "completion_tokens_details": {"image_tokens": 1680, "reasoning_tokens": 214},
        "cost_details": {
            "upstream_inference_cost": cost,
            "upstream_inference_prompt_cost": 0.00002,
            "upstream_inference_completions_cost": cost,
        },
    }


def item(content: bytes, kind: str) -> dict[str, Any]:
    return {"b64_json": base64.b64encode(content).decode(), "media_type": f"image/{kind}"}


def picture(words: str, kind: str = "png") -> bytes:
    if kind == "svg":
        return b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'
    color = tuple(sha256(words.encode()).digest()[:3])
    file = io.BytesIO()
    Image.new("RGB", (96, 64), color).save(file, kind)
    return file.getvalue()


def data_url(prompt: str, number: int) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture(f'{prompt}/{number}')).decode()}"


def listed(name: str) -> dict[str, Any]:
    """A model as `/images/models` has it."""
    outputs = ["image"] if name in IMAGE_ONLY else ["image", "text"]
    return {
        "id": name,
        "name": name.title(),
        "description": "A model.",
        "created": 1791244800,
        "architecture": {"input_modalities": ["text", "image"], "output_modalities": outputs},
        "supported_parameters": DRAWERS[name],
        "supports_streaming": name in STREAMS,
        "endpoints": f"/api/v1/images/models/{name}/endpoints",
    }


def entry(name: str) -> dict[str, Any]:
    """A model as `/models` has it."""
    outputs = ["text"] if name == WRITER else ["image"] if name in IMAGE_ONLY else ["image", "text"]
    return {
        "id": name,
        "canonical_slug": name,
        "name": name.title(),
        "created": 1791244800,
        "context_length": 65536,
        "architecture": {
            "modality": "text+image->text+image",
            "input_modalities": ["text", "image"],
            "output_modalities": outputs,
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": {"prompt": "0.0000015", "completion": "0.0000075"},
        "top_provider": {"context_length": 65536, "max_completion_tokens": 32768, "is_moderated": False},
        "supported_parameters": ["seed", "max_tokens"],
        "supported_voices": None,
        "default_parameters": None,
        "per_request_limits": None,
        "expiration_date": "2099-03-01" if name == FLUX else None,
        "links": {"details": f"/api/v1/models/{name}/endpoints"},
    }


# Rules


def check_key(request: Recorded) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key.strip():
        raise Refusal(401, "Missing Authentication header")
    if "bad" in key:
        raise Refusal(401, "User not found.")


def json_fields(request: Recorded) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refusal(400, "The body is not JSON.")
    return request.json


def check_fields(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name not in FIELDS:
            raise Refusal(400, f"Unrecognized key: {name}", metadata={"error_type": "invalid_request"})
        if name not in ("provider", "trace") and type(value) is not TYPES.get(name, str):
            raise Refusal(400, f"Invalid type: {name}", metadata={"error_type": "invalid_request"})
    if not fields.get("prompt"):
        raise Refusal(400, "prompt is empty", metadata={"error_type": "invalid_prompt"})
    model = fields.get("model")
    if model not in DRAWERS:
        raise Refusal(400, f"{model} is not a valid model ID", metadata={"error_type": "model_not_found"})
    check_routing(fields, ROUTING)
    check_parameters(fields, DRAWERS[model])
    for reference in fields.get("input_references", ()):
        check_picture(reference)
    pixels = "x" in fields.get("size", "")
    if fields.get("size") and ("resolution" in fields or (pixels and "aspect_ratio" in fields)):
        raise Refusal(400, "size conflicts with resolution or aspect_ratio")
    if fields.get("background") == "transparent" and fields.get("output_format") == "jpeg":
        raise Refusal(400, "A transparent background needs png or webp.")


def check_parameters(fields: dict[str, Any], takes: dict[str, Any]) -> None:
    free = {"model", "prompt", "stream", "provider", "user", "session_id", "trace"}
    for name in fields.keys() - free:
        rule = takes.get(name) or {"type": "none"}
        value = fields[name]
        amount = len(value) if isinstance(value, list) else value
        if rule["type"] == "none" and value != 1:
            raise Refusal(400, f"This model does not take {name}.")
        if rule["type"] == "enum" and value not in rule["values"]:
            raise Refusal(400, f"Invalid {name}: {value}")
        if rule["type"] == "range" and not rule["min"] <= amount <= rule["max"]:
            raise Refusal(400, f"{name} must be between {rule['min']} and {rule['max']}.")


def check_routing(fields: dict[str, Any], known: set[str]) -> None:
    for name in fields.get("provider", {}):
        if name not in known:
            raise Refusal(400, f"Unrecognized key: provider.{name}")


def check_picture(part: dict[str, Any]) -> None:
    head, _, data = part["image_url"]["url"].removeprefix("data:").partition(";base64,")
    if part["type"] != "image_url" or not base64.b64decode(data, validate=True).startswith(MAGIC[head]):
        raise Refusal(400, "The image cannot be read.", metadata={"error_type": "invalid_image"})


def text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else content[0]["text"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the fake OpenRouter until Ctrl-C.")
    parser.add_argument("--port", type=int, default=9003)
    with FakeOpenRouter(parser.parse_args().port) as vendor, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{vendor.url}  ALLOWED_PRIVATE_HOSTS={vendor.allowed[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()
