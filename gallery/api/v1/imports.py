from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import BaseModel, Field, TypeAdapter

from gallery.api.problems import Invalid, Problem, checked, status_for
from gallery.api.v1.generations import GenerationPicture, picture_shape
from gallery.api.v1.shapes import PROBLEMS, Body, TagSpecs, Text, resolve_tags
from gallery.imports import importing
from gallery.models import Import, ImportEntry, Tag

router = Router()

Address = Annotated[Text, Field(max_length=2000)]
SPECS: TypeAdapter = TypeAdapter(TagSpecs)
MAX_LISTED = 1000  # pictures and errors that one answer names; `done` and `total` count them all


class AddressList(Body):
    urls: Annotated[list[Address], Field(min_length=1, max_length=5000)]
    tags: TagSpecs = []


class EntryError(BaseModel):
    name: str
    code: str
    message: str


class ImportOut(BaseModel):
    id: UUID
    status: Literal[tuple(Import.Status.values)]  # type: ignore[valid-type]
    archive: str
    done: int
    total: int
    code: str = Field(description="Why nothing could be imported at all, in one word.")
    message: str = Field(description="Why nothing could be imported at all.")
    images: list[GenerationPicture]
    errors: list[EntryError]
    created_at: datetime
    finished_at: datetime | None


BODIES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": AddressList.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["archive"],
                    "properties": {
                        "archive": {"type": "string", "format": "binary", "description": "ZIP or CHARX"},
                        "tags": {"type": "array", "items": {"type": "string"}},
                    },
                }
            },
        },
    }
}


@router.post("", response={202: ImportOut} | PROBLEMS, openapi_extra=BODIES)
def create_import(request):
    """Bring in a list of addresses (JSON), or an archive (multipart), as a job."""
    multipart = request.content_type == "multipart/form-data"
    try:
        job = from_archive(request) if multipart else from_addresses(request)
    except importing.ImportRefused as exc:
        field = "archive" if multipart else "urls"
        raise Problem(status_for(exc.code), exc.message, field=field, code=exc.code) from exc
    return Status(202, shape(job))


def from_addresses(request) -> Import:
    body = AddressList.model_validate_json(request.body)
    return importing.create_from_urls(request.user, body.urls, tags_when_asked(request, body.tags))


def from_archive(request) -> Import:
    specs = checked(SPECS, request.POST.getlist("tags"), "tags")
    file = request.FILES.get("archive")
    if file is None:
        raise Invalid(
            "archive",
            "No file arrived. Send multipart/form-data with a part called “archive”.",
            code="no_file",
        )
    tags = tags_when_asked(request, specs)
    return importing.create_from_archive(request.user, file, file.name or "", tags)


def tags_when_asked(request, specs: list[str]) -> Iterator[Tag]:
    """Tags that are made with the job, in its transaction: an import that is refused leaves none behind."""
    yield from resolve_tags(request.user, specs)


@router.get("/{uuid:import_id}", response={200: ImportOut} | PROBLEMS)
def get_import(request, import_id: UUID):
    """How far an import is, what came in, and what did not."""
    return shape(get_object_or_404(Import.objects.owned_by(request.user), public_id=import_id))


def shape(job: Import) -> dict:
    arrived = job.entries.exclude(image=None).select_related("image")
    failed = job.entries.filter(state=ImportEntry.State.FAILED)
    return {
        "id": job.public_id,
        "status": job.status,
        "archive": job.archive_name,
        "done": job.done,
        "total": job.total,
        "code": importing.failure_code(job),
        "message": job.error_message,
        "images": [picture_shape(entry.image) for entry in arrived[:MAX_LISTED]],
        "errors": [error_shape(entry) for entry in failed[:MAX_LISTED]],
        "created_at": job.created_at,
        "finished_at": job.finished_at,
    }


def error_shape(entry: ImportEntry) -> dict:
    return {"name": entry.name, "code": entry.error_code, "message": entry.error_message}
