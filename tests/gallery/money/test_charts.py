"""The bars: as high as the money, one above the other, never beyond the drawing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gallery.money import periods
from gallery.screens import charts

PERIOD = periods.read("2025-11")


def drawn(**spent):
    """`d3_openai="0.50"`: on the third day."""
    money = {}
    for key, usd in spent.items():
        day, provider = key.split("_", 1)
        money[int(day[1:]) - 1, provider] = Decimal(usd)
    return charts.draw(PERIOD, money)


def test_bar_is_as_high_as_its_money():
    chart = drawn(d1_openai="0.50", d2_openai="1.00")
    first, second = (chart.bars[index].segments[0] for index in (0, 1))
    assert second.height == pytest.approx(2 * first.height)
    assert first.y + first.height == second.y + second.height == charts.BASE


def test_parts_stand_one_above_the_other_with_a_gap():
    lower, upper = drawn(d1_openai="1.00", d1_google="0.50").bars[0].segments
    assert (lower.color, upper.color) == (1, 2)
    assert upper.y + upper.height == pytest.approx(lower.y - charts.GAP, abs=0.11)


@pytest.mark.parametrize("usd", ["0.000001", "0.0033", "0.07", "1.51", "9.99", "10", "123456.78"])
def test_lines_are_few_and_above_the_highest_bar(usd):
    chart = drawn(d5_openai=usd)
    assert 2 <= len(chart.ticks) <= 6
    assert chart.ticks[-1].y == charts.TOP
    assert charts.TOP <= chart.bars[4].segments[0].y <= charts.BASE
    assert chart.highest is chart.bars[4]
    assert len({tick.label for tick in chart.ticks}) == len(chart.ticks)


def test_more_providers_than_colours_share_the_last_one():
    chart = drawn(**{f"d1_p{number}": str(10 - number) for number in range(8)})
    assert chart.legend[-1] == (5, "Others")
    assert [part.color for part in chart.bars[0].segments] == [1, 2, 3, 4, 5]
    assert "Others $18.00" in chart.bars[0].title


def test_five_providers_keep_their_names():
    chart = drawn(**{f"d1_p{number}": "1" for number in range(5)})
    assert [name for _, name in chart.legend] == [f"p{number}" for number in range(5)]


def test_sliver_can_still_be_seen():
    sliver = drawn(d1_openai="100", d1_xai="0.001").bars[0].segments[1]
    assert sliver.height == charts.LEAST


def test_days_without_spending_have_no_bar_and_say_so():
    bar = drawn(d1_openai="1").bars[1]
    assert (bar.segments, bar.title) == ((), "2 November 2025: nothing")


def test_labels_do_not_touch():
    labels = [bar.label for bar in drawn(d1_openai="1").bars]
    assert [label for label in labels if label] == ["1", "4", "7", "10", "13", "16", "19", "22", "25", "30"]


def test_nothing_can_be_drawn_as_well():
    chart = charts.draw(PERIOD, {})
    assert (chart.legend, chart.highest.usd) == ((), 0)


@pytest.mark.parametrize(
    ("day", "ends_late"), [("2025-11-05", False), ("2025-11-20", True), ("2026-01-01", True)]
)
def test_a_phone_begins_with_the_newest_days(monkeypatch, day, ends_late):
    now = datetime.fromisoformat(day).replace(tzinfo=UTC)
    monkeypatch.setattr(charts.timezone, "now", lambda: now)
    assert drawn(d1_openai="1.00").ends_late is ends_late
