"""OpenAI's Image API as it is documented, strict where the real one is, and stricter about `model`.

Words in the prompt make it fail: FAKE_MODERATION, FAKE_RATE, FAKE_QUOTA, FAKE_500, FAKE_503, FAKE_UNVERIFIED,
FAKE_WRONG_MIME, FAKE_FEWER, FAKE_NO_DATA, FAKE_BAD_BASE, FAKE_NO_STREAM, in streams FAKE_MIDSTREAM_ERROR,
FAKE_MIDSTREAM_MODERATION, FAKE_EOF and FAKE_PAUSES, those of `chat.py` for texts, and each fault of
`base.FAULTS`, such as FAKE_RESET and FAKE_HANG. By hand: `python -m tests.fake_vendors.openai --port 9001`.
"""

import argparse
import base64
import contextlib
import hashlib
import io
import json
import math
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.fake_vendors import chat
from tests.fake_vendors.base import FakeVendor, Part, Recorded, Reply

LIVE = {
    "gpt-image-2.6-flare": "2.6",
    "gpt-image-2.6-sunburst": "2.6",
    "gpt-image-2.5-flare": "2.5",
    "gpt-image-2.5-sunburst": "2.5",
    "gpt-image-2.5-flare-2026-09-08": "2.5",
    "gpt-image-2": "2",
    "gpt-image-2-2026-04-21": "2",
    "gpt-image-1.5": "1.5",
    "gpt-image-1-mini": "mini",
    "chatgpt-image-latest": "latest",
}
ENDING = {"1.5": "2026-12-01", "mini": "2026-12-01", "latest": "2026-12-01"}
WRITERS = {"gpt-6-luna", "gpt-6.1-terra"}
DEAD = {"dall-e-3", "dall-e-2", "gpt-image-1"}
FREE_SIZES = {"2", "2.5", "2.6"}
SIZES = {"auto", "1024x1024", "1536x1024", "1024x1536"}
QUALITIES = {"auto", "low", "medium", "high"}
GRIDS = {
    "2": {"low": 16, "medium": 48, "high": 96},
    "2.5": {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96},
    "2.6": {"low": 32, "medium": 48, "high": 48, "xhigh": 64, "max": 96},
}
COMMON = {
    "prompt", "model", "n", "size", "quality", "background", "output_format", "output_compression",
    "moderation", "stream", "partial_images", "safety_identifier", "user", "complexity",
}  # fmt: skip
EDIT = COMMON | {"input_fidelity"}
ENUMS = {
    "background": {"auto", "opaque", "transparent"},
    "output_format": {"png", "jpeg", "webp"},
    "moderation": {"auto", "low"},
    "complexity": {"low", "medium", "high"},
    "input_fidelity": {"low", "high"},
}
RANGES = {"n": (1, 10), "output_compression": (0, 100), "partial_images": (0, 3)}
FIDELITIES = {("1.5", "low"), ("1.5", "high"), ("mini", "low")}
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


class Refusal(Exception):
    """The request breaks a rule."""

    def __init__(self, status: int, message: str, **error: Any):
        super().__init__(message)
        headers = error.pop("headers", {})
        body = {"message": message, "type": "invalid_request_error", "param": None, "code": None, **error}
        self.reply = Reply(status, headers, {"error": body})


