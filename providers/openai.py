"""OpenAI's Image API: GPT Image, and the wire form of DALL·E for servers that still have it.

Documentation: https://platform.openai.com/docs/guides/image-generation and the types of the official Python
SDK 3.54.0, read on 22 November 2026.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

from providers import bodies, chat, errors, faults, http, masks, openai_errors, pricing, streams
from providers.base import (
    Answer,
    CheckResult,
    Completion,
    GeneratedImage,
    GenerationResult,
    ImageRequest,
    InputImage,
    ModelInfo,
    Provider,
    Switch,
    TextRequest,
    Usage,
)
from providers.errors import BadResponse, InvalidRequest, NotUnderstood, ProviderError
from providers.multipart import FilePart, Form
from providers.rules import FORCE

NO_PICTURE = "{} sent no picture."
FAMILIES = ("gpt-image-", "chatgpt-image-", "dall-e-")
PATHS = {"generate": "/images/generations", "edit": "/images/edits", "variation": "/images/variations"}
PARAMETERS = ("size", "quality", "style", "background", "output_format")
INPUT_TYPES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
NUMBERS = {"output_compression", "partial_images"}
ECHOED = ("size", "quality", "background", "output_format")


class OpenAI(Provider):
    slug: ClassVar[str] = "openai"
    label: ClassVar[str] = "OpenAI"
    speaker: ClassVar[str] = "OpenAI"  # of whom its sentences tell
    default_base_url: ClassVar[str] = "https://api.openai.com/v1"
    supports_text: ClassVar[bool] = True
    supports_vision: ClassVar[bool] = True
    connection_options: ClassVar[Mapping[str, Switch]] = {
        "organization": Switch(
            label="Organisation", help="For a key of several: its id, such as org-1a2b.", is_header=True
        ),
        "project": Switch(
            label="Project", help="For a key of several: its id, such as proj_1a2b.", is_header=True
        ),
    }

    # Declare

    def problems(self, request: ImageRequest) -> Iterator[ProviderError]:
        yield from super().problems(request)
        output = request.output_format or "png"
        if request.background == "transparent" and output == "jpeg":
            yield InvalidRequest("A transparent background needs PNG or WebP.", field="background")
        if output == "png" and str(request.options.get("output_compression", 100)) != "100":
            yield InvalidRequest("Output compression works with JPEG and WebP only.", field="options")
        if "input_fidelity" in request.options and not request.references:
            yield InvalidRequest("Input fidelity needs a reference picture.", field="options")
        if "partial_images" in request.options and not request.stream:
            yield InvalidRequest("Partial images come only while a picture is streamed.", field="options")
        if any(picture.mime_type not in INPUT_TYPES for picture in request.references):
            yield InvalidRequest(
                f"{self.speaker} takes PNG, JPEG and WebP pictures only.", field="references"
            )

    def list_models(self) -> Iterable[ModelInfo]:
        entries = self._entries()
        models = [self._listed(entry) for entry in entries if str(entry["id"]).startswith(FAMILIES)]
        order = {model.id: place for place, model in enumerate(self.models())}
        return sorted(models, key=lambda model: (order.get(model.id, len(order)), model.id))

    def _entries(self) -> list[Mapping[str, Any]]:
        """The vendor's list of models as it comes."""
        with http.get(
            self._wire("/models"), allowed_private_hosts=self.connection.allowed_private_hosts
        ) as answer:
            if answer.status != 200:
                raise self.failure(answer)
            listed = faults.json_of(answer)
        entries = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(entries, list):
            raise NotUnderstood(f"{self.speaker} answered with something that is no list of models.")
        return [entry for entry in entries if isinstance(entry, dict) and entry.get("id")]

    def test(self) -> CheckResult:
        result = super().test()
        if result.code != "permission":
            return result
        # A key restricted to images may not list models: nothing is wrong with it.
        return CheckResult(
            ok=True, code="ok", message="The key is valid. It may not list models, which does no harm."
        )

    # Build

    def build(self, request: ImageRequest) -> http.WireRequest:
        fields = self._fields(request)
        if not request.references:
            return self._wire(PATHS["generate"], json=fields)
        # A new picture with references is, to this vendor, an edit of them.
        path = PATHS["variation" if request.mode == "variation" else "edit"]
        return self._wire(
            path, form=Form({name: _form_text(value) for name, value in fields.items()}, self._files(request))
        )

    def _wire(self, path: str, **body: Any) -> http.WireRequest:
        options = self.connection.options
        named = {"OpenAI-Organization": options.get("organization"), "OpenAI-Project": options.get("project")}
        headers = {name: str(value) for name, value in named.items() if value}
        headers["Authorization"] = f"Bearer {self.api_key}"
        return http.WireRequest(url=self.base_url + path, headers=headers, **body)

    def _fields(self, request: ImageRequest) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": request.model}
        if request.mode != "variation":
            fields["prompt"] = request.prompt
        fields["n"] = request.n
        fields |= {name: getattr(request, name) for name in PARAMETERS if getattr(request, name) is not None}
        fields |= {name: value for name, value in request.options.items() if name != FORCE}
        if request.stream:
            fields = {"partial_images": pricing.USUAL_PREVIEWS} | fields | {"stream": True}
        fields |= {name: int(fields[name]) for name in NUMBERS & fields.keys()}
        is_legacy = request.model.startswith("dall-e-")
        if is_legacy:
            fields["response_format"] = "b64_json"
        if request.user_id:
            fields["user" if is_legacy else "safety_identifier"] = request.user_id
        return fields

    def _files(self, request: ImageRequest) -> list[FilePart]:
        name = "image" if len(request.references) == 1 else "image[]"
        files = [_part(name, f"image-{i}", picture) for i, picture in enumerate(request.references, 1)]
        if request.mask:
            content = masks.with_holes(request.mask.path, request.references[0].path)
            files.append(FilePart(name="mask", content=content, file_name="mask.png", mime_type="image/png"))
        return files

    def build_text(self, request: TextRequest) -> http.WireRequest:
        fields = chat.fields(request)
        # Thinking is billed and counts as part of the answer, which here needs none.
        effort = self.text_model_info(request.model).effort
        fields |= {"reasoning_effort": effort} if effort else {}
        fields |= {"safety_identifier": request.user_id} if request.user_id else {}
        return self._wire(chat.PATH, json=fields)

    # Parse

    def parse_text(self, request: TextRequest, answer: Answer) -> Completion:
        return chat.parse(answer, self.text_model_info(request.model), self.label)

    def parse(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        if streams.is_stream(answer.status, answer.headers):
            return self._parse_stream(request, answer, folder)
        with bodies.json_body(answer) as body:
            data = body.data if isinstance(body.data, dict) else {}
            return self._result(request, answer, body, data, folder)

    def _parse_stream(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        for event in filter(self.ends_stream, streams.events(answer)):
            if event.data.get("error"):
                raise faults.in_stream(self.error_in(event.data["error"], answer), self.label)
            # The last event is the picture, with what otherwise stands beside the list of pictures.
            return self._result(request, answer, event, event.data | {"data": [event.data]}, folder)
        raise faults.explain(BadResponse, NO_PICTURE.format(self.speaker), answer, "")

    def _result(
        self,
        request: ImageRequest,
        answer: Answer,
        body: bodies.JsonBody,
        data: Mapping[str, Any],
        folder: Path,
    ) -> GenerationResult:
        items = data.get("data")
        if data.get("error"):
            raise faults.in_whole(self.error_in(data["error"], answer), self.label)
        self._refuse_refusal(answer, data, items)
        try:
            if not isinstance(items, list) or not items:
                raise faults.explain(errors.NoPicture, NO_PICTURE.format(self.speaker), answer)
            images = self._save(body, data, items, folder)
        except BadResponse as exc:
            raise faults.costing(exc, self._counted(request, data)) from exc
        wanted, came = max(request.n, len(items)), len(images)
        return GenerationResult(
            images=images,
            usage=self._usage(request, data, came),
            request_id=faults.request_id(answer),
            message=""
            if came == wanted
            else f"{self.speaker} sent {came} of {wanted} pictures that can be used.",
        )

    def _save(
        self, body: bodies.JsonBody, data: Mapping[str, Any], items: list[Any], folder: Path
    ) -> list[GeneratedImage]:
        """The pictures that can be decoded. Raises `BadResponse` when none can."""
        images, failure = [], None
        facts = {name: data[name] for name in ECHOED if isinstance(data.get(name), str)}
        for index, item in enumerate(items):
            item = item if isinstance(item, dict) else {}
            path = folder / f"{index}.image"
            try:
                url = body.save_or_link(item, path)
            except BadResponse as exc:
                failure = exc
                continue
            images.append(
                GeneratedImage(
                    path=path, url=url, revised_prompt=str(item.get("revised_prompt") or ""), facts=facts
                )
            )
        if failure and not images:
            raise failure
        return images

    def _usage(self, request: ImageRequest, data: Mapping[str, Any], pictures: int) -> Usage:
        model, counted = self.model_info(request.model), self._counted(request, data)
        if model.prices.get("unit") == "image" or not counted.raw:
            return replace(pricing.from_table(request, model, pictures), raw=counted.raw)
        return counted

    def _counted(self, request: ImageRequest, data: Mapping[str, Any]) -> Usage:
        """What the tokens cost that the answer counts, whether or not pictures came of them."""
        counted, model = data.get("usage"), self.model_info(request.model)
        return pricing.bill(counted, model, request.n) if isinstance(counted, dict) else Usage()

    def _refuse_refusal(self, answer: Answer, data: Mapping[str, Any], items: object) -> None:
        """Raise `Refused` for an answer that holds words of refusal instead of pictures."""
        first = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
        words = data.get("refusal") or first.get("refusal")
        if words and not first.get("b64_json"):
            error = faults.explain(
                errors.Refused, openai_errors.declined({}, self.speaker), answer, str(words)
            )
            error.may_have_been_charged = True
            raise error

    # Explain

    def error_for(self, answer: Answer) -> ProviderError:
        data = faults.json_of(answer)
        return self.error_in(data.get("error") if isinstance(data, dict) else None, answer)

    def error_in(self, error: object, answer: Answer) -> ProviderError:
        """What the `error` object of an answer means."""
        if not isinstance(error, dict):
            return super().error_for(answer)
        return openai_errors.explain(error, answer, self.speaker, self.label)

    def _listed(self, entry: Mapping[str, Any]) -> ModelInfo:
        """A model of the vendor's list, with the day of its end if the list names one."""
        model = self.model_info(str(entry["id"]))
        try:
            ends = date.fromisoformat(str(entry.get("shutdown_date"))[:10])
        except ValueError:
            return model
        return replace(
            model, status="deprecated" if ends > datetime.now(UTC).date() else "retired", retires_on=ends
        )


def _form_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _part(name: str, file_name: str, picture: InputImage) -> FilePart:
    ending = INPUT_TYPES[picture.mime_type]
    return FilePart(
        name=name, path=picture.path, file_name=f"{file_name}.{ending}", mime_type=picture.mime_type
    )
