from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch, prefetch_related_objects
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import BaseModel, Field, TypeAdapter

from gallery import ingest, search, tagging
from gallery.api import problems
from gallery.api.paging import bad_cursor
from gallery.api.problems import Invalid, Problem
from gallery.api.v1.shapes import (
    PROBLEMS,
    After,
    Body,
    Limit,
    Money,
    TagRef,
    TagSpecs,
    Text,
    picture_addresses,
    resolve_tags,
)
from gallery.files import media
from gallery.files.renditions import MIME_TYPE
from gallery.models import ConnectionProfile, Generation, Image, ImageText, Tag
from gallery.search.reading import MAX_CHARACTERS
from gallery.views import media as media_views

router = Router()

Title = Annotated[Text, Field(max_length=200)]
GRAMMAR = (
    "As in the search box: words, “phrases”, filters such as `character:Mirel` or `rating:>=4`, joined by"
    " `OR`, brackets and `-`. `/search/help/` explains every line."
)
SPECS: TypeAdapter = TypeAdapter(TagSpecs)
TITLE: TypeAdapter = TypeAdapter(Title)


class ImageChanges(Body):
    title: Title | None = None
    notes: Annotated[Text, Field(max_length=100_000)] | None = None
    rating: Annotated[int, Field(ge=0, le=5)] | None = None
    favorite: bool | None = None
    sensitive: bool | None = None
    add_tags: TagSpecs = []
    remove_tags: TagSpecs = []


class ImageOut(BaseModel):
    id: UUID
    title: str
    notes: str
    source: Literal["upload", "import", "generated"]
    source_url: str
    mime_type: str
    width: int
    height: int
    bytes: int
    sha256: str
    created_at: datetime
    prompt: str
    prompt_sent: str
    revised_prompt: str
    negative_prompt: str
    provider: str
    profile: UUID | None
    model: str
    seed: int | None
    params: dict[str, Any]
    cost_usd: Money | None
    cost_source: Literal["reported", "computed", "table", "unknown"]
    rating: int
    favorite: bool
    sensitive: bool
    tags: list[TagRef]
    generation_id: UUID | None
    parent_id: UUID | None
    thumbnail_url: str
    original_url: str
    trashed_at: datetime | None


class Images(BaseModel):
    items: list[ImageOut]
    next: str | None
    problems: list[str] = Field(description="What could not be understood of `q`, and where.")


class UploadError(BaseModel):
    name: str
    code: str
    message: str


class Uploaded(BaseModel):
    items: list[ImageOut]
    errors: list[UploadError]


UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "minItems": 1,
                        },
                        "tags": {"type": "array", "items": {"type": "string"}},
                        "title": {"type": "string", "maxLength": 200},
                    },
                }
            }
        },
    }
}


@router.post("", response={201: Uploaded} | PROBLEMS, openapi_extra=UPLOAD)
def upload_images(request):
    """Add files to the library. A file that cannot be used is named under `errors`; the others are added."""
    title = TITLE.validate_python(request.POST.get("title", ""))
    specs = SPECS.validate_python(request.POST.getlist("tags"))
    # Clients differ in what they call the part; a file is a file.
    files = [file for _, parts in request.FILES.lists() for file in parts]
    if not files:
        raise Invalid(
            "file",
            "No file arrived. Send multipart/form-data with one or more files, called “file”.",
            code="no_file",
        )
    tags = resolve_tags(request.user, specs)
    stored, errors = [], []
    for file in files:
        try:
            stored.append(
                ingest.store(
                    request.user,
                    file,
                    source=Image.Source.UPLOAD,
                    file_name=file.name or "",
                    title=title,
                    tags=tags,
                ).image
            )
        except ingest.IngestError as exc:
            errors.append({"name": file.name or "", "code": exc.code, "message": exc.message})
    if not stored:
        raise nothing_stored(errors)
    return Status(201, {"items": shapes(stored), "errors": errors})


def nothing_stored(errors: list[dict]) -> Problem:
    statuses = {problems.status_for(error["code"]) for error in errors}
    status = statuses.pop() if len(statuses) == 1 else 422
    named = [{"field": "file", **error} for error in errors]
    return Problem(status, errors[0]["message"], code=errors[0]["code"], items=[], errors=named)


