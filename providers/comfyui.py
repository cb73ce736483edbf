"""ComfyUI: a workflow is put into its queue, asked for until it is done, and its pictures fetched.

Documentation: https://docs.comfy.org/development/comfyui-server/comms_routes and the sources of 2026
(server.py, execution.py), read on 22 November 2026. Pictures are drawn with the built-in workflows and a
checkpoint, or with a workflow that the connection brings along (`workflows.py`). No web socket is needed.
"""

import hashlib
import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from providers import bodies, catalog, comfy_replies, errors, faults, http, workflows
from providers.base import (
    Answer,
    Cancelled,
    CheckResult,
    GeneratedImage,
    GenerationResult,
    ImageRequest,
    InputImage,
    ModelInfo,
    OnPartial,
    Switch,
)
from providers.comfy_replies import choices, is_job, table
from providers.errors import BadResponse, InvalidRequest, ProviderError
from providers.jobs import Job, JobProvider
from providers.multipart import FilePart, Form
from providers.own_hardware import FREE, SERVER_DEFAULT, OwnHardware, with_values
from providers.workflows import Uploaded, Workflow

PATIENCE = 2  # questions in a row in which a job is nowhere
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
LOST = "ComfyUI no longer knows this job, so it was probably started anew. Nothing was charged. Try again."
NO_PICTURE = "ComfyUI finished, but its workflow saved no picture. Use one that ends in a SaveImage node."
NO_JOB = "ComfyUI named no job, so its pictures cannot be asked for. They may be in its own output folder."
NOT_TAKEN = "ComfyUI did not take the picture that goes along. Nothing was started."
NO_CHECKPOINT = "This ComfyUI has no checkpoint. Put one into its folder models/checkpoints."

log = logging.getLogger(__name__)


