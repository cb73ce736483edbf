"""The web UI's `/sdapi/v1`, as its source has it: one lock, answers when done, `info` as a string in JSON.

`hold` makes each drawing wait until `go` is set or somebody interrupts it; `progress` then has a preview.
Words in the prompt make it odd: FAKE_OOM, FAKE_RUNTIME, FAKE_NO_IMAGES, FAKE_NO_INFO, FAKE_GRID, FAKE_PAUSES,
and each fault of `base.FAULTS`. By hand: `python -m tests.fake_vendors.automatic1111 --port 7860`.
"""

import argparse
import base64
import binascii
import contextlib
import io
import json
import sys
import threading
from typing import Any

from PIL import Image

from tests.fake_vendors.base import FakeVendor, Recorded, Reply
from tests.fake_vendors.openai import draw

CHECKPOINTS = ("v1-5-pruned.safetensors [6ce0161689]", "sdxl_base.safetensors")
SAMPLERS = ("Euler a", "Euler", "DPM++ 2M", "Restart")
SCHEDULERS = ("Automatic", "Karras", "Beta")
TEXT2 = {
    "prompt", "negative_prompt", "seed", "subseed", "subseed_strength", "steps", "cfg_scale",
    "distilled_cfg_scale", "width", "height", "batch_size", "n_iter", "sampler_name", "scheduler", "styles",
    "restore_faces", "tiling", "denoising_strength", "override_settings", "send_images", "save_images",
}  # fmt: skip
IMAGE2 = TEXT2 | {
    "init_images", "mask", "mask_blur", "inpainting_fill", "inpaint_full_res", "resize_mode",
    "inpainting_mask_invert", "include_init_images",
}  # fmt: skip
WHOLE = {"seed", "steps", "width", "height", "batch_size", "n_iter"}
NUMBERS = WHOLE | {"cfg_scale", "distilled_cfg_scale", "denoising_strength"}
IDLE = {"skipped": False, "interrupted": False, "job": "", "job_count": 0, "job_timestamp": "0", "job_no": 0,
        "sampling_step": 0, "sampling_steps": 0}  # fmt: skip


class Wrong(Exception):
    """The request breaks a rule: what the program's error handler makes of it."""

    def __init__(self, status: int, detail: Any, *, error: str = "HTTPException", errors: str = ""):
        super().__init__(detail)
        body = {"error": error, "detail": detail, "body": "", "errors": errors or f"{status}: {detail}"}
        self.reply = Reply(status, {}, {"detail": detail} if isinstance(detail, list) else body)


