"""What was charged, summed by the database: by time, model, connection and tag.

Two kinds of rows cost money: the calls of generations, and the texts of `Assist`. A sum is always over
both. Money is counted in the moment in which it was asked for, as the budgets count it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, TruncDate

from gallery.models import Assist, ConnectionProfile, Generation, GenerationCall, Tag, User
from gallery.models.generation import ACTIVE, Status
from gallery.money.costs import MONEY
from gallery.money.periods import Period

NOTHING = Value(Decimal(0), output_field=MONEY)
FRUITLESS = (Status.FAILED, Status.REFUSED, Status.CANCELLED)
SUREST_FIRST = ("reported", "computed", "table", "unknown")
FILED = Generation.tags.through  # which tags a generation's pictures get
MICRO = Decimal("0.000001")


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Money and pictures of some calls and texts."""

    usd: Decimal = Decimal(0)
    images: int = 0
    priced_images: int = 0  # those whose price is known
    generations: int = 0
    fruitless_usd: Decimal = Decimal(0)  # charged by calls that brought no picture
    text_usd: Decimal = Decimal(0)
    unpriced: int = 0  # calls and texts whose price nobody knows
    sources: frozenset[str] = frozenset()  # how the prices are known

    def __add__(self, other: Self) -> "Sums":
        mine, theirs = vars(self), vars(other)
        added = {name: mine[name] + theirs[name] for name in mine if name != "sources"}
        return Sums(**added, sources=self.sources | other.sources)

    @property
    def drawn_usd(self) -> Decimal:
        """What the pictures themselves cost."""
        return self.usd - self.fruitless_usd - self.text_usd

    @property
    def each(self) -> Decimal | None:
        """US dollars for one picture whose price is known."""
        return self.drawn_usd / self.priced_images if self.priced_images else None

    @property
    def known(self) -> str:
        """How the sum is known: as well as the least sure of its parts."""
        return next((source for source in reversed(SUREST_FIRST) if source in self.sources), "unknown")


type Key = tuple[Any, ...]


def calls(owner: User, start: datetime | None, end: datetime | None) -> QuerySet[GenerationCall]:
    """The calls of what `owner` asked for from `start` until before `end`."""
    return GenerationCall.objects.filter(**_span(owner, start, end, "generation__")).order_by()


def texts(owner: User, start: datetime | None, end: datetime | None) -> QuerySet[Assist]:
    return Assist.objects.filter(**_span(owner, start, end)).order_by()


def generations(owner: User, start: datetime | None, end: datetime | None) -> QuerySet[Generation]:
    return Generation.objects.filter(**_span(owner, start, end)).order_by()


def _span(owner: User, start: datetime | None, end: datetime | None, path: str = "") -> dict[str, Any]:
    span: dict[str, Any] = {f"{path}owner": owner}
    if start:
        span[f"{path}created_at__gte"] = start
    if end:
        span[f"{path}created_at__lt"] = end
    return span


# --- Sums -----------------------------------------------------------------------------------------


def sums_of_calls(rows: QuerySet[Any], *keys: str, path: str = "") -> dict[Key, Sums]:
    """Sum calls by `keys` (of the annotated rows); `path` leads from the rows to the calls. One query."""
    unpriced = Q(**{f"{path}images_received__gt": 0}) | Q(**{f"{path}may_have_been_charged": True})
    found = rows.values(*keys).annotate(
        usd=Coalesce(Sum(f"{path}cost_usd"), NOTHING),
        images=Coalesce(Sum(f"{path}images_received"), 0),
        priced=Coalesce(Sum(f"{path}images_received", filter=Q(**{f"{path}cost_usd__isnull": False})), 0),
        asked=Count(f"{path}generation", distinct=True),
        fruitless=Coalesce(Sum(f"{path}cost_usd", filter=Q(**{f"{path}images_received": 0})), NOTHING),
        unpriced=Count(f"{path}pk", filter=unpriced & Q(**{f"{path}cost_usd": None})),
        **_counted_sources(path),
    )
    return {
        tuple(row[key] for key in keys): Sums(
            usd=row["usd"].quantize(MICRO),
            images=row["images"],
            priced_images=row["priced"],
            generations=row["asked"],
            fruitless_usd=row["fruitless"].quantize(MICRO),
            unpriced=row["unpriced"],
            sources=_sources(row),
        )
        for row in found
    }


def sums_of_texts(rows: QuerySet[Assist], *keys: str) -> dict[Key, Sums]:
    """Sum texts by `keys`. One query."""
    unpriced = Q(error_code="") | Q(may_have_been_charged=True)
    found = rows.values(*keys).annotate(
        usd=Coalesce(Sum("cost_usd"), NOTHING),
        unpriced=Count("pk", filter=unpriced & Q(cost_usd=None)),
        **_counted_sources(),
    )
    return {
        tuple(row[key] for key in keys): Sums(
            usd=(usd := row["usd"].quantize(MICRO)),
            text_usd=usd,
            unpriced=row["unpriced"],
            sources=_sources(row),
        )
        for row in found
    }


def _counted_sources(path: str = "") -> dict[str, Count]:
    return {
        source: Count(f"{path}cost_usd", filter=Q(**{f"{path}cost_source": source}))
        for source in SUREST_FIRST
    }


