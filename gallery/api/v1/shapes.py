"""What the shapes of all resources are made of."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from ninja import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from gallery import tagging
from gallery.api.problems import Invalid
from gallery.models import Image, Tag

MAX_PAGE = 200


def storable(text: str) -> str:
    """JSON can spell characters that no database keeps: NUL, and halves of surrogate pairs."""
    if "\x00" in text:
        raise ValueError("Leave out the NUL character.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("Send text here; this is not valid Unicode.")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("This must not be empty.")
    return text


def money(amount: Decimal) -> str:
    """US dollars with two decimals, or as many as it takes: "0.25", "0.0033"."""
    plain = f"{amount.normalize():f}"
    decimals = len(plain.partition(".")[2])
    return plain if decimals >= 2 else f"{amount:.2f}"


Text = Annotated[str, AfterValidator(storable)]
Line = Annotated[Text, Field(max_length=200)]
Filled = Annotated[Text, AfterValidator(_not_blank)]
Money = Annotated[Decimal, PlainSerializer(money, return_type=str)]
# "character:Mirel"; `tagspec` knows how long a name may be, and says so.
TagSpecs = Annotated[list[Annotated[Text, Field(max_length=2000)]], Field(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
After = Annotated[str, Query(max_length=1000)]


class Body(BaseModel):
    """What comes in: exactly these fields, and a JSON object rather than anything that has them."""

    model_config = ConfigDict(extra="forbid")


class TagRef(BaseModel):
    id: UUID
    kind: str
    name: str
    slug: str


class FieldError(BaseModel):
    field: str
    message: str


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str | None = None
    errors: list[FieldError] | None = None


PROBLEMS: dict[Any, Any] = {(400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503, 507): ProblemDocument}


def image_address(public_id: UUID, what: str) -> str:
    """The path, below this server's root, at which a token fetches the bytes."""
    return f"/api/v1/images/{public_id}/{what}"


def picture_addresses(public_id: UUID) -> dict[str, str]:
    return {
        "thumbnail_url": image_address(public_id, "thumbnail?size=320"),
        "original_url": image_address(public_id, "original"),
    }


def resolve_tags(owner, specs: list[str], *, field: str = "tags", create: bool = True) -> list[Tag]:
    """The tags that `specs` name, or a problem that names the field."""
    try:
        return tagging.resolve(owner, specs, create=create)
    except tagging.TagError as exc:
        raise Invalid(field, exc.message) from exc


def image_of(request, image_id: UUID, field: str) -> Image:
    """The caller's picture of that id, or a problem that names the field."""
    image = Image.objects.owned_by(request.user).filter(public_id=image_id).first()
    if image is None:
        raise Invalid(field, "There is no picture of that id.")
    return image
