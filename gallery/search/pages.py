"""Pages of found pictures by cursor, and how many there are. Both cost the same at any size of library."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.models import Image, TagCount
from gallery.search import librarycounts
from gallery.search.folding import Wish, fold, spread
from gallery.search.keys import is_mixed, keys, newest
from gallery.search.matching import Search
from gallery.search.orders import Order, Placed, Position, read_order

COUNTED = 1000  # matches that are counted; more are "1,000+"
SALT = "gallery.search.cursor"


class BadCursor(ValueError):
    """The place to go on from cannot be read, or belongs to another list."""


@dataclass(frozen=True, kw_only=True)
class Page:
    images: list[Any]  # pictures, or the fields of them that were asked for
    next: str | None  # cursor of the following page; none: this is the last
    sizes: dict[int, int]  # of folded stacks, how many pictures each of `images` stands for, by key


@dataclass(frozen=True, kw_only=True)
class Total:
    n: int
    exact: bool  # false: there are more than `n`

    def __str__(self) -> str:
        return thousands(self.n) if self.exact else f"{thousands(self.n)}+"


def page(
    found: Search,
    after: str | None = None,
    limit: int = 60,
    *,
    folded: bool = False,
    fields: Sequence[str] = (),
) -> Page:
    """Fetch up to `limit` pictures behind the cursor `after`; `folded`, of each stack only the first.

    `fields` are those of the pictures that will be looked at, all when there are none. Raises `BadCursor`.
    """
    start = _read_cursor(found, after) if after else _Start(order=found.order, mixed=is_mixed(found))
    found = found.ordered(start.order)
    wish = Wish(limit=limit, after=start.position, mixed=start.mixed, fields=fields)
    part = fold(found, wish) if folded else spread(found, wish)
    following = _write_cursor(found, part.last, start.mixed) if part.last else None
    return Page(images=part.images, next=following, sizes=part.sizes)


def neighbours(found: Search, image: Image) -> tuple[Image | None, Image | None]:
    """Find the picture before `image` in the same search, and the one after it."""
    place, mixed = found.order.position(image), is_mixed(found)
    sides = [keys(found, 1, place, back=back, mixed=mixed) for back in (True, False)]
    rows = Image.objects.in_bulk([key for side in sides for key in side])
    before, after = (rows.get(side[0]) if side else None for side in sides)
    return before, after


def ahead(found: Search, image: Image, most: int) -> int:
    """Count the pictures before `image` in the order of `found`, up to `most`."""
    return len(keys(found, most, found.order.position(image), back=True, mixed=is_mixed(found)))


def cursor_before(found: Search, image: Image, n: int) -> str | None:
    """The cursor of a page that begins `n` pictures before `image`. None: there are not so many."""
    mixed = is_mixed(found)
    before = keys(found, n + 1, found.order.position(image), back=True, mixed=mixed)
    last = Image.objects.filter(pk=before[n]).first() if len(before) > n else None
    return _write_cursor(found, last, mixed) if last else None


def cursor_behind(found: Search, image: Image) -> str:
    """The cursor of a page that begins behind `image`, which need not be among the pictures of `found`."""
    return _write_cursor(found, image, is_mixed(found))


def total(found: Search) -> Total:
    """Count the matches: exactly for the library and for tags, else up to a thousand."""
    if found.only_tag is not None:
        n = TagCount.objects.filter(tag_id=found.only_tag).values_list("n", flat=True).first()
        return Total(n=n or 0, exact=True)
    if not found.terms:
        return Total(n=librarycounts.live(found.owner), exact=True)
    if found.candidates and found.candidates.complete:
        return Total(n=len(found.candidates.keys), exact=True)
    n = len(newest(found, COUNTED + 1))
    return Total(n=min(n, COUNTED), exact=n <= COUNTED)


# --- Cursors ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Start:
    """Where a page begins."""

    order: Order
    mixed: bool
    position: Position | None = None


def _write_cursor(found: Search, image: Placed, mixed: bool) -> str:
    content = [_digest(found), str(found.order), mixed, *found.order.position(image)]
    return signing.dumps(content, salt=SALT)


def _read_cursor(found: Search, cursor: str) -> _Start:
    try:
        digest, name, mixed, *position = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError) as exc:
        raise BadCursor(
            gettext("This place in the list cannot be read. Start again from the first page.")
        ) from exc
    order = read_order(name)
    if digest != _digest(found) or order is None or order.name != found.order.name:
        raise BadCursor(gettext("This place belongs to another list. Start again from the first page."))
    return _Start(order=order, mixed=mixed, position=tuple(position))


def _digest(found: Search) -> str:
    """What was asked, in a few letters."""
    asked: Any = [found.owner.pk, found.unsorted]
    return hashlib.blake2b(repr(asked).encode(), digest_size=6).hexdigest()
