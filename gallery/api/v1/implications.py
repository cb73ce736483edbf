"""What a tag brings along."""

from typing import Annotated
from uuid import UUID

from django.db import transaction
from ninja import Router
from pydantic import BaseModel, Field

from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, Body, TagRef
from gallery.api.v1.tags import find
from gallery.models import Tag
from gallery.tagging import implications
from gallery.tagging.tagspec import TagError

router = Router()


class Brought(Body):
    tags: Annotated[list[UUID], Field(max_length=50)]
    apply: bool = Field(False, description="Put them on the pictures that have the tag already.")


class BroughtOut(BaseModel):
    items: list[TagRef]
    lacking: int = Field(description="Pictures that have the tag and lack something it brings.")


@router.get("/{uuid:tag_id}/implications", response={200: BroughtOut} | PROBLEMS)
def list_implications(request, tag_id: UUID):
    """The tags that this one brings: who puts it on a picture puts them on it too."""
    return shape(find(request, tag_id))


@router.put("/{uuid:tag_id}/implications", response={200: BroughtOut} | PROBLEMS)
def set_implications(request, tag_id: UUID, body: Brought):
    """Let this tag bring these, all of them and nothing else. A circle is refused."""
    tag = find(request, tag_id)
    found = {
        each.public_id: each for each in Tag.objects.owned_by(request.user).filter(public_id__in=body.tags)
    }
    if len(found) < len(set(body.tags)):
        raise Invalid("tags", "There is no tag of one of these ids.")
    with transaction.atomic():
        try:
            implications.replace(tag, [found[key] for key in body.tags])
        except TagError as exc:
            raise Invalid("tags", exc.message) from exc
        if body.apply:
            implications.apply(tag)
    return shape(tag)


def shape(tag: Tag) -> dict:
    items = [
        {"id": each.public_id} | {name: getattr(each, name) for name in ("kind", "name", "slug")}
        for each in implications.of(tag)
    ]
    return {"items": items, "lacking": implications.lacking(tag)}
