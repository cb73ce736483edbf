"""The side bar's numbers, money and faces, in four queries."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from gallery.models import Generation, Import, SavedSearch, Tag
from gallery.money import costs
from gallery.screens import faces
from gallery.screens.faces import Face
from gallery.search import librarycounts

PINNED_SHOWN = 12
MICRO = Decimal("0.000001")

# Written out, since building it from querysets takes longer than the database needs to answer it. A bare
# "pinned" would not be known for the condition of its index, and all tags would be read.
COUNTS = """
SELECT %(known)s + (SELECT COUNT(*) FROM gallery_image
    WHERE owner_id = %(owner)s AND trashed_at IS NULL AND id > %(up_to)s),
  (SELECT COUNT(*) FROM gallery_generation
    WHERE owner_id = %(owner)s AND status IN ('queued', 'running', 'saving'))
  + (SELECT COUNT(*) FROM gallery_import WHERE owner_id = %(owner)s AND status IN ('queued', 'running')),
  (SELECT COUNT(*) FROM gallery_tag
    WHERE owner_id = %(owner)s AND alias_of_id IS NULL AND kind = 'character'),
  (SELECT COUNT(*) FROM gallery_tag
    WHERE owner_id = %(owner)s AND alias_of_id IS NULL AND kind = 'persona'),
  (SELECT COUNT(*) FROM gallery_tag
    WHERE owner_id = %(owner)s AND alias_of_id IS NULL AND kind = 'chat'),
  (SELECT COUNT(*) FROM gallery_tag
    WHERE owner_id = %(owner)s AND alias_of_id IS NULL AND kind = 'tag'),
  (SELECT COUNT(*) FROM (
    SELECT 1 FROM gallery_nearduplicate pair
    JOIN gallery_image one ON one.id = pair.first_id AND one.trashed_at IS NULL
    JOIN gallery_image two ON two.id = pair.second_id AND two.trashed_at IS NULL
    WHERE pair.owner_id = %(owner)s AND pair.decision = 'open' LIMIT 100) pairs),
  (SELECT COUNT(*) FROM gallery_tag WHERE owner_id = %(owner)s AND pinned = %(yes)s),
  (SELECT COUNT(*) FROM gallery_savedsearch WHERE owner_id = %(owner)s AND pinned = %(yes)s),
  (SELECT SUM(cost_usd) FROM gallery_generation WHERE owner_id = %(owner)s AND created_at >= %(month)s),
  (SELECT SUM(cost_usd) FROM gallery_assist WHERE owner_id = %(owner)s AND created_at >= %(month)s)
"""


@dataclass(frozen=True, kw_only=True)
class PinnedTag:
    name: str
    kind: str
    url: str
    face: Face | None


@dataclass(frozen=True, kw_only=True)
class Sidebar:
    """What the side bar of one person shows."""

    images: int
    characters: int
    personas: int
    chats: int
    tags: int
    alike: int  # pairs that wait for a decision; more than 99 are 100
    active: int  # generations and imports that wait or run
    month: datetime  # when this one began
    spent: Decimal  # US dollars since then
    limit: Decimal | None  # the person's own, for a month
    warn_percent: int  # of it, from when on people are warned
    pinned: tuple[PinnedTag, ...]
    searches: tuple[SavedSearch, ...]  # those that are pinned

    @property
    def is_near(self) -> bool:
        return self.limit is not None and self.spent * 100 >= self.limit * self.warn_percent


def of(request) -> Sidebar:
    """The side bar of this request, which is read once."""
    if not hasattr(request, "side"):
        request.side = read(request.user)
    return request.side


def active_count(user) -> int:
    """How many generations and imports of `user` wait or run."""
    generations = Generation.objects.owned_by(user).active().count()
    return generations + Import.objects.owned_by(user).filter(status__in=Import.ACTIVE).count()


def pinned_tags(user) -> tuple[PinnedTag, ...]:
    tags = (
        Tag.objects.owned_by(user)
        .filter(pinned=True)
        .select_related("avatar", "parent")
        .order_by("kind", "folded")
    )
    return tuple(
        PinnedTag(name=tag.full_name, kind=tag.kind, url=tag.get_absolute_url(), face=faces.of(tag))
        for tag in tags[:PINNED_SHOWN]
    )


def pinned_searches(user) -> tuple[SavedSearch, ...]:
    return tuple(SavedSearch.objects.owned_by(user).filter(pinned=True)[:PINNED_SHOWN])


def read(user) -> Sidebar:
    """Read what the side bar of `user` shows."""
    known, up_to = librarycounts.known(user)
    month = costs.start_of_month()
    with connection.cursor() as cursor:
        since = connection.ops.adapt_datetimefield_value(month)
        asked = {"owner": user.pk, "month": since, "known": known, "up_to": up_to, "yes": True}
        cursor.execute(COUNTS, asked)
        images, active, characters, personas, chats, free, alike, pins, searches, *spent = cursor.fetchone()
    librarycounts.keep_near(user, newer=images - known)
    return Sidebar(
        images=images,
        characters=characters,
        personas=personas,
        chats=chats,
        tags=free,
        alike=alike,
        active=active,
        month=month,
        spent=sum((Decimal(usd or 0) for usd in spent), Decimal(0)).quantize(MICRO),
        limit=user.monthly_budget_usd,
        warn_percent=user.warn_percent,
        pinned=pinned_tags(user) if pins else (),
        searches=pinned_searches(user) if searches else (),
    )
