"""The costs page: one period's money in numbers, a chart and tables, ready to be shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from gallery.models import Image, Tag, User
from gallery.money import costs, periods, spending
from gallery.money.costs import Limit
from gallery.money.periods import Period
from gallery.money.spending import Key, Sums
from gallery.screens import charts, faces
from gallery.screens.cards import model_name
from gallery.screens.faces import Face
from gallery.screens.feed import with_query

SHOWN = 20  # rows of a table
KNOWN = dict(Image.CostSource.choices)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table."""

    name: str
    sums: Sums
    url: str = ""  # the pictures behind the numbers
    face: Face | None = None
    known: str = ""  # how the sum is known

    @property
    def usd(self) -> Decimal | None:
        """US dollars; None when nothing is known but that some of it has a price."""
        return self.sums.usd if self.sums.usd or not self.sums.unpriced else None


@dataclass(frozen=True, kw_only=True)
class Tab:
    key: str
    label: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What `owner` spent in a period."""

    period: Period
    tabs: tuple[Tab, ...]
    sums: Sums
    earlier: Sums | None  # of the period before
    earlier_name: str
    chart: charts.Chart
    models: list[Row]
    profiles: list[Row]
    characters: list[Row]
    chats: list[Row]
    fruitless: int  # generations that brought nothing and cost nothing
    under_way: Decimal
    limit: Limit | None  # of this month
    near: list[Limit]  # limits of chats that are almost used up
    forecast: Decimal | None  # for the whole of a period that is not over
    days_left: int
    before: Period | None
    after: Period | None


def read(owner: User, key: str) -> Bill:
    """Sum up the period that an address asks for."""
    period = periods.read(key, spending.oldest(owner) if key == "all" else None)
    found, earlier = spending.by_time_and_model(owner, period), periods.before(period)
    whole = spending.total(found.values())
    by_kind = _tag_rows(owner, period)
    spent = {key: sums.usd for key, sums in spending.regroup(found, 0, 1).items()}
    return Bill(
        period=period,
        tabs=_tabs(period),
        sums=whole,
        earlier=_whole(owner, earlier) if earlier else None,
        earlier_name=earlier.name if earlier else "",
        chart=charts.draw(period, spent),
        models=_model_rows(spending.regroup(found, 1, 2)),
        profiles=_profile_rows(owner, spending.regroup(found, 3)),
        characters=by_kind[Tag.Kind.CHARACTER],
        chats=by_kind[Tag.Kind.CHAT],
        fruitless=spending.fruitless_count(owner, period),
        under_way=spending.under_way(owner),
        limit=limit_of(owner) if _is_this_month(period) else None,
        near=_near(owner) if _is_this_month(period) else [],
        forecast=_forecast(period, whole.usd),
        days_left=(period.last_day - timezone.localdate()).days,
        before=earlier,
        after=periods.after(period),
    )


def limit_of(owner: User) -> Limit | None:
    """The person's own limit of this month."""
    if owner.monthly_budget_usd is None:
        return None
    return costs.limit_of(owner)


def _near(owner: User) -> list[Limit]:
    return [limit for limit in costs.limits_of_chats(owner) if limit.is_near]


def _whole(owner: User, period: Period) -> Sums:
    return spending.total(spending.by_model(owner, period.start, period.end).values())


def _tabs(period: Period) -> tuple[Tab, ...]:
    """Seven days, a month, a year, all: the month and the year that are shown, or those of today."""
    today = timezone.localdate()
    month = period if period.is_month else periods.month(today.year, today.month)
    year = period.key if period.key.isdecimal() else month.key[:4]
    labels = {"7d": gettext("7 days"), month.key: month.name, year: year, "all": gettext("All")}
    return tuple(Tab(key=key, label=label, is_current=key == period.key) for key, label in labels.items())


def _is_this_month(period: Period) -> bool:
    return period.is_month and period.start <= timezone.now() < period.end


def _forecast(period: Period, spent: Decimal) -> Decimal | None:
    """What the whole period will cost if it goes on like this."""
    now = timezone.now()
    if not (period.is_month or period.key.isdecimal()) or not period.start <= now < period.end:
        return None
    passed = max((now - period.start).total_seconds(), 24 * 3600)
    return spent * Decimal((period.end - period.start).total_seconds() / passed)


# --- Tables ---------------------------------------------------------------------------------------


def _model_rows(found: dict[Key, Sums]) -> list[Row]:
    return _cut(
        Row(
            name=model_name(provider, model),
            sums=sums,
            url=_search("model", model, sums),
            known=_known(sums),
        )
        for (provider, model), sums in found.items()
    )


def _profile_rows(owner: User, found: dict[Key, Sums]) -> list[Row]:
    names = {key: profile.name for key, profile in spending.profiles_by_key(owner).items()}
    return _cut(
        Row(
            name=names.get(key, gettext("Deleted connection")),
            sums=sums,
            url=_search("connection", names.get(key, ""), sums),
        )
        for (key,), sums in found.items()
    )


def _tag_rows(owner: User, period: Period) -> dict[str, list[Row]]:
    """The tables of characters and of chats."""
    kinds = (Tag.Kind.CHARACTER, Tag.Kind.CHAT)
    found = spending.by_tag(owner, period.start, period.end, kinds)
    tags = spending.tags_by_key(owner, (key for (key,) in found))
    rows: dict[str, list[Row]] = {kind: [] for kind in kinds}
    for (key,), sums in found.items():
        if tag := tags.get(key):
            row = Row(name=tag.name, sums=sums, url=tag.get_absolute_url(), face=faces.of(tag))
            rows[tag.kind].append(row)
    return {kind: _cut(of_kind) for kind, of_kind in rows.items()}


def _cut(rows: Iterable[Row]) -> list[Row]:
    """The dearest rows, and one that sums up the others."""
    rows = (row for row in rows if row.sums.usd or row.sums.images)
    ordered = sorted(rows, key=lambda row: (-row.sums.usd, -row.sums.images, row.name))
    shown, rest = ordered[:SHOWN], ordered[SHOWN:]
    if rest:
        whole = spending.total(row.sums for row in rest)
        shown.append(Row(name=gettext("{n} others").format(n=len(rest)), sums=whole, known=_known(whole)))
    return shown


def _search(kind: str, value: str, sums: Sums) -> str:
    """The address of the pictures behind a row; none where there are none."""
    return with_query(reverse("index"), q=f'{kind}:"{value}"') if value and sums.images else ""


def _known(sums: Sums) -> str:
    if sums.usd:
        return KNOWN[sums.known]
    return KNOWN["unknown"] if sums.unpriced else gettext("free")
