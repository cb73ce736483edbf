"""`GET /costs`: what was charged, by day, profile, model and tag."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from gallery import tagging
from gallery.models import ConnectionProfile
from tests.gallery.api.conftest import is_problem
from tests.gallery.money.test_spending import NOON, made, wrote


@pytest.fixture
def month(owner, other, profile):
    """Ninety cents of pictures, ten without any, five for a text, and somebody else's fortune."""
    mirel, night = tagging.resolve(owner, ["character:Mirel", "chat:Night"])
    made(owner, (Decimal("0.40"), 2), tags=[mirel, night], profile=profile)
    made(owner, (Decimal("0.50"), 1), (Decimal("0.10"), 0), tags=[mirel], at=NOON + timedelta(days=1))
    wrote(owner, Decimal("0.05"), profile=profile)
    made(other, (Decimal(900), 1))
    return mirel, night


def rows(reply):
    assert reply.status_code == 200, reply.content
    return [tuple(item.values()) for item in reply.json()["items"]], reply.json()["total_usd"]


def test_costs_by_day(api, month):
    assert rows(api.get("/costs", by="day")) == (
        [
            ("2026-11-10", "10 November 2026", "0.45", 2, 1, "0.00"),
            ("2026-11-11", "11 November 2026", "0.60", 1, 1, "0.10"),
        ],
        "1.05",
    )


def test_costs_by_model(api, month):
    assert rows(api.get("/costs", by="model")) == (
        [
            ("gpt-image-2", "GPT Image 2", "1.00", 3, 2, "0.10"),
            ("gpt-6-luna", "GPT-6 Luna", "0.05", 0, 0, "0.00"),
        ],
        "1.05",
    )


def test_costs_by_profile_keep_those_of_deleted_ones(api, month, profile):
    assert rows(api.get("/costs", by="profile")) == (
        [
            ("", "Deleted connection", "0.60", 1, 1, "0.10"),
            (str(profile.public_id), "Demo", "0.45", 2, 1, "0.00"),
        ],
        "1.05",
    )


def test_costs_by_tag_count_for_each_tag_and_total_once(api, month):
    mirel, night = month
    assert rows(api.get("/costs", by="tag")) == (
        [
            (str(mirel.public_id), "character:Mirel", "1.00", 3, 2, "0.10"),
            (str(night.public_id), "chat:Night", "0.40", 2, 1, "0.00"),
            ("", "Without a tag", "0.05", 0, 0, "0.00"),
        ],
        "1.05",
    )


@pytest.mark.parametrize(
    ("span", "total"),
    [
        ({"from": "2026-11-11"}, "0.60"),
        ({"to": "2026-11-10"}, "0.45"),
        ({"from": "2026-11-10", "to": "2026-11-11"}, "1.05"),
        ({"from": "2026-11-10T12:00:00Z", "to": "2026-11-11T12:00:00Z"}, "0.45"),
        ({"from": "2026-11-10T14:00:00+02:00"}, "1.05"),
        ({"from": "2027-01-01"}, "0.00"),
    ],
)
@pytest.mark.parametrize("by", ["day", "profile", "model", "tag"])
def test_span_is_of_whole_days_or_exact_moments(api, month, by, span, total):
    with timezone.override(UTC):
        assert api.get("/costs", by=by, **span).json()["total_usd"] == total


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "week"}, "by"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-10", "to": "2026-11-08"}, "to"),
        ({"to": "9999-12-31"}, "to"),
    ],
)
def test_question_that_makes_no_sense_is_named(api, query, field):
    is_problem(api.get("/costs", **query), 422, field)


def test_costs_are_the_owners_alone(api, reader, foreign, stranger, month):
    assert foreign.get("/costs").json()["total_usd"] == "900.00"
    assert reader.get("/costs").status_code == 200
    is_problem(stranger.get("/costs"), 401)


@pytest.mark.parametrize("number", [10, 20])
@pytest.mark.parametrize("by", ["day", "profile", "model", "tag"])
def test_costs_take_few_queries_however_many_there_are(api, owner, by, number, django_assert_max_num_queries):
    tags = tagging.resolve(owner, [f"tag {index}" for index in range(number)])
    for index in range(number):
        at = datetime(2026, 10, 1 + index, tzinfo=UTC)
        profile = ConnectionProfile.objects.create(owner=owner, name=f"P{index}", provider="demo")
        made(owner, (Decimal("0.01"), 1), tags=[tags[index]], model=f"m{index}", profile=profile, at=at)
    api.get("/costs")
    with django_assert_max_num_queries(7):
        assert len(api.get("/costs", by=by).json()["items"]) == number
