from contextlib import contextmanager
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from ninja import Router
from pydantic import BaseModel, Field

from gallery.api.problems import Invalid, Problem
from gallery.api.v1 import images
from gallery.api.v1.shapes import PROBLEMS, Body, Line, Money, ProblemDocument, Text, money
from gallery.api.v1.wishes import choose_profile
from gallery.models import ConnectionProfile
from gallery.texts import assists, writers
from providers.errors import ProviderError

router = Router()

# The vendor's trouble, not the caller's; every other error is a 422.
STATUSES = {
    "rate_limited": 429,
    "overloaded": 503,
    "server_error": 502,
    "network": 502,
    "bad_response": 502,
    "timeout": 504,
}


class Wanted(Body):
    profile: Annotated[
        Line | None, Field(description="Id or name; left out: the first that looks at pictures.")
    ] = None
    model: Annotated[Text, Field(max_length=120)] = ""


class SuggestedTag(BaseModel):
    kind: Literal["character", "persona", "chat", "tag"]
    name: str
    confidence: float


class DescriptionOut(BaseModel):
    caption: str
    tags: list[SuggestedTag]
    cost_usd: Money | None
    cost_source: Literal["reported", "computed", "table", "unknown"]


@router.post(
    "/{uuid:image_id}/describe",
    response={200: DescriptionOut} | PROBLEMS | {frozenset({502, 504}): ProblemDocument},
)
def describe_image(request, image_id: UUID, body: Wanted | None = None):
    """Have a model suggest a caption and tags. One paid call, made at once; nothing is applied."""
    image, wanted = images.find(request, image_id), body or Wanted()
    if wanted.profile:
        profile = choose_profile(request.user, wanted.profile)
    else:
        profile = first_that_sees(request.user)
    with telling_the_vendors_trouble():
        made = assists.describe(request.user, image, profile, wanted.model)
    return made.answer | {"cost_usd": made.cost_usd, "cost_source": made.cost_source}


def first_that_sees(owner) -> ConnectionProfile:
    """The default profile if it looks at pictures, else the first that does."""
    found = writers.writers(owner, vision=True)
    if not found:
        raise Invalid(
            "profile", "None of your profiles looks at pictures. Add one that does, such as OpenAI."
        )
    return found[0].profile


@contextmanager
def telling_the_vendors_trouble():
    """Turn what went wrong at the vendor into a problem document that says whether it was charged."""
    try:
        yield
    except ProviderError as exc:
        raise Problem(
            STATUSES.get(exc.code, 422),
            exc.message,
            field=exc.field,
            code=exc.code,
            retryable=exc.retryable,
            may_have_been_charged=exc.may_have_been_charged,
            cost_usd=_cost_of(exc),
        ) from exc


def _cost_of(exc: ProviderError) -> str | None:
    """US dollars as the shapes write them; null where nobody knows."""
    if exc.cost_usd is None:
        return None if exc.may_have_been_charged else money(Decimal(0))
    return money(exc.cost_usd)
