import re
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import AfterValidator, BaseModel, Field

from gallery import tagging
from gallery.api import paging
from gallery.api.problems import Invalid, Problem
from gallery.api.v1.profiles import Budget
from gallery.api.v1.shapes import PROBLEMS, After, Body, Filled, Limit, Money, Text, image_of
from gallery.models import Tag
from gallery.models.tag import fold
from gallery.tagging import aliases

router = Router()

Name = Annotated[Filled, Field(max_length=100)]
Names = Annotated[list[Name], Field(max_length=aliases.MAX_ALIASES)]
Kind = Literal["character", "look", "persona", "chat", "tag"]
COLOR = "^(#[0-9a-fA-F]{6})?$"


def _is_color(text: str) -> str:
    if not re.fullmatch(COLOR, text):
        raise ValueError("Write a colour as six digits behind a #, like #8a2a66, or leave it empty.")
    return text


Color = Annotated[str, AfterValidator(_is_color), Field(json_schema_extra={"pattern": COLOR})]
Description = Annotated[Text, Field(max_length=20_000)]


class NewTag(Body):
    kind: Kind = "tag"
    name: Name
    parent: UUID | None = Field(None, description="The character that a look belongs to.")
    aliases: Names = []
    description: Description = ""
    color: Color = ""


class TagChanges(Body):
    kind: Kind | None = None
    parent: UUID | None = Field(None, description="With `kind` look: the character it belongs to.")
    name: Name | None = None
    aliases: Names | None = None
    description: Description | None = None
    color: Color | None = None
    avatar: UUID | None = Field(None, description="The id of a picture; null takes it away.")
    pinned: bool | None = None
    monthly_budget_usd: Budget | None = Field(None, description="Only a chat has one; null takes it away.")


class Merge(Body):
    into: UUID


class TagOut(BaseModel):
    id: UUID
    kind: str
    name: str
    slug: str
    aliases: list[str]
    description: str
    color: str
    image_count: int
    avatar: UUID | None
    pinned: bool
    parent: UUID | None
    monthly_budget_usd: Money | None = Field(description="What may be spent in a chat in a month.")


class Tags(BaseModel):
    items: list[TagOut]
    next: str | None


@router.get("", response={200: Tags} | PROBLEMS)
def list_tags(
    request,
    kind: Kind | None = None,
    parent: UUID | None = None,
    q: Annotated[Text, Field(max_length=200)] = "",
    limit: Limit = 50,
    after: After = "",
):
    """Tags by name. `q` is a part of the name or of another spelling; `parent` is that of looks."""
    rows = visible(request)
    rows = rows.filter(kind=kind) if kind else rows
    rows = rows.filter(parent__public_id=parent) if parent else rows
    if part := fold(q):
        other = Tag.objects.owned_by(request.user).filter(folded__contains=part).exclude(alias_of=None)
        rows = rows.filter(Q(folded__contains=part) | Q(pk__in=other.values("alias_of")))
    page, cursor = paging.cut(rows, limit=limit, after=after, field="folded", descending=False)
    return {"items": [shape(tag) for tag in page], "next": cursor}


@router.post("", response={201: TagOut} | PROBLEMS)
def create_tag(request, body: NewTag):
    """Make a tag; a look needs its `parent`."""
    parent = _parent(request, body.kind, body.parent)
    with transaction.atomic():
        tag = _told("name", tagging.create, request.user, body.kind, body.name, parent)
        tag.description, tag.color = body.description, body.color
        tag.save(update_fields=["description", "color"])
        _told("aliases", aliases.replace, tag, body.aliases)
    return Status(201, shape(find(request, tag.public_id)))


@router.get("/{uuid:tag_id}", response={200: TagOut} | PROBLEMS)
def get_tag(request, tag_id: UUID):
    return shape(find(request, tag_id))


