import math
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Header, Router, Status
from pydantic import AfterValidator, BaseModel, Field

from gallery import vendors
from gallery.api import paging
from gallery.api.problems import Invalid, Problem
from gallery.api.v1.pictures import mask_of, references_of
from gallery.api.v1.shapes import (
    PROBLEMS,
    After,
    Body,
    Limit,
    Line,
    Money,
    ProblemDocument,
    TagRef,
    TagSpecs,
    Text,
    picture_addresses,
    resolve_tags,
    storable,
)
from gallery.files import media
from gallery.forms.pictures import parse_id
from gallery.forms.presets import SHAPE, for_wish
from gallery.generations import admission, masks
from gallery.generations import generation as generations
from gallery.models import ConnectionProfile, Generation, GenerationImage, Preset, Tag
from gallery.models.generation import Status as State
from gallery.prompting import presets
from gallery.views import generations as views
from gallery.work import jobs

router = Router()

MAX_OPTION = 10_000  # characters


def _scalar(value: Any) -> Any:
    if isinstance(value, str) and len(storable(value)) > MAX_OPTION:
        raise ValueError(f"Send at most {MAX_OPTION} characters.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("Send a finite number.")
    if not isinstance(value, str | float | int | None):
        raise ValueError("Send text, a number, true, false or null.")
    return value


Word = Annotated[Text, Field(max_length=80)] | None
Scalar = Annotated[Any, AfterValidator(_scalar)]


class GenerationRequest(Body):
    """A wish. What is left out, the model decides."""

    profile: Line | None = Field(None, description="Id or name; left out: the default one.")
    model: Annotated[Text, Field(max_length=120)] = ""
    prompt: Annotated[Text, Field(max_length=100_000, description="Only a variation needs none.")] = ""
    mode: Literal["generate", "edit", "variation"] | None = Field(
        None, description="Left out: “edit” with references, else “generate”."
    )
    n: Annotated[int, Field(ge=1, le=100)] = 1
    size: Word = None
    aspect_ratio: Word = None
    resolution: Word = None
    quality: Word = None
    style: Word = None
    background: Word = None
    output_format: Word = None
    seed: Annotated[int, Field(ge=-1, le=2**63 - 1)] | None = None
    negative_prompt: Annotated[Text, Field(max_length=100_000)] | None = None
    references: Annotated[list[UUID], Field(max_length=100, description="Ids of pictures, in order.")] = []
    mask: Annotated[str, Field(max_length=masks.LONGEST_DATA_URL)] | None = Field(
        None,
        description="The id of a picture, or a data URL of a PNG, JPEG or WebP. White is painted anew. "
        "It belongs to the first reference and has its shape; one of another size is scaled to it.",
    )
    follows: UUID | None = Field(
        None,
        description="The id of the generation that this one goes on from, as a turn of a chat. Its history "
        "is sent along; where a model has no memory, its picture is edited. Of several pictures, the one "
        "that is named in “references” is meant, else the first.",
    )
    stream: bool = Field(False, description="With previews while the picture is drawn.")
    tags: TagSpecs = []
    persona: Line | None = Field(None, description="By name. Whom “@me” means; a tag of the pictures.")
    chat: Line | None = Field(None, description="By name. Its house style is used; a tag of the pictures.")
    preset: Line | None = Field(
        None,
        description="A preset by id or name. Its parameters stand in for those that are left out here, as "
        "far as the model takes them; the words of a style go around the prompt.",
    )
    expand: bool = Field(
        True,
        description="“@Mirel”, “{{placeholder}}”, house style and reference pictures of the cast; "
        "without it, the prompt goes out byte for byte.",
    )
    options: Annotated[dict[Line, Scalar], Field(max_length=50)] = {}


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


NOT_AS_SENT = {"profile", "tags", "persona", "chat", "references", "mask", "follows", "preset"}


def with_preset(owner, body: GenerationRequest) -> tuple[GenerationRequest, dict[str, Any]]:
    """The request with what its preset sets, and fields of the wish. The request's own words go first."""
    if not body.preset:
        return body, {}
    try:
        preset = presets.find(owner, body.preset)
    except presets.PresetError as exc:
        raise Invalid("preset", exc.message) from exc
    if preset.kind == Preset.Kind.STYLE:
        if not body.expand:
            raise Invalid(
                "preset", "Without “expand”, the prompt goes out as typed. Leave out one of the two."
            )
        return body, {"preset": preset}
    body, notes = _with_model(owner, body, preset)
    kept, lost = for_wish(preset.values, choose_profile(owner, body.profile), body.model)
    said = body.model_fields_set | (set(SHAPE) if body.model_fields_set & set(SHAPE) else set())
    update = {name: value for name, value in kept.items() if name not in said}
    return body.model_copy(update=update), {"notes": (*notes, *lost)}


def _with_model(owner, body: GenerationRequest, preset: Preset) -> tuple[GenerationRequest, list[str]]:
    """The request for the preset's own model, where it names no other."""
    model, profile_id = preset.values.get("model", ""), preset.values.get("profile", "")
    if not model or body.model:
        return body, []
    chosen = choose_profile(owner, body.profile) if body.profile else None
    own = ConnectionProfile.objects.owned_by(owner).filter(public_id=parse_id(profile_id)).first()
    profile = chosen or own
    if profile is None and not profile_id:
        profile = choose_profile(owner, None)
    if profile is None or (own and profile != own):
        return body, [f"The model of “{preset.name}”, {model}, is not offered by this connection."]
    return body.model_copy(update={"profile": str(profile.public_id), "model": model}), []


def wish_of(owner, body: GenerationRequest, *, create: bool = True) -> generations.Wish:
    """The wish in `body`; with `create=False` its tags are only looked up, and unknown ones are left out."""
    body, of_preset = with_preset(owner, body)
    asked = body.model_dump(exclude=NOT_AS_SENT) | of_preset
    for kind in ("persona", "chat"):
        named = [f'{kind}:"{name}"' for name in [getattr(body, kind)] if name]
        asked[kind] = next(iter(resolve_tags(owner, named, field=kind, create=create)), None)
    tags = dict.fromkeys(resolve_tags(owner, body.tags, create=create))
    tags |= dict.fromkeys(tag for tag in (asked["persona"], asked["chat"]) if tag)
    asked["follows"] = followed(owner, body.follows)
    return generations.Wish(profile=choose_profile(owner, body.profile), tags=tuple(tags), **asked)


def followed(owner, generation_id: UUID | None) -> Generation | None:
    """The turn to go on from. 404 when it is somebody else's."""
    if generation_id is None:
        return None
    return get_object_or_404(Generation.objects.owned_by(owner), public_id=generation_id)


def choose_profile(owner, wanted: str | None) -> ConnectionProfile:
    """The profile of that name or id; without one, the default."""
    mine = ConnectionProfile.objects.owned_by(owner)
    if not wanted:
        chosen = ConnectionProfile.objects.default_for(owner)
        if chosen is None:
            raise Invalid("profile", "There is no default profile. Name one, or make one the default.")
        return chosen
    if chosen := mine.filter(name__iexact=wanted).first():
        return chosen
    try:
        return mine.get(public_id=UUID(wanted))
    except ValueError as exc:
        raise Invalid("profile", f"There is no profile called “{wanted}”.") from exc
    except ConnectionProfile.DoesNotExist as exc:
        raise Http404 from exc


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
