"""ComfyUI's server as its source has it: a graph is checked node by node, queued, and found in the history.

A job waits in the queue for `polls` questions, then it is done; with `hold` it stays until it is stopped.
Words in the prompt make it end oddly: FAKE_OOM, FAKE_NODE_ERROR, FAKE_INTERRUPTED, FAKE_NO_PICTURE,
FAKE_PREVIEWS_ONLY, FAKE_LOST, and each fault of `base.FAULTS`.
By hand: `python -m tests.fake_vendors.comfyui --port 8188`.
"""

import argparse
import base64
import contextlib
import io
import re
import sys
import threading
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from tests.fake_vendors.base import FakeVendor, Recorded, Reply
from tests.fake_vendors.openai import draw

CHECKPOINTS = ["juggernaut.safetensors", "v1-5.safetensors"]
SAMPLERS, SCHEDULERS = ["euler", "dpmpp_2m", "res_multistep"], ["normal", "karras"]
SIDE, LINK, ANY = (16, 16384), "link", "any"
# What each node needs: a list of choices, a range of numbers, a link to another node, an uploaded file.
NODES: dict[str, dict[str, Any]] = {
    "KSampler": {
        "seed": (0, 2**64 - 1), "steps": (1, 10000), "cfg": (0.0, 100.0), "sampler_name": SAMPLERS,
        "scheduler": SCHEDULERS, "denoise": (0.0, 1.0), "model": LINK, "positive": LINK, "negative": LINK,
        "latent_image": LINK,
    },
    "CheckpointLoaderSimple": {"ckpt_name": CHECKPOINTS},
    "EmptyLatentImage": {"width": SIDE, "height": SIDE, "batch_size": (1, 4096)},
    "CLIPTextEncode": {"text": ANY, "clip": LINK},
    "VAEDecode": {"samples": LINK, "vae": LINK},
    "VAEEncode": {"pixels": LINK, "vae": LINK},
    "SaveImage": {"filename_prefix": ANY, "images": LINK},
    "LoadImage": {"image": "file"},
    "LoadImageMask": {"image": "file", "channel": ["alpha", "red", "green", "blue"]},
    "ImageScale": {
        "image": LINK, "upscale_method": ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"],
        "width": (0, 16384), "height": (0, 16384), "crop": ["disabled", "center"],
    },
    "RepeatLatentBatch": {"samples": LINK, "amount": (1, 64)},
    "SetLatentNoiseMask": {"samples": LINK, "mask": LINK},
}  # fmt: skip
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")


class Wrong(Exception):
    """The request breaks a rule."""

    def __init__(self, status: int, body: dict[str, Any] | bytes = b""):
        super().__init__(str(body))
        self.reply = Reply(status, {}, body)


