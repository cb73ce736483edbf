from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Header, Router, Status
from pydantic import BaseModel, Field

from gallery import vendors
from gallery.api import paging
from gallery.api.problems import Invalid, Problem
from gallery.api.v1.pictures import mask_of, references_of
from gallery.api.v1.shapes import (
    PROBLEMS,
    After,
    Limit,
    Money,
    ProblemDocument,
    TagRef,
    picture_addresses,
)
from gallery.api.v1.wishes import GenerationRequest, choose_profile, wish_of
from gallery.files import media
from gallery.generations import admission
from gallery.generations import generation as generations
from gallery.models import Generation, GenerationImage, Tag
from gallery.models.generation import Status as State
from gallery.views import generations as views
from gallery.work import jobs

router = Router()


class GenerationPicture(BaseModel):
    id: UUID
    thumbnail_url: str
    original_url: str
    width: int
    height: int
    mime_type: str


class GenerationError(BaseModel):
    code: str
    message: str
    provider_message: str
    request_id: str
    retryable: bool
    may_have_been_charged: bool
    retry_at: datetime | None = Field(description="When a request that was put off is tried again by itself.")


class GenerationOut(BaseModel):
    id: UUID
    status: Literal[tuple(State.values)]  # type: ignore[valid-type]
    profile: UUID | None
    provider: str
    model: str
    mode: str
    prompt: str
    prompt_sent: str
    params: dict[str, Any]
    n: int
    follows: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    images: list[GenerationPicture]
    late: bool = Field(description="Its pictures arrived after it was cancelled, and are kept.")
    estimated_cost_usd: Money | None
    cost_usd: Money | None
    cost_source: Literal["reported", "computed", "table", "unknown"]
    error: GenerationError | None


class PromptPiece(BaseModel):
    text: str
    origin: str = Field(alias="from", description="“typed”, a tag such as “character:Mirel”, or what else.")


class LeftOut(PromptPiece):
    name: str
    reason: str


class CastReference(BaseModel):
    id: UUID
    origin: str = Field(alias="from", description="“typed” for those of the request itself.")


class Receipt(BaseModel):
    """What would be sent."""

    prompt_sent: str
    pieces: list[PromptPiece] = Field(description="All of them in order are “prompt_sent”.")
    negative_prompt_sent: str
    left_out: list[LeftOut]
    references: list[CastReference] = Field(description="In the order in which they are sent.")
    tags: list[TagRef] = Field(description="Of everybody and everything that the prompt names.")
    params: dict[str, Any]
    estimated_cost_usd: Money | None
    warnings: list[str]


class Generations(BaseModel):
    items: list[GenerationOut]
    next: str | None


@router.post("", response={202: GenerationOut} | PROBLEMS)
def create_generation(
    request,
    body: GenerationRequest,
    idempotency_key: Annotated[str, Header(max_length=200, alias="Idempotency-Key")] = "",
):
    """Ask for pictures. The answer comes at once; the pictures follow."""
    vendors.learn_of(choose_profile(request.user, body.profile), body.model)
    references = references_of(request.user, body.references)
    mask = mask_of(request.user, body.mask, references)
    try:
        # Together: a wish that is refused leaves no tags behind.
        door = admission.at_the_door(request.user, is_repeatable=bool(idempotency_key))
        with door, transaction.atomic():
            made = generations.submit(
                request.user,
                replace(wish_of(request.user, body), references=references, mask=mask),
                idempotency_key=idempotency_key or None,
            )
    except generations.IdempotencyConflict as exc:
        raise Invalid("Idempotency-Key", "This key came with another request. Send a new key.") from exc
    return Status(202, shape(find(request, made.public_id)))


@router.post("/preview", response={200: Receipt} | PROBLEMS, by_alias=True)
def preview_generation(request, body: GenerationRequest):
    """What a request would send, and what it would cost. Nothing is sent, and nothing is kept."""
    vendors.learn_of(choose_profile(request.user, body.profile), body.model)
    references = references_of(request.user, body.references)
    mask = mask_of(request.user, body.mask, references)
    wish = replace(wish_of(request.user, body, create=False), references=references, mask=mask)
    return receipt_of(generations.plan(wish))


@router.get("", response={200: Generations} | PROBLEMS)
def list_generations(
    request,
    limit: Limit = 50,
    after: After = "",
    status: Literal[tuple(State.values)] | None = None,  # type: ignore[valid-type]
):
    """All generations, newest first."""
    rows = visible(request)
    rows = rows.filter(status=status) if status else rows
    page, cursor = paging.cut(rows, limit=limit, after=after)
    return {"items": [shape(generation) for generation in page], "next": cursor}


