"""The months in which pictures came in: how many each has, and where in the gallery it begins."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.utils import timezone

from gallery.models import Image, User

MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
# Each month is a stretch of one index; together they are counted once.
COUNTS = """
SELECT COUNT(*) FROM gallery_image
WHERE owner_id = %s AND trashed_at IS NULL AND created_at >= %s AND created_at < %s
"""


@dataclass(frozen=True, kw_only=True)
class Month:
    first: date  # its first day
    n: int  # pictures outside the trash


def counts(owner: User) -> list[Month]:
    """Count the pictures of each month that has some, the newest month first. Two or three queries."""
    moments = Image.objects.owned_by(owner).live().values_list("created_at", flat=True)
    oldest, newest = moments.order_by("created_at").first(), moments.order_by("created_at").last()
    if oldest is None or newest is None:
        return []
    days = list(_firsts(timezone.localdate(oldest), timezone.localdate(newest)))
    numbers = _count(owner, [(_begin(day), _begin(_following(day))) for day in days])
    found = [Month(first=day, n=n) for day, n in zip(days, numbers, strict=True) if n]
    return found[::-1]


def read(text: str) -> date | None:
    """The first day of the month that is written as `2026-08`."""
    match = MONTH.fullmatch(text)
    return date(int(match[1]), int(match[2]), 1) if match and int(match[1]) else None


def picture_after(owner: User, month: date, *, newest_first: bool) -> Image | None:
    """The picture that a page beginning with `month` stands behind. None: it is the first page."""
    live = Image.objects.owned_by(owner).live()
    if newest_first:
        return live.filter(created_at__gte=_begin(_following(month))).order_by("created_at", "pk").first()
    return live.filter(created_at__lt=_begin(month)).order_by("-created_at", "-pk").first()


def _count(owner: User, spans: list[tuple[datetime, datetime]]) -> list[int]:
    adapt = connection.ops.adapt_datetimefield_value
    parts = [value for start, end in spans for value in (owner.pk, adapt(start), adapt(end))]
    columns = ", ".join([f"({COUNTS})"] * len(spans))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", parts)
        return list(cursor.fetchone())


def _firsts(first: date, last: date) -> Iterator[date]:
    day = first.replace(day=1)
    while day <= last:
        yield day
        day = _following(day)


def _following(month: date) -> date:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))