@router.get("", response={200: Images} | PROBLEMS)
def list_images(
    request,
    q: Annotated[Text, Field(max_length=MAX_CHARACTERS, description=GRAMMAR)] = "",
    sort: Literal["newest", "oldest", "rating", "cost", "random"] = "newest",
    limit: Limit = 50,
    after: After = "",
):
    """Pictures outside the trash; `q` is what the search box takes, and a `sort:` in it goes before `sort`.

    A random order stays the same from page to page; a new one begins without `after`.
    """
    found = search.search(request.user, q, sort=sort)
    try:
        page = search.page(found, after=after or None, limit=limit)
    except search.BadCursor as exc:
        raise bad_cursor() from exc
    said = [mistake.located for mistake in found.mistakes]
    return {"items": shapes(page.images), "next": page.next, "problems": said}


@router.get("/{uuid:image_id}", response={200: ImageOut} | PROBLEMS)
def get_image(request, image_id: UUID):
    return shapes([find(request, image_id)])[0]


@router.patch("/{uuid:image_id}", response={200: ImageOut} | PROBLEMS)
def change_image(request, image_id: UUID, body: ImageChanges):
    """Change what is sent; tags are added and removed by name, the missing ones made."""
    image = find(request, image_id)
    changes = body.model_dump(exclude_unset=True, exclude_none=True, exclude={"add_tags", "remove_tags"})
    with transaction.atomic():
        for name, value in changes.items():
            setattr(image, name, value)
        image.save(update_fields=list(changes))
        if changes.keys() & {"title", "notes"}:
            ImageText.refresh(image)
        tagging.remove(
            [image], resolve_tags(request.user, body.remove_tags, field="remove_tags", create=False)
        )
        tagging.add([image], resolve_tags(request.user, body.add_tags, field="add_tags"))
    return shapes([find(request, image_id)])[0]


@router.delete("/{uuid:image_id}", response={204: None} | PROBLEMS)
def trash_image(request, image_id: UUID):
    """Move the picture to the trash."""
    tagging.trash([find(request, image_id)])
    return Status(204, None)


@router.api_operation(["GET", "HEAD"], "/{uuid:image_id}/original", response={200: None} | PROBLEMS)
def get_original(request, image_id: UUID):
    """The file as it came: its bytes, or a redirect to a short-lived address."""
    return media_views.original(request, image_id)


@router.api_operation(["GET", "HEAD"], "/{uuid:image_id}/thumbnail", response={200: None} | PROBLEMS)
def get_thumbnail(request, image_id: UUID, size: Annotated[int, Query(ge=1, le=100_000)] = 320):
    """A small WebP of at least `size` pixels where we have one: its longest side is 320 or 1280."""
    image = find(request, image_id)
    key = image.thumbnail_key(320 if size <= 320 else 1280)
    return media_views.send(request, key, content_type=MIME_TYPE, cache=media.NOT_KEPT)


def find(request, image_id: UUID) -> Image:
    return get_object_or_404(Image.objects.owned_by(request.user), public_id=image_id)


def shapes(images) -> list[dict]:
    """The pictures as JSON; a fixed number of queries however many they are."""
    images = list(images)
    ids = {model: model.objects.only("public_id") for model in (ConnectionProfile, Generation, Image)}
    prefetch_related_objects(
        images,
        Prefetch("tags", queryset=Tag.objects.order_by("kind", "folded")),
        Prefetch("profile", queryset=ids[ConnectionProfile]),
        Prefetch("generation", queryset=ids[Generation]),
        Prefetch("parent", queryset=ids[Image]),
    )
    return [shape(image) for image in images]


SAME = (
    "title", "notes", "source", "source_url", "mime_type", "width", "height", "bytes", "sha256",
    "created_at", "prompt", "prompt_sent", "revised_prompt", "negative_prompt", "provider", "model",
    "seed", "params", "cost_usd", "cost_source", "rating", "favorite", "sensitive", "trashed_at",
)  # fmt: skip


def shape(image: Image) -> dict:
    tags = [
        {"id": tag.public_id, "kind": tag.kind, "name": tag.name, "slug": tag.slug}
        for tag in image.tags.all()
    ]
    return (
        {name: getattr(image, name) for name in SAME}
        | picture_addresses(image.public_id)
        | {
            "id": image.public_id,
            "tags": tags,
            "profile": image.profile.public_id if image.profile else None,
            "generation_id": image.generation.public_id if image.generation else None,
            "parent_id": image.parent.public_id if image.parent else None,
        }
    )
