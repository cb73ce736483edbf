"""AUTOMATIC1111's Stable Diffusion web UI and Forge, by the API that both have at `/sdapi/v1`.

Documentation: the sources of both, modules/api/api.py and models.py, read on 22 November 2026. The program is
started with `--api`; one request draws all its pictures and answers when they are done, however long requests
of others take before. While it waits, the program can be asked for a preview, and be stopped.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from providers import bodies, errors, faults, http, inputs
from providers.base import (
    Answer,
    Cancelled,
    CheckResult,
    GeneratedImage,
    GenerationResult,
    ImageRequest,
    ModelInfo,
    OnPartial,
)
from providers.errors import BadResponse, InvalidRequest, NotUnderstood, ProviderError
from providers.own_hardware import FREE, SERVER_DEFAULT, OwnHardware, number, size_of, with_values
from providers.watch import Watch

ROOT = "/sdapi/v1"
NUMBERS = {
    "steps": "steps",
    "guidance": "cfg_scale",
    "distilled_guidance": "distilled_cfg_scale",
    "strength": "denoising_strength",
}
WORDS = {"sampler": "sampler_name", "scheduler": "scheduler"}
FIELDS = {"width": "size", "height": "size", "n_iter": "n", "init_images": "references"}
OWN_FIELDS = {"prompt", "negative_prompt", "seed", "mask"}
FACTS = {
    "sampler_name": "sampler",
    "steps": "steps",
    "cfg_scale": "guidance",
    "denoising_strength": "strength",
}
NO_API = "The address answers, but not as this program's API. Start it with --api, and check the address."
BAD_PICTURE = "The program cannot read the picture that goes along. Choose another one."
NO_MEMORY = "The program has not enough memory for this. Ask for a smaller picture, or for fewer."
STOPPED = "The program was told to stop, and stopped. Nothing was charged."

log = logging.getLogger(__name__)


class Automatic1111(OwnHardware):
    slug: ClassVar[str] = "automatic1111"
    label: ClassVar[str] = "AUTOMATIC1111 / Forge"
    look_pause: ClassVar[float] = 1.5  # seconds between two looks at how far it is

    # Declare

    def url(self, path: str) -> str:
        return f"{self.base_url.removesuffix(ROOT)}{ROOT}/{path}"

    def list_models(self) -> Iterable[ModelInfo]:
        samplers, schedulers = self._names("samplers", "name"), self._names("schedulers", "label")
        listed = [entry for entry in self._list("sd-models") if isinstance(entry.get("title"), str)]
        models = [
            replace(self.model_info(entry["title"]), label=str(entry.get("model_name") or entry["title"]))
            for entry in listed
        ]
        return [
            with_values(model, sampler=samplers, scheduler=schedulers) for model in (*self.models(), *models)
        ]

    def _list(self, path: str) -> list[Mapping[str, Any]]:
        entries = self.ask(path)
        if not isinstance(entries, list):
            raise NotUnderstood(f"The address answers, but it is no {self.label}. Check it.")
        return [entry for entry in entries if isinstance(entry, dict)]

    def _names(self, path: str, key: str) -> list[str]:
        """The names in one of the program's lists; none where it is too old to have the list."""
        try:
            return [str(entry[key]) for entry in self._list(path) if entry.get(key)]
        except InvalidRequest as exc:
            log.info("No list of %s: %s", path, exc)
            return []

    def test(self) -> CheckResult:
        try:
            found = len(self._list("samplers"))
        except ProviderError as error:
            return CheckResult(ok=False, code=error.code, message=error.message)
        return CheckResult(ok=True, code="ok", message=f"It works, and has {found} samplers.")

    # Build

    def build(self, request: ImageRequest) -> http.WireRequest:
        path = "img2img" if request.references else "txt2img"
        return http.WireRequest(url=self.url(path), headers=self.auth(), json=self._fields(request))

    def _fields(self, request: ImageRequest) -> dict[str, Any]:
        fields: dict[str, Any] = {"prompt": request.prompt}
        if request.negative_prompt:
            fields["negative_prompt"] = request.negative_prompt
        if request.seed is not None:
            fields["seed"] = request.seed
        if request.n > 1:
            fields["n_iter"] = request.n
        size = size_of(request)
        if size:
            fields["width"], fields["height"] = size
        given = request.options
        fields |= {theirs: number(given[ours]) for ours, theirs in NUMBERS.items() if ours in given}
        fields |= {theirs: str(given[ours]) for ours, theirs in WORDS.items() if ours in given}
        if request.model != SERVER_DEFAULT:
            fields["override_settings"] = {"sd_model_checkpoint": request.model}
        if request.references:
            fields["init_images"] = [inputs.base64_of(picture) for picture in request.references]
        if request.mask:
            fields["mask"] = inputs.base64_of(request.mask)
        return fields

    # Send, and look at how far it is

    def send(
        self,
        request: ImageRequest,
        spool: Path,
        *,
        on_partial: OnPartial | None = None,
        cancelled: Cancelled | None = None,
    ) -> Answer:
        """Make the one request; meanwhile hand on previews, and stop the program if the person says so."""
        if cancelled and cancelled():
            raise errors.Cancelled("Stopped before anything was sent. Nothing was charged.")
        watch = Watch(self, on_partial if request.stream else None, cancelled)
        # The request has a thread of its own, so that the two callables are called in the caller's.
        with ThreadPoolExecutor(1, thread_name_prefix="automatic1111") as pool:
            drawing = pool.submit(super().send, request, spool)
            while not wait([drawing], timeout=self.look_pause).done:
                watch.look()
            answer = drawing.result()
        if watch.has_stopped and answer.status == 200:
            spool.unlink()  # what is in it was not finished
            raise errors.Cancelled(STOPPED)
        return answer

    def progress(self, *, with_picture: bool) -> tuple[dict[str, Any], bytes]:
        """How far the program is, with its preview if there is one. Raises `ProviderError`."""
        path = f"progress?skip_current_image={'false' if with_picture else 'true'}"
        wire = http.WireRequest(url=self.url(path), headers=self.auth())
        with http.get(wire, allowed_private_hosts=self.connection.allowed_private_hosts) as answer:
            if answer.status != 200:
                raise self.failure(answer)
            with bodies.json_body(answer) as body:
                data = body.data if isinstance(body.data, dict) else {}
                picture = data.get("current_image") if with_picture else None
                return data, body.bytes_of(picture) if picture else b""

    def interrupt(self) -> None:
        """Stop the drawing that is going on, whosever it is. Raises `ProviderError`."""
        wire = http.WireRequest(url=self.url("interrupt"), headers=self.auth(), json={})
        allowed = self.connection.allowed_private_hosts
        with http.ask(wire, deadline=http.LIST_SECONDS, allowed_private_hosts=allowed) as answer:
            if answer.status != 200:
                raise self.failure(answer)

    # Parse

    def parse(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        with bodies.json_body(answer) as body:
            data = body.data if isinstance(body.data, dict) else {}
            info, pictures = _info(data.get("info")), data.get("images")
            if not isinstance(pictures, list) or not pictures:
                raise faults.explain(errors.NoPicture, f"{self.label} sent no picture.", answer)
            seeds = info.get("all_seeds")
            seeds = seeds if isinstance(seeds, list) else []
            if len(pictures) == len(seeds) + 1 and len(pictures) > 2:
                pictures = pictures[1:]  # the first one shows all the others in a grid
            images = _saved(body, pictures, folder, info, seeds)
        message = "" if len(images) >= request.n else f"{len(images)} of {request.n} pictures came."
        model = str(info.get("sd_model_name") or "")
        return GenerationResult(images=images, usage=FREE, model=model, message=message)

    # Explain

    def error_for(self, answer: Answer) -> ProviderError:
        data = faults.json_of(answer)
        data = data if isinstance(data, dict) else {}
        kind, detail = str(data.get("error") or ""), data.get("detail")
        words = _words(detail) or str(data.get("errors") or "")
        if answer.status == 401:
            why = f"{self.label} wants its user name and password. Enter them as the key: user:password."
            return faults.explain(errors.AuthError, why, answer, words)
        if answer.status == 404:
            return _not_found(answer, words)
        if "OutOfMemory" in kind or "out of memory" in words.lower():
            error: ProviderError = faults.explain(errors.ServerError, NO_MEMORY, answer, words)
            error.may_have_been_charged = False  # it said that nothing came of it
            return error
        if words in ("Invalid encoded image", "Requests not allowed"):
            return faults.explain(InvalidRequest, BAD_PICTURE, answer, words, field="references")
        if answer.status in (400, 422):
            why = f"{self.label} did not accept the request ({words[:200] or answer.status})."
            return faults.explain(InvalidRequest, why, answer, words, field=_field(words, detail))
        return faults.from_status(answer, self.label, words or None)


def _saved(
    body: bodies.JsonBody, pictures: list[Any], folder: Path, info: Mapping[str, Any], seeds: list[Any]
) -> list[GeneratedImage]:
    """The pictures that can be decoded. Raises `BadResponse` when none can."""
    images, failure = [], None
    for index, picture in enumerate(pictures):
        path = folder / f"{index}.image"
        try:
            body.save(picture, path)
        except BadResponse as exc:
            failure = exc
            continue
        images.append(GeneratedImage(path=path, seed=_seed(seeds, index, info), facts=_facts(info)))
    if failure and not images:
        raise failure
    return images


def _info(text: object) -> dict[str, Any]:
    """What the program tells about its pictures: JSON in a string, or nothing."""
    try:
        info = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return info if isinstance(info, dict) else {}


def _seed(seeds: list[Any], index: int, info: Mapping[str, Any]) -> int | None:
    first = info.get("seed")
    seed = seeds[index] if index < len(seeds) else first if index == 0 else None
    return seed if isinstance(seed, int) and seed >= 0 else None


def _facts(info: Mapping[str, Any]) -> dict[str, Any]:
    facts = {
        ours: info[theirs]
        for theirs, ours in FACTS.items()
        if isinstance(info.get(theirs), str | int | float)
    }
    if isinstance(info.get("width"), int) and isinstance(info.get("height"), int):
        facts["size"] = f"{info['width']}x{info['height']}"
    return facts


def _words(detail: object) -> str:
    """The words of a `detail`: a text, or FastAPI's list of what is wrong where."""
    if not isinstance(detail, list):
        return str(detail or "")
    return "; ".join(
        f"{item['loc'][-1]}: {item.get('msg')}" if item.get("loc") else str(item.get("msg"))
        for item in detail
        if isinstance(item, dict)
    )


def _not_found(answer: Answer, words: str) -> ProviderError:
    if words == "Init image not found":
        return faults.explain(InvalidRequest, BAD_PICTURE, answer, words, field="references")
    if words == "Model not found":
        why = "The program has no such checkpoint. Choose one from its list."
        return faults.explain(errors.ModelUnavailable, why, answer, words, field="model")
    return faults.explain(InvalidRequest, NO_API, answer, words, field="base_url")


def _field(words: str, detail: object) -> str:
    """Our name of the parameter that is wrong."""
    name = words.partition(":")[0] if isinstance(detail, list) else ""
    if name in OWN_FIELDS:
        return name
    return FIELDS.get(name, "options" if name or "Sampler" in words else "")
