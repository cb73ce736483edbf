"""Any server that speaks OpenAI's Image API: LiteLLM, LocalAI, vLLM-omni, stable-diffusion.cpp, and others.

Documentation: the sources of stable-diffusion.cpp at 97d2990, LocalAI of August 2026, vLLM-omni 0.30.0,
LiteLLM 1.109.1 and https://docs.litellm.ai/docs/proxy/response_headers, read on 22 November 2026. Servers
differ in details, so a connection has switches for them. Every model id is taken; one of OpenAI's own, living
or retired, is sent in OpenAI's form, because a server of another address may still have it.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from providers import bodies, catalog, chat, compatible_errors, errors, faults, http, inputs, pricing
from providers.base import (
    Answer,
    Capabilities,
    CheckResult,
    Completion,
    DescribeRequest,
    Estimate,
    GenerationResult,
    ImageRequest,
    ModelInfo,
    Provider,
    SizeRules,
    Switch,
    TextRequest,
    Usage,
)
from providers.multipart import FilePart, Form
from providers.openai import OpenAI
from providers.own_hardware import AT_HOME, FREE, SERVER_DEFAULT

OWN_FAMILIES = ("gpt-image-", "chatgpt-image-")  # these always answer in base64 and refuse `response_format`
DIALECTS = {
    "vllm-omni": {"steps": "num_inference_steps", "guidance": "guidance_scale"},
    "localai": {"steps": "step"},
}
OWN_HARDWARE = ("sd-server", "localai", "vllm-omni")  # these draw themselves; others pass a request on
NUMBERS: set[str] = {"steps", "guidance", "strength"}
NO_EDITS = (
    "The server has no such way to edit pictures. In the connection's settings, choose under Server which"
    " program it is, or turn Edits off."
)
COST_HEADER = "x-litellm-response-cost"
COST_CEILING = Decimal(50)  # US dollars for one call; a bill above it is not believed
SIZE = re.compile(r"[1-9]\d{1,4}x[1-9]\d{1,4}")


class OpenAICompatible(OpenAI):
    slug: ClassVar[str] = "openai_compatible"
    label: ClassVar[str] = "OpenAI-compatible server"
    speaker: ClassVar[str] = "The server"
    default_base_url: ClassVar[str] = ""
    needs_key: ClassVar[bool] = False
    needs_base_url: ClassVar[bool] = True
    connection_options: ClassVar[Mapping[str, Switch]] = {
        "engine": Switch(
            label="Server",
            help="Which program answers. It decides which parameters are offered.",
            values=("openai", "sd-server", "localai", "vllm-omni"),
        ),
        "response_format": Switch(
            label="Pictures come as",
            help="How pictures are asked for. Addresses are fetched at once.",
            values=("auto", "b64_json", "url", "none"),
        ),
        "auth": Switch(
            label="Key is sent as",
            help="The header that carries the key.",
            values=("bearer", "api-key", "x-api-key", "basic", "none"),
        ),
        "sizes": Switch(label="Sizes", help="The only sizes that the server makes: 512x512, 1024x1024."),
        "edits": Switch(
            label="Edits", help="Whether the server has /images/edits.", values=("on", "off")
        ),
        "image_field": Switch(
            label="Name of a picture's field in an edit", values=("auto", "image", "image[]")
        ),
        "mask": Switch(
            label="In a mask, this is repainted", values=("transparent", "white")
        ),
        "text_limit": Switch(
            label="The most tokens of a text are called", values=("max_tokens", "max_completion_tokens")
        ),
        "json_answers": Switch(
            label="JSON is asked for as", values=("json_schema", "json_object", "none")
        ),
    }  # fmt: skip

    # Declare

    @property
    def base_url(self) -> str:
        """The root with its `/v1`, which people leave out; any other path is taken as it is."""
        given = super().base_url
        return f"{given}/v1" if given and urlsplit(given).path in ("", "/") else given

    @property
    def is_free(self) -> bool:
        return self.switch("engine") in OWN_HARDWARE

    @classmethod
    def clean_options(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        cleaned = super().clean_options(given)
        for size in _sizes(cleaned.get("sizes")):
            if not SIZE.fullmatch(size):
                raise errors.InvalidRequest(
                    f"“{size}” is no size. Write them as 512x512, 1024x1024.", field="sizes"
                )
        return cleaned

    def switch(self, name: str) -> str:
        """What the connection says about `name`, or the first of its values."""
        values = self.connection_options[name].values
        chosen = str(self.connection.options.get(name) or "")
        return chosen if chosen in values else values[0]

    def model_info(self, model_id: str) -> ModelInfo:
        openais, own = catalog.find("openai", model_id), catalog.find(self.slug, model_id)
        if openais.prices:  # one that OpenAI's list knows; what it costs here, nobody does
            return replace(own, label=openais.label, capabilities=self._switched(openais.capabilities))
        engines = catalog.load(self.slug).capabilities
        return replace(own, capabilities=self._switched(engines[self.switch("engine")]))

    def models(self) -> tuple[ModelInfo, ...]:
        return tuple(self.model_info(model.id) for model in super().models())

    def knows(self, model_id: str) -> bool:
        return super().knows(model_id) or catalog.knows("openai", model_id)

    def _switched(self, able: Capabilities) -> Capabilities:
        """What is left of a model's abilities on a server with these switches."""
        sizes = _sizes(self.connection.options.get("sizes"))
        if sizes:
            able = replace(able, size=SizeRules(values=sizes, default=sizes[0]))
        if self.switch("edits") == "off":
            able = replace(able, modes=("generate",), max_references=0, mask=False)
        return able

    def list_models(self) -> Iterable[ModelInfo]:
        return [*self.models(), *(self.model_info(str(entry["id"])) for entry in self._entries())]

    def test(self) -> CheckResult:
        result = Provider.test(self)
        if result.code == "model_unavailable":
            why = "The address answers, but it has no list of models. Check that it ends in the API's root."
            return CheckResult(ok=False, code=result.code, message=f"{why} Often that is /v1.")
        return replace(result, message="The server answered.") if result.ok else result

    def estimate(self, request: ImageRequest) -> Estimate:
        return AT_HOME if self.is_free else super().estimate(request)

    def estimate_text(self, request: TextRequest | DescribeRequest) -> Estimate:
        return AT_HOME if self.is_free else super().estimate_text(request)

    # Build

    def _wire(self, path: str, **body: Any) -> http.WireRequest:
        return http.WireRequest(url=self.base_url + path, headers=self._auth(), **body)

    def _auth(self) -> dict[str, str]:
        style, key = self.switch("auth"), self.api_key
        if not key or style == "none":
            return {}
        if style == "basic":
            return {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}
        return {"Authorization": f"Bearer {key}"} if style == "bearer" else {style: key}

    def build(self, request: ImageRequest) -> http.WireRequest:
        if self.switch("engine") != "localai" or not request.references:
            return super().build(request)
        if request.mask is None:
            pictures = [inputs.base64_of(picture) for picture in request.references]
            return self._wire("/images/generations", json=self._fields(request) | {"ref_images": pictures})
        texts = {name: str(value) for name, value in self._fields(request).items()}
        names = {"model": "model", "prompt": "prompt", "step": "steps"}
        kept = {theirs: texts[ours] for ours, theirs in names.items() if ours in texts}
        return self._wire("/images/inpainting", form=Form(kept, self._files(request)))

    def _fields(self, request: ImageRequest) -> dict[str, Any]:
        fields = super()._fields(request)
        for name in ("safety_identifier", "user"):  # a person's mark is not for servers of unknown manners
            fields.pop(name, None)
        if request.model == SERVER_DEFAULT:
            del fields["model"]
        self._set_response_format(request, fields)
        if request.seed is not None:
            fields["seed"] = request.seed
        if request.negative_prompt:
            fields["negative_prompt"] = request.negative_prompt
        return self._in_dialect(fields)

    def _set_response_format(self, request: ImageRequest, fields: dict[str, Any]) -> None:
        wanted = self.switch("response_format")
        if wanted == "auto":
            wanted = "none" if request.model.startswith(OWN_FAMILIES) else "b64_json"
        fields.pop("response_format", None)
        if wanted != "none":
            fields["response_format"] = wanted

    def _in_dialect(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields as the connection's engine calls them."""
        engine = self.switch("engine")
        fields |= {name: _number(fields[name]) for name in NUMBERS & fields.keys()}
        if engine == "localai" and (avoided := fields.pop("negative_prompt", "")):
            fields["prompt"] = f"{fields['prompt']}|{avoided}"
        if engine == "sd-server":
            own = {name: fields.pop(name) for name in ("seed", "steps") if name in fields}
            if own:
                fields["prompt"] += f" <sd_cpp_extra_args>{json.dumps(own)}</sd_cpp_extra_args>"
        names = DIALECTS.get(engine, {})
        return {names.get(name, name): value for name, value in fields.items()}

    def _files(self, request: ImageRequest) -> list[FilePart]:
        files = super()._files(request)
        engine, wanted = self.switch("engine"), self.switch("image_field")
        usual = {"sd-server": "image[]", "localai": "image"}.get(engine, "")
        name = usual if wanted == "auto" else wanted
        if name:
            files = [file if file.name == "mask" else replace(file, name=name) for file in files]
        if request.mask and (self.switch("mask") == "white" or engine == "localai"):
            white = FilePart(
                name="mask",
                path=request.mask.path,
                file_name="mask.png",
                mime_type=request.mask.mime_type,
            )
            files = [white if file.name == "mask" else file for file in files]
        return files

    def build_text(self, request: TextRequest) -> http.WireRequest:
        fields = chat.fields(request, limit=self.switch("text_limit"))
        asked = self.switch("json_answers")
        if "response_format" in fields and asked != "json_schema":
            del fields["response_format"]
            fields |= {"response_format": {"type": asked}} if asked != "none" else {}
        if request.model in ("", SERVER_DEFAULT):
            del fields["model"]
        return self._wire(chat.PATH, json=fields)

    # Parse

    def _result(
        self,
        request: ImageRequest,
        answer: Answer,
        body: bodies.JsonBody,
        data: Mapping[str, Any],
        folder: Path,
    ) -> GenerationResult:
        result = super()._result(request, answer, body, data, folder)
        return replace(result, usage=self._billed(answer, result.usage))

    def parse_text(self, request: TextRequest, answer: Answer) -> Completion:
        completion = super().parse_text(request, answer)
        return replace(completion, usage=self._billed(answer, completion.usage))

    def _billed(self, answer: Answer, usage: Usage) -> Usage:
        """The usage with what it costs: nothing on own hardware, else what LiteLLM reports of most models."""
        return replace(FREE, raw=usage.raw) if self.is_free else _reported(answer, usage)

    def read(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        try:
            return super().read(request, answer, folder)
        except errors.ModelUnavailable as exc:
            if answer.status == 404 and request.mode != "generate" and not exc.field:
                raise faults.explain(errors.InvalidRequest, NO_EDITS, answer, field="references") from exc
            raise

    # Explain

    def error_for(self, answer: Answer) -> errors.ProviderError:
        return compatible_errors.explain(answer, self.speaker, self.label)


def _sizes(listed: object) -> tuple[str, ...]:
    """The sizes in a connection's option: a list, or a text with commas or blanks between them."""
    if isinstance(listed, str):
        return tuple(listed.replace(",", " ").split())
    return tuple(map(str, listed)) if isinstance(listed, list | tuple) else ()


def _number(value: object) -> int | float:
    """A whole number stays whole, because some servers look."""
    number = float(str(value))
    return int(number) if number.is_integer() else number


def _reported(answer: Answer, usage: Usage) -> Usage:
    try:
        cost = Decimal(answer.headers.get(COST_HEADER, ""))
    except InvalidOperation:
        return usage
    if not (cost.is_finite() and 0 <= cost <= COST_CEILING):
        return usage
    return Usage(raw=usage.raw, cost_usd=cost.quantize(pricing.MICRO), cost_source="reported")