class FakeComfyUI(FakeVendor):
    """`combo` lists choices as builds of 2026 do. `renames` gives an upload another name."""

    def __init__(self, port: int = 0):
        super().__init__(port)
        self.polls, self.hold, self.combo, self.renames = 2, False, False, False
        self.key = ""  # what a proxy in front wants in Authorization
        self.files: dict[str, bytes] = {}  # "input/name", "output/name"
        self.jobs: dict[str, dict[str, Any]] = {}
        self.history: dict[str, dict[str, Any]] = {}

    @property
    def prompts(self) -> int:
        return sum(request.path == "/prompt" for request in self.requests)

    def step_for(self, request: Recorded):
        return super().step_for(request) if request.path == "/prompt" else ""

    def answer(self, request: Recorded, step: str) -> Reply:
        if "origin" in request.headers:
            return Reply(403)
        if self.key and request.headers.get("authorization") != self.key:
            return Reply(401)
        try:
            return self._route(request)
        except Wrong as wrong:
            return wrong.reply

    def _route(self, request: Recorded) -> Reply:
        parts = urlsplit(request.path)
        match request.method, *parts.path.strip("/").split("/"):
            case "GET", "system_stats":
                return Reply(body={"system": {"os": "posix", "comfyui_version": "0.9.2"}, "devices": []})
            case "GET", "object_info", name:
                return Reply(body={name: {"input": {"required": self._described(name)}}})
            case "POST", "upload", "image":
                return self._upload(request)
            case "POST", "prompt":
                return self._queue(request.json)
            case "GET", "history", name:
                return self._history(name)
            case "GET", "queue":
                entries = [[number, name, job["graph"], {}, ["9"]] for number, (name, job) in self._open()]
                return Reply(body={"queue_running": entries[:1], "queue_pending": entries[1:]})
            case "POST", "queue":
                for name in request.json["delete"]:
                    self.jobs.pop(name, None)
                return Reply()
            case "POST", "interrupt":
                return self._interrupt(request.json)
            case "GET", "view":
                return self._view({key: value[0] for key, value in parse_qs(parts.query).items()})
        raise Wrong(404)

    def _open(self) -> Any:
        return enumerate(self.jobs.items())

    def _described(self, name: str) -> dict[str, Any]:
        lists = {key: kind for key, kind in NODES.get(name, {}).items() if isinstance(kind, list)}
        return {
            key: ["COMBO", {"options": kind}] if self.combo else [kind, {}] for key, kind in lists.items()
        }

    def _upload(self, request: Recorded) -> Reply:
        parts = {part.name: part for part in request.parts}
        if parts.keys() - {"image", "type", "subfolder", "overwrite"} or "image" not in parts:
            raise Wrong(400)
        name = parts["image"].file_name or ""
        if not parts["image"].content.startswith(MAGIC) or not name:
            raise Wrong(400)
        name = name.replace(".", " (1).") if self.renames else name
        self.files[f"input/{name}"] = parts["image"].content
        return Reply(body={"name": name, "subfolder": "", "type": "input"})

    def _queue(self, fields: dict[str, Any]) -> Reply:
        if fields.keys() - {"prompt", "client_id", "prompt_id", "extra_data", "front", "number"}:
            raise Wrong(400)
        graph = fields.get("prompt")
        if not isinstance(graph, dict) or not graph:
            raise Wrong(400, _refused("no_prompt", "No prompt provided"))
        self._check(graph)
        name = str(uuid.uuid4())
        self.jobs[name] = {"graph": graph, "polls": self.polls}
        return Reply(body={"prompt_id": name, "number": len(self.jobs), "node_errors": {}})

    def _check(self, graph: dict[str, Any]) -> None:
        for node in graph.values():
            if node["class_type"] not in NODES:
                told = f"Cannot execute because node {node['class_type']} does not exist."
                raise Wrong(400, _refused("missing_node_type", told))
        if not any(node["class_type"] == "SaveImage" for node in graph.values()):
            raise Wrong(400, _refused("prompt_no_outputs", "Prompt has no outputs"))
        wrong = {name: found for name, node in graph.items() if (found := self._problems(node, graph))}
        if wrong:
            failed = "prompt_outputs_failed_validation"
            raise Wrong(400, _refused(failed, "Prompt outputs failed validation", wrong))

    def _problems(self, node: dict[str, Any], graph: dict[str, Any]) -> dict[str, Any] | None:
        found = []
        for name, kind in NODES[node["class_type"]].items():
            value = node["inputs"].get(name)
            problem = "required_input_missing" if value is None else self._problem(value, kind, graph)
            if problem:
                told = {"input_name": name, "received_value": value}
                found.append(
                    {"type": problem, "message": problem, "details": f"{name}: {value!r}", "extra_info": told}
                )
        return found and {"errors": found, "dependent_outputs": ["9"], "class_type": node["class_type"]}

    def _problem(self, value: Any, kind: Any, graph: dict[str, Any]) -> str:
        if kind == LINK:
            is_link = isinstance(value, list) and len(value) == 2 and value[0] in graph
            return "" if is_link else "bad_linked_input"
        if isinstance(kind, list):
            return "" if value in kind else "value_not_in_list"
        if isinstance(kind, tuple):
            if type(value) is not int and not (type(value) is float and isinstance(kind[0], float)):
                return "invalid_input_type"
            least, most = kind
            return "value_smaller_than_min" if value < least else "value_bigger_than_max" * (value > most)
        return "custom_validation_failed" if kind == "file" and f"input/{value}" not in self.files else ""

    def _history(self, name: str) -> Reply:
        job = self.jobs.get(name)
        if job and "FAKE_LOST" in str(job["graph"]):
            del self.jobs[name]
        elif job and not self.hold:
            job["polls"] -= 1
            if job["polls"] < 0:
                self.history[name] = self._record(name, self.jobs.pop(name)["graph"])
        return Reply(body={name: self.history[name]} if name in self.history else {})

    def _interrupt(self, fields: dict[str, Any]) -> Reply:
        running = next(iter(self.jobs), None)
        if running and fields.get("prompt_id", running) == running:
            graph = self.jobs.pop(running)["graph"]
            self.history[running] = self._ended(running, graph, {}, "execution_interrupted", {})
        return Reply()

    def _record(self, name: str, graph: dict[str, Any]) -> dict[str, Any]:
        words = str(graph)
        if "FAKE_INTERRUPTED" in words:
            return self._ended(name, graph, {}, "execution_interrupted", {"node_id": "3"})
        if "FAKE_OOM" in words or "FAKE_NODE_ERROR" in words:
            kind = "torch.OutOfMemoryError" if "FAKE_OOM" in words else "RuntimeError"
            cause = {"node_id": "3", "node_type": "KSampler", "exception_type": kind, "traceback": []}
            cause["exception_message"] = "Allocation on device" if "OOM" in words else "mat1 and mat2"
            return self._ended(name, graph, {}, "execution_error", cause)
        return self._ended(name, graph, self._drawn(graph, words), "execution_success", {})

    def _drawn(self, graph: dict[str, Any], words: str) -> dict[str, Any]:
        kinds = ["temp"] if "FAKE_PREVIEWS_ONLY" in words else ["temp", "output"]
        if "FAKE_NO_PICTURE" in words:
            return {"9": {"text": ["done"]}}
        latent = next(n["inputs"] for n in graph.values() if "width" in n["inputs"])
        size = f"{latent['width']}x{latent['height']}"
        numbers = (n["inputs"].get("batch_size") or n["inputs"].get("amount") for n in graph.values())
        count = next(filter(None, numbers), 1)
        images = []
        for kind in kinds:
            for index in range(count):
                file = f"vignette_{len(self.files):05}_.png"
                picture = draw("8x8" if kind == "temp" else size, "png", f"{words}{index}")
                self.files[f"{kind}/{file}"] = base64.b64decode(picture)
                images.append({"filename": file, "subfolder": "", "type": kind})
        return {"9": {"images": images}}

    def _ended(self, name, graph, outputs, message, facts) -> dict[str, Any]:
        is_good = message == "execution_success"
        return {
            "prompt": [1, name, graph, {"client_id": "c"}, ["9"]],
            "outputs": outputs,
            "status": {
                "status_str": "success" if is_good else "error",
                "completed": is_good,
                "messages": [["execution_start", {"prompt_id": name}], [message, facts]],
            },
            "meta": {},
        }

    def _view(self, asked: dict[str, str]) -> Reply:
        name = f"{asked.get('type', 'output')}/{asked.get('filename', '')}"
        if re.search(r"\.\.|^/", asked.get("filename", "")):
            raise Wrong(400)
        if name not in self.files:
            raise Wrong(404)
        Image.open(io.BytesIO(self.files[name])).verify()
        return Reply(200, {"Content-Type": "image/png"}, self.files[name])


def _refused(kind: str, message: str, node_errors: dict[str, Any] | None = None) -> dict[str, Any]:
    error = {"type": kind, "message": message, "details": message, "extra_info": {}}
    return {"error": error, "node_errors": node_errors or {}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve a fake ComfyUI until Ctrl-C.")
    parser.add_argument("--port", type=int, default=8188)
    with FakeComfyUI(parser.parse_args().port) as vendor, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{vendor.url}  ALLOWED_PRIVATE_HOSTS={vendor.allowed[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()
