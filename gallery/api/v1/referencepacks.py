"""The reference pictures of a character, look or persona."""

from typing import Annotated
from uuid import UUID

from ninja import Router
from pydantic import BaseModel, Field

from gallery.api.problems import Invalid
from gallery.api.v1.pictures import references_of
from gallery.api.v1.shapes import PROBLEMS, Body
from gallery.api.v1.tags import find
from gallery.models import ReferencePicture
from gallery.prompting import packs
from gallery.tagging.tagspec import TagError

router = Router()


class NewPack(Body):
    images: Annotated[list[UUID], Field(max_length=100, description="In the order in which they are sent.")]


class Pack(BaseModel):
    images: list[UUID]


@router.get("/{uuid:tag_id}/references", response={200: Pack} | PROBLEMS)
def get_references(request, tag_id: UUID):
    """The pictures that go along when the prompt names this tag, without those in the trash."""
    return {"images": [image.public_id for image in packs.images_of(find(request, tag_id))]}


@router.put("/{uuid:tag_id}/references", response={200: Pack} | PROBLEMS)
def replace_references(request, tag_id: UUID, body: NewPack):
    """Replace the pack, at most 16 pictures; a model gets as many as it takes."""
    tag = find(request, tag_id)
    if len(body.images) > ReferencePicture.MOST:
        most = ReferencePicture.MOST
        raise Invalid("images", f"A pack has at most {most} pictures. Take out {len(body.images) - most}.")
    try:
        packs.replace(tag, references_of(request.user, body.images, field="images"))
    except TagError as exc:
        raise Invalid("images", exc.message) from exc
    return get_references(request, tag_id)
