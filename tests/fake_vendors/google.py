"""Google's Gemini API as it is documented: strict about fields, shapes, sizes and thought signatures.

Words in the prompt make it answer in another way: FAKE_BLOCK, FAKE_IMAGE_SAFETY, FAKE_NO_IMAGE, FAKE_WORDS,
FAKE_MAX_TOKENS (the five answers without a picture), FAKE_NEW_REASON, FAKE_THOUGHT_FIRST, FAKE_TWO, FAKE_PNG,
FAKE_RATE, FAKE_LIMIT_ZERO, FAKE_INTERNAL, FAKE_OVERLOADED, FAKE_WRAPPED, FAKE_GATEWAY, FAKE_MIDSTREAM,
FAKE_EOF, FAKE_PAUSES (in streams), and each fault of `base.FAULTS`. By hand:
`python -m tests.fake_vendors.google --port 9003`.
"""

import argparse
import base64
import contextlib
import hashlib
import io
import json
import re
import sys
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from tests.fake_vendors.base import FakeVendor, Recorded, Reply, late
from tests.fake_vendors.chat import DESCRIPTION
from tests.fake_vendors.google_rules import (
    LEVELS,
    MODELS,
    WRITERS,
    Refusal,
    bytes_of,
    check_key,
    check_names,
    check_picture,
    check_schema,
    fail,
    fields_of,
    pictures_in,
)
from tests.fake_vendors.openai import draw

PIXELS = {
    "1:1": (1024, 1024), "2:3": (848, 1264), "3:2": (1264, 848), "3:4": (896, 1200), "4:3": (1200, 896),
    "4:5": (928, 1152), "5:4": (1152, 928), "9:16": (768, 1376), "16:9": (1376, 768), "21:9": (1584, 672),
    "1:4": (512, 2048), "4:1": (2048, 512), "1:8": (384, 3072), "8:1": (3072, 384),
}  # fmt: skip
TIMES = {"512": 0.5, "1K": 1, "2K": 2, "4K": 4}


