"""The bar chart of the costs page: where each rectangle and each word of its drawing stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.utils import timezone
from django.utils.translation import gettext

from gallery.language.numerals import local
from gallery.money.periods import Bucket, Period
from gallery.templatetags.ui import money
from providers import registry

LEFT, RIGHT, TOP, BASE = 50, 1096, 20, 220  # of the plot, in the units of the drawing
COLORS = 5  # var(--s1) to var(--s5); the last one is for all the others
WIDEST, GAP, LEAST = 44, 1.5, 1.5  # of a bar, between its segments, of a segment's height
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One provider's part of a bar."""

    y: float
    height: float
    color: int  # 1 to 5


@dataclass(frozen=True, kw_only=True)
class Bar:
    x: float
    width: float
    middle: float
    label: str  # empty: none, so that labels do not touch
    title: str  # "11 November 2026: $1.51. OpenAI $1.00, Google $0.51"
    usd: Decimal
    bucket: Bucket
    segments: tuple[Segment, ...]
    is_future: bool


@dataclass(frozen=True, kw_only=True)
class Tick:
    y: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    legend: tuple[tuple[int, str], ...]  # colour, provider
    highest: Bar

    @property
    def ends_late(self) -> bool:
        """Whether the newest bars stand in the second half, which a phone then shows first."""
        return not self.bars[len(self.bars) // 2].is_future


def draw(period: Period, spent: dict[tuple[int, str], Decimal]) -> Chart:
    """Draw what was `spent` by (index of the bucket, provider)."""
    order = _order(spent)
    sums = [_by_color(spent, index, order) for index in range(len(period.buckets))]
    step, top = _scale(max(sum(parts.values(), Decimal(0)) for parts in sums))
    bars = tuple(_bar(period, index, parts, top, order) for index, parts in enumerate(sums))
    return Chart(
        bars=bars,
        ticks=tuple(_tick(step * number, top) for number in range(int(top / step) + 1)),
        legend=_legend(order),
        highest=max(bars, key=lambda bar: bar.usd),
    )


def label_of(provider: str) -> str:
    return dict(registry.provider_choices()).get(provider, provider)


def _order(spent: dict[tuple[int, str], Decimal]) -> list[str]:
    """The providers that anything was paid to, the dearest first."""
    sums: dict[str, Decimal] = {}
    for (_, provider), usd in spent.items():
        sums[provider] = sums.get(provider, Decimal(0)) + usd
    return sorted((provider for provider, usd in sums.items() if usd), key=lambda p: (-sums[p], p))


def _color(order: Sequence[str], provider: str) -> int:
    return min(order.index(provider) + 1, COLORS)


def _legend(order: Sequence[str]) -> tuple[tuple[int, str], ...]:
    if len(order) <= COLORS:
        return tuple((number, label_of(provider)) for number, provider in enumerate(order, 1))
    named = [(number, label_of(provider)) for number, provider in enumerate(order[: COLORS - 1], 1)]
    return (*named, (COLORS, gettext("Others")))


def _by_color(spent: dict[tuple[int, str], Decimal], index: int, order: Sequence[str]) -> dict[int, Decimal]:
    parts: dict[int, Decimal] = {}
    for provider in order:
        if usd := spent.get((index, provider)):
            color = _color(order, provider)
            parts[color] = parts.get(color, Decimal(0)) + usd
    return parts


def _scale(highest: Decimal) -> tuple[Decimal, Decimal]:
    """The distance of the lines, and the value of the topmost: round numbers, three to five lines."""
    if not highest:
        return Decimal(1), Decimal(1)
    power = Decimal(10) ** (highest.adjusted() - 1)
    step = next(power * step for step in (*STEPS, 20, 50) if power * step * 4 >= highest)
    return step, step * (highest / step).to_integral_value(ROUND_CEILING)


def _tick(value: Decimal, top: Decimal) -> Tick:
    places = len(f"{value.normalize():f}".partition(".")[2])
    decimals = max(0 if top >= 10 else 2, places)
    return Tick(y=_y(value, top), label=local(f"${value:,.{decimals}f}") if value else "$0")


def _y(value: Decimal, top: Decimal) -> float:
    return round(BASE - float(value / top) * (BASE - TOP), 1)


def _bar(period: Period, index: int, parts: dict[int, Decimal], top: Decimal, order: Sequence[str]) -> Bar:
    bucket, number = period.buckets[index], len(period.buckets)
    slot = (RIGHT - LEFT) / number
    width, middle = min(WIDEST, slot * 0.6), LEFT + slot * (index + 0.5)
    is_future = bucket.start > timezone.now()
    return Bar(
        x=round(middle - width / 2, 1),
        width=round(width, 1),
        middle=round(middle, 1),
        label=bucket.label if _is_labelled(index, number, is_future) else "",
        title=_title(bucket, parts, order),
        usd=sum(parts.values(), Decimal(0)),
        bucket=bucket,
        segments=tuple(_stacked(parts, top)),
        is_future=is_future,
    )


def _is_labelled(index: int, number: int, is_future: bool) -> bool:
    """Every third day of a month, and its last one; every one of a few."""
    return number <= 16 or index == number - 1 or (index % 3 == 0 and index < number - 3 and not is_future)


def _title(bucket: Bucket, parts: dict[int, Decimal], order: Sequence[str]) -> str:
    names = dict(_legend(order))
    listed = ", ".join(f"{names[color]} {money(usd)}" for color, usd in parts.items())
    whole = sum(parts.values(), Decimal(0))
    return (
        f"{bucket.name}: {money(whole)}. {listed}"
        if whole
        else gettext("{name}: nothing").format(name=bucket.name)
    )


def _stacked(parts: dict[int, Decimal], top: Decimal):
    below = Decimal(0)
    for color, usd in parts.items():
        y, bottom = _y(below + usd, top), _y(below, top)
        gap = GAP if below else 0
        height = max(bottom - y - gap, LEAST)
        yield Segment(y=round(bottom - gap - height, 1), height=round(height, 1), color=color)
        below += usd
