"""Everything that was paid for, line by line, as spreadsheets read it."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from heapq import merge
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone, translation

from gallery.models import Assist, Generation, GenerationCall, Image, User
from gallery.money import spending
from gallery.money.periods import Period

COLUMNS = (
    "When", "What", "Connection", "Provider", "Model", "Images", "Cost in US dollars", "How known", "State",
    "Error", "Id",
)  # fmt: skip
AT_ONCE = 1000  # rows read from the database
KNOWN = dict(Image.CostSource.choices)
# A spreadsheet would take what follows for a formula; some read the wide forms of these signs as well.
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Echo:
    """A file that hands back each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def lines(owner: User, period: Period) -> Iterator[str]:
    """The lines of a CSV file, in the order of time: a generation or a text each. They are in English."""
    writer = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    with translation.override(settings.LANGUAGE_CODE):
        for row in _by_time(_generations(owner, period), _texts(owner, period)):
            yield writer.writerow([safe(cell) for cell in row])


def safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(RISKY) else cell


type Line = tuple[Any, ...]


def _by_time(*sources: Iterable[Line]) -> Iterator[Line]:
    for moment, *cells in merge(*sources, key=lambda line: line[0]):
        yield timezone.localtime(moment).isoformat(timespec="seconds"), *cells


def _generations(owner: User, period: Period) -> Iterator[Line]:
    mine = GenerationCall.objects.filter(generation=OuterRef("pk")).order_by().values("generation")
    received = mine.annotate(n=Sum("images_received")).values("n")
    rows = spending.generations(owner, period.start, period.end).select_related("profile")
    rows = rows.annotate(received=Coalesce(Subquery(received), 0)).order_by("created_at", "pk")
    for row in rows.iterator(AT_ONCE):
        yield _line(row, row.created_at, "Pictures", row.received, row.get_status_display())


def _texts(owner: User, period: Period) -> Iterator[Line]:
    rows = spending.texts(owner, period.start, period.end).select_related("profile")
    for row in rows.order_by("created_at", "pk").iterator(AT_ONCE):
        state = "Failed" if row.error_code else "Done" if row.finished_at else "Not sure"
        yield _line(row, row.created_at, row.get_purpose_display(), 0, state)


def _line(row: Generation | Assist, moment: datetime, what: str, images: int, state: str) -> Line:
    usd: Decimal | None = row.cost_usd
    return (
        moment,
        what,
        row.profile.name if row.profile else "",
        row.provider,
        row.model,
        images,
        "" if usd is None else f"{usd.normalize():f}",
        str(KNOWN[row.cost_source]),
        state,
        row.error_message,
        str(row.public_id),
    )
