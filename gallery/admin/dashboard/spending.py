from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from gallery.admin.dashboard.figures import Figure, Panel, Table, page_of, rows_of
from gallery.admin.lists import beginning_of, everybody
from gallery.models import Assist, ConnectionProfile, Generation, User
from gallery.money import costs
from gallery.templatetags.ui import money
from providers import registry

MOST = 10  # people that are named
AMOUNTS = ("usd", "today", "spoken_for")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What was charged this month to one person, at one provider, through one connection."""

    owner: int
    provider: str
    profile: int | None
    usd: Decimal
    today: Decimal
    spoken_for: Decimal  # with what is under way


def panel() -> Panel:
    """Four queries; the first two look at this month's rows by the index of (owner, moment)."""
    lines = [*_lines(Generation, costs.SPOKEN_FOR), *_lines(Assist, costs.TEXT_SPOKEN_FOR)]
    limited = Q(monthly_budget_usd__isnull=False)
    people = User.objects.filter(limited | Q(pk__in={line.owner for line in lines})).in_bulk()
    connections = ConnectionProfile.objects.filter(limited).select_related("owner")
    figures = [
        _sum("Today", sum((line.today for line in lines), Decimal(0)), when="today"),
        _sum("This month", sum((line.usd for line in lines), Decimal(0)), when="month"),
    ]
    reached = [*_reached(people.values(), lines, "owner"), *_reached(connections, lines, "profile")]
    figures.append(Figure(label="Limits reached", value=f"{len(reached):,}", tone="warn" if reached else ""))
    tables = [_by_provider(lines), _by_person(lines, people), *([_limits(reached)] if reached else [])]
    return Panel(title="Spending", figures=figures, tables=tables)


def _lines(model: Any, spoken_for: Any) -> list[Line]:
    rows = model.objects.filter(owner__in=everybody(), created_at__gte=costs.start_of_month()).order_by()
    sums = rows.values("owner", "provider", "profile").annotate(
        usd=Sum("cost_usd"),
        today=Sum("cost_usd", filter=Q(created_at__gte=beginning_of("today"))),
        spoken_for=Sum(spoken_for),
    )
    return [Line(**row | {name: row[name] or Decimal(0) for name in AMOUNTS}) for row in sums]


def _sum(label: str, usd: Decimal, **query: object) -> Figure:
    return Figure(label=label, value=_dollars(usd), url=rows_of(Generation, **query))


def _dollars(usd: Decimal) -> str:
    return money(usd) if usd else "$0.00"


def _grouped(lines: Iterable[Line], key: Callable[[Line], Any]) -> dict[Any, tuple[Decimal, Decimal]]:
    """(today, this month), the most expensive first."""
    sums: dict[Any, tuple[Decimal, Decimal]] = {}
    for line in lines:
        today, month = sums.get(key(line), (Decimal(0), Decimal(0)))
        sums[key(line)] = today + line.today, month + line.usd
    return dict(sorted(sums.items(), key=lambda item: -item[1][1]))


def _by_provider(lines: list[Line]) -> Table:
    labels = dict(registry.provider_choices())
    rows = [
        [Figure(value=labels.get(slug, slug)), *_amounts(today, month, provider=slug)]
        for slug, (today, month) in _grouped(lines, lambda line: line.provider).items()
    ]
    return Table(title="By provider", columns=("Provider", "Today", "This month"), rows=rows)


def _by_person(lines: list[Line], people: dict[int, User]) -> Table:
    sums = _grouped(lines, lambda line: line.owner)
    rows = [
        [Figure(value=people[key].username), *_amounts(today, month, owner__id__exact=key)]
        for key, (today, month) in list(sums.items())[:MOST]
        if key in people
    ]
    return Table(title="By person", columns=("Person", "Today", "This month"), rows=rows)


def _amounts(today: Decimal, month: Decimal, **query: object) -> list[Figure]:
    return [
        Figure(value=_dollars(today), url=rows_of(Generation, when="today", **query)),
        Figure(value=_dollars(month), url=rows_of(Generation, when="month", **query)),
    ]


def _reached(limited: Iterable[User | ConnectionProfile], lines: list[Line], of: str) -> list[list[Figure]]:
    """People and connections of whose limit nothing is left, as rows."""
    spent: dict[int, Decimal] = {}
    for line in lines:
        spent[getattr(line, of)] = spent.get(getattr(line, of), Decimal(0)) + line.spoken_for
    return [
        [
            Figure(value=str(row), url=page_of(type(row), row.pk)),
            *_compared(limit, spent.get(row.pk, Decimal(0))),
        ]
        for row in limited
        if (limit := row.monthly_budget_usd) is not None and spent.get(row.pk, Decimal(0)) >= limit
    ]


def _compared(limit: Decimal, spent: Decimal) -> list[Figure]:
    return [Figure(value=_dollars(limit)), Figure(value=_dollars(spent))]


def _limits(reached: list[list[Figure]]) -> Table:
    return Table(title="Limits reached", columns=("Whose", "Limit", "Spent or spoken for"), rows=reached)
