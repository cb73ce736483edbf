"""The values of filters as conditions: numbers, days, shapes, answers. None: the value is not understood."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import F, Q
from django.utils import timezone

LOOKUPS = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt", "=": "exact", "": "exact"}
COMPARISON = re.compile(r"(>=|<=|>|<|=|)\s*(.+)")
NUMBER = re.compile(r"\$?(\d{1,9}(?:\.\d{1,6})?|\.\d{1,6})")
DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
YEARS = range(1900, 3000)
ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
SHAPE = re.compile(r"(\d{1,4})[:x/](\d{1,4})")
TOLERANCE = 0.02  # 1360 × 768 is sold as 16:9
MEASURES = re.compile(r"(\d{1,6})[x×](\d{1,6})")
WEIGHT = re.compile(r"(>=|<=|>|<)(\d{1,6}(?:\.\d{1,3})?)\s*(kb|mb|gb)", re.IGNORECASE)
UNITS = {"kb": 10**3, "mb": 10**6, "gb": 10**9}

type Reader[T] = Callable[[str], T | None]


def answer(field: str, value: str) -> Q | None:
    """`yes` or `no`."""
    known = ANSWERS.get(value.lower())
    return None if known is None else Q(**{field: known})


# --- Numbers ------------------------------------------------------------------------------------


def number(text: str) -> Decimal | None:
    match = NUMBER.fullmatch(text.strip())
    return Decimal(match[1]) if match else None


def whole(text: str) -> Decimal | None:
    found = number(text)
    return found if found is not None and found == int(found) else None


def compared(value: str, read: Reader[Decimal], condition: Callable[[str, Decimal], Q]) -> Q | None:
    """`4`, `>=4`, `3..5`, `3..`: asks `condition` for the lookup ("gte") and the number it takes."""
    if ".." in value:
        low, _, high = value.partition("..")
        ends = [(lookup, read(end)) for lookup, end in (("gte", low), ("lte", high)) if end.strip()]
    else:
        sign, rest = _split(value)
        ends = [(LOOKUPS[sign], read(rest))]
    if not ends or any(end is None for _, end in ends):
        return None
    return Q(*(condition(lookup, end) for lookup, end in ends if end is not None))


def _split(value: str) -> tuple[str, str]:
    match = COMPARISON.fullmatch(value)
    return (match[1], match[2]) if match else ("", value)


def amount(field: str, value: str) -> Q | None:
    """An amount in the column `field`."""
    return compared(value, number, lambda lookup, n: Q(**{f"{field}__{lookup}": n}))


def count(field: str, value: str) -> Q | None:
    """A whole number in the column `field`."""
    return compared(value, whole, lambda lookup, n: Q(**{f"{field}__{lookup}": n}))


def size(value: str) -> Q | None:
    """The longest side (`>=2000`), both sides (`1024x1536`) or the file (`>5MB`)."""
    if match := MEASURES.fullmatch(value.lower()):
        return Q(width=int(match[1]), height=int(match[2]))
    if match := WEIGHT.fullmatch(value):
        return Q(**{f"bytes__{LOOKUPS[match[1]]}": int(Decimal(match[2]) * UNITS[match[3].lower()])})
    return compared(value, whole, _longest_side)


def _longest_side(lookup: str, n: Decimal) -> Q:
    sides = [Q(**{f"{side}__{lookup}": n}) for side in ("width", "height")]
    if lookup == "exact":
        return (sides[0] & Q(height__lte=n)) | (sides[1] & Q(width__lte=n))
    return sides[0] | sides[1] if lookup in ("gt", "gte") else sides[0] & sides[1]


def ratio(value: str) -> Q | None:
    """`portrait`, `landscape`, `square`, or width to height as in `16:9`, within two percent."""
    if value.lower() == "portrait":
        return Q(height__gt=F("width") * (1 + TOLERANCE))
    if value.lower() == "landscape":
        return Q(width__gt=F("height") * (1 + TOLERANCE))
    match = SHAPE.fullmatch("1:1" if value.lower() == "square" else value)
    if not match or not int(match[1]) * int(match[2]):
        return None
    wanted = int(match[1]) / int(match[2])
    low, high = wanted / (1 + TOLERANCE), wanted * (1 + TOLERANCE)
    return Q(width__gte=F("height") * low, width__lte=F("height") * high)


# --- Days ---------------------------------------------------------------------------------------

type Period = tuple[datetime | None, datetime | None]  # from then on, and before then


def period(text: str) -> Period | None:
    """`2026`, `2026-11`, `2026-11-22`, or a name like `today`: from then, and before then."""
    days = _named(text.strip().lower()) or _days(text.strip())
    return (_midnight(days[0]), _midnight(days[1])) if days else None


def _named(name: str) -> tuple[date, date] | None:
    today = timezone.localdate()
    first = {
        "today": today,
        "yesterday": today - timedelta(days=1),
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
        "year": today.replace(month=1, day=1),
    }.get(name)
    return (first, today + timedelta(days=name != "yesterday")) if first else None


def _days(text: str) -> tuple[date, date] | None:
    match = DAY.fullmatch(text)
    if not match or int(match[1]) not in YEARS:
        return None
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    try:
        first = date(year, month, day)
    except ValueError:
        return None
    if match[3]:
        return first, first + timedelta(days=1)
    if match[2]:
        return first, date(year + month // 12, month % 12 + 1, 1)
    return first, date(year + 1, 1, 1)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def span(kind: str, value: str) -> Period | None:
    """The time that `date:`, `before:` or `after:` means by `value`."""
    if ".." in value and kind == "date":
        return _from_to(*value.split("..", 1))
    sign, rest = _split(value) if kind == "date" else ({"before": "<", "after": ">"}[kind], value)
    days = period(rest)
    if days is None:
        return None
    start, end = days
    return {
        "<": (None, start), "<=": (None, end), ">": (end, None), ">=": (start, None),
    }.get(sign, (start, end))  # fmt: skip


def _from_to(first: str, last: str) -> Period | None:
    begin, end = (period(text) if text.strip() else (None, None) for text in (first, last))
    if begin is None or end is None or not (first.strip() or last.strip()):
        return None
    return begin[0], end[1]


def within(times: Period) -> Q:
    """Pictures that came in then."""
    start, end = times
    return (Q(created_at__gte=start) if start else Q()) & (Q(created_at__lt=end) if end else Q())
