from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from ninja import Header, Router, Status
from pydantic import BaseModel, Field

from gallery import offers, vendors
from gallery.api import paging
from gallery.api.problems import Invalid
from gallery.api.v1.generations import (
    GenerationOut,
    shape,
    visible,
)
from gallery.api.v1.pictures import mask_of, references_of
from gallery.api.v1.shapes import PROBLEMS, After, Body, Limit, Line, Money, Text
from gallery.api.v1.wishes import GenerationRequest, choose_profile, wish_of, with_preset
from gallery.forms.generate import CHOICES, OPTION
from gallery.generations import admission, comparisons
from gallery.generations import generation as generations
from gallery.models import Comparison, ComparisonColumn, ConnectionProfile, Generation
from gallery.screens import columns

router = Router()
FIELDS = (*CHOICES, "size", "seed")
SENT_OTHERWISE = "This key came with another request. Send a new key."


class Pair(Body):
    """A model, and the connection that has it."""

    profile: Line = Field(description="Id or name.")
    model: Annotated[Text, Field(max_length=120)] = Field("", description="Left out: the profile's own.")
    settings: Annotated[dict[Line, Line], Field(max_length=20)] = Field(
        {}, description="For this model alone, such as “quality” or “aspect_ratio”."
    )


class ComparisonRequest(GenerationRequest):
    """A wish for several models. What one of them does not take is fitted for it alone."""

    profile: Annotated[None, Field(description="Not here: name them in “profiles”.")] = None
    model: Annotated[Literal[""], Field(description="Not here: name them in “profiles”.")] = ""
    profiles: Annotated[list[Pair], Field(max_length=20, description="Two to six different ones.")]


class Keep(Body):
    generation: UUID | None = Field(description="Whose pictures are kept; null: none.")


class ColumnError(BaseModel):
    code: str
    message: str


class ColumnOut(BaseModel):
    profile: UUID | None
    provider: str
    model: str
    generation: UUID | None
    notes: list[str] = Field(description="What was changed for this model.")
    error: ColumnError | None = Field(description="Why nothing was sent.")


class ComparisonOut(BaseModel):
    id: UUID
    prompt: str
    created_at: datetime
    kept: UUID | None = Field(description="The generation that was kept.")
    generations: list[GenerationOut] = Field(description="Of the columns in order, where something was sent.")
    columns: list[ColumnOut]
    cost_usd: Money = Field(description="As far as it is known, with what was tried again.")
    under_way_usd: Money = Field(description="Estimated.")


class Comparisons(BaseModel):
    items: list[ComparisonOut]
    next: str | None


@router.post("", response={202: ComparisonOut} | PROBLEMS)
def create_comparison(
    request,
    body: ComparisonRequest,
    idempotency_key: Annotated[str, Header(max_length=200, alias="Idempotency-Key")] = "",
):
    """Ask two to six models for the same thing. One that refuses has its error in its column."""
    owner = request.user
    pairs = [(choose_profile(owner, pair.profile), pair.model) for pair in body.profiles]
    for profile, model in pairs:
        vendors.learn_of(profile, model)
    comparisons.check(pairs)
    references = references_of(owner, body.references)
    mask = mask_of(owner, body.mask, references)
    first, preset = with_preset(owner, _for_first(body, *pairs[0]))
    try:
        # Together: a wish that is refused leaves no tags behind.
        with admission.at_the_door(owner, is_repeatable=bool(idempotency_key)), transaction.atomic():
            wish = replace(wish_of(owner, first), references=references, mask=mask, **preset)
            key = idempotency_key or None
            made = comparisons.submit(owner, wish, pairs, own=_own(body), idempotency_key=key)
    except generations.IdempotencyConflict as exc:
        raise Invalid("Idempotency-Key", SENT_OTHERWISE) from exc
    return Status(202, _shape(_find(request, made.public_id)))


@router.get("", response={200: Comparisons} | PROBLEMS)
def list_comparisons(request, limit: Limit = 20, after: After = ""):
    """All comparisons with their generations, newest first."""
    page, cursor = paging.cut(_visible(request), limit=limit, after=after)
    return {"items": [_shape(comparison) for comparison in page], "next": cursor}


@router.get("/{uuid:comparison_id}", response={200: ComparisonOut} | PROBLEMS)
def get_comparison(request, comparison_id: UUID):
    return _shape(_find(request, comparison_id))


@router.post("/{uuid:comparison_id}/keep", response={200: ComparisonOut} | PROBLEMS)
def keep_of_comparison(request, comparison_id: UUID, body: Keep):
    """Keep what one generation made: the pictures of the others lie below it. `null` takes it back."""
    comparison = _find(request, comparison_id)
    if body.generation is None:
        comparisons.keep_none(comparison)
    else:
        rows = Generation.objects.filter(column__comparison=comparison).prefetch_related("results__image")
        chosen = rows.filter(public_id=body.generation).first()
        if chosen is None:
            raise Invalid("generation", "This comparison has no generation of that id.")
        comparisons.keep(comparison, chosen)
    return _shape(_find(request, comparison_id))


def _own(body: ComparisonRequest) -> list[dict[str, str]]:
    """The settings of each model alone, by the names that the form has for them."""
    return [
        {name if name in FIELDS else OPTION + name: value for name, value in pair.settings.items()}
        for pair in body.profiles
    ]


def _for_first(body: ComparisonRequest, profile: ConnectionProfile, model: str) -> GenerationRequest:
    """The request as it would be for the first model alone."""
    own = {"profile": str(profile.public_id), "model": offers.of(profile, model).info.id}
    said = body.model_fields_set - {"profiles"} | own.keys()
    return GenerationRequest.model_construct(said, **body.model_dump(exclude={"profiles", *own}), **own)


def _find(request, comparison_id: UUID) -> Comparison:
    return get_object_or_404(_visible(request), public_id=comparison_id)


def _visible(request) -> QuerySet[Comparison]:
    made = ComparisonColumn.objects.select_related("profile").prefetch_related(
        Prefetch("generations", queryset=visible(request))
    )
    rows = Comparison.objects.owned_by(request.user).select_related("kept")
    return rows.prefetch_related(Prefetch("columns", queryset=made))


def _shape(comparison: Comparison) -> dict:
    rows = comparison.columns.all()
    bill = columns.bill(comparison)
    return {
        "id": comparison.public_id,
        "prompt": comparison.prompt,
        "created_at": comparison.created_at,
        "kept": comparison.kept.public_id if comparison.kept else None,
        "generations": [shape(row.generation) for row in rows if row.generation],
        "columns": [_column(row) for row in rows],
        "cost_usd": bill.usd,
        "under_way_usd": bill.to_come,
    }


def _column(row: ComparisonColumn) -> dict:
    error = {"code": row.error_code, "message": row.error_message} if row.error_code else None
    return {
        "profile": row.profile.public_id if row.profile else None,
        "provider": row.provider,
        "model": row.model,
        "generation": row.generation.public_id if row.generation else None,
        "notes": row.said,
        "error": error,
    }
