from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from gallery.models import Assist, Generation, GenerationCall, Tally
from gallery.monitoring import tallies

pytestmark = pytest.mark.django_db
KEY = ("openai", "gpt-image", "done", "")


@pytest.fixture
def generation(owner):
    return Generation.objects.create(owner=owner, provider="openai", model="gpt-image", prompt="fox")


def end(generation, *, ago=3600.0, took=4.0, state="done", code="", usd="0.04"):
    """A call that ended so many seconds ago."""
    now = timezone.now() - timedelta(seconds=ago)
    return GenerationCall.objects.create(
        generation=generation, index=generation.calls.count(), first_image=0, n=1, run_after=now, state=state,
        sent_at=now - timedelta(seconds=took), finished_at=now, error_code=code,
        cost_usd=usd and Decimal(usd),
    )  # fmt: skip


def test_calls_are_counted_by_how_they_ended(generation):
    for _ in range(2):
        end(generation)
    end(generation, state="failed", code="timeout", usd=None)
    counts = tallies.read("images")
    assert {key: count.n for key, count in counts.items()} == {
        KEY: 2,
        ("openai", "gpt-image", "failed", "timeout"): 1,
    }
    assert (counts[KEY].usd, counts[KEY].seconds) == ("0.080000", 8.0)


def test_a_time_stands_in_the_bucket_that_ends_with_it(generation):
    for took in (0.5, 1, 1.5, 5000):
        end(generation, took=took)
    within = tallies.read("images")[KEY].within
    assert (within[:2], within[-1], tallies.read("images")[KEY].timed) == ([2, 1], 1, 4)


def test_what_was_never_sent_has_no_time(generation):
    call = end(generation, state="cancelled")
    GenerationCall.objects.filter(pk=call.pk).update(sent_at=None)
    (count,) = tallies.read("images").values()
    assert (count.n, count.timed) == (1, 0)


def test_folding_changes_no_number(generation, monkeypatch):
    monkeypatch.setattr(tallies, "AT_ONCE", 2)
    for ago in (5000, 4000, 4000, 3000, 10):
        end(generation, ago=ago)
    before = tallies.read("images")
    tallies.fold()
    assert tallies.read("images") == before
    tallies.fold()
    assert tallies.read("images") == before


def test_what_has_just_ended_is_not_folded_yet(generation):
    """It may have been committed after a moment that is past the mark already."""
    end(generation, ago=10)
    tallies.fold()
    assert Tally.objects.get(kind="images").counts == []
    assert tallies.read("images")[KEY].n == 1


def test_totals_never_fall_when_generations_are_deleted(generation):
    end(generation)
    tallies.fold()
    generation.delete()
    assert tallies.read("images")[KEY].n == 1


def test_after_folding_only_later_calls_are_read(generation, django_assert_num_queries):
    for _ in range(3):
        end(generation)
    tallies.fold()
    end(generation, ago=10)
    with django_assert_num_queries(2):
        assert tallies.read("images")[KEY].n == 4


def test_names_beyond_many_are_counted_together(owner, monkeypatch):
    monkeypatch.setattr(tallies, "MOST", 2)
    for model in ("a", "b", "c", "d", "a"):
        end(Generation.objects.create(owner=owner, provider="openai", model=model, prompt="fox"))
    assert {key[1]: count.n for key, count in tallies.read("images").items()} == {"a": 2, "b": 1, "other": 2}


def test_texts_are_counted_by_whether_they_came(owner):
    now = timezone.now()
    facts = {"owner": owner, "provider": "openai", "model": "gpt", "purpose": "describe", "finished_at": now}
    Assist.objects.create(**facts, cost_usd=Decimal("0.001"))
    Assist.objects.create(**facts, error_code="timeout")
    assert {key[2:]: count.n for key, count in tallies.read("texts").items()} == {
        ("done", ""): 1,
        ("failed", "timeout"): 1,
    }
