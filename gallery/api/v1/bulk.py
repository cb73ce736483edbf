"""Many pictures at once: `POST /images/bulk` and the way back; archives to download."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import BaseModel, Field, model_validator

from gallery import bulk
from gallery.api.problems import Invalid
from gallery.api.v1.shapes import PROBLEMS, Body, TagSpecs, Text, resolve_tags
from gallery.bulk import BulkError, Selection
from gallery.bulk.selection import MAX_IDS
from gallery.files import downloads
from gallery.models import BulkAction, Download, Tag
from gallery.tagging.tagspec import TagError

router = Router()
archives = Router()

SECONDS = 20.0  # that a caller waits; what is not done then, a worker does
Action = BulkAction.Action
TAGGING = (Action.TAG, Action.UNTAG)


class Chosen(Body):
    """Pictures by their ids, or all that a search finds; ids of others are not matched."""

    ids: Annotated[list[UUID], Field(max_length=MAX_IDS)] | None = None
    q: Annotated[Text, Field(max_length=20_000)] | None = Field(
        None, description="What the search box takes; with the action restore it looks in the trash."
    )

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if (self.ids is None) == (self.q is None):
            raise ValueError("Send either ids or q.")
        return self


class BulkRequest(Chosen):
    action: Literal["tag", "untag", "trash", "restore", "favorite", "sensitive", "rate"]
    tags: TagSpecs = Field([], description="For tag and untag: “character:Mirel”.")
    rating: Annotated[int, Field(ge=0, le=5)] | None = Field(None, description="For rate; 0 takes it off.")
    value: bool = Field(True, description="For favorite and sensitive.")


class BulkOut(BaseModel):
    id: UUID | None = Field(description="By it the action is followed and undone. Null: nothing was matched.")
    status: Literal[tuple(BulkAction.Status.values)]  # type: ignore[valid-type]
    matched: int
    changed: int
    done: int = Field(description="Of those matched, looked at so far.")
    error: str
    created_at: datetime | None
    finished_at: datetime | None


class DownloadOut(BaseModel):
    id: UUID
    name: str
    images: int
    bytes: int
    url: str


@router.post("/bulk", response={200: BulkOut, 202: BulkOut} | PROBLEMS)
def change_images(request, body: BulkRequest):
    """Do one thing to many pictures. 202 when that takes long: a worker goes on, and `id` is followed."""
    value = _value(body)
    try:
        selection = _select(request.user, body, trashed=body.action == Action.RESTORE)
        tags = _tags(request.user, body)
        if not len(selection) or (body.action in TAGGING and not tags):
            return nothing(len(selection))
        action = bulk.begin(selection, Action(body.action), tags=tags, value=value, seconds=SECONDS)
    except BulkError as exc:
        raise Invalid(exc.field, exc.message) from exc
    except TagError as exc:
        raise Invalid("tags", exc.message) from exc
    return Status(202 if action.is_active else 200, shape(action))


@router.get("/bulk/{uuid:action_id}", response={200: BulkOut} | PROBLEMS)
def get_bulk_action(request, action_id: UUID):
    """How far an action is."""
    return shape(_find(request, action_id))


@router.post("/bulk/{uuid:action_id}/undo", response={200: BulkOut} | PROBLEMS)
def undo_bulk_action(request, action_id: UUID):
    """Put back what an action has changed; one that still runs goes no further."""
    action = _find(request, action_id)
    bulk.undo(action)
    return shape(action)


@archives.post("", response={201: DownloadOut} | PROBLEMS)
def create_download(request, body: Chosen):
    """Settle a ZIP of the pictures; its bytes are made while `url` is fetched, whole or by ranges."""
    try:
        return Status(201, download_shape(downloads.create(_select(request.user, body))))
    except BulkError as exc:
        raise Invalid(exc.field, exc.message) from exc


@archives.api_operation(["GET", "HEAD"], "/{uuid:download_id}", response={200: None} | PROBLEMS)
def get_download(request, download_id: UUID):
    """The archive: its bytes, or the range that is asked for."""
    row = get_object_or_404(Download.objects.owned_by(request.user), public_id=download_id)
    return downloads.respond(request, row)


def _select(owner, body: Chosen, *, trashed: bool = False) -> Selection:
    if body.q is not None:
        return bulk.by_query(owner, body.q, trashed=trashed)
    return bulk.by_ids(owner, body.ids or [])


def _value(body: BulkRequest) -> int | bool | None:
    if body.action == Action.RATE:
        if body.rating is None:
            raise Invalid("rating", "Send a rating from 0 to 5.")
        return body.rating
    return body.value if body.action in (Action.FAVORITE, Action.SENSITIVE) else None


def _tags(owner, body: BulkRequest) -> list[Tag]:
    if body.action not in TAGGING:
        return []
    if not body.tags:
        raise Invalid("tags", "Send at least one tag.")
    return resolve_tags(owner, body.tags, create=body.action == Action.TAG)


def _find(request, action_id: UUID) -> BulkAction:
    return get_object_or_404(BulkAction.objects.owned_by(request.user), public_id=action_id)


def nothing(matched: int) -> dict:
    done = {"status": BulkAction.Status.DONE, "matched": matched, "changed": 0, "done": matched, "error": ""}
    return done | {"id": None, "created_at": None, "finished_at": None}


def shape(action: BulkAction) -> dict:
    names = ("status", "matched", "changed", "done", "error", "created_at", "finished_at")
    return {name: getattr(action, name) for name in names} | {"id": action.public_id}


def download_shape(download: Download) -> dict:
    return {
        "id": download.public_id,
        "name": download.name,
        "images": download.n,
        "bytes": download.bytes,
        "url": f"/api/v1/downloads/{download.public_id}",
    }
