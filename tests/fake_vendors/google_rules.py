"""What Google's Gemini API takes, and the errors with which it refuses the rest."""

import base64
import re
from typing import Any

from tests.fake_vendors.base import Recorded, Reply
from tests.fake_vendors.chat import MAGIC

TEN = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
FOURTEEN = (
    "1:1",
    "1:4",
    "1:8",
    "2:3",
    "3:2",
    "3:4",
    "4:1",
    "4:3",
    "4:5",
    "5:4",
    "8:1",
    "9:16",
    "16:9",
    "21:9",
)
LEVELS = {"minimal", "low", "medium", "high"}
# Shapes, tokens of a picture by its size, levels of thinking, pictures that may go along.
MODELS: dict[str, tuple[tuple[str, ...], dict[str, int], set[str], int]] = {
    "gemini-nano-banana-2.1": (
        FOURTEEN,
        {"1K": 1120, "2K": 1680, "4K": 3780},
        {"minimal", "medium", "high"},
        14,
    ),
    "gemini-3-pro-image": (TEN, {"1K": 1120, "2K": 1120, "4K": 2000}, set(), 14),
    "gemini-3.1-flash-lite-image": (TEN, {"1K": 1120}, {"minimal", "high"}, 14),
    "gemini-3.1-flash-image": (
        FOURTEEN,
        {"512": 747, "1K": 1120, "2K": 1680, "4K": 2520},
        {"minimal", "high"},
        14,
    ),
    "gemini-2.5-flash-image": (TEN, {}, set(), 3),
    "gemini-9-image": (TEN, {}, set(), 3),
}
WRITERS = {"gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-3.1-flash-lite"}
TOP = {"contents", "systemInstruction", "generationConfig", "safetySettings", "tools", "store", "serviceTier"}
CONFIGURATION = {
    "responseModalities", "imageConfig", "thinkingConfig", "seed", "temperature", "topP", "topK",
    "candidateCount", "maxOutputTokens", "stopSequences", "responseMimeType", "responseSchema",
    "responseJsonSchema", "mediaResolution",
}  # fmt: skip
CATEGORIES = {
    f"HARM_CATEGORY_{name}"
    for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
}
THRESHOLDS = {"OFF", "BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE"}
SCHEMA_WORDS = {
    "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items",
    "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties",
    "additionalProperties", "required", "propertyOrdering",
}  # fmt: skip
KINDS = (*MAGIC, "image/heic", "image/heif")


class Refusal(Exception):
    """The request breaks a rule."""

    def __init__(self, status: int, name: str, message: str, *details: dict[str, Any]):
        super().__init__(message)
        error: dict[str, Any] = {"code": status, "message": message, "status": name}
        if details:
            error["details"] = list(details)
        self.reply = Reply(status, {}, {"error": error})


def typed(kind: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}


