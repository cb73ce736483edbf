"""What a page with a grid needs: the next batch, its groups, the place of one picture among the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext

from gallery.models import Image
from gallery.screens import grid, sidebar
from gallery.search import (
    SORTS,
    Page,
    Search,
    Total,
    ahead,
    cursor_before,
    cursor_behind,
    months,
    neighbours,
    page,
    parse,
    search,
    total,
)
from gallery.search.orders import NEWEST
from gallery.search.tiles import FIELDS

FIRST_BATCH, BATCH = 60, 120
SIZES = ("s", "m", "l")
NEAREST = 4  # other searches that are proposed when one finds nothing
COUNTED = 10_000  # a picture further down is shown without its number
LEAD = 18  # newer pictures that are shown above the one that an address asks for


def read(request, found: Search, *, dated: bool = True) -> dict[str, Any]:
    """Read the batch of `found` that the address asks for, under days and months. Raises `BadCursor`."""
    get = request.GET
    after = get.get("after")
    start = None if after else _around(request, found) or _at(request, found)
    limit = BATCH if after else FIRST_BATCH
    folded = request.user.fold_stacks
    batch = page(found, after=after or start, limit=limit, folded=folded, fields=FIELDS)
    # Only htmx has the page that the mark speaks of; a link followed without script begins a new one.
    mark, more = get.get("group", "") if request.htmx else "", bool(batch.next)
    dated = dated and found.order.is_by_key
    groups = grid.group(
        batch.images, query=found.query, after=mark, more=more, dated=dated, sizes=batch.sizes
    )
    kept = {"q": get.get("q", ""), "sort": sort_of(found)}
    return {
        "groups": groups,
        "next": encode(**kept, after=batch.next, group=groups[-1].mark) if batch.next and groups else "",
        "begins_later": start is not None,
        "kept": encode(**kept),
        "order": found.order,
        "orders": orders(found, get.get("q", "")),
        "size": _size(request),
        "found": found.query,
        "slideshow": _slideshow(batch, found),
        "total": None if after else _total(request, found),
    }


def _total(request, found: Search) -> Total:
    """How many there are; of the whole library the side bar has just counted it."""
    if found.terms:
        return total(found)
    return Total(n=sidebar.of(request).images, exact=True)


def _slideshow(batch: Page, found: Search) -> str:
    """Where the slideshow of what was found begins."""
    first = next(iter(batch.images), None)
    if first is None:
        return ""
    return with_query(reverse("image", args=[first.public_id]), **{"in": found.query, "play": "5"})


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An order to choose."""

    label: str
    address: str  # query string
    is_current: bool


def orders(found: Search, text: str) -> list[Choice]:
    """Offer the orders that `found` can be shown in; `text` is what was typed, which may name one itself."""
    plain = parse(text).unsorted
    return [
        Choice(
            label=label,
            address=encode(q=plain, sort="" if name == NEWEST.name else name),
            is_current=name == found.order.name,
        )
        for name, label in SORTS.items()
    ]


def sort_of(found: Search) -> str:
    """What `?sort=` says for the order of `found`."""
    return "" if found.order == NEWEST else str(found.order)


def _size(request) -> str:
    wanted = request.GET.get("size") or request.COOKIES.get("size", "")
    return wanted if wanted in SIZES else "m"


def encode(**parameters: str | Sequence[str] | None) -> str:
    """Make a query string of those `parameters` that say something; a list is repeated."""
    return urlencode({name: value for name, value in parameters.items() if value}, doseq=True)


def with_query(address: str, **parameters: str | None) -> str:
    """Put `parameters` behind `address`, those that say something."""
    return f"{address}?{encode(**parameters)}".removesuffix("?")


def _around(request, found: Search) -> str | None:
    """Where a page begins that has the picture `?around=` among its neighbours. Gone, or no id: none."""
    try:
        image = found.images.get(public_id=request.GET["around"]) if request.GET.get("around") else None
    except (Image.DoesNotExist, ValidationError):
        return None
    return cursor_before(found, image, LEAD) if image else None


def _at(request, found: Search) -> str | None:
    """Where the page begins that shows the month of `?at=2026-08` first."""
    month = months.read(request.GET.get("at", ""))
    if month is None or not found.order.is_by_key:
        return None
    image = months.picture_after(request.user, month, newest_first=found.order == NEWEST)
    return cursor_behind(found, image) if image else None


# --- Help when nothing was found ----------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Nearest:
    label: str  # "Without tag:snow"
    query: str
    total: Total


def nearest(found: Search) -> list[Nearest]:
    """Propose searches with one term less, or with what may have been meant, that do find something."""
    meant = [(mistake.better, mistake.better) for mistake in found.mistakes if mistake.better]
    less = (
        [(gettext("Without {text}").format(text=term.text), term.without) for term in found.terms]
        if len(found.terms) > 1
        else []
    )
    tried = (
        Nearest(label=label, query=query, total=total(search(found.owner, query)))
        for label, query in [*less[:NEAREST], *meant[:NEAREST]]
    )
    return [proposal for proposal in tried if proposal.total.n]


# --- One picture among the others ---------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Place:
    newer: Image | None  # the one before it
    older: Image | None  # the one after it
    number: int | None  # 1 is the first; None far down, where counting would take long
    total: Total
    searched: str  # what was asked, whatever the order


def place(found: Search, image: Image) -> Place | None:
    """Where `image` stands in `found`; None for a picture in the trash."""
    if image.trashed_at:
        return None
    newer, older = neighbours(found, image)
    before = ahead(found, image, COUNTED + 1)
    number = None if before > COUNTED else before + 1
    return Place(newer=newer, older=older, number=number, total=total(found), searched=found.unsorted)
