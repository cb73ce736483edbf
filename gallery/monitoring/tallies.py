"""How many calls ended how, how long vendors took and what they cost: totals that only grow, kept ready.

Reading every call for each look would take seconds in a library that is years old. So housekeeping adds what
ended to a row now and then, and who looks adds the few calls since.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone

from gallery.models import Assist, GenerationCall, Tally

BUCKETS = (1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)  # seconds
AT_ONCE = 20_000  # calls that are added together
A_ROUND = 10.0  # seconds after which housekeeping turns to something else
SETTLED = timedelta(minutes=2)  # a call may be committed that long after the moment it says it ended at
MOST, OTHER = 500, "other"  # people may type names of models, and each would be a number of its own
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

type Key = tuple[str, str, str, str]  # provider, model, outcome, error code
type Row = tuple[str, str, str, str, datetime | None, datetime, Decimal | None]


@dataclass(kw_only=True)
class Count:
    """Calls that ended alike. Seconds are from sending to the end, of those that were sent."""

    n: int = 0
    usd: str = "0"  # a decimal, of the costs that are known
    seconds: float = 0.0
    within: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))  # each bucket's own

    @property
    def timed(self) -> int:
        return sum(self.within)

    def add(self, began: datetime | None, ended: datetime, usd: Decimal | None) -> None:
        self.n += 1
        self.usd = str(Decimal(self.usd) + (usd or 0))
        if began is not None:
            took = max(0.0, (ended - began).total_seconds())
            self.seconds = round(self.seconds + took, 3)
            self.within[bisect_left(BUCKETS, took)] += 1


type Counts = dict[Key, Count]


def read(kind: str) -> Counts:
    """All calls of a kind that have ended: what is kept, and what came since."""
    row = Tally.objects.filter(kind=kind).first()
    counts = _unpacked(row.counts) if row else {}
    _add(counts, _ended(kind, row.up_to if row else BEGINNING))
    return counts


def fold() -> None:
    """Add what has ended to what is kept. Where there is very much, the next round goes on."""
    end = time.monotonic() + A_ROUND
    for kind in KINDS:
        while _fold_some(kind) and time.monotonic() < end:
            pass


def _fold_some(kind: str) -> bool:
    """Whether there may be more. Nobody waits meanwhile: of two at once the faster one's work counts."""
    row, _ = Tally.objects.get_or_create(kind=kind, defaults={"up_to": BEGINNING})
    until = timezone.now() - SETTLED
    moments = _between(kind, row.up_to, until).order_by("finished_at").values_list("finished_at", flat=True)
    full = list(moments[AT_ONCE - 1 : AT_ONCE])
    until = full[0] if full else until
    counts = _unpacked(row.counts)
    before = _packed(counts)
    _add(counts, _ended(kind, row.up_to, until))
    if (after := _packed(counts)) != before:
        Tally.objects.filter(pk=row.pk, up_to=row.up_to).update(up_to=until, counts=after)
    return bool(full)


# --- Rows -----------------------------------------------------------------------------------------


def _calls() -> models.QuerySet:
    return GenerationCall.objects.order_by().values_list(
        "generation__provider",
        "generation__model",
        "state",
        "error_code",
        "sent_at",
        "finished_at",
        "cost_usd",
    )


def _texts() -> models.QuerySet:
    of = ("provider", "model", "purpose", "error_code")
    return Assist.objects.order_by().values_list(*of, "sent_at", "finished_at", "cost_usd")


KINDS = {"images": _calls, "texts": _texts}


def _between(kind: str, after: datetime, until: datetime | None) -> models.QuerySet:
    rows = KINDS[kind]().filter(finished_at__gt=after)
    return rows.filter(finished_at__lte=until) if until else rows


def _ended(kind: str, after: datetime, until: datetime | None = None) -> Iterable[Row]:
    return _between(kind, after, until).iterator(chunk_size=2000)


def _add(counts: Counts, rows: Iterable[Row]) -> None:
    for provider, model, outcome, code, began, ended, usd in rows:
        if outcome in Assist.Purpose:
            outcome = "failed" if code else "done"
        key = provider, model, outcome, code
        if key not in counts and len(counts) >= MOST:
            key = provider, OTHER, outcome, code
        counts.setdefault(key, Count()).add(began, ended, usd)


# --- As JSON --------------------------------------------------------------------------------------

NAMES = ("provider", "model", "outcome", "code")


def _packed(counts: Counts) -> list[dict[str, Any]]:
    return [dict(zip(NAMES, key, strict=True)) | asdict(count) for key, count in counts.items()]


def _unpacked(packed: list[dict[str, Any]]) -> Counts:
    counts: Counts = {}
    for one in packed:
        facts = dict(one)
        provider, model, outcome, code = (facts.pop(name) for name in NAMES)
        counts[provider, model, outcome, code] = Count(**facts)
    return counts
