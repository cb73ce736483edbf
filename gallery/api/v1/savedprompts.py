"""Prompts that are kept by name, in folders."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import BaseModel, Field

from gallery.api import paging
from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, After, Body, Filled, Limit, Line, Text, storable
from gallery.models import SavedPrompt
from gallery.prompting import savedprompts
from gallery.prompting.savedprompts import LONGEST_NEGATIVE, LONGEST_TEXT, SavedPromptError

router = Router()

Name = Annotated[Filled, Field(max_length=SavedPrompt.MAX_NAME)]
Folder = Annotated[Text, Field(max_length=SavedPrompt.MAX_NAME)]
Words = Annotated[Filled, Field(max_length=LONGEST_TEXT)]
Negative = Annotated[Text, Field(max_length=LONGEST_NEGATIVE)]
Recipe = Annotated[dict[Line, Any], Field(max_length=50, description="The values of a preset of parameters.")]


class NewSavedPrompt(Body):
    name: Name
    folder: Folder = ""
    text: Words
    negative_text: Negative = Field("", description="What to avoid.")
    recipe: Recipe = {}


class SavedPromptChanges(Body):
    name: Name | None = None
    folder: Folder | None = None
    text: Words | None = None
    negative_text: Negative | None = None
    recipe: Recipe | None = None


class SavedPromptOut(BaseModel):
    id: UUID
    name: str
    folder: str
    text: str
    negative_text: str
    recipe: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class SavedPrompts(BaseModel):
    items: list[SavedPromptOut]
    next: str | None


@router.get("", response={200: SavedPrompts} | PROBLEMS)
def list_prompts(request, limit: Limit = 50, after: After = ""):
    """Saved prompts, the newest first."""
    rows = SavedPrompt.objects.owned_by(request.user).kept()
    page, following = paging.cut(rows, limit=limit, after=after)
    return {"items": [shape(saved) for saved in page], "next": following}


@router.post("", response={201: SavedPromptOut} | PROBLEMS)
def save_prompt(request, body: NewSavedPrompt):
    """Keep a prompt under a name that its folder has only once."""
    return Status(201, shape(_told(savedprompts.create, request.user, **body.model_dump())))


@router.get("/{uuid:prompt_id}", response={200: SavedPromptOut} | PROBLEMS)
def get_prompt(request, prompt_id: UUID):
    return shape(_find(request, prompt_id))


@router.patch("/{uuid:prompt_id}", response={200: SavedPromptOut} | PROBLEMS)
def change_prompt(request, prompt_id: UUID, body: SavedPromptChanges):
    """Change what is sent."""
    changes = body.model_dump(exclude_unset=True, exclude_none=True)
    return shape(_told(savedprompts.change, _find(request, prompt_id), **changes))


@router.delete("/{uuid:prompt_id}", response={204: None} | PROBLEMS)
def delete_prompt(request, prompt_id: UUID):
    savedprompts.delete(_find(request, prompt_id))
    return Status(204, None)


def _told(deed, subject, **fields) -> SavedPrompt:
    """Do `deed`, and tell by the API what it refuses."""
    try:
        storable(str(fields.get("recipe")))
        return deed(subject, **fields)
    except SavedPromptError as exc:
        raise Invalid(exc.field, exc.message) from exc
    except ValueError as exc:
        raise Invalid("recipe", str(exc)) from exc


def _find(request, prompt_id: UUID) -> SavedPrompt:
    return get_object_or_404(SavedPrompt.objects.owned_by(request.user).kept(), public_id=prompt_id)


def shape(saved: SavedPrompt) -> dict:
    names = ("name", "folder", "text", "negative_text", "recipe", "created_at", "updated_at")
    return {name: getattr(saved, name) for name in names} | {"id": saved.public_id}
