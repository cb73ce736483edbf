"""Parameters, or words of a style, under one name."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import BaseModel, Field

from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, Body, Filled, Line, storable
from gallery.models import Preset
from gallery.prompting import presets

router = Router()

Name = Annotated[Filled, Field(max_length=Preset.MAX_NAME)]
Values = Annotated[
    dict[Line, Any],
    Field(
        max_length=50,
        description="Of parameters: “profile” (id), “model”, “size”, “aspect_ratio”, “resolution”, "
        "“quality”, “style”, “background”, “output_format”, “n”, “seed”, “negative_prompt”, “stream”, "
        "“options”. Of a style: “words”, with “{prompt}” where the prompt goes, and “negative”.",
    ),
]


class NewPreset(Body):
    name: Name
    kind: Literal["parameters", "style"]
    values: Values


class PresetChanges(Body):
    name: Name | None = None
    values: Values | None = Field(None, description="In the place of all values that were kept.")
    position: Annotated[int, Field(ge=0, le=1000)] | None = Field(None, description="0: the first.")


class PresetOut(BaseModel):
    id: UUID
    name: str
    kind: Literal["parameters", "style"]
    values: dict[str, Any]
    position: int
    updated_at: datetime


class Presets(BaseModel):
    items: list[PresetOut]
    next: str | None


@router.get("", response={200: Presets} | PROBLEMS)
def list_presets(request):
    """All of them, in their order. `POST /generations` takes one by `preset`."""
    return {"items": [shape(preset) for preset in Preset.objects.owned_by(request.user)], "next": None}


@router.post("", response={201: PresetOut} | PROBLEMS)
def create_preset(request, body: NewPreset):
    """Keep a preset behind those that are there."""
    return Status(201, shape(_told(presets.create, request.user, **body.model_dump())))


@router.get("/{uuid:preset_id}", response={200: PresetOut} | PROBLEMS)
def get_preset(request, preset_id: UUID):
    return shape(_find(request, preset_id))


@router.patch("/{uuid:preset_id}", response={200: PresetOut} | PROBLEMS)
def change_preset(request, preset_id: UUID, body: PresetChanges):
    """Change what is sent."""
    preset = _told(presets.change, _find(request, preset_id), name=body.name, values=body.values)
    if body.position is not None:
        presets.move(preset, to=body.position)
    return shape(_find(request, preset_id))


@router.delete("/{uuid:preset_id}", response={204: None} | PROBLEMS)
def delete_preset(request, preset_id: UUID):
    """Delete it. Pictures that were made with it stay as they are."""
    _find(request, preset_id).delete()
    return Status(204, None)


def _told(deed, subject, **fields) -> Preset:
    """Do `deed`, and tell by the API what it refuses."""
    _see_that_it_can_be_stored(fields.get("values"))
    try:
        return deed(subject, **fields)
    except presets.PresetError as exc:
        raise Invalid(exc.field, exc.message) from exc


def _see_that_it_can_be_stored(value: Any) -> None:
    """JSON can spell characters that no database keeps."""
    try:
        storable(str(value))
    except ValueError as exc:
        raise Invalid("values", str(exc)) from exc


def _find(request, preset_id: UUID) -> Preset:
    return get_object_or_404(Preset.objects.owned_by(request.user), public_id=preset_id)


def shape(preset: Preset) -> dict:
    names = ("name", "kind", "values", "position", "updated_at")
    return {name: getattr(preset, name) for name in names} | {"id": preset.public_id}