@router.get("/{uuid:generation_id}", response={200: GenerationOut} | PROBLEMS)
def get_generation(request, generation_id: UUID):
    return shape(find(request, generation_id))


@router.post("/{uuid:generation_id}/cancel", response={200: GenerationOut} | PROBLEMS)
def cancel_generation(request, generation_id: UUID):
    """Stop what has not gone out to the vendor yet; what has is kept when it comes."""
    generations.cancel(find(request, generation_id))
    return shape(find(request, generation_id))


@router.post("/{uuid:generation_id}/retry", response={202: GenerationOut} | PROBLEMS)
def retry_generation(request, generation_id: UUID):
    """Ask again for what did not arrive, as a new generation. It may cost again.

    Asked twice, it answers with the same generation until that one has gone wrong as well.
    """
    fresh = jobs.retry_once(find(request, generation_id))
    return Status(202, shape(find(request, fresh.public_id)))


EVENTS = {"responses": {200: {"description": "Events, until “done”", "content": {"text/event-stream": {}}}}}
NO_EVENTS = "This server does not stream events. Ask for the generation itself every two seconds instead."


@router.get(
    "/{uuid:generation_id}/events",
    response={200: None, 406: ProblemDocument} | PROBLEMS,
    openapi_extra=EVENTS,
)
def follow_generation(request, generation_id: UUID):
    """Hear of a generation while it is made: `status`, `partial`, `image` and, at the end, `done`."""
    followed = find(request, generation_id)
    if media.SENDFILE not in request.META.get("asgi.scope", ()):
        raise Problem(406, NO_EVENTS)
    return HttpResponse(headers={"X-Events": f"{followed.pk}.{request.auth.pk}"})


@router.api_operation(
    ["GET", "HEAD"],
    "/{uuid:generation_id}/partials/{int:index}/{int:number}",
    response={200: None} | PROBLEMS,
)
def get_partial(request, generation_id: UUID, index: int, number: int):
    """A small WebP of picture `index` as it looked on its way; there until a minute after it arrived."""
    return views.preview(request, generation_id, index, number)


def receipt_of(planned: generations.Plan) -> dict:
    composed = planned.composed.receipt()
    whose = {pick["id"]: pick["from"] for pick in composed["references"]}
    sent = [str(image.public_id) for image in planned.references]
    return {
        "prompt_sent": planned.request.prompt,
        "pieces": composed["pieces"],
        "negative_prompt_sent": planned.composed.negative,
        "left_out": composed["left_out"],
        "references": [{"id": key, "from": whose.get(key, "typed")} for key in sent],
        "tags": [tag_ref(tag) for tag in planned.composed.tags],
        "params": generations.parameters_of(planned.request),
        "estimated_cost_usd": planned.estimate.usd,
        "warnings": composed["warnings"],
    }


def tag_ref(tag: Tag) -> dict:
    return {"id": tag.public_id, "kind": tag.kind, "name": tag.name, "slug": tag.slug}


def visible(request):
    results = GenerationImage.objects.select_related("image").order_by("index")
    rows = Generation.objects.owned_by(request.user).select_related("profile", "follows")
    return rows.prefetch_related(Prefetch("results", queryset=results))


def find(request, generation_id: UUID) -> Generation:
    return get_object_or_404(visible(request), public_id=generation_id)


def shape(generation: Generation) -> dict:
    went_wrong = generation.error_code and generation.status != State.DONE
    same = (
        "status", "provider", "model", "mode", "prompt", "prompt_sent", "params", "n", "created_at",
        "started_at", "finished_at", "estimated_cost_usd", "cost_usd", "cost_source",
    )  # fmt: skip
    return {name: getattr(generation, name) for name in same} | {
        "id": generation.public_id,
        "profile": generation.profile.public_id if generation.profile else None,
        "follows": generation.follows.public_id if generation.follows else None,
        "images": [picture_shape(result.image) for result in generation.results.all()],
        "late": generation.is_late,
        "error": error_shape(generation) if went_wrong else None,
    }


def picture_shape(image) -> dict:
    sizes = {"width": image.width, "height": image.height, "mime_type": image.mime_type}
    return {"id": image.public_id} | picture_addresses(image.public_id) | sizes


def error_shape(generation: Generation) -> dict:
    return {
        "code": generation.error_code,
        "message": generation.sentence,
        "provider_message": generation.provider_message,
        "request_id": generation.request_id,
        "retryable": generation.retryable,
        "may_have_been_charged": generation.may_have_been_charged,
        "retry_at": generation.retry_at,
    }