class FakeOpenAI(FakeVendor):
    root = "/v1"

    def answer(self, request: Recorded, step: str) -> Reply:
        try:
            reply = self._route(request, step)
        except Refusal as refusal:
            reply = refusal.reply
        digest = hashlib.sha256(f"{len(self.requests)}".encode()).hexdigest()
        reply.headers = {"x-request-id": f"req_{digest[:32]}", **reply.headers}
        return reply

    def _route(self, request: Recorded, step: str) -> Reply:
        _check_key(request)
        match request.method, request.path:
            case "GET", "/v1/models":
                return Reply(body={"object": "list", "data": [_model(name) for name in LIVE]})
            case "POST", "/v1/images/generations":
                fields = _json_fields(request)
                _check_fields(fields, COMMON)
                return self._draw(fields, [], step)
            case "POST", "/v1/images/edits":
                fields, pictures = _form_fields(request)
                _check_fields(fields, EDIT)
                return self._draw(fields, pictures, step)
            case "POST", "/v1/chat/completions":
                return self._write(_json_fields(request))
        raise Refusal(404, f"Invalid URL ({request.method} {request.path})")

    def _write(self, fields: dict[str, Any]) -> Reply:
        if fields.get("model") not in WRITERS:
            raise Refusal(404, "The model does not exist.", code="model_not_found")
        self._trigger(json.dumps(fields["messages"]))
        try:
            return chat.reply(fields)
        except chat.Wrong as wrong:
            raise Refusal(400, str(wrong), param=wrong.param, code="invalid_value") from wrong

    def _draw(self, fields: dict[str, Any], pictures: list[Part], step: str) -> Reply:
        self._trigger(fields["prompt"])
        size = "1024x1024" if fields.get("size", "auto") == "auto" else fields["size"]
        quality = "medium" if fields.get("quality", "auto") == "auto" else fields["quality"]
        format = "jpeg" if step == "wrong_mime" else fields.get("output_format", "png")
        count = max(1, fields.get("n", 1) - 1) if step == "fewer" else fields.get("n", 1)
        data = [{"b64_json": draw(size, format, f"{fields['prompt']}/{i}")} for i in range(count)]
        counted = usage(LIVE[fields["model"]], size, quality, count, fields["prompt"], len(pictures))
        if fields.get("stream") and step != "no_stream":
            kind = "image_edit" if pictures else "image_generation"
            return _stream(kind, fields, size, quality, data[0], counted, self.rest)
        if step == "bad_base":
            data[0]["b64_json"] = "<html>not a picture</html>"
        return Reply(
            body={
                "created": 1795338123,
                "background": "opaque",
                "output_format": fields.get("output_format", "png"),
                "quality": quality,
                "size": size,
                "data": [] if step == "no_data" else data,
                "usage": counted,
            }
        )

    def _trigger(self, prompt: str) -> None:
        for word, refusal in TRIGGERS.items():
            if word in prompt:
                raise Refusal(refusal[0], refusal[1], **refusal[2])


TRIGGERS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "FAKE_MODERATION": (
        400,
        "Your request was rejected by the safety system. safety_violations=[violence].",
        {
            "type": "image_generation_user_error",
            "code": "moderation_blocked",
            "moderation_details": {"moderation_stage": "input", "categories": ["violence"]},
        },
    ),
    "FAKE_RATE": (
        429,
        "Rate limit reached for images per min. Please try again in 12s.",
        {"type": "requests", "code": "rate_limit_exceeded", "headers": {"retry-after": "1"}},
    ),
    "FAKE_QUOTA": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        {"type": "insufficient_quota", "code": "insufficient_quota"},
    ),
    "FAKE_500": (500, "The server had an error while processing your request.", {"type": "server_error"}),
    "FAKE_503": (503, "Overloaded.", {"type": "server_error", "code": "server_is_overloaded"}),
    "FAKE_UNVERIFIED": (403, "Your organization must be verified to use the model.", {}),
}


def _stream(kind, fields, size, quality, item, counted, rest) -> Reply:
    """Previews and then the picture, as events."""
    facts = {"size": size, "quality": quality, "background": "opaque", "created_at": 1795338130}
    facts["output_format"] = format = fields.get("output_format", "png")
    events = [
        {
            "type": f"{kind}.partial_image",
            "b64_json": draw(size, format, f"{fields['prompt']}/preview {i}"),
            "partial_image_index": i,
            **facts,
        }
        for i in range(fields.get("partial_images", 0))
    ]
    counted = {name: count for name, count in counted.items() if name != "output_tokens_details"}
    for name in ("output_tokens", "total_tokens"):
        counted[name] += 100 * len(events)
    if "FAKE_MIDSTREAM_MODERATION" in fields["prompt"]:
        error = {"message": "Rejected by the safety system.", "type": "image_generation_user_error"}
        events.append({"type": "error", "error": {**error, "param": None, "code": "moderation_blocked"}})
    elif "FAKE_MIDSTREAM_ERROR" in fields["prompt"]:
        error = {"message": "The server had an error.", "type": "server_error", "param": None, "code": None}
        events.append({"type": "error", "error": error})
    elif "FAKE_EOF" not in fields["prompt"]:
        events.append({"type": f"{kind}.completed", **item, **facts, "usage": counted})
    rests = "FAKE_PAUSES" in fields["prompt"]
    chunks = (_event(event, rest if rests and number else None) for number, event in enumerate(events))
    return Reply(200, {"Content-Type": "text/event-stream; charset=utf-8"}, chunks=chunks)


