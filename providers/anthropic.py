"""Anthropic's Messages API: texts and descriptions. Anthropic makes no pictures.

Documentation: https://platform.claude.com/docs/en/api/messages and the types of the official Python SDK
2.12.0, read on 22 November 2026.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from providers import bodies, chat, errors, faults, http, inputs, pricing
from providers.base import (
    Answer,
    CheckResult,
    Completion,
    ImageRequest,
    InputImage,
    ModelInfo,
    ModelStatus,
    Provider,
    TextModel,
    TextRequest,
    Usage,
)
from providers.errors import InvalidRequest, NotUnderstood, ProviderError

API_VERSION = "2026-10-21"
SPEND_CODES = {"enforced_spend_limit_reached", "contract_spend_limit_reached"}
OUT_OF_CREDIT = re.compile(r"credit balance|spend(?:ing)? limit|usage limits", re.I)
CUT_OFF = ("max_tokens", "model_context_window_exceeded")
STATUSES: dict[object, ModelStatus] = {"deprecated": "deprecated", "retired": "retired"}
NO_PICTURES = (
    "Anthropic makes no pictures. It can describe pictures, suggest tags and help to write prompts."
    " Choose another connection to generate."
)


class Anthropic(Provider):
    slug: ClassVar[str] = "anthropic"
    label: ClassVar[str] = "Anthropic"
    default_base_url: ClassVar[str] = "https://api.anthropic.com"
    supports_image_generation: ClassVar[bool] = False
    takes_any_model: ClassVar[bool] = False
    supports_text: ClassVar[bool] = True
    supports_vision: ClassVar[bool] = True

    # Declare

    @property
    def base_url(self) -> str:
        """The address with its version, which people may leave out."""
        return f"{super().base_url.removesuffix('/v1')}/v1"

    def problems(self, request: ImageRequest) -> Iterator[ProviderError]:
        yield InvalidRequest(NO_PICTURES, field="profile")

    def live_models(self) -> tuple[ModelInfo, ...]:
        return ()

    def list_text_models(self) -> Iterable[TextModel]:
        able = [entry for entry in self._page("limit=1000")["data"] if _looks_at_pictures(entry)]
        order = {model.id: place for place, model in enumerate(self.text_models())}
        return sorted(map(self._listed, able), key=lambda model: (order.get(model.id, len(order)), model.id))

    def test(self) -> CheckResult:
        try:
            self._page("limit=1")
        except ProviderError as error:
            return CheckResult(ok=False, code=error.code, message=error.message)
        return CheckResult(ok=True, code="ok", message=f"{self.label} accepted the key.")

    def _page(self, query: str) -> Mapping[str, Any]:
        wire = self._wire(f"/models?{query}")
        with http.get(wire, allowed_private_hosts=self.connection.allowed_private_hosts) as answer:
            if answer.status != 200:
                raise self.failure(answer)
            page = faults.json_of(answer)
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise NotUnderstood(f"{self.label} answered with something that is no list of models.")
        return page

    def _listed(self, entry: Mapping[str, Any]) -> TextModel:
        """A model of the vendor's list, with the day of its end if the list names one."""
        model = self.text_model_info(str(entry["id"]))
        if model.label == model.id:
            model = replace(model, label=str(entry.get("display_name") or model.id))
        ends = model.retires_on
        with contextlib.suppress(ValueError):  # most have no day yet
            ends = date.fromisoformat(str(entry.get("retires_at"))[:10])
        return replace(model, status=STATUSES.get(entry.get("lifecycle"), model.status), retires_on=ends)

    # Build

    def build(self, request: ImageRequest) -> http.WireRequest:
        raise InvalidRequest(NO_PICTURES, field="profile")

    def build_text(self, request: TextRequest) -> http.WireRequest:
        content: list[dict[str, Any]] = [{"type": "text", "text": request.prompt}]
        if request.image:
            content.insert(0, {"type": "image", "source": _source(request.image)})
        fields: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            "messages": [{"role": "user", "content": content}],
        }
        if request.instructions:
            fields["system"] = request.instructions
        if request.schema is not None:
            fields["output_config"] = {"format": {"type": "json_schema", "schema": request.schema}}
        if request.user_id:
            fields["metadata"] = {"user_id": request.user_id}
        return self._wire("/messages", json=fields)

    def _wire(self, path: str, **body: Any) -> http.WireRequest:
        headers = {"x-api-key": self.api_key, "anthropic-version": API_VERSION}
        return http.WireRequest(url=self.base_url + path, headers=headers, **body)

    # Parse

    def parse_text(self, request: TextRequest, answer: Answer) -> Completion:
        with bodies.json_body(answer) as body:
            data = body.data if isinstance(body.data, dict) else {}
        completion = Completion(
            text=_text(data.get("content")),
            usage=_bill(data.get("usage"), self.text_model_info(request.model)),
            model=str(data.get("model") or ""),
            request_id=faults.request_id(answer) or str(data.get("id") or ""),
        )
        ended, details = data.get("stop_reason"), data.get("stop_details")
        if ended == "refusal":
            words = details.get("explanation") if isinstance(details, dict) else ""
            raise chat.refused(completion, answer, self.label, str(words or ""))
        return chat.usable(completion, answer, self.label, is_cut=ended in CUT_OFF)

    # Explain

    def error_for(self, answer: Answer) -> ProviderError:
        data = faults.json_of(answer)
        error = data.get("error") if isinstance(data, dict) else None
        if not isinstance(error, dict):
            return super().error_for(answer)
        words, details = str(error.get("message") or ""), error.get("details")
        code = details.get("error_code") if isinstance(details, dict) else None
        if code in SPEND_CODES or answer.status == 400 and OUT_OF_CREDIT.search(words):
            why = (
                f"The account at {self.label} has no credit left, or its limit is reached. Change that there."
            )
            return faults.explain(errors.BillingError, why, answer, words)
        if answer.status == 404:
            why = f"{self.label} does not offer this model to your account. Choose another one."
            return faults.explain(errors.ModelUnavailable, why, answer, words, field="model")
        if answer.status == 400:
            field = "image" if code == "image_dimensions_too_large" or "image" in words.lower() else ""
            why = f"{self.label} did not accept the request" + (f" ({field})." if field else ".")
            return faults.explain(InvalidRequest, why, answer, words, field=field)
        return faults.from_status(answer, self.label, words)


