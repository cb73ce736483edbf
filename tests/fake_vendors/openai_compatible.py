"""Servers that speak OpenAI's Image API in their own way: LiteLLM, sd-server, LocalAI, vLLM-omni.

Each takes the fields that its source knows and no others, and fails in its own shape. Words in the prompt
make it fail: FAKE_POLICY, FAKE_500, FAKE_DETAIL, and each fault of `base.FAULTS`.
By hand: `python -m tests.fake_vendors.openai_compatible --engine localai --port 9002`.
"""

import argparse
import base64
import contextlib
import io
import json
import re
import sys
import threading
from typing import Any

from PIL import Image

from tests.fake_vendors import chat
from tests.fake_vendors.base import FakeVendor, Recorded, Reply
from tests.fake_vendors.openai import draw

CORE = {"model", "prompt", "n", "size", "response_format"}
FIELDS = {
    "litellm": CORE | {"quality", "style", "background", "output_format", "output_compression"},
    "sd-server": CORE | {"output_format", "output_compression"},
    "localai": CORE | {"step", "file", "files", "ref_images"},
    "vllm-omni": CORE
    | {"negative_prompt", "num_inference_steps", "guidance_scale", "true_cfg_scale", "seed", "strength"}
    | {"output_format", "output_compression"},
}  # fmt: skip
NUMBERS = {"num_inference_steps": (1, 200), "guidance_scale": (0, 20), "strength": (0, 1), "n": (1, 10)}
CHAT_NAMES = {"max_tokens": "max_completion_tokens"}
MODELS = ("flux-dev", "dall-e-3", "gpt-image-2")


class Wrong(Exception):
    def __init__(self, status: int, body: dict[str, Any]):
        super().__init__(str(body))
        self.reply = Reply(status, {}, body)


