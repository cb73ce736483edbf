"""The `/chat/completions` half of the vendors that speak it: texts and descriptions, strictly asked for.

Words in the prompt make it answer oddly: FAKE_TEXT_REFUSAL, FAKE_TEXT_FILTER, FAKE_TEXT_CUT, FAKE_TEXT_EMPTY,
FAKE_TEXT_FORM (not the JSON that was asked for), FAKE_TEXT_FENCED.
"""

import base64
import json
from typing import Any

from tests.fake_vendors.base import Reply

MAGIC = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF", "image/gif": b"GIF8"}
EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}
FIELDS = {
    "model", "messages", "max_completion_tokens", "response_format", "reasoning_effort", "safety_identifier",
    "stream", "store", "n", "temperature",
}  # fmt: skip
DESCRIPTION = {
    "caption": "A red panda reads  under a lamp.",
    "tags": [
        {"kind": "character", "name": "Mirel", "confidence": 0.9},
        {"kind": "tag", "name": "red  panda", "confidence": 0.8},
        {"kind": "tag", "name": "Red Panda", "confidence": 0.7},
        {"kind": "tag", "name": "lamp", "confidence": 1.5},
        {"kind": "tag", "name": " ", "confidence": 0.1},
    ],
}


class Wrong(Exception):
    """The request breaks a rule."""

    def __init__(self, param: str, message: str):
        super().__init__(message)
        self.param = param


def reply(fields: dict[str, Any]) -> Reply:
    """A completion for these fields. Raises `Wrong`."""
    check(fields)
    prompt = json.dumps(fields["messages"])
    text, message, ended = _text(fields, prompt), {}, "stop"
    if "FAKE_TEXT_REFUSAL" in prompt:
        text, message = None, {"refusal": "I'm sorry, I can't help with that."}
    elif "FAKE_TEXT_FILTER" in prompt:
        text, ended = "", "content_filter"
    elif "FAKE_TEXT_CUT" in prompt:
        text, ended = text[:20], "length"
    elif "FAKE_TEXT_EMPTY" in prompt:
        text = ""
    choice = {
        "index": 0,
        "finish_reason": ended,
        "message": {"role": "assistant", "content": text, "refusal": None, "annotations": [], **message},
        "logprobs": None,
    }
    return Reply(
        body={
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1795338123,
            "model": fields["model"],
            "choices": [choice],
            "usage": {
                "prompt_tokens": 2000,
                "completion_tokens": 400,
                "total_tokens": 2400,
                "prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        }
    )


def check(fields: dict[str, Any]) -> None:
    for name in fields.keys() - FIELDS:
        raise Wrong(name, f"Unknown parameter: '{name}'.")
    limit = fields.get("max_completion_tokens", 1)
    if type(limit) is not int or limit < 1:
        raise Wrong("max_completion_tokens", "Expected a positive integer.")
    if fields.get("reasoning_effort", "none") not in EFFORTS:
        raise Wrong("reasoning_effort", "Unknown effort.")
    if not fields.get("messages") or fields["messages"][-1]["role"] != "user":
        raise Wrong("messages", "The last message must be the user's.")
    for message in fields["messages"]:
        _check_content(message.get("content"))
    form = fields.get("response_format", {"type": "text"})
    if form["type"] == "json_schema":
        _check_schema(form["json_schema"]["schema"])


def _check_content(content: Any) -> None:
    if isinstance(content, str):
        return
    for part in content:
        if part["type"] == "image_url":
            head, _, data = part["image_url"]["url"].partition(";base64,")
            if not base64.b64decode(data, validate=True).startswith(MAGIC[head.removeprefix("data:")]):
                raise Wrong("messages", "You uploaded an unsupported image.")
        elif part["type"] != "text" or not isinstance(part["text"], str):
            raise Wrong("messages", "Unknown part.")


def _check_schema(schema: dict[str, Any]) -> None:
    """Every object closed and every property required, as `strict` wants it."""
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or sorted(schema.get("required", [])) != sorted(schema["properties"])
    ):
        raise Wrong("response_format", "Invalid schema for response_format.")
    for inner in (*schema.get("properties", {}).values(), schema.get("items")):
        if inner:
            _check_schema(inner)


def _text(fields: dict[str, Any], prompt: str) -> str:
    if "response_format" not in fields:
        return "  A red panda in a library, warm lamplight, ink and wash.\n"
    if "FAKE_TEXT_FORM" in prompt:
        return '{"caption": "A panda", "tags": ["panda"]}'
    text = json.dumps(DESCRIPTION)
    return f"```json\n{text}\n```" if "FAKE_TEXT_FENCED" in prompt else text