def _source(picture: InputImage) -> dict[str, str]:
    return {"type": "base64", "media_type": picture.mime_type, "data": inputs.base64_of(picture)}


def _text(content: object) -> str:
    """The first text among the blocks; blocks of thinking may stand before it."""
    for block in content if isinstance(content, list) else []:
        if isinstance(block, dict) and block.get("type") == "text":
            return str(block.get("text") or "")
    return ""


def _bill(usage: object, model: TextModel) -> Usage:
    """What the counted tokens cost; this vendor counts those from the cache beside the others."""
    if not isinstance(usage, dict):
        return Usage()
    cached = usage.get("cache_read_input_tokens") or 0
    counts = (usage.get("input_tokens"), usage.get("cache_creation_input_tokens") or 0, cached)
    is_sound = all(isinstance(count, int) for count in counts)
    return pricing.bill_text(
        usage,
        model,
        going_in=sum(counts) if is_sound else None,
        coming_out=usage.get("output_tokens"),
        cached=cached,
    )


def _looks_at_pictures(entry: object) -> bool:
    """Whether a model of the list can do what is asked of it here: see pictures and answer in JSON."""
    if not isinstance(entry, dict) or entry.get("lifecycle") == "retired":
        return False
    able = entry.get("capabilities")
    needed = ("image_input", "structured_outputs")
    return isinstance(able, dict) and all((able.get(name) or {}).get("supported") for name in needed)