class FakeCompatible(FakeVendor):
    """`key` is what the server wants in `key_header`; empty: nothing."""

    root = "/v1"

    def __init__(self, port: int = 0, *, engine: str = "litellm", key: str = ""):
        super().__init__(port)
        self.engine, self.key, self.key_header = engine, key, "authorization"
        self.headers: dict[str, str] = {}  # of every answer
        self.pictures: dict[str, bytes] = {}  # made, by path

    def answer(self, request: Recorded, step: str) -> Reply:
        try:
            reply = self._route(request)
        except Wrong as wrong:
            reply = wrong.reply
        reply.headers = {**self.headers, **reply.headers}
        return reply

    def _route(self, request: Recorded) -> Reply:
        if request.path in self.pictures:
            return Reply(200, {"Content-Type": "image/png"}, self.pictures[request.path])
        self._check_key(request)
        match request.method, request.path:
            case "GET", "/v1/models":
                return Reply(
                    body={"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]}
                )
            case "POST", "/v1/images/generations":
                return self._draw(request.json, request)
            case "POST", "/v1/images/edits" if self.engine != "localai":
                return self._draw(self._form(request), request)
            case "POST", "/v1/images/inpainting" if self.engine == "localai":
                return self._draw(self._inpainting(request), request)
            case "POST", "/v1/chat/completions":
                return self._write(request)
        raise Wrong(404, self._words(404, "Not Found"))

    def _check_key(self, request: Recorded) -> None:
        if self.key and request.headers.get(self.key_header) != self.key:
            raise Wrong(401, self._words(401, "Authentication Error, Invalid proxy server token passed."))

    def _words(self, status: int, message: str) -> dict[str, Any]:
        """An error as this engine words it."""
        match self.engine:
            case "sd-server":
                return {"error": message}
            case "localai":
                return {"error": {"code": status, "message": message, "type": ""}}
            case "vllm-omni":
                return {"detail": message}
        return {"error": {"message": message, "type": "invalid_request", "param": None, "code": str(status)}}

    def _draw(self, fields: dict[str, Any], request: Recorded) -> Reply:
        self._check(fields)
        form = "url" if self.engine == "localai" else "b64_json"
        form = fields.get("response_format", form)
        size = fields.get("size", "512x512")
        data = []
        for index in range(int(fields.get("n", 1))):
            picture = draw(size, fields.get("output_format", "png"), f"{fields['prompt']}{index}")
            data.append({form: self._serve(picture) if form == "url" else picture})
        # No `created`: a client must do without.
        return Reply(body={"data": data, "output_format": fields.get("output_format", "png")})

    def _serve(self, picture: str) -> str:
        path = f"/generated-images/{len(self.pictures)}.png"
        self.pictures[path] = base64.b64decode(picture)
        return f"http://127.0.0.1:{self.port}{path}"

    def _check(self, fields: dict[str, Any]) -> None:
        for name in fields.keys() - FIELDS[self.engine]:
            raise Wrong(400, self._words(400, f"unknown field {name}"))
        if not fields.get("prompt"):
            raise Wrong(400, self._words(400, "prompt required"))
        if "FAKE_POLICY" in fields["prompt"]:
            error = {"message": "Your request was rejected as a result of our safety system."}
            raise Wrong(400, {"error": {**error, "code": "content_policy_violation", "param": None}})
        if "FAKE_500" in fields["prompt"]:
            raise Wrong(500, self._words(500, "generate_image returned no results"))
        if "FAKE_DETAIL" in fields["prompt"]:
            place = {"loc": ["body", "size"], "msg": "Invalid size", "type": "value_error"}
            raise Wrong(422, {"detail": [place]})
        for name in NUMBERS.keys() & fields.keys():
            least, most = NUMBERS[name]
            if not isinstance(fields[name], int | float) or not least <= fields[name] <= most:
                raise Wrong(422, self._words(422, f"{name} is out of range"))
        if fields.get("response_format") == "url" and self.engine == "vllm-omni":
            raise Wrong(400, self._words(400, "only b64_json is supported"))
        if fields.get("response_format") and str(fields.get("model")).startswith("gpt-image"):
            raise Wrong(400, self._words(400, "Unknown parameter: 'response_format'."))
        self._check_own_words(fields["prompt"])

    def _check_own_words(self, prompt: str) -> None:
        found = re.search(r"<sd_cpp_extra_args>(.*)</sd_cpp_extra_args>", prompt)
        if found and (self.engine != "sd-server" or json.loads(found[1]).keys() - {"seed", "steps"}):
            raise Wrong(400, {"error": "invalid sd_cpp_extra_args"})

    def _form(self, request: Recorded) -> dict[str, Any]:
        fields: dict[str, Any] = {p.name: p.content.decode() for p in request.parts if p.file_name is None}
        fields |= {name: float(fields[name]) for name in NUMBERS.keys() & fields.keys()}
        names = [part.name for part in request.parts if part.file_name is not None]
        pictures = {"image[]"} if self.engine == "sd-server" else {"image", "image[]"}
        if not pictures & set(names):
            raise Wrong(400, self._words(400, "at least one image[] required"))
        for part in request.parts:
            if part.file_name is not None:
                Image.open(io.BytesIO(part.content)).verify()
        return fields

    def _inpainting(self, request: Recorded) -> dict[str, Any]:
        parts = {part.name: part for part in request.parts}
        if parts.keys() - {"steps"} != {"model", "prompt", "image", "mask"}:
            raise Wrong(400, self._words(400, f"unexpected form fields {sorted(parts)}"))
        for name in ("image", "mask"):
            Image.open(io.BytesIO(parts[name].content)).verify()
        return {name: parts[name].content.decode() for name in ("model", "prompt")}

    def _write(self, request: Recorded) -> Reply:
        fields = {CHAT_NAMES.get(name, name): value for name, value in request.json.items()}
        try:
            return chat.reply({"model": "flux-dev", **fields})
        except chat.Wrong as wrong:
            raise Wrong(400, self._words(400, str(wrong))) from wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve a fake OpenAI-compatible server until Ctrl-C.")
    parser.add_argument("--port", type=int, default=9002)
    parser.add_argument("--engine", choices=list(FIELDS), default="litellm")
    asked = parser.parse_args()
    with FakeCompatible(asked.port, engine=asked.engine) as vendor, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{vendor.url}  ALLOWED_PRIVATE_HOSTS={vendor.allowed[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()
