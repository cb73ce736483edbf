"""Many generations of one request: `POST /batches`, how far they are, and what stops them."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.shortcuts import get_object_or_404
from ninja import Header, Router, Status
from pydantic import BaseModel, Field

from gallery import batches, vendors
from gallery.api import paging
from gallery.api.problems import Invalid
from gallery.api.v1.generations import (
    GenerationOut,
)
from gallery.api.v1.generations import shape as generation_shape
from gallery.api.v1.pictures import mask_of, references_of
from gallery.api.v1.shapes import PROBLEMS, After, Body, Limit, Line, Money, Text
from gallery.api.v1.wishes import GenerationRequest, choose_profile, wish_of
from gallery.generations import admission
from gallery.generations import generation as generations
from gallery.models import Batch, Placeholder, Tag
from gallery.models.tag import fold
from gallery.screens import matrix

router = Router()

MOST_VALUES = 1000  # of one list; fewer fit
Prompts = Annotated[list[Annotated[Text, Field(max_length=100_000)]], Field(max_length=MOST_VALUES)]
Values = Annotated[list[Line], Field(max_length=MOST_VALUES)]


class BatchRequest(GenerationRequest):
    """A generation request whose prompt may have choices, `{red|blue} cloak`, and the lists it varies by."""

    prompts: Prompts = Field([], description="Whole prompts instead of “prompt”; sent as they are typed.")
    words: Values = Field([], description="Each goes to the end of the prompt, or where {} stands in it.")
    looks: Values = Field([], description="“Mirel:winter cloak”, of somebody whom the prompt names.")
    shapes: Values = Field([], description="Aspect ratios or sizes that the model takes.")
    placeholders: Values = Field([], description="Names of placeholders in the prompt: each of their values.")


class Axis(BaseModel):
    kind: Literal["choice", "placeholder", "prompt", "looks", "words", "shape"]
    name: str
    labels: list[str]


class BatchOut(BaseModel):
    id: UUID
    state: Literal[tuple(Batch.State.values)]  # type: ignore[valid-type]
    reason: str = Field(description="Why it paused by itself.")
    prompt: str
    profile: UUID | None
    axes: list[Axis]
    cells: int
    estimated_cost_usd: Money | None
    created_at: datetime
    finished_at: datetime | None


class Cell(BaseModel):
    index: int
    row: str
    column: str
    prompt: str
    params: dict[str, Any] = Field(description="Where it differs from the others: its shape.")
    state: Literal["planned", "active", "done", "failed"]
    error: str = Field(description="Why no generation could be made of it.")
    generation: GenerationOut | None


class BatchWithCells(BatchOut):
    counts: dict[str, int] = Field(description="Cells by their state.")
    unsure: int = Field(description="Cells without a picture that may have been charged.")
    cost_usd: Money = Field(description="Known to be charged so far, earlier attempts among it.")
    items: list[Cell]


class Again(Body):
    unsure: bool = Field(
        False, description="True: those that may have been charged instead. It may cost a second time."
    )


class Batches(BaseModel):
    items: list[BatchOut]
    next: str | None


@router.post("", response={202: BatchOut} | PROBLEMS)
def create_batch(
    request,
    body: BatchRequest,
    idempotency_key: Annotated[str, Header(max_length=200, alias="Idempotency-Key")] = "",
):
    """Ask for all pictures that a prompt and its lists stand for. A few are under way at a time."""
    vendors.learn_of(choose_profile(request.user, body.profile), body.model)
    laid = batches.lay_out(order_of(request.user, body, create=False))  # before any row is locked
    try:
        door = admission.at_the_door(request.user, is_repeatable=bool(idempotency_key))
        with door, transaction.atomic():  # an order that is refused leaves no tags behind
            order = order_of(request.user, body)
            key = idempotency_key or None
            made = batches.create(request.user, order, idempotency_key=key, laid=laid)
    except generations.IdempotencyConflict as exc:
        raise Invalid("Idempotency-Key", "This key came with another request. Send a new key.") from exc
    return Status(202, shape(made))


@router.get("", response={200: Batches} | PROBLEMS)
def list_batches(request, limit: Limit = 50, after: After = ""):
    """All batches, newest first."""
    rows = Batch.objects.owned_by(request.user).select_related("profile")
    page, cursor = paging.cut(rows, limit=limit, after=after)
    return {"items": [shape(batch) for batch in page], "next": cursor}


@router.get("/{uuid:batch_id}", response={200: BatchWithCells} | PROBLEMS)
def get_batch(request, batch_id: UUID):
    """A batch with its cells and their generations."""
    return whole(find(request, batch_id))


@router.post("/{uuid:batch_id}/pause", response={200: BatchOut} | PROBLEMS)
def pause_batch(request, batch_id: UUID):
    """Send no more cells; those that are under way come to their end."""
    return _after(batches.pause, request, batch_id)


@router.post("/{uuid:batch_id}/resume", response={200: BatchOut} | PROBLEMS)
def resume_batch(request, batch_id: UUID):
    """Go on with a batch that was paused or cancelled."""
    return _after(batches.resume, request, batch_id)


@router.post("/{uuid:batch_id}/cancel", response={200: BatchOut} | PROBLEMS)
def cancel_batch(request, batch_id: UUID):
    """Send nothing more, and call back what has not gone out to the vendor yet."""
    return _after(batches.cancel, request, batch_id)


@router.post("/{uuid:batch_id}/retry", response={200: BatchOut} | PROBLEMS)
def retry_batch(request, batch_id: UUID, body: Again | None = None):
    """Plan the cells anew that went wrong; those that may have been charged only where they are asked for."""
    return _after(partial(batches.retry, unsure=bool(body and body.unsure)), request, batch_id)


def _after(deed, request, batch_id: UUID) -> dict:
    batch = find(request, batch_id)
    deed(batch)
    return shape(batch)


def order_of(owner, body: BatchRequest, *, create: bool = True) -> batches.Order:
    """The order in `body`; with `create=False` its tags are only looked up."""
    if body.prompts and body.prompt:
        raise Invalid("prompts", "Send either “prompt” or “prompts”.")
    references = references_of(owner, body.references)
    mask = mask_of(owner, body.mask, references)
    lists = {"prompts", "words", "looks", "shapes", "placeholders"}
    asked = GenerationRequest(**body.model_dump(exclude=lists, exclude_unset=True))
    return batches.Order(
        wish=replace(wish_of(owner, asked, create=create), references=references, mask=mask),
        prompts=tuple(body.prompts),
        placeholders=tuple(_placeholders(owner, body.placeholders)),
        looks=tuple(_look(owner, name) for name in dict.fromkeys(body.looks)),
        words=tuple(filter(None, (word.strip() for word in body.words))),
        shapes=tuple(body.shapes),
    )


def _placeholders(owner, names: list[str]) -> list[Placeholder]:
    rows = Placeholder.objects.owned_by(owner).filter(folded__in=[fold(name) for name in names])
    found = {row.folded: row for row in rows}
    if missing := next((name for name in names if fold(name) not in found), None):
        raise Invalid("placeholders", f"There is no placeholder called “{missing}”.")
    return [found[name] for name in dict.fromkeys(fold(name) for name in names)]


def _look(owner, spec: str) -> Tag:
    """The look that is written `Mirel:winter cloak`."""
    rows = Tag.objects.owned_by(owner).filter(kind=Tag.Kind.LOOK).with_canonical()
    parts = [(spec[:at], spec[at + 1 :]) for at, sign in enumerate(spec) if sign == ":"]
    for person, name in parts:
        if look := rows.filter(parent__folded=fold(person), folded=fold(name)).first():
            return look.alias_of or look
    raise Invalid("looks", f"There is no look “{spec}”. Write it as character:look.")


def find(request, batch_id: UUID) -> Batch:
    return get_object_or_404(
        Batch.objects.owned_by(request.user).select_related("profile"), public_id=batch_id
    )


def shape(batch: Batch) -> dict:
    names = (
        "state", "reason", "prompt", "axes", "estimated_cost_usd", "created_at", "finished_at",
    )  # fmt: skip
    return {name: getattr(batch, name) for name in names} | {
        "id": batch.public_id,
        "profile": batch.profile.public_id if batch.profile else None,
        "cells": batch.size,
    }


def whole(batch: Batch) -> dict:
    cells = matrix.cells_of(batch)
    grid = matrix.grid_of(batch, cells)
    items = [
        {name: getattr(cell, name) for name in ("index", "row", "column", "prompt", "params", "error")}
        | {
            "state": matrix.fate_of(cell),
            "generation": generation_shape(cell.generation) if cell.generation else None,
        }
        for cell in cells
    ]
    told = {"counts": grid.counts, "unsure": grid.unsure, "cost_usd": grid.usd}
    return shape(batch) | told | {"items": items}
