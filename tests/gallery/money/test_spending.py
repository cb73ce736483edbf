"""Sums of money: each cent once, whatever it is summed by."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from gallery import tagging
from gallery.models import Assist, ConnectionProfile, Generation, GenerationCall
from gallery.money import costs, periods, spending

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def made(owner, *calls, at=NOON, tags=(), **fields):
    """A generation whose `calls` are (dollars or None, pictures) each."""
    plain = {"provider": "openai", "model": "gpt-image-2", "prompt": "x", "status": "done"}
    row = Generation.objects.create(owner=owner, **(plain | fields))
    for index, (usd, images) in enumerate(calls):
        GenerationCall.objects.create(
            generation=row, index=index, first_image=index, n=max(images, 1), run_after=at, state="done",
            images_received=images, cost_usd=usd, cost_source="unknown" if usd is None else "computed",
        )  # fmt: skip
    priced = [Decimal(usd) for usd, _ in calls if usd is not None]
    Generation.objects.filter(pk=row.pk).update(created_at=at, cost_usd=sum(priced) if priced else None)
    row.tags.set(tags)
    return row


def wrote(owner, usd, at=NOON, **fields):
    plain = {"provider": "openai", "model": "gpt-6-luna", "purpose": "prompt", "cost_source": "computed"}
    row = Assist.objects.create(owner=owner, cost_usd=usd, finished_at=at, **(plain | fields))
    Assist.objects.filter(pk=row.pk).update(created_at=at)
    return row


def ways(owner, period):
    """The same money, summed in every way that leaves nothing out."""
    span = (owner, period.start, period.end)
    return {
        "time": spending.by_time_and_model(owner, period),
        "day": spending.by_day(*span),
        "model": spending.by_model(*span),
        "profile": spending.by_profile(*span),
    }


def test_every_cent_is_there_once_in_every_sum(owner, other):
    """A library made at random: whatever is summed, the total is what was charged."""
    rng = random.Random(20261122)
    profiles = [ConnectionProfile.objects.create(owner=owner, name=name, provider="demo") for name in "ab"]
    tags = tagging.resolve(owner, ["character:A", "chat:B", "c"])
    expected, pictures, fruitless, tagged = Decimal(0), 0, Decimal(0), Counter()
    for number in range(120):
        at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(30 * 24 * 60))
        count = rng.randint(1, 3)
        calls = [
            (rng.choice([None, Decimal(rng.randrange(1, 400_000)) / 1_000_000]), rng.choice([0, 1, 2]))
            for _ in range(count)
        ]
        mine = rng.sample(tags, rng.randint(0, 3))
        choice = {"provider": rng.choice("xy"), "model": rng.choice("mn")}
        made(owner, *calls, at=at, tags=mine, profile=rng.choice([*profiles, None]), **choice)
        cost = sum((usd or Decimal(0) for usd, _ in calls), Decimal(0))
        expected, pictures = expected + cost, pictures + sum(images for _, images in calls)
        fruitless += sum((usd or Decimal(0) for usd, images in calls if not images), Decimal(0))
        tagged.update({tag.pk: cost for tag in mine} | ({} if mine else {None: cost}))
        if number % 4 == 0:
            text = Decimal(rng.randrange(1, 900)) / 1_000_000
            wrote(owner, text, at=at, profile=rng.choice(profiles))
            expected, tagged[None] = expected + text, tagged[None] + text
    made(other, (Decimal(9), 1))

    period = periods.month(2026, 11)
    for way, sums in ways(owner, period).items():
        whole = spending.total(sums.values())
        assert (whole.usd, whole.images, whole.generations) == (expected, pictures, 120), way
        assert whole.fruitless_usd == fruitless, way
        assert whole.drawn_usd + whole.fruitless_usd + whole.text_usd == whole.usd, way
    by_tag = spending.by_tag(owner, period.start, period.end)
    assert {key: sums.usd for (key,), sums in by_tag.items()} == {
        key: usd for key, usd in tagged.items() if key is not None
    }
    assert spending.untagged(owner, period.start, period.end).usd == tagged[None]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_days_and_months_begin_at_local_midnight(owner, zone):
    with timezone.override(zone):
        first = periods.midnight(datetime(2026, 11, 1).date())
        made(owner, (Decimal("0.10"), 1), at=first)
        made(owner, (Decimal("0.20"), 1), at=first - timedelta(microseconds=1))
        period = periods.month(2026, 11)
        (key, sums), *rest = spending.regroup(spending.by_time_and_model(owner, period), 0).items()
        assert (key, sums.usd, rest) == ((0,), Decimal("0.10"), [])
        days = spending.by_day(owner, None, None)
        assert {day.isoformat(): sums.usd for (day,), sums in days.items()} == {
            "2026-11-01": Decimal("0.10"),
            "2026-10-31": Decimal("0.20"),
        }


def test_day_that_clocks_change_is_as_long_as_it_is():
    with timezone.override("Europe/Berlin"):
        buckets = periods.month(2026, 10).buckets
        spans = [bucket.end.astimezone(UTC) - bucket.start.astimezone(UTC) for bucket in buckets]
        assert spans[23:26] == [timedelta(hours=h) for h in (24, 25, 24)]
        assert [bucket.end for bucket in buckets[:-1]] == [bucket.start for bucket in buckets[1:]]


def test_prices_that_nobody_knows_are_counted_apart(owner):
    made(owner, (None, 1), (None, 0), (Decimal("0.10"), 1))
    broken = made(owner, (None, 0), status="unknown")
    broken.calls.update(may_have_been_charged=True)
    wrote(owner, None, cost_source="unknown")
    wrote(owner, None, cost_source="unknown", error_code="auth")
    sums = spending.total(spending.by_model(owner, None, None).values())
    assert (sums.unpriced, sums.usd, sums.known) == (3, Decimal("0.10"), "computed")


def test_sum_is_known_as_well_as_its_least_sure_part(owner):
    row = made(owner, (Decimal("0.10"), 1), (Decimal("0.20"), 1))
    assert spending.total(spending.by_model(owner, None, None).values()).known == "computed"
    row.calls.filter(index=0).update(cost_source="table")
    assert spending.total(spending.by_model(owner, None, None).values()).known == "table"


def test_merged_tag_takes_the_costs_along(owner):
    alias, tag = tagging.resolve(owner, ["character:Mimi", "character:Mirel"])
    made(owner, (Decimal("0.10"), 1), tags=[alias])
    made(owner, (Decimal("0.20"), 1), tags=[alias, tag])
    tagging.merge(alias, tag)
    assert {key: sums.usd for (key,), sums in spending.by_tag(owner, None, None).items()} == {
        tag.pk: Decimal("0.30")
    }


def test_only_failures_that_cost_nothing_are_fruitless(owner):
    for status in ("failed", "refused", "cancelled", "done", "unknown", "queued"):
        made(owner, (None, 0), status=status)
    made(owner, (Decimal("0.10"), 0), status="refused")
    made(owner, (None, 0), status="failed", may_have_been_charged=True)
    assert spending.fruitless_count(owner, periods.month(2026, 11)) == 3


def test_budget_and_sums_agree(owner):
    now = timezone.now()
    made(owner, (Decimal("0.123456"), 1), (Decimal("0.02"), 0), at=now)
    wrote(owner, Decimal("0.000310"), at=now)
    month = periods.read("")
    assert costs.spent_by(owner) == spending.total(spending.by_time_and_model(owner, month).values()).usd


@pytest.mark.parametrize(
    ("key", "name", "bars"),
    [
        ("7d", "the last 7 days", 7),
        ("2024-02", "February 2024", 29),
        ("2025", "2025", 12),
        ("2026-13", None, None),
        ("0000", None, None),
        ("x", None, None),
        ("٢٠٢٦", None, None),
    ],
)
def test_address_names_a_period_and_nonsense_this_month(key, name, bars):
    period = periods.read(key)
    if name is None:
        today = timezone.localdate()
        assert period.key == f"{today:%Y-%m}"
    else:
        assert (period.name, len(period.buckets), period.key) == (name, bars, key)


def test_all_time_is_shown_by_months_and_later_by_years():
    now = timezone.now()
    assert periods.read("all").each == "month"
    assert periods.read("all", now - timedelta(days=300)).each == "month"
    long = periods.read("all", now - timedelta(days=1500))
    assert long.each == "year"
    assert long.start <= now - timedelta(days=1500) < now < long.end


def test_months_lead_to_their_neighbours():
    january = periods.month(2025, 1)
    assert periods.before(january).key == "2024-12"
    assert periods.after(january).key == "2025-02"
    assert periods.after(periods.read("")) is None
    assert periods.before(periods.read("2025")).key == "2024"
    assert periods.before(periods.read("7d")) is None
