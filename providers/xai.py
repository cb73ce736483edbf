"""xAI's image API: Grok Imagine; and Grok for texts.

Documentation: https://docs.x.ai/developers/model-capabilities/images/generation and the REST specification
in https://github.com/xai-org/xai-sdk-ts, read on 22 November 2026. Everything is JSON, edits as well. There
is no mask, no seed and no preview; a picture that takes long can be asked for as `deferred` and polled.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from providers import bodies, catalog, chat, faults, http, inputs, jobs, pricing, xai_errors
from providers.base import (
    Answer,
    CheckResult,
    Completion,
    Estimate,
    GeneratedImage,
    GenerationResult,
    ImageRequest,
    ModelInfo,
    Switch,
    TextModel,
    TextRequest,
    Usage,
)
from providers.errors import BadResponse, InvalidRequest, NotUnderstood, ProviderError

PARAMETERS = ("aspect_ratio", "resolution", "quality")
INPUT_TYPES = ("image/png", "image/jpeg", "image/webp")
DEFERRED = {"response_format": "url", "deferred": True}  # it comes by address only
BLOCKS = ("team_blocked", "api_key_blocked", "api_key_disabled")


class XAI(jobs.JobProvider):
    slug: ClassVar[str] = "xai"
    label: ClassVar[str] = "xAI"
    default_base_url: ClassVar[str] = "https://api.x.ai/v1"
    supports_text: ClassVar[bool] = True
    supports_vision: ClassVar[bool] = True
    request_deadline: ClassVar[float] = 300
    connection_options: ClassVar[Mapping[str, Switch]] = {
        "deferred": Switch(
            label="Deferred",
            help="xAI takes the request, and is asked every second until the picture is there.",
            values=("false", "true"),
        )
    }

    # Declare

    def problems(self, request: ImageRequest) -> Iterator[ProviderError]:
        yield from super().problems(request)
        if len(request.references) == 1 and request.aspect_ratio not in (None, "auto"):
            why = "xAI keeps the shape of a single reference picture. Leave the shape open, or add a picture."
            yield InvalidRequest(why, field="aspect_ratio")
        if any(picture.mime_type not in INPUT_TYPES for picture in request.references):
            yield InvalidRequest("xAI takes PNG, JPEG and WebP pictures only.", field="references")

    def estimate(self, request: ImageRequest) -> Estimate:
        usual = self.model_info(request.model).prices.get("usual_quality_of_edits")
        if usual and request.references and request.quality in (None, "auto"):
            request = replace(request, quality=usual)
        return super().estimate(request)

    def list_models(self) -> Iterable[ModelInfo]:
        listed = self._get("/image-generation-models")
        entries = listed.get("models")
        if not isinstance(entries, list):
            raise NotUnderstood("xAI answered with something that is no list of models.")
        return [self._listed(entry) for entry in entries if isinstance(entry, dict) and entry.get("id")]

    def test(self) -> CheckResult:
        """Ask about the key itself. That it is good does not prove that there is credit."""
        try:
            facts = self._get("/api-key")
        except ProviderError as error:
            return CheckResult(ok=False, code=error.code, message=error.message)
        if any(facts.get(name) for name in BLOCKS):
            why = "xAI has blocked this key or its team. Look at the key in xAI's console."
            return CheckResult(ok=False, code="permission", message=why)
        return CheckResult(ok=True, code="ok", message="xAI accepted the key.")

    def _get(self, path: str) -> Mapping[str, Any]:
        hosts = self.connection.allowed_private_hosts
        with http.get(self._wire(path), allowed_private_hosts=hosts) as answer:
            if answer.status != 200:
                raise self.failure(answer)
            data = faults.json_of(answer)
        if not isinstance(data, dict):
            raise NotUnderstood("xAI answered with something that cannot be read. Check the address.")
        return data

    def _listed(self, entry: Mapping[str, Any]) -> ModelInfo:
        """A model of xAI's list, with the prices that stand there."""
        model = catalog.find(self.slug, str(entry["id"]))
        able = model.capabilities
        if "image" in (entry.get("input_modalities") or ()) and not able.max_references:
            able = replace(able, modes=("generate", "edit"), max_references=1)
        prices = _listed_prices(entry) or model.prices
        if prices is model.prices:
            return replace(model, capabilities=able)
        today = datetime.now(UTC).date()
        return replace(model, capabilities=able, prices={**model.prices, **prices}, prices_read_on=today)

    # Build

    def build(self, request: ImageRequest) -> http.WireRequest:
        fields: dict[str, Any] = {"model": request.model, "prompt": request.prompt, "n": request.n}
        fields |= {name: getattr(request, name) for name in PARAMETERS if getattr(request, name) is not None}
        fields |= DEFERRED if self.is_job(request) else {"response_format": "b64_json"}
        fields |= {"user": request.user_id} if request.user_id else {}
        if not request.references:
            return self._wire("/images/generations", json=fields)
        # A new picture with references is, to this vendor, an edit of them.
        pictures = [{"url": inputs.data_url(picture)} for picture in request.references]
        if len(pictures) == 1:
            fields.pop("aspect_ratio", None)
            return self._wire("/images/edits", json=fields | {"image": pictures[0]})
        return self._wire("/images/edits", json=fields | {"images": pictures})

    def build_text(self, request: TextRequest) -> http.WireRequest:
        fields = chat.fields(request)
        # Thinking is billed, and texts as short as these need none.
        effort = self.text_model_info(request.model).effort
        fields |= {"reasoning_effort": effort} if effort else {}
        fields |= {"user": request.user_id} if request.user_id else {}
        return self._wire(chat.PATH, json=fields)

    def _wire(self, path: str, **body: Any) -> http.WireRequest:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return http.WireRequest(url=self.base_url + path, headers=headers, **body)

    # Poll

    def is_job(self, request: ImageRequest) -> bool:
        wanted = request.options.get("deferred", self.connection.options.get("deferred", False))
        return str(wanted).lower() == "true"

    def job_in(self, reply: Answer) -> jobs.Job | None:
        data = faults.json_of(reply)
        known = data.get("request_id") if isinstance(data, dict) and "data" not in data else None
        return jobs.Job(id=str(known)) if known else None

    def poll(self, job: jobs.Job) -> http.WireRequest:
        return self._wire(f"/images/{quote(job.id, safe='')}")

    def is_over(self, job: jobs.Job, reply: Answer) -> bool:
        data = faults.json_of(reply)
        return isinstance(data, dict) and data.get("status") != "pending"

    # Parse

    def parse(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        with bodies.json_body(answer) as body:
            data = body.data if isinstance(body.data, dict) else {}
            items = data.get("data")
            if not isinstance(items, list):
                raise self.without_key(xai_errors.without_pictures(answer, data))
            usage = self._usage(request, data)
            kept = [item for item in items if isinstance(item, dict) and _is_allowed(item)]
            if not kept:
                raise xai_errors.refused(answer, data)
            images = self._save(body, kept, folder, usage)
        refused = len(items) - len(kept)
        return GenerationResult(
            images=images,
            usage=usage,
            model=str(data.get("model") or ""),
            request_id=faults.request_id(answer),
            refused=refused,
            message=self._shortfall(request.n, len(images), refused),
        )

    def parse_text(self, request: TextRequest, answer: Answer) -> Completion:
        return chat.parse(answer, self.text_model_info(request.model), self.label, bill=bill_text)

    def _usage(self, request: ImageRequest, data: Mapping[str, Any]) -> Usage:
        model, raw, cost = self.model_info(request.model), data.get("usage"), xai_errors.dollars(data)
        if cost is None:
            return pricing.from_table(request, model, request.n)
        ceiling = model.prices.get("ceiling_usd", pricing.UNKNOWN_CEILING) * request.n
        return pricing.reported(raw if isinstance(raw, dict) else {}, cost, ceiling)

    def _shortfall(self, wanted: int, came: int, refused: int) -> str:
        if refused:
            return f"xAI's safety filter held back {refused} of {wanted} pictures, which xAI charges for."
        return "" if came >= wanted else f"xAI sent {came} of {wanted} pictures that can be used."

    def _save(
        self, body: bodies.JsonBody, items: Iterable[Mapping[str, Any]], folder: Path, usage: Usage
    ) -> list[GeneratedImage]:
        """The pictures that can be decoded, or fetched later. Raises `BadResponse` when there are none."""
        images, failure = [], None
        for index, item in enumerate(items):
            path = folder / f"{index}.image"
            try:
                url = body.save_or_link(item, path)
            except BadResponse as exc:
                failure = exc
                continue
            revised = str(item.get("revised_prompt") or "")
            images.append(GeneratedImage(path=path, url=url, revised_prompt=revised))
        if failure and not images:
            raise faults.costing(failure, usage)
        return images

    # Explain

    def error_for(self, answer: Answer) -> ProviderError:
        return xai_errors.from_answer(answer)


def bill_text(usage: object, model: TextModel) -> Usage:
    """What a text cost: as reported, else by its tokens, where thinking is counted apart from the answer."""
    raw = usage if isinstance(usage, dict) else {}
    cost = xai_errors.dollars({"usage": raw})
    if cost is not None:
        return pricing.reported(raw, cost, pricing.TEXT_CEILING)
    total, going_in = raw.get("total_tokens"), raw.get("prompt_tokens")
    if isinstance(total, int) and isinstance(going_in, int) and total >= going_in:
        return replace(chat.bill_tokens({**raw, "completion_tokens": total - going_in}, model), raw=raw)
    return chat.bill_tokens(usage, model)


def _is_allowed(item: Mapping[str, Any]) -> bool:
    return item.get("respect_moderation") is not False


def _listed_prices(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The prices of an entry in xAI's list, in the catalogue's form."""
    table = {
        f"{row['resolution']}/{row['quality']}": Decimal(row["price_per_image"]) / xai_errors.TICKS
        for row in entry.get("pricing") or ()
        if isinstance(row, dict) and {"resolution", "quality"} <= row.keys() and _is_price(row)
    }
    if table:
        return {"unit": "image", "table": table, "usual_size": "1k", "usual_quality": "low"}
    cents = entry.get("image_price")
    return {"unit": "image", "usd": Decimal(cents) / 100} if isinstance(cents, int) and cents > 0 else {}


def _is_price(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("price_per_image"), int) and row["price_per_image"] > 0
