from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import BaseModel, Field

from gallery import connections, vendors
from gallery.api import paging
from gallery.api.problems import Problem
from gallery.api.v1.shapes import PROBLEMS, After, Body, Filled, Limit, Line, Money, Text
from gallery.models import ConnectionProfile
from providers.base import Choice, ModelInfo, SizeRules, TextModel

router = Router()

Name = Annotated[Filled, Field(max_length=80)]
Slug = Annotated[Filled, Field(max_length=32)]
Address = Annotated[Text, Field(max_length=500)]
Key = Annotated[Text, Field(max_length=2000, json_schema_extra={"writeOnly": True})]
ModelId = Annotated[Text, Field(max_length=120)]
Budget = Annotated[Decimal, Field(ge=0, le=99_999_999, max_digits=10, decimal_places=2)]


AtOnce = Annotated[
    int, Field(ge=1, le=100, description="Requests at once; what is more waits. Null: no limit.")
]
Gap = Annotated[int, Field(ge=0, le=3600, description="Seconds between two requests.")]
Options = Annotated[
    dict[Line, Any],
    Field(
        max_length=50, description="The provider's own settings; none of them is secret. Replaced as a whole."
    ),
]


class NewProfile(Body):
    name: Name
    provider: Slug
    base_url: Address = ""
    api_key: Key = Field("", repr=False)
    default_model: ModelId = ""
    is_default: bool | None = None
    monthly_budget_usd: Budget | None = None
    max_at_once: AtOnce | None = None
    seconds_between: Gap = 0
    options: Options = {}


class ProfileChanges(Body):
    name: Name | None = None
    provider: Slug | None = None
    base_url: Address | None = None
    api_key: Key | None = Field(None, repr=False)
    default_model: ModelId | None = None
    is_default: bool | None = None
    monthly_budget_usd: Budget | None = None
    max_at_once: AtOnce | None = None
    seconds_between: Gap | None = None
    options: Options | None = None


class Profile(BaseModel):
    id: UUID
    name: str
    provider: str
    base_url: str
    has_api_key: bool
    key_hint: str
    default_model: str
    is_default: bool
    monthly_budget_usd: Money | None
    max_at_once: int | None
    seconds_between: int
    options: dict[str, Any]
    checked_at: datetime | None
    check_code: str
    check_message: str
    created_at: datetime


class Profiles(BaseModel):
    items: list[Profile]
    next: str | None


class Check(BaseModel):
    ok: bool
    code: str
    message: str


class Model(BaseModel):
    id: str
    label: str
    status: Literal["current", "deprecated", "retired"]
    retires_on: date | None
    successor: str
    note: str
    capabilities: dict[str, Any]


class Models(BaseModel):
    items: list[Model]
    source: Literal["live", "built-in"]
    read_at: datetime | None = Field(description="When the vendor was asked; null for the built-in list.")
    note: str = Field(description="Why the vendor's own list is not here, or not fresh; empty when it is.")


@router.post("", response={201: Profile} | PROBLEMS)
def create_profile(request, body: NewProfile):
    """Save a connection profile. The key never comes back."""
    with saving():
        profile = connections.create(request.user, **body.model_dump())
    return Status(201, shape(profile))


@router.get("", response={200: Profiles} | PROBLEMS)
def list_profiles(request, limit: Limit = 50, after: After = ""):
    rows = ConnectionProfile.objects.owned_by(request.user)
    page, cursor = paging.cut(rows, limit=limit, after=after)
    return {"items": [shape(profile) for profile in page], "next": cursor}


@router.get("/{uuid:profile_id}", response={200: Profile} | PROBLEMS)
def get_profile(request, profile_id: UUID):
    return shape(find(request, profile_id))