def _event(event: dict[str, Any], rest: Callable[[], None] | None) -> bytes:
    if rest:
        rest()
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def draw(size: str, format: str, words: str) -> str:
    """A plain picture of exactly that size, in base64."""
    width, height = (int(side) for side in size.split("x"))
    color = tuple(hashlib.sha256(words.encode()).digest()[:3])
    file = io.BytesIO()
    Image.new("RGB", (width, height), color).save(file, format)
    return base64.b64encode(file.getvalue()).decode()


def usage(kind: str, size: str, quality: str, count: int, prompt: str, pictures: int) -> dict[str, Any]:
    width, height = (int(side) for side in size.split("x"))
    long, short = max(width, height), min(width, height)
    grid = GRIDS.get(kind, GRIDS["2"])[quality]
    out = count * math.ceil(grid * round(grid * short / long) * (2_000_000 + width * height) / 4_000_000)
    text, image = math.ceil(len(prompt) / 4), 1200 * pictures
    return {
        "input_tokens": text + image,
        "input_tokens_details": {"text_tokens": text, "image_tokens": image},
        "output_tokens": out,
        "output_tokens_details": {"image_tokens": out, "text_tokens": 0},
        "total_tokens": text + image + out,
    }


def _model(name: str) -> dict[str, Any]:
    ends = ENDING.get(LIVE[name])
    return {"id": name, "object": "model", "created": 1793750400, "owned_by": "system", "shutdown_date": ends}


# Rules


def _check_key(request: Recorded) -> None:
    key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not key:
        raise Refusal(401, "You didn't provide an API key.")
    if "bad" in key:
        raise Refusal(401, f"Incorrect API key provided: {key[:8]}****{key[-4:]}.", code="invalid_api_key")


def _json_fields(request: Recorded) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refusal(415, "Content-Type must be application/json.")
    try:
        return request.json
    except json.JSONDecodeError as exc:
        raise Refusal(400, "We could not parse the JSON body of your request.") from exc


def _form_fields(request: Recorded) -> tuple[dict[str, Any], list[Part]]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refusal(415, "Content-Type must be multipart/form-data.")
    texts = {part.name: part.content.decode() for part in request.parts if part.file_name is None}
    files = [part for part in request.parts if part.file_name is not None]
    fields: dict[str, Any] = dict(texts)
    for name in RANGES.keys() & texts.keys():
        fields[name] = int(texts[name])
    if "stream" in texts:
        fields["stream"] = {"true": True, "false": False}[texts["stream"]]
    pictures = [part for part in files if part.name in ("image", "image[]")]
    _check_files(pictures, [part for part in files if part.name == "mask"], files)
    return fields, pictures


def _check_files(pictures: list[Part], masks: list[Part], files: list[Part]) -> None:
    if not 1 <= len(pictures) <= 16:
        raise Refusal(400, "Send 1 to 16 images.", param="image", code="invalid_value")
    if len(pictures) + len(masks) != len(files) or len(masks) > 1:
        raise Refusal(400, "Unknown file part.", code="unknown_parameter")
    for number, part in enumerate(pictures):
        if not part.content.startswith(MAGIC) or not part.content_type.startswith("image/"):
            why = f"Invalid image file or mode for image {number}, please check your image file."
            raise Refusal(
                400, why, type="image_generation_user_error", code="invalid_image_file", param="image"
            )
    for mask in masks:
        first = Image.open(io.BytesIO(pictures[0].content))
        hole = Image.open(io.BytesIO(mask.content))
        if (
            hole.format != "PNG"
            or hole.mode != "RGBA"
            or hole.size != first.size
            or len(mask.content) >= 4 * 2**20
        ):
            raise Refusal(400, "The mask must be a PNG with alpha, as large as the image.", param="mask")