def _sources(row: dict[str, Any]) -> frozenset[str]:
    return frozenset(source for source in SUREST_FIRST if row[source])


def _merged(rows: Iterable[tuple[Key, Sums]]) -> dict[Key, Sums]:
    merged: dict[Key, Sums] = {}
    for key, sums in rows:
        merged[key] = merged.get(key, Sums()) + sums
    return merged


def total(sums: Iterable[Sums]) -> Sums:
    return sum(sums, Sums())


def regroup(sums: dict[Key, Sums], *places: int) -> dict[Key, Sums]:
    """Sum `sums` by some parts of their keys."""
    return _merged((tuple(key[place] for place in places), value) for key, value in sums.items())


def by_time_and_model(owner: User, period: Period) -> dict[Key, Sums]:
    """Sums by (index of the bucket, provider, model, key of the profile). Two queries."""
    drawn = calls(owner, period.start, period.end).annotate(
        bucket=_bucket_of("generation__created_at", period),
        provider=F("generation__provider"),
        model=F("generation__model"),
        profile=F("generation__profile"),
    )
    written = texts(owner, period.start, period.end).annotate(bucket=_bucket_of("created_at", period))
    keys = ("bucket", "provider", "model", "profile")
    found = (*sums_of_calls(drawn, *keys).items(), *sums_of_texts(written, *keys).items())
    return _merged(found)


def _bucket_of(column: str, period: Period) -> Case:
    """The index of the bucket that a moment falls into; compared by the database, which has an index."""
    ends = enumerate(bucket.end for bucket in period.buckets)
    whens = [When(**{f"{column}__lt": end}, then=Value(index)) for index, end in ends]
    return Case(*whens, default=Value(-1), output_field=IntegerField())


def by_day(owner: User, start: datetime | None, end: datetime | None) -> dict[Key, Sums]:
    """Sums by local day, days without any left out. Two queries."""
    drawn = calls(owner, start, end).annotate(day=TruncDate("generation__created_at"))
    written = texts(owner, start, end).annotate(day=TruncDate("created_at"))
    return _merged((*sums_of_calls(drawn, "day").items(), *sums_of_texts(written, "day").items()))


def by_model(owner: User, start: datetime | None, end: datetime | None) -> dict[Key, Sums]:
    """Sums by (provider, model). Two queries."""
    drawn = calls(owner, start, end).annotate(
        provider=F("generation__provider"), model=F("generation__model")
    )
    keys, written = ("provider", "model"), texts(owner, start, end)
    return _merged((*sums_of_calls(drawn, *keys).items(), *sums_of_texts(written, *keys).items()))


def by_profile(owner: User, start: datetime | None, end: datetime | None) -> dict[Key, Sums]:
    """Sums by key of the profile, None for those that were deleted. Two queries."""
    drawn = calls(owner, start, end).annotate(profile=F("generation__profile"))
    written = texts(owner, start, end)
    return _merged((*sums_of_calls(drawn, "profile").items(), *sums_of_texts(written, "profile").items()))


def by_tag(
    owner: User, start: datetime | None, end: datetime | None, kinds: Iterable[str] = ()
) -> dict[Key, Sums]:
    """Sums by key of the tag that a generation was made for; one with two tags counts for both. One query."""
    rows = FILED.objects.filter(**_span(owner, start, end, "generation__")).order_by()
    if kinds:
        rows = rows.filter(tag__kind__in=list(kinds))
    return sums_of_calls(rows, "tag", path="generation__calls__")


def untagged(owner: User, start: datetime | None, end: datetime | None) -> Sums:
    """What no tag accounts for: generations without any, and texts. Two queries."""
    filed = Exists(FILED.objects.filter(generation=OuterRef("generation")))
    drawn = sums_of_calls(calls(owner, start, end).filter(~filed), "generation__provider")
    return total((*drawn.values(), *sums_of_texts(texts(owner, start, end), "provider").values()))


# --- What stands beside the sums ------------------------------------------------------------------


def fruitless_count(owner: User, period: Period) -> int:
    """How many generations failed, were declined or stopped, and cost nothing."""
    rows = generations(owner, period.start, period.end).filter(status__in=FRUITLESS)
    return rows.filter(Q(cost_usd=None) | Q(cost_usd=0), may_have_been_charged=False).count()


def under_way(owner: User) -> Decimal:
    """The estimates of what runs or waits."""
    rows = Generation.objects.filter(owner=owner, status__in=ACTIVE)
    return rows.aggregate(usd=Coalesce(Sum("estimated_cost_usd"), NOTHING))["usd"]


def oldest(owner: User) -> datetime | None:
    """When the first thing was asked for that may have cost something."""
    moments = [
        rows.objects.filter(owner=owner).aggregate(first=Min("created_at"))["first"]
        for rows in (Generation, Assist)
    ]
    return min((moment for moment in moments if moment), default=None)


def profiles_by_key(owner: User) -> dict[int, ConnectionProfile]:
    return ConnectionProfile.objects.owned_by(owner).in_bulk()


def tags_by_key(owner: User, keys: Iterable[int]) -> dict[int, Tag]:
    return Tag.objects.owned_by(owner).select_related("avatar", "parent").in_bulk(list(keys))
