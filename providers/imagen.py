"""Google's Imagen and its `:predict`, for servers that still have it; Google itself ended it in August 2026.

Documentation: the types of google-genai 3.4.0 and Google's deprecations page, read on 22 November 2026.
"""

from pathlib import Path
from typing import Any

from providers import bodies, errors, faults, pricing
from providers.errors import BadResponse, NoPicture
from providers.rules import FORCE
from providers.vocabulary import Answer, GeneratedImage, GenerationResult, ImageRequest, ModelInfo

PREFIX = "imagen-"
OPTIONS = {"person_generation": "personGeneration", "safety_setting": "safetySetting"}


def fields(request: ImageRequest) -> dict[str, Any]:
    """The body that asks for pictures."""
    parameters: dict[str, Any] = {"sampleCount": request.n, "includeRaiReason": True}
    if request.aspect_ratio:
        parameters["aspectRatio"] = request.aspect_ratio
    if request.resolution:
        parameters["sampleImageSize"] = request.resolution
    if request.output_format:
        parameters["outputOptions"] = {"mimeType": f"image/{request.output_format}"}
    given = {name: value for name, value in request.options.items() if name != FORCE}
    parameters |= {OPTIONS[name]: value for name, value in given.items()}
    return {"instances": [{"prompt": request.prompt}], "parameters": parameters}


def parse(
    request: ImageRequest, answer: Answer, folder: Path, model: ModelInfo, label: str
) -> GenerationResult:
    """The pictures of an answer. Raises `Refused` when a filter held all of them back."""
    with bodies.json_body(answer) as body:
        data = body.data if isinstance(body.data, dict) else None
        listed = data.get("predictions", []) if data is not None else None
        if not isinstance(listed, list):
            raise faults.explain(NoPicture, f"{label} sent no picture.", answer)
        items = [item for item in listed if isinstance(item, dict)]
        images, damage = _save(body, items, folder)
    reason = next((str(item["raiFilteredReason"]) for item in items if item.get("raiFilteredReason")), "")
    if not images:
        raise damage or _refused(answer, label, reason)
    return GenerationResult(
        images=images,
        usage=pricing.from_table(request, model, len(images)),
        model=request.model,
        request_id=faults.request_id(answer),
        refused=max(0, request.n - len(images)),
        message=_message(request.n, len(images), label, reason),
    )


def _save(
    body: bodies.JsonBody, items: list[dict[str, Any]], folder: Path
) -> tuple[list[GeneratedImage], BadResponse | None]:
    images: list[GeneratedImage] = []
    damage = None
    for item in items:
        if not item.get("bytesBase64Encoded"):
            continue
        path = folder / f"{len(images)}.image"
        try:
            body.save(item["bytesBase64Encoded"], path)
        except BadResponse as exc:
            damage = exc
            continue
        images.append(GeneratedImage(path=path, revised_prompt=str(item.get("prompt") or "")))
    return images, damage


def _refused(answer: Answer, label: str, reason: str) -> errors.Refused:
    why = f"{label}'s safety filter held the pictures back. Change the prompt and try again."
    error = faults.explain(errors.Refused, why, answer, reason)
    error.may_have_been_charged = True
    return error


def _message(wanted: int, came: int, label: str, reason: str) -> str:
    if came >= wanted:
        return ""
    return (
        f"{label} sent {came} of {wanted} pictures; its safety filter held the others back. {reason}".strip()
    )
