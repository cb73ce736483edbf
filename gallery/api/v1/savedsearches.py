"""Searches that are kept by name."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import BaseModel, Field

from gallery.api import paging
from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, After, Body, Filled, Limit, Text
from gallery.models import SavedSearch
from gallery.search import savedsearches
from gallery.search.reading import MAX_CHARACTERS
from gallery.search.savedsearches import LONGEST_NAME, SavedSearchError

router = Router()

Name = Annotated[Filled, Field(max_length=LONGEST_NAME)]
Query = Annotated[Text, Field(max_length=MAX_CHARACTERS)]
Sort = Literal["newest", "oldest", "rating", "cost", "random"]


class NewSavedSearch(Body):
    name: Name
    query: Query = Field("", description="As in the search box.")
    sort: Sort = "newest"
    pinned: bool = Field(True, description="Whether it stands in the side bar.")


class SavedSearchChanges(Body):
    name: Name | None = None
    query: Query | None = None
    sort: Sort | None = None
    pinned: bool | None = None


class SavedSearchOut(BaseModel):
    id: UUID
    name: str
    query: str
    sort: Sort
    pinned: bool
    created_at: datetime


class SavedSearches(BaseModel):
    items: list[SavedSearchOut]
    next: str | None


@router.get("", response={200: SavedSearches} | PROBLEMS)
def list_saved_searches(request, limit: Limit = 50, after: After = ""):
    """Saved searches, the newest first; `query` and `sort` are what `GET /images` takes."""
    rows = SavedSearch.objects.owned_by(request.user)
    page, following = paging.cut(rows, limit=limit, after=after)
    return {"items": [shape(saved) for saved in page], "next": following}


@router.post("", response={201: SavedSearchOut} | PROBLEMS)
def save_search(request, body: NewSavedSearch):
    """Keep a search under a name of its own."""
    return Status(201, shape(_told(savedsearches.create, request.user, **body.model_dump())))


@router.patch("/{uuid:search_id}", response={200: SavedSearchOut} | PROBLEMS)
def change_saved_search(request, search_id: UUID, body: SavedSearchChanges):
    """Change what is sent."""
    changes = body.model_dump(exclude_unset=True, exclude_none=True)
    return shape(_told(savedsearches.change, _find(request, search_id), **changes))


@router.delete("/{uuid:search_id}", response={204: None} | PROBLEMS)
def delete_saved_search(request, search_id: UUID):
    _find(request, search_id).delete()
    return Status(204, None)


def _told(deed, *args, **fields) -> SavedSearch:
    """Do `deed`, and tell by the API what it refuses."""
    try:
        return deed(*args, **fields)
    except SavedSearchError as error:
        raise Invalid(error.field, error.message) from error


def _find(request, search_id: UUID) -> SavedSearch:
    return get_object_or_404(SavedSearch.objects.owned_by(request.user), public_id=search_id)


def shape(saved: SavedSearch) -> dict:
    same = {name: getattr(saved, name) for name in ("name", "query", "pinned", "created_at")}
    return same | {"id": saved.public_id, "sort": saved.sort or "newest"}
