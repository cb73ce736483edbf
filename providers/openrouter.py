"""OpenRouter: many vendors' models behind one key, by its Image API and, for chats, by chat completions.

Documentation: https://openrouter.ai/docs/guides/overview/multimodal/image-generation and the types of the
official Python SDK 1.3.84, read on 22 November 2026. The Image API takes no earlier turns and no privacy
settings, so requests with either go by chat completions, and so do models that only talk.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from providers import bodies, catalog, chat, errors, faults, http, openrouter_chat, pricing, streams
from providers import openrouter_account as account
from providers import openrouter_errors as failures
from providers import openrouter_models as lists
from providers import openrouter_routing as routing
from providers.base import (
    Answer,
    CheckResult,
    Completion,
    GeneratedImage,
    GenerationResult,
    ImageRequest,
    ModelInfo,
    Provider,
    Switch,
    TextModel,
    TextRequest,
    Usage,
)
from providers.errors import BadResponse, InvalidRequest, NoPicture, NotUnderstood, ProviderError

PATH = "/images"
NO_REASON = "The model ended with an error, and OpenRouter gives no reason. Change the prompt or try again."
NO_PICTURE = (
    "OpenRouter sent no picture and gave no reason. The model may have declined this without saying so:"
    " change the prompt and try again."
)
PARAMETERS = ("size", "aspect_ratio", "resolution", "quality", "background", "output_format", "seed")
TALKED = ("size", "quality", "background", "output_format")  # what a chat does not take
INPUT_TYPES = ("image/png", "image/jpeg", "image/webp")
STREAMED = {"Accept": "text/event-stream"}
HEADERS = {"referer": "HTTP-Referer", "title": "X-OpenRouter-Title"}


class OpenRouter(Provider):
    slug: ClassVar[str] = "openrouter"
    label: ClassVar[str] = "OpenRouter"
    default_base_url: ClassVar[str] = "https://openrouter.ai/api/v1"
    supports_text: ClassVar[bool] = True
    supports_vision: ClassVar[bool] = True
    connection_options: ClassVar[Mapping[str, Switch]] = routing.SWITCHES

    # Declare

    def problems(self, request: ImageRequest) -> Iterator[ProviderError]:
        yield from super().problems(request)
        if any(picture.mime_type not in INPUT_TYPES for picture in request.references):
            yield InvalidRequest("OpenRouter takes PNG, JPEG and WebP pictures only.", field="references")
        if request.background == "transparent" and request.output_format in ("jpeg", "svg"):
            yield InvalidRequest("A transparent background needs PNG or WebP.", field="background")
        if request.size and (request.resolution or (request.aspect_ratio and "x" in request.size)):
            yield InvalidRequest("Give a size, or a resolution and a shape.", field="size")
        if self.goes_by_chat(request):
            yield from self._problems_of_chat(request)

    def _problems_of_chat(self, request: ImageRequest) -> Iterator[ProviderError]:
        given = [name for name in TALKED if getattr(request, name) is not None]
        given += ["stream"] * request.stream
        given += ["options"] * ("output_compression" in request.options)
        for name in given:
            yield InvalidRequest(
                "This goes through OpenRouter's chat, because of its earlier turns, its model or the"
                f" connection's privacy settings, and a chat takes no {name.replace('_', ' ')}.",
                field=name,
            )
        if request.resolution and request.resolution not in openrouter_chat.SIZES:
            known = ", ".join(openrouter_chat.SIZES)
            yield InvalidRequest(f"In a chat, resolution must be one of {known}.", field="resolution")

    def goes_by_chat(self, request: ImageRequest) -> bool:
        """Whether the Image API cannot do what is asked, or may not see it."""
        api = self.model_info(request.model).capabilities.options.get("api")
        wanted = request.options.get("api") or (api and api.default)
        return bool(request.turns) or wanted == "chat" or not self._routing().keys() <= routing.FOR_PICTURES

    def split(self, request: ImageRequest) -> list[ImageRequest]:
        if self.goes_by_chat(request):
            return [replace(request, n=1)] * request.n
        return super().split(request)

    def list_models(self) -> Iterable[ModelInfo]:
        drawers = [
            lists.drawer(entry, catalog.find(self.slug, entry["id"]))
            for entry in self._entries("/images/models")
        ]
        everyone = {entry["id"]: entry for entry in self._entries("/models?output_modalities=image")}
        drawn = {model.id for model in drawers}
        talkers = (
            lists.talker(entry, catalog.find(self.slug, entry["id"]))
            for id, entry in everyone.items()
            if id not in drawn
        )
        models = [lists.with_end(model, everyone.get(model.id, {})) for model in (*drawers, *talkers)]
        order = {model.id: place for place, model in enumerate(self.models())}
        return sorted(models, key=lambda model: (order.get(model.id, len(order)), model.id))

    def list_text_models(self) -> Iterable[TextModel]:
        models = [
            lists.writer(entry, self.text_model_info(entry["id"])) for entry in self._entries("/models")
        ]
        order = {model.id: place for place, model in enumerate(self.text_models())}
        return sorted(models, key=lambda model: (order.get(model.id, len(order)), model.id))

    def _entries(self, path: str) -> list[Mapping[str, Any]]:
        entries = lists.entries(self._get(path))
        if entries is None:
            raise NotUnderstood("OpenRouter answered with something that is no list of models.")
        return entries

    def _get(self, path: str) -> Any:
        hosts = self.connection.allowed_private_hosts
        with http.get(self._wire(path), allowed_private_hosts=hosts) as answer:
            if answer.status != 200:
                raise self.failure(answer)
            with bodies.json_body(answer) as body:
                return body.data

    def test(self) -> CheckResult:
        """Ask about the key itself, and what is left of its limit."""
        try:
            answered = self._get("/key")
        except ProviderError as error:
            return CheckResult(ok=False, code=error.code, message=error.message)
        facts = answered.get("data") if isinstance(answered, dict) else None
        if not isinstance(facts, dict):
            why = "OpenRouter answered with something that cannot be read. Check the address."
            return CheckResult(ok=False, code="bad_response", message=why)
        return account.verdict(facts)

    # Build

    def build(self, request: ImageRequest) -> http.WireRequest:
        if self.goes_by_chat(request):
            fields = openrouter_chat.fields(request, self.model_info(request.model))
            return self._wire(chat.PATH, json=fields | self._common(request.user_id))
        fields = {"model": request.model, "prompt": request.prompt}
        fields |= {"n": request.n} if request.n > 1 else {}
        fields |= {name: getattr(request, name) for name in PARAMETERS if getattr(request, name) is not None}
        if "output_compression" in request.options:
            fields["output_compression"] = int(request.options["output_compression"])
        if request.references:
            fields["input_references"] = [openrouter_chat.picture(picture) for picture in request.references]
        fields |= {"stream": True} if request.stream else {}
        wire = self._wire(PATH, json=fields | self._common(request.user_id))
        return replace(wire, headers={**wire.headers, **STREAMED}) if request.stream else wire

    def build_text(self, request: TextRequest) -> http.WireRequest:
        fields = chat.fields(request)
        for message in fields["messages"]:
            if isinstance(message["content"], list):
                message["content"].reverse()  # words first, as OpenRouter advises
        # Thinking is billed, and texts as short as these need none.
        effort = self.text_model_info(request.model).effort
        fields |= {"reasoning_effort": effort} if effort else {}
        needed = {"require_parameters": True} if request.schema is not None else {}
        return self._wire(chat.PATH, json=fields | self._common(request.user_id, needed))

    def _common(self, user_id: str, needed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        settings = {**self._routing(), **(needed or {})}
        fields: dict[str, Any] = {"provider": settings} if settings else {}
        return fields | ({"user": user_id} if user_id else {})

    def _routing(self) -> dict[str, Any]:
        return routing.settings(self.connection.options)

    def _wire(self, path: str, **body: Any) -> http.WireRequest:
        own = self.connection.options
        headers = {header: str(own[name]) for name, header in HEADERS.items() if own.get(name)}
        headers["Authorization"] = f"Bearer {self.api_key}"
        return http.WireRequest(url=self.base_url + path, headers=headers, **body)

    # Parse

    def parse(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        if streams.is_stream(answer.status, answer.headers):
            for event in streams.events(answer):
                if self.ends_stream(event):
                    return self._result(request, answer, event, folder)
            raise BadResponse("OpenRouter's answer ended without a picture.")
        with bodies.json_body(answer) as body:
            return self._result(request, answer, body, folder)

    def parse_text(self, request: TextRequest, answer: Answer) -> Completion:
        with bodies.json_body(answer) as body:
            self._refuse_error(answer, body.data if isinstance(body.data, dict) else {})
        return chat.parse(answer, self.text_model_info(request.model), self.label, bill=account.bill_text)

    def _result(
        self, request: ImageRequest, answer: Answer, body: bodies.JsonBody, folder: Path
    ) -> GenerationResult:
        data = body.data if isinstance(body.data, dict) else {}
        self._refuse_error(answer, data)
        usage = self._usage(request, data)
        if "choices" in data:
            images = openrouter_chat.pictures(body, data, folder)
        else:
            images = _drawn(body, data, folder, usage)
        if not images:
            raise self._without_pictures(answer, data, usage)
        came = f"OpenRouter sent {len(images)} of {request.n} pictures that can be used."
        return GenerationResult(
            images=images,
            usage=usage,
            model=str(data.get("model") or ""),
            request_id=_request_id(answer, data),
            message="" if len(images) >= request.n else came,
        )

    def _usage(self, request: ImageRequest, data: Mapping[str, Any]) -> Usage:
        model, raw, cost = (
            self.model_info(request.model),
            data.get("usage"),
            account.dollars(data.get("usage")),
        )
        if cost is None:
            return replace(
                pricing.from_table(request, model, request.n), raw=raw if isinstance(raw, dict) else {}
            )
        ceiling = model.prices.get("ceiling_usd", pricing.UNKNOWN_CEILING) * request.n
        return pricing.reported(raw if isinstance(raw, dict) else {}, cost, ceiling)

    # Explain

    def error_for(self, answer: Answer) -> ProviderError:
        return failures.from_answer(answer)

    def _refuse_error(self, answer: Answer, data: Mapping[str, Any]) -> None:
        """Raise the error that an answer holds although its status is 200."""
        choice = openrouter_chat.choice_of(data)
        error = data.get("error") or choice.get("error")
        if not error and choice.get("finish_reason") != "error":
            return
        if error:
            told = failures.from_inside(answer, error if isinstance(error, dict) else {"message": str(error)})
        else:
            told = faults.explain(errors.Refused, NO_REASON, answer, "")
            told.retryable = True
        told.cost_usd = pricing.believed(account.dollars(data.get("usage")))
        told.request_id = _request_id(answer, data)
        # The Image API bills nothing that failed; a chat's model may have been at work, and its usage tells.
        worked = isinstance(told, errors.Refused) or (told.status or 0) >= 500
        unsure = told.cost_usd is None and "choices" in data and worked
        told.may_have_been_charged = bool(told.cost_usd) or unsure
        raise self.without_key(told)

    def _without_pictures(self, answer: Answer, data: Mapping[str, Any], usage: Usage) -> ProviderError:
        """The error for an answer that is whole and has no picture: the model would not, or only talked."""
        if "choices" not in data:
            return faults.costing(faults.explain(NoPicture, NO_PICTURE, answer, ""), _if_reported(usage))
        why, words = openrouter_chat.why_none(data)
        error = faults.explain(errors.Refused, why, answer, words)
        reported = usage.cost_source == "reported"
        error.cost_usd = usage.cost_usd if reported else None
        error.may_have_been_charged = not reported or bool(usage.cost_usd)
        error.request_id = _request_id(answer, data)
        return error


def _if_reported(usage: Usage) -> Usage:
    """The usage, unless its cost is the list price of pictures that did not come."""
    return usage if usage.cost_source == "reported" else Usage()


def _drawn(
    body: bodies.JsonBody, data: Mapping[str, Any], folder: Path, usage: Usage
) -> list[GeneratedImage]:
    """The pictures of the Image API that can be decoded. Raises `BadResponse` when none can."""
    items = [data] if "b64_json" in data else data.get("data")
    if not isinstance(items, list):
        raise faults.costing(NoPicture("OpenRouter answered without pictures."), _if_reported(usage))
    images, failure = [], None
    for index, item in enumerate(items):
        path = folder / f"{index}.image"
        try:
            body.save(item.get("b64_json") if isinstance(item, dict) else None, path)
        except BadResponse as exc:
            failure = exc
            continue
        images.append(GeneratedImage(path=path))
    if failure and not images:
        raise faults.costing(failure, _if_reported(usage))
    return images


def _request_id(answer: Answer, data: Mapping[str, Any]) -> str:
    known = answer.headers.get("x-generation-id") or data.get("id")
    return str(known)[:200] if known else faults.request_id(answer)