@router.patch("/{uuid:tag_id}", response={200: TagOut} | PROBLEMS)
def change_tag(request, tag_id: UUID, body: TagChanges):
    """Change what is sent; `aliases` is the whole list."""
    tag = find(request, tag_id)
    changes = body.model_dump(exclude_unset=True)
    with transaction.atomic():
        if changes.get("kind") or changes.get("parent"):
            _change_kind(request, tag, body)
        if changes.get("name"):
            _told("name", tagging.rename, tag, changes["name"])
        if "avatar" in changes:
            tagging.set_avatar(tag, image_of(request, body.avatar, "avatar") if body.avatar else None)
        if changes.get("aliases") is not None:
            _told("aliases", aliases.replace, tag, changes["aliases"])
        for name in ("description", "color", "pinned"):
            if changes.get(name) is not None:
                setattr(tag, name, changes[name])
        if "monthly_budget_usd" in changes:
            _set_budget(tag, changes["monthly_budget_usd"])
        tag.save(update_fields=["description", "color", "pinned", "monthly_budget_usd"])
    return shape(find(request, tag_id))


@router.delete("/{uuid:tag_id}", response={204: None} | PROBLEMS)
def delete_tag(request, tag_id: UUID):
    """Delete a tag, with a character its looks. The pictures stay."""
    tagging.delete(find(request, tag_id))
    return Status(204, None)


@router.post("/{uuid:tag_id}/merge", response={200: TagOut} | PROBLEMS)
def merge_tag(request, tag_id: UUID, body: Merge):
    """Give all pictures of this tag to another one, of which it becomes another spelling."""
    tag, into = find(request, tag_id), find(request, body.into)
    _told("into", tagging.merge, tag, into)
    return shape(find(request, body.into))


def visible(request):
    """Tags as people know them: other spellings are part of their tag."""
    rows = Tag.objects.owned_by(request.user).filter(alias_of=None).with_counts()
    return rows.select_related("avatar", "parent").prefetch_related("aliases")


def find(request, tag_id: UUID) -> Tag:
    return get_object_or_404(visible(request), public_id=tag_id)


def _parent(request, kind: str, parent_id: UUID | None) -> Tag | None:
    if (parent_id is None) == (kind == Tag.Kind.LOOK):
        needed = kind == Tag.Kind.LOOK
        raise Invalid("parent", "Say whose look it is." if needed else "Only a look has one. Leave it out.")
    characters = Tag.objects.owned_by(request.user).filter(kind=Tag.Kind.CHARACTER, alias_of=None)
    parent = characters.filter(public_id=parent_id).first()
    if parent_id and parent is None:
        raise Invalid("parent", "There is no character of that id.")
    return parent


def _change_kind(request, tag: Tag, body: TagChanges) -> None:
    """A look that stays one keeps its character unless another is sent."""
    kind = body.kind or tag.kind
    kept = tag.parent.public_id if tag.parent and kind == Tag.Kind.LOOK else None
    _told("kind", tagging.change_kind, tag, kind, _parent(request, kind, body.parent or kept))


def _set_budget(tag: Tag, usd: Decimal | None) -> None:
    if usd is not None and tag.kind != Tag.Kind.CHAT:
        raise Invalid("monthly_budget_usd", "Only a chat has a monthly limit. Leave it out.")
    tag.monthly_budget_usd = usd


def _told(field: str, action, *values):
    """What `action` answers, or a problem with the field at fault."""
    try:
        return action(*values)
    except tagging.TagTaken as exc:
        raise Problem(409, exc.message, field=field) from exc
    except tagging.TagError as exc:
        raise Invalid(field, exc.message) from exc


def shape(tag: Tag) -> dict:
    same = (
        "kind", "name", "slug", "description", "color", "image_count", "pinned", "monthly_budget_usd",
    )  # fmt: skip
    return {name: getattr(tag, name) for name in same} | {
        "id": tag.public_id,
        "aliases": sorted(alias.name for alias in tag.aliases.all()),
        "avatar": tag.avatar.public_id if tag.avatar else None,
        "parent": tag.parent.public_id if tag.parent else None,
    }
