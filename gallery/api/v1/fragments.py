"""The fragments of a character, look or persona."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import BaseModel, Field

from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, Body, Filled, Text
from gallery.api.v1.tags import find
from gallery.models import Fragment
from gallery.prompting import fragments
from gallery.tagging.tagspec import TagError

router = Router()

Use = Literal["always", "demand", "never"]
Name = Annotated[Filled, Field(max_length=Fragment.MAX_NAME)]
Wording = Annotated[Filled, Field(max_length=fragments.MAX_TEXT)]
Position = Annotated[int, Field(ge=0, le=1000, strict=True)]


class Tier(Body):
    max_chars: Annotated[int, Field(ge=1, le=fragments.MAX_TEXT, strict=True)]
    text: Wording


Tiers = Annotated[list[Tier], Field(max_length=fragments.MAX_TIERS)]


class NewFragment(Body):
    name: Name
    use: Use = "always"
    text: Wording
    tiers: Tiers = Field([], description="Shorter wordings, for models that take less.")


class FragmentChanges(Body):
    name: Name | None = None
    use: Use | None = None
    text: Wording | None = None
    tiers: Tiers | None = None
    position: Position | None = None


class FragmentOut(BaseModel):
    id: UUID
    name: str
    use: str
    text: Text
    tiers: list[Tier]
    position: int
    version: int
    updated_at: datetime


class Fragments(BaseModel):
    items: list[FragmentOut]
    next: str | None


@router.get("/{uuid:tag_id}/fragments", response={200: Fragments} | PROBLEMS)
def list_fragments(request, tag_id: UUID):
    """All fragments of a tag, in their order."""
    tag = find(request, tag_id)
    return {"items": [shape(fragment) for fragment in tag.fragments.all()], "next": None}


@router.post("/{uuid:tag_id}/fragments", response={201: FragmentOut} | PROBLEMS)
def create_fragment(request, tag_id: UUID, body: NewFragment):
    """Add a fragment to a character, a look or a persona."""
    tag = find(request, tag_id)
    return Status(201, shape(_told(fragments.create, tag, **body.model_dump())))


@router.patch("/{uuid:tag_id}/fragments/{uuid:fragment_id}", response={200: FragmentOut} | PROBLEMS)
def change_fragment(request, tag_id: UUID, fragment_id: UUID, body: FragmentChanges):
    """Change what is sent. `version` counts the changes of `text` and `tiers`."""
    changes = {name: value for name, value in body.model_dump().items() if value is not None}
    return shape(_told(fragments.change, _find(request, tag_id, fragment_id), **changes))


@router.delete("/{uuid:tag_id}/fragments/{uuid:fragment_id}", response={204: None} | PROBLEMS)
def delete_fragment(request, tag_id: UUID, fragment_id: UUID):
    _find(request, tag_id, fragment_id).delete()
    return Status(204, None)


def _find(request, tag_id: UUID, fragment_id: UUID) -> Fragment:
    rows = Fragment.objects.filter(tag=find(request, tag_id)).select_related("tag")
    return get_object_or_404(rows, public_id=fragment_id)


def _told(action, subject, **values) -> Fragment:
    try:
        return action(subject, **values)
    except TagError as exc:
        raise Invalid(getattr(exc, "field", "tag"), exc.message) from exc


def shape(fragment: Fragment) -> dict:
    same = ("name", "use", "text", "tiers", "position", "version", "updated_at")
    return {name: getattr(fragment, name) for name in same} | {"id": fragment.public_id}