def _check_fields(fields: dict[str, Any], known: set[str]) -> None:
    for name in fields:
        if name not in known:
            raise Refusal(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    kind = _kind(fields.get("model"))
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise Refusal(
            400, "Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter"
        )
    if len(prompt) > 32000:
        raise Refusal(
            400, "Invalid 'prompt': string too long.", param="prompt", code="string_above_max_length"
        )
    _check_numbers(fields)
    _check_words(fields, kind)
    _check_size(fields.get("size", "auto"), kind)
    _check_pairs(fields)
    if type(fields.get("stream", False)) is not bool:
        raise Refusal(400, "Invalid type for 'stream'.", param="stream", code="invalid_type")


def _kind(model: object) -> str:
    if not model:
        raise Refusal(
            400, "Missing required parameter: 'model'.", param="model", code="missing_required_parameter"
        )
    if model in DEAD:
        why = f"The model '{model}' does not exist."
        raise Refusal(400, why, type="image_generation_user_error", param="model", code="invalid_value")
    if model not in LIVE:
        raise Refusal(
            404, f"The model `{model}` does not exist or you do not have access.", code="model_not_found"
        )
    return LIVE[str(model)]


def _check_numbers(fields: dict[str, Any]) -> None:
    for name, (least, most) in RANGES.items():
        value = fields.get(name, least)
        if type(value) is not int:
            raise Refusal(400, f"Invalid type for '{name}'.", param=name, code="invalid_type")
        if not least <= value <= most:
            code = "integer_above_max_value" if value > most else "integer_below_min_value"
            raise Refusal(400, f"Invalid '{name}': expected {least} to {most}.", param=name, code=code)


def _check_words(fields: dict[str, Any], kind: str) -> None:
    high = {"xhigh", "max"} if kind in ("2.5", "2.6") else set()
    allowed = {**ENUMS, "quality": QUALITIES | high}
    for name in allowed.keys() & fields.keys():
        if fields[name] not in allowed[name]:
            raise Refusal(400, f"Invalid value: '{fields[name]}'.", param=name, code="invalid_value")
    if "complexity" in fields and kind != "2.6":
        raise Refusal(400, "Unknown parameter: 'complexity'.", param="complexity", code="unknown_parameter")
    if "input_fidelity" in fields and (kind, fields["input_fidelity"]) not in FIDELITIES:
        raise Refusal(400, "Not for this model.", param="input_fidelity", code="invalid_input_fidelity_model")
    if fields.get("background") == "transparent" and kind in ("2", "latest"):
        raise Refusal(400, "Transparent background is not supported for this model.", param="background")


def _check_size(size: str, kind: str) -> None:
    why = _size_error(size) if kind in FREE_SIZES else None if size in SIZES else f"Invalid size '{size}'."
    if why:
        raise Refusal(400, why, type="image_generation_user_error", param="size", code="invalid_value")


def _size_error(size: str) -> str | None:
    if size == "auto":
        return None
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", size)
    if not match:
        return f"Invalid size '{size}'."
    width, height = int(match[1]), int(match[2])
    if max(width, height) > 3840:
        return f"Invalid size '{size}'. The longest edge must be less than or equal to 3840."
    if width % 16 or height % 16:
        return f"Invalid size '{size}'. Width and height must both be divisible by 16."
    if max(width, height) > 3 * min(width, height):
        return f"Invalid size '{size}'. The aspect ratio must be between 1:3 and 3:1."
    if not 655_360 <= width * height <= 8_294_400:
        return f"Invalid size '{size}'. Requested resolution is outside the current pixel budget."
    return None


def _check_pairs(fields: dict[str, Any]) -> None:
    format = fields.get("output_format", "png")
    if fields.get("background") == "transparent" and format == "jpeg":
        raise Refusal(
            400, "Transparent background needs png or webp.", param="background", code="invalid_value"
        )
    if format == "png" and fields.get("output_compression", 100) != 100:
        raise Refusal(
            400, "Compression needs jpeg or webp.", param="output_compression", code="invalid_value"
        )
    if "partial_images" in fields and not fields.get("stream"):
        raise Refusal(400, "partial_images needs stream.", param="partial_images", code="invalid_value")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the fake OpenAI until Ctrl-C.")
    parser.add_argument("--port", type=int, default=9001)
    with FakeOpenAI(parser.parse_args().port) as vendor, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{vendor.url}  ALLOWED_PRIVATE_HOSTS={vendor.allowed[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()
