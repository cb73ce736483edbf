"""Spans of time that costs are summed over, and the days, months or years that they fall into."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
YEAR = re.compile(r"\d{4}", re.ASCII)
MOST_MONTHS = 24  # bars; longer spans are shown by years


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """One bar: a day, a month or a year."""

    start: datetime
    end: datetime  # the first moment after it
    label: str  # under the bar: "22", "Nov", "2026"
    name: str  # in full: "22 November 2026"
    key: str = ""  # the period that it is, when it can be shown by itself: "2026-11"


@dataclass(frozen=True, kw_only=True)
class Period:
    """A span of whole local days."""

    key: str  # as in the address: "7d", "2026-11", "2026", "all"
    name: str  # "November", "the last 7 days"
    buckets: tuple[Bucket, ...]
    each: str  # "day", "month" or "year"

    @property
    def start(self) -> datetime:
        return self.buckets[0].start

    @property
    def end(self) -> datetime:
        return self.buckets[-1].end

    @property
    def last_day(self) -> date:
        return timezone.localdate(self.end) - timedelta(days=1)

    @property
    def is_over(self) -> bool:
        return self.end <= timezone.now()

    @property
    def is_month(self) -> bool:
        return bool(MONTH.fullmatch(self.key))


def read(key: str, oldest: datetime | None = None) -> Period:
    """The period that an address asks for; this month when it asks for none, or for nonsense.

    `oldest`: the first moment that "all" has to cover.
    """
    today = timezone.localdate()
    if key == "7d":
        return last_days(7, today)
    if key == "all":
        return everything(timezone.localdate(oldest) if oldest else today, today)
    if (found := MONTH.fullmatch(key)) and _is_shown(int(found[1])) and 1 <= int(found[2]) <= 12:
        return month(int(found[1]), int(found[2]))
    if YEAR.fullmatch(key) and _is_shown(int(key)):
        return year(int(key))
    return month(today.year, today.month)


def _is_shown(number: int) -> bool:
    return 1990 <= number <= 2200


def month(number_of_year: int, number: int) -> Period:
    first = date(number_of_year, number, 1)
    name = date_format(first, "F" if first.year == timezone.localdate().year else "F Y")
    days = calendar.monthrange(first.year, first.month)[1]
    return Period(key=f"{first:%Y-%m}", name=name, buckets=_days(first, days), each=gettext("day"))


def last_days(number: int, today: date) -> Period:
    first = today - timedelta(days=number - 1)
    name = gettext("the last {n} days").format(n=number)
    return Period(key=f"{number}d", name=name, buckets=_days(first, number), each=gettext("day"))


def year(number: int) -> Period:
    first = date(number, 1, 1)
    return Period(key=str(number), name=str(number), buckets=_months(first, 12), each=gettext("month"))


def everything(first: date, last: date) -> Period:
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if months <= MOST_MONTHS:
        buckets, each = _months(first.replace(day=1), months), gettext("month")
    else:
        buckets, each = tuple(_year(number) for number in range(first.year, last.year + 1)), gettext("year")
    return Period(key="all", name=gettext("all time"), buckets=buckets, each=each)


def before(period: Period) -> Period | None:
    """The month before a month, the year before a year; the others have none."""
    if period.is_month:
        last = timezone.localdate(period.start) - timedelta(days=1)
        return month(last.year, last.month)
    return year(int(period.key) - 1) if period.key.isdecimal() else None


def after(period: Period) -> Period | None:
    """The month after a month that is over."""
    if not period.is_month or not period.is_over:
        return None
    first = timezone.localdate(period.end)
    return month(first.year, first.month)


def midnight(day: date) -> datetime:
    """The first moment of a local day."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _days(first: date, number: int) -> tuple[Bucket, ...]:
    days = [first + timedelta(days=offset) for offset in range(number)]
    next_day = timedelta(days=1)
    return tuple(
        _bucket(day, day + next_day, str(day.day), date_format(day, gettext("j F Y"))) for day in days
    )


def _months(first: date, number: int) -> tuple[Bucket, ...]:
    starts = [_month_after(first, offset) for offset in range(number)]
    return tuple(
        _bucket(
            start,
            _month_after(start, 1),
            date_format(start, "M"),
            date_format(start, "F Y"),
            f"{start:%Y-%m}",
        )
        for start in starts
    )


def _year(number: int) -> Bucket:
    return _bucket(date(number, 1, 1), date(number + 1, 1, 1), str(number), str(number), str(number))


def _month_after(start: date, offset: int) -> date:
    years, months = divmod(start.month - 1 + offset, 12)
    return date(start.year + years, months + 1, 1)


def _bucket(start: date, end: date, label: str, name: str, key: str = "") -> Bucket:
    return Bucket(start=midnight(start), end=midnight(end), label=label, name=name, key=key)
