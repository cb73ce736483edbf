"""Names in double braces, and what they stand for."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import BaseModel, Field

from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, Body, Filled
from gallery.models import Placeholder
from gallery.prompting import placeholders

router = Router()

Name = Annotated[Filled, Field(max_length=Placeholder.MAX_NAME + 4)]
Value = Annotated[Filled, Field(max_length=placeholders.MAX_TEXT)]
Values = Annotated[list[Value], Field(min_length=1, max_length=placeholders.MAX_VALUES)]


class NewPlaceholder(Body):
    """Either “text” or “values”."""

    name: Name
    text: Value | None = None
    values: Values | None = Field(None, description="A single prompt takes the first.")


class PlaceholderChanges(Body):
    name: Name | None = None
    text: Value | None = None
    values: Values | None = None


class PlaceholderOut(BaseModel):
    id: UUID
    name: str
    text: str = Field(description="The first value.")
    values: list[str]
    updated_at: datetime


class Placeholders(BaseModel):
    items: list[PlaceholderOut]
    next: str | None


@router.get("", response={200: Placeholders} | PROBLEMS)
def list_placeholders(request):
    """All of them, by name."""
    rows = Placeholder.objects.owned_by(request.user)
    return {"items": [shape(placeholder) for placeholder in rows], "next": None}


@router.post("", response={201: PlaceholderOut} | PROBLEMS)
def create_placeholder(request, body: NewPlaceholder):
    values = _values_of(body)
    if values is None:
        raise Invalid("text", "Send “text”, or “values” with at least one.")
    return Status(201, shape(_told(placeholders.create, request.user, name=body.name, values=values)))


@router.get("/{uuid:placeholder_id}", response={200: PlaceholderOut} | PROBLEMS)
def get_placeholder(request, placeholder_id: UUID):
    return shape(_find(request, placeholder_id))


@router.patch("/{uuid:placeholder_id}", response={200: PlaceholderOut} | PROBLEMS)
def change_placeholder(request, placeholder_id: UUID, body: PlaceholderChanges):
    changes = {"name": body.name, "values": _values_of(body)}
    return shape(_told(placeholders.change, _find(request, placeholder_id), **changes))


@router.delete("/{uuid:placeholder_id}", response={204: None} | PROBLEMS)
def delete_placeholder(request, placeholder_id: UUID):
    _find(request, placeholder_id).delete()
    return Status(204, None)


def _values_of(body: NewPlaceholder | PlaceholderChanges) -> list[str] | None:
    if body.text is not None and body.values is not None:
        raise Invalid("values", "Send either “text” or “values”.")
    return [body.text] if body.text is not None else body.values


def _find(request, placeholder_id: UUID) -> Placeholder:
    return get_object_or_404(Placeholder.objects.owned_by(request.user), public_id=placeholder_id)


def _told(action, subject, **values) -> Placeholder:
    try:
        return action(subject, **values)
    except placeholders.PlaceholderError as exc:
        raise Invalid(exc.field, exc.message) from exc


def shape(placeholder: Placeholder) -> dict:
    same = {name: getattr(placeholder, name) for name in ("name", "values", "updated_at")}
    return same | {"id": placeholder.public_id, "text": placeholder.values[0]}
