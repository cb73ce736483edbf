"""Google's Gemini API: the image models by `generateContent`, and texts; Imagen for servers that have it.

Documentation: https://ai.google.dev/gemini-api/docs/image-generation, the pages beside it and the types of
google-genai 3.4.0, read on 22 November 2026.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from providers import chat, errors, faults, gemini, gemini_turns, http, imagen, pricing
from providers.base import (
    Answer,
    CheckResult,
    Completion,
    DescribeRequest,
    Estimate,
    GenerationResult,
    ImageRequest,
    ModelInfo,
    Provider,
    TextRequest,
)
from providers.bodies import JsonBody
from providers.errors import InvalidRequest, NotUnderstood, ProviderError

VERSION = re.compile(r"/v\d+(?:alpha|beta)?\d*$")
INPUT_TYPES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
LARGEST_INPUT = 13 * 1024**2  # bytes of all pictures; in base64 below the 18 MB that a request may have
LARGEST_SEED = 2**31 - 1
AUTO = "auto"  # a shape that is left to the model, so it is not sent
CATEGORIES = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
THINKING_ROOM = 1024  # tokens; thoughts count as part of a text, which must not be cut off for them
MOST_PAGES = 20  # of the list of models

KEY_WORDS = (
    "API key not valid",
    "API key expired",
    "reported as leaked",
    "unregistered callers",
    "credentials",
)
OUT_OF_CREDIT = re.compile(r"limit: 0\b|\bspend|prepa(?:id|y)|credits?\b|balance", re.I)
FIELDS = {
    "aspect_ratio": "aspect_ratio",
    "image_size": "resolution",
    "seed": "seed",
    "candidate_count": "n",
    "thinking": "options",
    "safety": "options",
    "input image": "references",
    "Provided image": "references",
    "payload size": "references",
}


class Google(Provider):
    slug: ClassVar[str] = "google"
    label: ClassVar[str] = "Google"
    default_base_url: ClassVar[str] = "https://generativelanguage.googleapis.com"
    supports_text: ClassVar[bool] = True
    supports_vision: ClassVar[bool] = True

    # Declare

    @property
    def base_url(self) -> str:
        """The address with its version, which people may leave out."""
        address = super().base_url
        return address if VERSION.search(address) else f"{address}/v1beta"

    def problems(self, request: ImageRequest) -> Iterator[ProviderError]:
        yield from super().problems(request)
        if request.seed is not None and not 0 <= request.seed <= LARGEST_SEED:
            yield InvalidRequest(f"{self.label} takes a seed from 0 to {LARGEST_SEED}.", field="seed")
        if any(picture.mime_type not in INPUT_TYPES for picture in request.references):
            why = f"{self.label} takes PNG, JPEG, WebP and HEIC pictures only."
            yield InvalidRequest(why, field="references")

    def list_models(self) -> Iterable[ModelInfo]:
        listed: list[ModelInfo] = []
        token = ""
        for _ in range(MOST_PAGES):
            page = self._page({"pageSize": "1000"} | ({"pageToken": token} if token else {}))
            listed += [self._listed(entry) for entry in page["models"] if _makes_pictures(entry)]
            token = str(page.get("nextPageToken") or "")
            if not token:
                break
        order = {model.id: place for place, model in enumerate(self.models())}
        return sorted(listed, key=lambda model: (order.get(model.id, len(order)), model.id))

    def test(self) -> CheckResult:
        try:
            self._page({"pageSize": "1"})
        except ProviderError as error:
            return CheckResult(ok=False, code=error.code, message=error.message)
        return CheckResult(ok=True, code="ok", message=f"{self.label} accepted the key.")

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        wire = self._wire(f"/models?{urlencode(query)}")
        with http.get(wire, allowed_private_hosts=self.connection.allowed_private_hosts) as answer:
            if answer.status != 200:
                raise self.failure(answer)
            page = faults.json_of(answer)
        if not isinstance(page, dict) or not isinstance(page.get("models", []), list):
            raise NotUnderstood(f"{self.label} answered with something that is no list of models.")
        return {"models": [], **page}

    def _listed(self, entry: Mapping[str, Any]) -> ModelInfo:
        model = self.model_info(_id(entry))
        is_known = any(model.id == known.id for known in self.models())
        return model if is_known else replace(model, label=str(entry.get("displayName") or model.id))

    # Build

    def build(self, request: ImageRequest) -> http.WireRequest:
        if request.model.startswith(imagen.PREFIX):
            return self._wire(self._path(request.model, "predict"), json=imagen.fields(request))
        body: dict[str, Any] = {"contents": gemini_turns.contents(request, LARGEST_INPUT)}
        if "safety_threshold" in request.options:
            body["safetySettings"] = _safety(str(request.options["safety_threshold"]))
        method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return self._wire(
            self._path(request.model, method), json=body | {"generationConfig": _configuration(request)}
        )

    def _wire(self, path: str, **body: Any) -> http.WireRequest:
        return http.WireRequest(url=self.base_url + path, headers={"x-goog-api-key": self.api_key}, **body)

    def _path(self, model: str, method: str) -> str:
        return f"/models/{quote(model.removeprefix('models/'), safe='')}:{method}"

    def estimate_text(self, request: TextRequest | DescribeRequest) -> Estimate:
        return super().estimate_text(replace(request, max_tokens=self._most_tokens(request)))

    def _most_tokens(self, request: TextRequest | DescribeRequest) -> int:
        """Of an answer and the thoughts before it."""
        thinks = self.text_model_info(request.model).effort
        return request.max_tokens + (THINKING_ROOM if thinks else 0)

    def build_text(self, request: TextRequest) -> http.WireRequest:
        parts: list[dict[str, Any]] = [{"text": request.prompt}]
        if request.image:
            parts.insert(0, gemini_turns.inline(request.image.mime_type, request.image.path.read_bytes()))
        effort = self.text_model_info(request.model).effort
        limits: dict[str, Any] = {"maxOutputTokens": self._most_tokens(request)}
        if effort:
            limits["thinkingConfig"] = {"thinkingLevel": effort}
        if request.schema is not None:
            limits |= {"responseMimeType": "application/json", "responseJsonSchema": request.schema}
        body: dict[str, Any] = {"contents": [{"role": "user", "parts": parts}], "generationConfig": limits}
        if request.instructions:
            body["systemInstruction"] = {"parts": [{"text": request.instructions}]}
        return self._wire(self._path(request.model, "generateContent"), json=body)

    # Parse

    def parse(self, request: ImageRequest, answer: Answer, folder: Path) -> GenerationResult:
        model = self.model_info(request.model)
        if request.model.startswith(imagen.PREFIX):
            return imagen.parse(request, answer, folder, model, self.label)
        reply = gemini.read(answer, folder)
        cost = gemini.bill(reply, model)
        if reply.pictures and not gemini.counts_output(reply):
            cost = replace(pricing.from_table(request, model, len(reply.pictures)), raw=cost.raw)
        if not reply.pictures:
            if reply.error:
                raise faults.in_stream(self.error_in(reply.error, answer), self.label)
            raise gemini.refusal(reply, answer, self.label, cost)
        return GenerationResult(
            images=reply.images(request.seed),
            usage=cost,
            model=reply.model,
            request_id=faults.request_id(answer) or reply.id,
            message=f"{self.label} sent another picture that cannot be used." if reply.damage else "",
        )

    def parse_text(self, request: TextRequest, answer: Answer) -> Completion:
        reply = gemini.read(answer, answer.path.parent)
        completion = Completion(
            text=reply.text,
            usage=gemini.bill_text(reply, self.text_model_info(request.model)),
            model=reply.model,
            request_id=faults.request_id(answer) or reply.id,
        )
        if gemini.is_declined(reply):
            raise chat.refused(completion, answer, self.label, reply.reason or reply.block or reply.finish)
        return chat.usable(completion, answer, self.label, is_cut=reply.finish == "MAX_TOKENS")

    def preview_in(self, event: JsonBody) -> tuple[int, object] | None:
        draft = gemini.thought_picture(event.data)
        return (0, draft) if draft else None

    def ends_stream(self, event: JsonBody) -> bool:
        return gemini.is_end(event.data)

    # Explain

    def error_for(self, answer: Answer) -> ProviderError:
        data = faults.json_of(answer)
        if isinstance(data, list) and data:  # streams without events wrap their error in a list
            data = data[0]
        return self.error_in(data.get("error") if isinstance(data, dict) else None, answer)

    def error_in(self, error: object, answer: Answer) -> ProviderError:
        """What the `error` object of an answer means."""
        if not isinstance(error, dict):
            return super().error_for(answer)
        words, details = str(error.get("message") or ""), _details(error)
        if details.get("reason") == "API_KEY_INVALID" or (
            answer.status in (400, 401, 403) and any(sign in words for sign in KEY_WORDS)
        ):
            why = (
                f"{self.label} did not accept the key. Make a new one in Google AI Studio and enter it here."
            )
            return faults.explain(errors.AuthError, why, answer, words)
        if answer.status == 429:
            return self._limit(words, details, answer)
        if answer.status == 404:
            why = f"{self.label} does not offer this model to your account. Choose another one."
            return faults.explain(errors.ModelUnavailable, why, answer, words, field="model")
        if answer.status == 400:
            return self._bad_request(str(error.get("status")), words, answer)
        return faults.from_status(answer, self.label, words)

    def _limit(self, words: str, details: Mapping[str, str], answer: Answer) -> ProviderError:
        """Too fast, or nothing left: only the first gets better by waiting."""
        if OUT_OF_CREDIT.search(words) or "PerDay" in details.get("quota", ""):
            why = f"The account at {self.label} has no credit or quota left. Change that in Google AI Studio."
            return faults.explain(errors.BillingError, why, answer, words)
        error = faults.explain(errors.RateLimited, f"{self.label} asks to slow down.", answer, words)
        if "delay" in details:
            error.retry_after = faults.retry_after(answer, f"Retry in {details['delay']}")
        return error

    def _bad_request(self, status: str, words: str, answer: Answer) -> ProviderError:
        if status == "FAILED_PRECONDITION" and "location" in words:
            why = f"{self.label} does not serve the place that this server is in."
            return faults.explain(errors.PermissionDenied, why, answer, words)
        if status == "FAILED_PRECONDITION":
            why = f"{self.label} wants billing to be set up. Do that in Google AI Studio, then try again."
            return faults.explain(errors.BillingError, why, answer, words)
        field = next((name for sign, name in FIELDS.items() if sign in words), "")
        about = f" ({field.replace('_', ' ')})" if field else ""
        why = f"{self.label} did not accept the request{about}."
        return faults.explain(InvalidRequest, why, answer, words, field=field)


def _configuration(request: ImageRequest) -> dict[str, Any]:
    """How the picture should be: only what was asked for."""
    shape = {"aspectRatio": request.aspect_ratio, "imageSize": request.resolution}
    shape = {name: value for name, value in shape.items() if value not in (None, AUTO)}
    thinking: dict[str, Any] = {"includeThoughts": True} if request.stream else {}
    if "thinking_level" in request.options:
        thinking["thinkingLevel"] = request.options["thinking_level"]
    wanted = {"imageConfig": shape, "thinkingConfig": thinking, "seed": request.seed}
    return {
        "responseModalities": ["TEXT", "IMAGE"],
        **{name: value for name, value in wanted.items() if value not in (None, {})},
    }


def _safety(threshold: str) -> list[dict[str, str]]:
    return [{"category": f"HARM_CATEGORY_{name}", "threshold": threshold} for name in CATEGORIES]


def _id(entry: Mapping[str, Any]) -> str:
    return str(entry.get("name") or "").removeprefix("models/")


def _makes_pictures(entry: object) -> bool:
    """Whether a model of the list draws: no field says so, only its name."""
    if not isinstance(entry, dict) or "generateContent" not in (
        entry.get("supportedGenerationMethods") or ()
    ):
        return False
    name = _id(entry)
    return ("image" in name or "nano-banana" in name) and not any(word in name for word in ("imagen", "veo"))


def _details(error: Mapping[str, Any]) -> dict[str, str]:
    """What the `details` of an error say: its reason, the delay that it asks for, the quota that is gone."""
    found: dict[str, str] = {}
    listed = error.get("details")
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict):
            found |= {"reason": str(item["reason"])} if item.get("reason") else {}
            found |= {"delay": str(item["retryDelay"])} if item.get("retryDelay") else {}
            found |= {"quota": str(item["violations"])} if item.get("violations") else {}
    return found