@router.patch("/{uuid:profile_id}", response={200: Profile} | PROBLEMS)
def change_profile(request, profile_id: UUID, body: ProfileChanges):
    """Change what is sent. Another provider or address clears the key unless a new one comes along.

    Another provider clears the options as well.
    """
    profile = find(request, profile_id)
    changes = body.model_dump(exclude_unset=True)
    # null takes back what may be empty, and leaves alone what may not.
    for name in ("base_url", "api_key", "default_model"):
        if name in changes:
            changes[name] = changes[name] or ""
    if "options" in changes:
        changes["options"] = changes["options"] or {}
    optional = {"monthly_budget_usd", "max_at_once"}
    changes = {name: value for name, value in changes.items() if value is not None or name in optional}
    with saving():
        connections.change(profile, **changes)
    return shape(profile)


@router.delete("/{uuid:profile_id}", response={204: None} | PROBLEMS)
def delete_profile(request, profile_id: UUID):
    """Delete a profile. Its pictures and generations stay."""
    connections.remove(find(request, profile_id))
    return Status(204, None)


@router.post("/{uuid:profile_id}/test", response={200: Check} | PROBLEMS)
def test_profile(request, profile_id: UUID):
    """Try the key with something that costs nothing."""
    result = vendors.check_profile(find(request, profile_id))
    return {"ok": result.ok, "code": result.code, "message": result.message}


@router.get("/{uuid:profile_id}/models", response={200: Models} | PROBLEMS)
def list_models(request, profile_id: UUID, refresh: bool = False):
    """The vendor's own list, kept for a day; the built-in one when the vendor cannot be asked.

    With `refresh`, the vendor is asked now.
    """
    profile = find(request, profile_id)
    if not vendors.declared_by(profile).supports_image_generation:
        known = vendors.writers_of(profile, anew=refresh)
    else:
        known = vendors.refresh(profile) if refresh else vendors.read_when_due(profile)
    listed: list[ModelInfo | TextModel] = [*known.models, *known.writers]
    return {
        "items": [model_shape(model) for model in listed],
        "source": known.source,
        "read_at": known.read_at,
        "note": known.note,
    }


def find(request, profile_id: UUID) -> ConnectionProfile:
    return get_object_or_404(ConnectionProfile.objects.owned_by(request.user), public_id=profile_id)


@contextmanager
def saving():
    """Turn a profile that cannot be saved into a problem document."""
    try:
        yield
    except connections.ProfileError as exc:
        status = 409 if isinstance(exc, connections.NameTaken) else 422
        raise Problem(status, exc.message, field=exc.field) from exc


def shape(profile: ConnectionProfile) -> dict:
    return {
        "id": profile.public_id,
        "name": profile.name,
        "provider": profile.provider,
        "base_url": profile.base_url,
        "has_api_key": profile.has_api_key,
        "key_hint": profile.key_hint,
        "default_model": profile.default_model,
        "is_default": profile.is_default,
        "monthly_budget_usd": profile.monthly_budget_usd,
        "max_at_once": profile.max_at_once,
        "seconds_between": profile.seconds_between,
        "options": profile.options,
        "checked_at": profile.checked_at,
        "check_code": profile.check_code,
        "check_message": profile.check_message,
        "created_at": profile.created_at,
    }


def model_shape(model: ModelInfo | TextModel) -> dict:
    able = capabilities_shape(model.capabilities) if isinstance(model, ModelInfo) else {}
    draws, sees = bool(able), isinstance(model, TextModel) and model.vision
    return {
        "id": model.id,
        "label": model.label,
        "status": model.status,
        "retires_on": model.retires_on,
        "successor": model.successor,
        "note": model.note,
        "capabilities": {"image_generation": draws, "text": not draws, "vision": sees} | able,
    }


def capabilities_shape(capabilities) -> dict:
    """What the model takes; a parameter that is absent or null is not taken."""
    shape = {name: _plain(getattr(capabilities, name)) for name in capabilities.__dataclass_fields__}
    shape["options"] = {name: _plain(choice) for name, choice in capabilities.options.items()}
    return shape


def _plain(value):
    if isinstance(value, Choice | SizeRules):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return list(value) if isinstance(value, tuple) else value