class FakeAutomatic1111(FakeVendor):
    """`login`: "user:password" of `--api-auth`. `has_api`: started with `--api`."""

    def __init__(self, port: int = 0, *, login: str = "", has_api: bool = True):
        super().__init__(port)
        self.login, self.has_api = login, has_api
        self.loaded = CHECKPOINTS[0]
        self.go, self.hold = threading.Event(), False
        self.job: dict[str, Any] | None = None
        self.interrupted = threading.Event()
        self.one_at_a_time = threading.Lock()

    def answer(self, request: Recorded, step: str) -> Reply:
        try:
            return self._route(request)
        except Wrong as wrong:
            return wrong.reply

    def step_for(self, request: Recorded):
        return "" if request.path.endswith("/interrupt") else super().step_for(request)

    def _route(self, request: Recorded) -> Reply:
        path, _, query = request.path.partition("?")
        if not self.has_api or not path.startswith("/sdapi/v1/"):
            return Reply(404, {}, {"detail": "Not Found"})
        self._check_login(request)
        match request.method, path.removeprefix("/sdapi/v1/"):
            case "GET", "sd-models":
                names = [{"title": title, "model_name": title.partition(".")[0]} for title in CHECKPOINTS]
                return _listed(names)
            case "GET", "samplers":
                return _listed([{"name": name, "aliases": [], "options": {}} for name in SAMPLERS])
            case "GET", "schedulers":
                return _listed([{"name": name.lower(), "label": name} for name in SCHEDULERS])
            case "GET", "progress":
                return self._progress(query)
            case "POST", "interrupt":
                self.interrupted.set()
                return Reply(body={})
            case "POST", "txt2img":
                return self._draw(request.json, TEXT2)
            case "POST", "img2img":
                return self._draw(self._checked_pictures(request.json), IMAGE2)
        return Reply(404, {}, {"detail": "Not Found"})

    def _check_login(self, request: Recorded) -> None:
        if not self.login:
            return
        given = request.headers.get("authorization", "")
        if not given:
            raise Wrong(401, "Not authenticated")
        if given != f"Basic {base64.b64encode(self.login.encode()).decode()}":
            raise Wrong(401, "Incorrect username or password")

    def _progress(self, query: str) -> Reply:
        job = self.job
        if job is None:
            return Reply(body={"progress": 0.0, "eta_relative": 0.0, "state": IDLE, "current_image": None})
        shown = None if "skip_current_image=true" in query else job["preview"]
        state = {**IDLE, "job": "scripts_txt2img", "job_count": 1, "job_timestamp": job["stamp"]}
        return Reply(body={"progress": 0.4, "eta_relative": 9.1, "state": state, "current_image": shown})

    def begin(self, stamp: str) -> None:
        """A job of somebody else begins."""
        self.job = {"stamp": stamp, "preview": draw("8x8", "png", stamp)}

    def _checked_pictures(self, fields: dict[str, Any]) -> dict[str, Any]:
        if not fields.get("init_images"):
            raise Wrong(404, "Init image not found")
        for text in [*fields["init_images"], *([fields["mask"]] if "mask" in fields else [])]:
            if text.startswith("http"):
                raise Wrong(500, "Requests not allowed")
            try:
                Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2] or text, validate=True))).load()
            except (OSError, binascii.Error) as exc:
                raise Wrong(500, "Invalid encoded image") from exc
        return fields

    def _draw(self, fields: dict[str, Any], known: set[str]) -> Reply:
        _check(fields, known)
        words = fields.get("prompt", "")
        if "FAKE_OOM" in words:
            told = "CUDA out of memory. Tried to allocate 4.00 GiB."
            raise Wrong(500, "", error="OutOfMemoryError", errors=told)
        if "FAKE_RUNTIME" in words:
            raise Wrong(500, "", error="RuntimeError", errors="mat1 and mat2 must have the same dtype")
        with self.one_at_a_time:
            self.interrupted.clear()
            self.begin(f"{len(self.requests)}")
            while self.hold and not self.go.wait(0.01) and not self.interrupted.is_set():
                pass
            if "FAKE_PAUSES" in words:
                self.rest()
            self.job = None
        return Reply(body=self._answer(fields))

    def _answer(self, fields: dict[str, Any]) -> dict[str, Any]:
        words, size = fields.get("prompt", ""), f"{fields.get('width', 512)}x{fields.get('height', 512)}"
        count = fields.get("n_iter", 1) * fields.get("batch_size", 1)
        first = fields.get("seed", -1)
        first = 1234567 if first < 0 else first
        seeds = [first + index for index in range(count)]
        images = [draw(size, "png", f"{words}{seed}") for seed in seeds]
        if "FAKE_GRID" in words:
            images.insert(0, draw("16x16", "png", "grid"))
        asked = fields.get("override_settings", {}).get("sd_model_checkpoint", self.loaded)
        width, height = size.split("x")
        info = {
            "prompt": words, "seed": first, "all_seeds": seeds, "width": int(width), "height": int(height),
            "sampler_name": fields.get("sampler_name", "Euler a"), "steps": fields.get("steps", 50),
            "cfg_scale": fields.get("cfg_scale", 7.0), "sd_model_name": asked.partition(".")[0],
            "denoising_strength": fields.get("denoising_strength"),
            "infotexts": [f"{words}\nSteps: 50" for _ in seeds],
        }  # fmt: skip
        return {
            "images": [] if "FAKE_NO_IMAGES" in words else images,
            "parameters": {**fields, "init_images": None, "mask": None},
            "info": "" if "FAKE_NO_INFO" in words else json.dumps(info),
        }


def _listed(entries: list[dict[str, Any]]) -> Reply:
    return Reply(200, {"Content-Type": "application/json"}, json.dumps(entries).encode())


def _check(fields: dict[str, Any], known: set[str]) -> None:
    """Stricter than the program, which passes over fields that it does not know."""
    for name in fields.keys() - known:
        raise Wrong(422, [{"loc": ["body", name], "msg": "unknown field", "type": "value_error"}])
    for name in NUMBERS & fields.keys():
        if type(fields[name]) is not int and (name in WHOLE or type(fields[name]) is not float):
            raise Wrong(422, [{"loc": ["body", name], "msg": "not a number", "type": "type_error"}])
    if fields.get("width", 8) % 8 or fields.get("height", 8) % 8:
        raise Wrong(422, [{"loc": ["body", "width"], "msg": "not a multiple of 8", "type": "value_error"}])
    if fields.get("sampler_name", SAMPLERS[0]) not in SAMPLERS:
        raise Wrong(400, "Sampler not found")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve a fake web UI until Ctrl-C.")
    parser.add_argument("--port", type=int, default=7860)
    with FakeAutomatic1111(parser.parse_args().port) as vendor, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{vendor.url}  ALLOWED_PRIVATE_HOSTS={vendor.allowed[0]}\n")
        sys.stdout.flush()
        threading.Event().wait()