def fail(step: str) -> None:
    if step == "rate":
        raise Refusal(
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details."
            " Please retry in 2.4s.",
            typed("QuotaFailure", violations=[{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]),
            typed("RetryInfo", retryDelay="2s"),
        )
    if step == "limit_zero":
        raise Refusal(
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details. * Quota exceeded"
            " for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0"
            " Please retry in 37.36s.",
            typed("RetryInfo", retryDelay="37s"),
        )
    if step in ("internal", "wrapped"):
        raise Refusal(500, "INTERNAL", "An internal error has occurred. Please retry.")
    if step == "overloaded":
        raise Refusal(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
    if step == "gateway":
        refusal = Refusal(502, "UNKNOWN", "Bad gateway")
        refusal.reply = Reply(502, {"Content-Type": "text/html"}, b"<html><title>502</title></html>")
        raise refusal


def check_key(request: Recorded, query: dict[str, list[str]]) -> None:
    given = [
        request.headers.get("x-goog-api-key"),
        *query.get("key", []),
        request.headers.get("authorization"),
    ]
    given = [key for key in given if key]
    if not given:
        raise Refusal(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
    if len(given) > 1:
        raise Refusal(
            400, "INVALID_ARGUMENT", "Multiple authentication credentials received. Please pass only one."
        )
    if "bad" in given[0]:
        reason = typed("ErrorInfo", reason="API_KEY_INVALID", domain="googleapis.com")
        raise Refusal(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", reason)


def fields_of(request: Recorded) -> dict[str, Any]:
    """The body in Google's own spelling; the other one is taken too."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refusal(400, "INVALID_ARGUMENT", "Invalid content type.")
    fields = _camel(request.json)
    check_names(fields, TOP, "")
    check_names(fields.get("generationConfig", {}), CONFIGURATION, "generation_config")
    check_names(
        fields.get("generationConfig", {}).get("imageConfig", {}),
        {"aspectRatio", "imageSize"},
        "generation_config.image_config",
    )
    if not fields.get("contents"):
        raise Refusal(
            400, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: contents is not specified\n"
        )
    for content in fields["contents"]:
        _check_content(content)
    for setting in fields.get("safetySettings", []):
        if setting["category"] not in CATEGORIES or setting["threshold"] not in THRESHOLDS:
            raise Refusal(400, "INVALID_ARGUMENT", "Invalid value at 'safety_settings'.")
    return fields


def _camel(value: Any, name: str = "") -> Any:
    if name == "responseJsonSchema":
        return value
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    spelled = {re.sub(r"_(\w)", lambda match: match[1].upper(), key): item for key, item in value.items()}
    return {key: _camel(item, key) for key, item in spelled.items()}


def check_names(fields: dict[str, Any], known: set[str], where: str) -> None:
    for name in fields.keys() - known:
        why = f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field."
        violation = {"field": where, "description": why}
        raise Refusal(400, "INVALID_ARGUMENT", why, typed("BadRequest", fieldViolations=[violation]))


def _check_content(content: dict[str, Any]) -> None:
    if content.get("role", "user") not in ("user", "model") or not content.get("parts"):
        raise Refusal(400, "INVALID_ARGUMENT", "Please use a valid role: user, model.")
    for part in content["parts"]:
        check_names(part, {"text", "inlineData", "thought", "thoughtSignature"}, "contents.parts")
        if "inlineData" not in part:
            continue
        kind = part["inlineData"]["mimeType"]
        if kind not in KINDS or kind == "image/gif":
            raise Refusal(400, "INVALID_ARGUMENT", f"Unsupported MIME type: {kind}")
        data = bytes_of(part["inlineData"]["data"])
        if not data.startswith(MAGIC.get(kind, b"")):
            raise Refusal(400, "INVALID_ARGUMENT", "Unable to process input image. Please retry.")


def bytes_of(text: str) -> bytes:
    """Base64 in either alphabet: the SDK sends the one for URLs."""
    return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)


def check_picture(model: str, fields: dict[str, Any]) -> None:
    shapes, sizes, levels, most = MODELS[model]
    configuration = fields.get("generationConfig", {})
    shape = configuration.get("imageConfig", {})
    if shape.get("aspectRatio", "1:1") not in shapes:
        listed = ", ".join(f"'{name}'" for name in shapes)
        raise Refusal(
            400,
            "INVALID_ARGUMENT",
            "* GenerateContentRequest.generation_config.image_config.aspect_ratio: aspect_ratio must be one"
            f" of {listed}.\n",
        )
    if "imageSize" in shape and shape["imageSize"] not in sizes:
        raise Refusal(400, "INVALID_ARGUMENT", "generation_config.image_config.image_size is not supported.")
    if configuration.get("candidateCount", 1) != 1:
        raise Refusal(
            400, "INVALID_ARGUMENT", "Multiple candidates is not enabled for this model: candidate_count"
        )
    if not -(2**31) <= configuration.get("seed", 0) < 2**31:
        raise Refusal(400, "INVALID_ARGUMENT", "Invalid value at 'generation_config.seed' (TYPE_INT32)")
    thinking = configuration.get("thinkingConfig", {})
    level = str(thinking.get("thinkingLevel", "")).lower()
    if (level and level not in levels) or (thinking and "2.5" in model):
        raise Refusal(
            400, "INVALID_ARGUMENT", "Thinking level is not supported for this model: thinking_config"
        )
    if "IMAGE" not in configuration.get("responseModalities", ["TEXT", "IMAGE"]):
        raise Refusal(
            400, "INVALID_ARGUMENT", "The requested combination of response modalities is not supported."
        )
    if len(pictures_in(fields)) > max(most, 14):
        raise Refusal(400, "INVALID_ARGUMENT", "Too many images: input image limit is 14.")


def pictures_in(fields: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for content in fields["contents"] for part in content["parts"] if "inlineData" in part]


def check_schema(schema: dict[str, Any]) -> None:
    for word in schema.keys() - SCHEMA_WORDS:
        raise Refusal(400, "INVALID_ARGUMENT", f"Unknown schema keyword: {word}")
    for inner in (*schema.get("properties", {}).values(), schema.get("items")):
        if inner:
            check_schema(inner)