class FakeGoogle(FakeVendor):
    def __init__(self, port: int = 0, *, has_imagen: bool = False):
        super().__init__(port)
        self.has_imagen = has_imagen  # as servers of others still do
        self.signatures: set[bytes] = set()

    def answer(self, request: Recorded, step: str) -> Reply:
        try:
            reply = self._route(request, step)
        except Refusal as refusal:
            reply = refusal.reply
            if step == "wrapped":
                reply.body = json.dumps([reply.body]).encode()
        return reply

    def _route(self, request: Recorded, step: str) -> Reply:
        address = urlsplit(request.path)
        query = parse_qs(address.query)
        check_key(request, query)
        path = re.fullmatch(r"/v1(?:beta)?/models(?:/([^:/]+)(?::(\w+))?)?", address.path)
        if not path:
            return Reply(404, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Error 404</title>")
        model, method = path[1], path[2]
        if request.method == "GET":
            return _listing(query) if model is None else Reply(body=_model(model))
        if method == "predict" and self.has_imagen:
            return _predict(request.json, step)
        known = {*MODELS, *WRITERS} if method in ("generateContent", "streamGenerateContent") else ()
        if model not in known:
            raise Refusal(
                404,
                "NOT_FOUND",
                f"models/{model} is not found for API version v1beta, or is not supported for {method}."
                " Call ListModels to see the list of available models and their supported methods.",
            )
        fail(step)
        fields = fields_of(request)
        if model in WRITERS:
            return Reply(body=_write(model, fields, step))
        self._check_turns(model, fields)
        check_picture(model, fields)
        return self._answer(model, fields, step, is_stream=method == "streamGenerateContent", query=query)

    def _answer(self, model, fields, step, *, is_stream, query) -> Reply:
        parts, finish = self._drawn(model, fields, step), {"finishReason": "STOP"}
        counted = _usage(model, fields, pictures=sum("inlineData" in part for part in parts))
        facts = {"modelVersion": model, "responseId": f"resp-{len(self.requests)}"}
        if step in WITHOUT_PICTURE:
            body = WITHOUT_PICTURE[step] | facts | {"usageMetadata": counted_words(fields)}
            return _events([body]) if is_stream else Reply(body=body)
        if not is_stream:
            candidate = {"content": {"role": "model", "parts": parts}, "index": 0, **finish}
            return Reply(body={"candidates": [candidate], "usageMetadata": counted, **facts})
        chunks = [
            {"candidates": [{"content": {"role": "model", "parts": [part]}}], **facts} for part in parts
        ]
        if step == "midstream":
            error = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
            return _events([*chunks[:1], {"error": error}])
        if step != "eof":
            chunks[-1]["candidates"][0] |= finish
            chunks[-1]["usageMetadata"] = counted
        if query.get("alt") != ["sse"]:
            return Reply(body=json.dumps(chunks).encode())
        return _events(chunks, self.rest if step == "pauses" else None)

    def _drawn(self, model: str, fields: dict[str, Any], step: str) -> list[dict[str, Any]]:
        """The model's turn: words, thoughts where they are asked for, and the picture."""
        configuration = fields.get("generationConfig", {})
        size = _pixels(configuration.get("imageConfig", {}))
        format = "png" if model.startswith("gemini-2.5") or step == "png" else "jpeg"
        said = json.dumps(fields["contents"])
        words = said[:500] + said[-200:]
        thought = {"inlineData": _picture("512x512", format, f"{words}/draft"), "thought": True}
        pictures = [
            {"inlineData": _picture(size, format, f"{words}/{i}"), **self._signature(model, f"{words}/{i}")}
            for i in range(2 if step == "two" else 1)
        ]
        turn = [{"text": "Here is "}, {"text": "the picture.", **self._signature(model, words)}]
        if configuration.get("thinkingConfig", {}).get("includeThoughts") or step == "thought_first":
            turn = [{"text": "Let me think.", "thought": True}, thought, *turn]
        return [*turn, *pictures]

    def _signature(self, model: str, words: str) -> dict[str, str]:
        if model.startswith("gemini-2.5"):
            return {}
        # As long as real ones of pictures, so that it does not fit into what readers keep in memory.
        made = hashlib.sha256(words.encode()).digest() * 2000
        self.signatures.add(made)
        return {"thoughtSignature": base64.b64encode(made).decode()}

    def _check_turns(self, model: str, fields: dict[str, Any]) -> None:
        for place, content in enumerate(fields["contents"], 1):
            for number, part in enumerate(content["parts"], 1):
                if content.get("role") != "model" or "inlineData" not in part or "2.5" in model:
                    continue
                if bytes_of(part.get("thoughtSignature", "")) not in self.signatures:
                    raise Refusal(
                        400,
                        "INVALID_ARGUMENT",
                        "Image part is missing a thought_signature in content position"
                        f" {place}, part position {number}. Please refer to"
                        " https://ai.google.dev/gemini-api/docs/thought-signatures#model-behavior"
                        " for more details.",
                    )


def _blocked(finish: str, content: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    content = {} if content is None else {"content": content}
    return {"candidates": [{**content, "finishReason": finish, "index": 0, **facts}]}


FILTERED = (
    "Unable to show the generated image. The image was filtered out because it violated Google's policies."
)
WITHOUT_PICTURE: dict[str, dict[str, Any]] = {
    "block": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
    "image_safety": _blocked("IMAGE_SAFETY", finishMessage=FILTERED),
    "no_image": _blocked("NO_IMAGE", {"role": "model"}),
    "words": _blocked("STOP", {"role": "model", "parts": [{"text": "I can't create images of that."}]}),
    "max_tokens": _blocked("MAX_TOKENS", {}),
    "new_reason": _blocked("MOON_IN_THE_WRONG_PHASE"),
}


# Answers


def _pixels(shape: dict[str, Any]) -> str:
    width, height = PIXELS[shape.get("aspectRatio", "1:1")]
    times = TIMES[shape.get("imageSize", "1K")]
    return f"{round(width * times)}x{round(height * times)}"


def _picture(size: str, format: str, words: str) -> dict[str, str]:
    return {"mimeType": f"image/{format}", "data": draw(size, format, words)}


def counted_words(fields: dict[str, Any]) -> dict[str, Any]:
    """What an answer in words costs."""
    words = len(json.dumps([part.get("text") for c in fields["contents"] for part in c["parts"]])) // 4
    return {
        "promptTokenCount": words,
        "candidatesTokenCount": 12,
        "totalTokenCount": words + 12,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": words}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
    }


def _usage(model: str, fields: dict[str, Any], *, pictures: int) -> dict[str, Any]:
    shape = fields.get("generationConfig", {}).get("imageConfig", {})
    drawn = MODELS[model][1].get(shape.get("imageSize", "1K"), 1290)
    seen, words = 1290 * len(pictures_in(fields)), 20
    details = [{"modality": "TEXT", "tokenCount": words}]
    if seen:
        details.append({"modality": "IMAGE", "tokenCount": seen})
    thoughts = {} if "2.5" in model else {"thoughtsTokenCount": 214}
    return {
        "promptTokenCount": words + seen,
        "candidatesTokenCount": drawn + 22,
        **thoughts,
        "totalTokenCount": words + seen + drawn + 22 + sum(thoughts.values()),
        "promptTokensDetails": details,
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": drawn},
            {"modality": "TEXT", "tokenCount": 22},
        ],
    }


def _events(chunks: list[dict[str, Any]], rest: Callable[[], None] | None = None) -> Reply:
    lines = [f"data: {json.dumps(chunk)}\r\n\r\n".encode() for chunk in chunks]
    return Reply(200, {"Content-Type": "text/event-stream"}, chunks=late(lines, rest))


def _write(model: str, fields: dict[str, Any], step: str) -> dict[str, Any]:
    """A text, or JSON where it is asked for."""
    configuration = fields.get("generationConfig", {})
    if configuration.get("imageConfig") or "IMAGE" in configuration.get("responseModalities", []):
        raise Refusal(400, "INVALID_ARGUMENT", "This model only supports text output.")
    level = configuration.get("thinkingConfig", {}).get("thinkingLevel", "low")
    if str(level).lower() not in LEVELS or configuration.get("maxOutputTokens", 1) < 1:
        raise Refusal(400, "INVALID_ARGUMENT", "Invalid value at 'generation_config'.")
    schema = configuration.get("responseJsonSchema")
    if schema is not None:
        if configuration.get("responseMimeType") != "application/json":
            raise Refusal(400, "INVALID_ARGUMENT", "A schema needs responseMimeType application/json.")
        check_schema(schema)
    text = json.dumps(DESCRIPTION) if schema else "  A red panda in a library, ink and wash.\n"
    finish = {"cut": "MAX_TOKENS", "text_safety": "SAFETY"}.get(step, "STOP")
    parts = [{"text": text[:9]}, {"text": text[9:], "thoughtSignature": "c2ln"}]
    content = {"role": "model", "parts": [{"text": "Hm.", "thought": True}, *parts]}
    if step == "text_safety":
        content = {"role": "model"}
    body = {
        "candidates": [{"content": content, "finishReason": finish, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 2000,
            "candidatesTokenCount": 300,
            "thoughtsTokenCount": 100,
            "totalTokenCount": 2400,
        },
        "modelVersion": model,
        "responseId": "resp-text",
    }
    return WITHOUT_PICTURE["block"] | {"modelVersion": model} if step == "block" else body


def _listing(query: dict[str, list[str]]) -> Reply:
    """Two pages, whatever size is asked for, so that clients turn the leaf."""
    size = int(query.get("pageSize", ["50"])[0])
    if not 1 <= size <= 1000:
        raise Refusal(400, "INVALID_ARGUMENT", "page_size must be between 1 and 1000.")
    names = [*MODELS, *WRITERS, "imagen-4.0-generate-001", "veo-4-image", "text-embedding-image-1"]
    half = min(size, len(names) // 2)
    if "pageToken" in query:
        return Reply(body={"models": [_model(name) for name in names[half:]]})
    return Reply(body={"models": [_model(name) for name in names[:half]], "nextPageToken": "Ch/x+="})


def _model(name: str) -> dict[str, Any]:
    methods = {"imagen": ["predict"], "text-e": ["embedContent"]}
    able = next((able for start, able in methods.items() if name.startswith(start)), ["generateContent"])
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 131072,
        "outputTokenLimit": 32768,
        "supportedGenerationMethods": [*able, "countTokens"],
    }


def _predict(fields: dict[str, Any], step: str) -> Reply:
    """Imagen, as it was."""
    parameters = fields["parameters"]
    check_names(fields, {"instances", "parameters"}, "")
    check_names(
        parameters,
        {
            "sampleCount", "aspectRatio", "sampleImageSize", "personGeneration", "safetySetting",
            "includeRaiReason", "includeSafetyAttributes", "outputOptions", "language",
        },
        "parameters",
    )  # fmt: skip
    if not 1 <= parameters.get("sampleCount", 4) <= 4:
        raise Refusal(400, "INVALID_ARGUMENT", "sampleCount must be between 1 and 4.")
    shape = {"aspectRatio": parameters.get("aspectRatio", "1:1")}
    kind = parameters.get("outputOptions", {}).get("mimeType", "image/png").removeprefix("image/")
    made = _picture(_pixels(shape), kind, json.dumps(fields["instances"]))
    drawn = {"mimeType": made["mimeType"], "bytesBase64Encoded": made["data"]}
    predictions = [drawn] * parameters.get("sampleCount", 4)
    if step == "some_filtered":
        predictions[-1] = {"raiFilteredReason": "Filtered: 39322892."}
    if step == "all_filtered":
        predictions = [{"raiFilteredReason": "Filtered: 39322892."}]
    return Reply(body={} if step == "nothing" else {"predictions": predictions})


def look(data: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.format, picture.size


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the fake Google until Ctrl-C.")
    parser.add_argument("--port", type=int, default=9003)
    with (
        FakeGoogle(parser.parse_args().port, has_imagen=True) as vendor,
        contextlib.suppress(KeyboardInterrupt),
    ):
        sys.stdout.write(f"{vendor.url}  ALLOWED_PRIVATE_HOSTS={vendor.allowed[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()