class ComfyUI(JobProvider, OwnHardware):
    slug: ClassVar[str] = "comfyui"
    label: ClassVar[str] = "ComfyUI"
    connection_options: ClassVar[Mapping[str, Switch]] = {
        "workflows": Switch(
            label="Workflows",
            help='JSON: a name for each, with its "graph" in API form and the "inputs" that are filled in.',
            is_json=True,
        )
    }

    # Declare

    @classmethod
    def clean_options(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        cleaned = super().clean_options(given)
        for problem in workflows.of_connection(cleaned.get("workflows"))[1].values():
            raise InvalidRequest(problem, field="workflows")
        return cleaned

    @property
    def _own(self) -> tuple[dict[str, Workflow], dict[str, str]]:
        return workflows.of_connection(self.connection.options.get("workflows"))

    def model_info(self, model_id: str) -> ModelInfo:
        info, own = super().model_info(model_id), self._own[0].get(model_id)
        if own is None:
            return info
        able = own.capabilities(catalog.load(self.slug).unknown)
        return replace(info, note="A workflow of this connection.", capabilities=able)

    def models(self) -> tuple[ModelInfo, ...]:
        return (*super().models(), *(self.model_info(name) for name in self._own[0]))

    def list_models(self) -> Iterable[ModelInfo]:
        samplers, schedulers = self._choices("KSampler", "sampler_name", "scheduler")
        names = self._checkpoints()
        built_in = [*super().models(), *(self.model_info(name) for name in names if name not in self._own[0])]
        lists = {"sampler": samplers, "scheduler": schedulers}
        return [
            *(with_values(model, **lists) for model in built_in),
            *(self.model_info(name) for name in self._own[0]),
        ]

    def _checkpoints(self) -> list[str]:
        return self._choices("CheckpointLoaderSimple", "ckpt_name")[0]

    def _choices(self, node: str, *names: str) -> list[list[str]]:
        """What may be chosen at each of these inputs of a node."""
        known = self.ask(f"/object_info/{node}")
        required = table(table(table(table(known).get(node)).get("input")).get("required"))
        return [choices(required.get(name)) for name in names]

    def problems(self, request: ImageRequest) -> Iterator[ProviderError]:
        problem = self._own[1].get(request.model)
        if problem:
            yield InvalidRequest(problem, field="model")
            return
        yield from super().problems(request)
        along = (*request.references, *([request.mask] if request.mask else []))
        if any(picture.mime_type not in ENDINGS for picture in along):
            yield InvalidRequest("ComfyUI takes PNG, JPEG and WebP pictures only.", field="references")

    def test(self) -> CheckResult:
        try:
            stats = table(self.ask("/system_stats"))
            if "system" not in stats:
                raise errors.NotUnderstood("The address answers, but it is not a ComfyUI server. Check it.")
        except ProviderError as error:
            return CheckResult(ok=False, code=error.code, message=error.message)
        for problem in self._own[1].values():
            return CheckResult(ok=False, code="invalid_request", message=problem)
        version = table(stats["system"]).get("comfyui_version")
        return CheckResult(ok=True, code="ok", message=f"ComfyUI {version or ''}".strip() + " answered.")

    # Build

    def send(
        self,
        request: ImageRequest,
        spool: Path,
        *,
        on_partial: OnPartial | None = None,
        cancelled: Cancelled | None = None,
    ) -> Answer:
        """Upload what goes along, put the job into the queue once, and wait for its end."""
        if cancelled and cancelled():
            raise errors.Cancelled("Stopped before anything was sent. Nothing was charged.")
        self._misses, self._is_stopping = 0, False
        return super().send(self._prepared(request), spool, on_partial=on_partial, cancelled=cancelled)

    _misses = 0  # in a row, of the job that is waited for
    _is_stopping = False

    def _prepared(self, request: ImageRequest) -> ImageRequest:
        """The request as `build` needs it: pictures that ComfyUI has, and a checkpoint that is there."""
        model = request.model
        if model == SERVER_DEFAULT:
            names = self._checkpoints()
            if not names:
                raise errors.ModelUnavailable(NO_CHECKPOINT, field="model")
            model = names[0]
        try:
            return replace(
                request,
                model=model,
                references=tuple(self._upload(picture) for picture in request.references),
                mask=request.mask and self._upload(request.mask),
            )
        except OSError as exc:
            why = "A picture that should go along cannot be read. Choose it again."
            raise InvalidRequest(why, field="references") from exc

    def _upload(self, picture: InputImage) -> Uploaded:
        # Named by its content, so that a picture that is used again and again is there once.
        mark = hashlib.sha256(picture.path.read_bytes()).hexdigest()[:24]
        file = FilePart(
            name="image",
            path=picture.path,
            file_name=f"vignette-{mark}.{ENDINGS[picture.mime_type]}",
            mime_type=picture.mime_type,
        )
        given = table(self._tell("/upload/image", form=Form({"type": "input", "overwrite": "true"}, [file])))
        if not isinstance(given.get("name"), str):
            raise errors.NotUnderstood(NOT_TAKEN)
        name = "/".join(filter(None, [str(given.get("subfolder") or ""), given["name"]]))
        return Uploaded(path=picture.path, mime_type=picture.mime_type, name=name)

    def _tell(self, path: str, **body: Any) -> Any:
        """The reply to a POST that starts nothing. Raises what its failure means."""
        wire = http.WireRequest(url=self.url(path), headers=self.auth(), **body)
        allowed = self.connection.allowed_private_hosts
        try:
            with http.ask(wire, deadline=self.text_deadline, allowed_private_hosts=allowed) as answer:
                if answer.status != 200:
                    raise self.failure(answer)
                return faults.json_of(answer)
        except (errors.ConnectionLost, errors.DeadlineExceeded) as exc:
            raise errors.NetworkError(NOT_TAKEN) from exc

    def build(self, request: ImageRequest) -> http.WireRequest:
        workflow = self._workflow(request)
        graph = workflow.filled(workflows.values(request, workflow))
        return http.WireRequest(
            url=self.url("/prompt"),
            headers=self.auth(),
            json={"prompt": graph, "client_id": uuid.uuid4().hex},
        )

    def _workflow(self, request: ImageRequest) -> Workflow:
        own = self._own[0].get(request.model)
        if own:
            return own
        kind = "inpaint" if request.mask else "image_to_image" if request.references else "text_to_image"
        return workflows.built_in(kind)

    # Ask, and stop

    def job_in(self, reply: Answer) -> Job | None:
        name = table(faults.json_of(reply)).get("prompt_id")
        return Job(id=name) if isinstance(name, str) and name else None

    def poll(self, job: Job) -> http.WireRequest:
        return http.WireRequest(url=self.url(f"/history/{job.id}"), headers=self.auth())

    def is_over(self, job: Job, reply: Answer) -> bool:
        """Whether the history has the job. Raises when it is neither there nor in the queue."""
        try:
            with bodies.json_body(reply, strict=False) as body:  # it writes NaN
                if table(body.data).get(job.id):
                    return True
            is_known = any(job.id in names for names in self._queue().values())
        except ProviderError as exc:
            log.info("ComfyUI does not tell how far it is: %s", exc)
            return False
        self._misses = 0 if is_known else self._misses + 1
        if self._misses < PATIENCE:
            return False
        if self._is_stopping:
            raise errors.Cancelled(comfy_replies.TAKEN_OUT)
        raise errors.ServerError(LOST, may_have_been_charged=False)

    def _queue(self) -> dict[str, set[str]]:
        """The ids of the jobs that run, and of those that wait."""
        queue = table(self.ask("/queue"))
        return {
            name: {str(entry[1]) for entry in queue.get(f"queue_{name}") or () if is_job(entry)}
            for name in ("running", "pending")
        }

    def stop(self, job: Job) -> bool:
        """Take the job out of the queue or off the drawing board; what became of it, polling tells."""
        try:
            queue = self._queue()
            if job.id in queue["pending"]:
                self._tell("/queue", json={"delete": [job.id]})
            elif job.id in queue["running"]:  # older builds stop whatever runs, so only then
                self._tell("/interrupt", json={"prompt_id": job.id})
            self._is_stopping = True
        except ProviderError as exc:
            log.info("ComfyUI cannot be told to stop: %s", exc)
        return False

    # Parse

    def parse(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        with bodies.json_body(answer, strict=False) as body:
            records = list(table(body.data).values())
        record = table(records[0]) if len(records) == 1 else {}
        status = table(record.get("status"))
        if status.get("status_str") == "error":
            raise comfy_replies.failure(status, answer)
        if "outputs" not in record:
            raise faults.explain(BadResponse, NO_JOB, answer)
        pictures = comfy_replies.pictures(record)
        if not pictures:
            error = faults.explain(errors.NoPicture, NO_PICTURE, answer)
            error.may_have_been_charged = False
            raise error
        graph, workflow = comfy_replies.graph_of(record), self._workflow(request)
        seed, checkpoint = workflow.value("seed", graph), workflow.value("checkpoint", graph)
        images = [
            GeneratedImage(
                path=folder / f"{index}.image",
                url=self.url(f"/view?{urlencode(picture)}"),
                seed=seed if isinstance(seed, int) else None,
                facts={"workflow": workflow.name, "file": picture["filename"]},
            )
            for index, picture in enumerate(pictures)
        ]
        message = "" if len(images) >= request.n else f"{len(images)} of {request.n} pictures came."
        return GenerationResult(images=images, usage=FREE, model=str(checkpoint or ""), message=message)

    def fetch(self, image: GeneratedImage) -> None:
        """Like everywhere, but for a proxy in front that wants the key for pictures as well."""
        if not self.connection.api_key:
            super().fetch(image)
            return
        wire, allowed = (
            http.WireRequest(url=image.url, headers=self.auth()),
            self.connection.allowed_private_hosts,
        )
        with http.get_large(wire, image.path.parent, allowed_private_hosts=allowed) as answer:
            if answer.status != 200:
                raise BadResponse("ComfyUI did not give its picture. The answer is kept.")
            with bodies.plain(answer) as (file, offset), image.path.open("wb") as copy:
                file.seek(offset)
                while piece := file.read(bodies.PIECE):
                    copy.write(piece)

    # Explain

    def error_for(self, answer: Answer) -> ProviderError:
        data = table(faults.json_of(answer))
        error = data.get("error")
        if answer.status != 400 or not isinstance(error, dict):
            return super().error_for(answer)
        return comfy_replies.rejection(data, answer)
