"""A generation as people ask for it."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from gallery import vendors
from gallery.generations import calls, generation
from gallery.models import ConnectionProfile, Generation, QueuedTask
from gallery.money import costs
from providers import registry
from providers.errors import AuthError, InvalidRequest
from tests.gallery.scripted import Scripted


@pytest.fixture
def profile(owner, monkeypatch):
    Scripted.reset()
    monkeypatch.setitem(registry.PROVIDERS, "scripted", ("Scripted", "tests.gallery.scripted:Scripted"))
    registry.provider_class.cache_clear()
    yield ConnectionProfile.objects.create(owner=owner, name="Main", provider="scripted", is_default=True)
    registry.provider_class.cache_clear()


def wish(profile, **fields):
    return generation.Wish(profile=profile, **({"prompt": "a red panda"} | fields))


def test_a_wish_is_a_waiting_row_at_once_and_wakes_a_worker(profile):
    asked = generation.submit(profile.owner, wish(profile, n=2))
    assert (asked.status, asked.n, asked.model) == ("queued", 2, "scripted-1")
    assert asked.estimated_cost_usd == Decimal("0.20")
    assert QueuedTask.objects.get().args == [asked.calls.get().pk]


def test_more_pictures_than_one_call_brings_are_split(profile):
    Scripted.n_per_call = 3
    asked = generation.submit(profile.owner, wish(profile, n=7))
    assert [(call.first_image, call.n) for call in asked.calls.all()] == [(0, 3), (3, 3), (6, 1)]


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_refused(profile, prompt):
    with pytest.raises(InvalidRequest) as caught:
        generation.submit(profile.owner, wish(profile, prompt=prompt))
    assert caught.value.field == "prompt"
    assert not Generation.objects.exists()


def test_a_prompt_goes_out_as_typed(profile):
    typed = "  two lines\n@Nobody {{nothing}} é\u200d  "
    asked = generation.submit(profile.owner, wish(profile, prompt=typed))
    calls.run(asked.calls.get().pk)
    assert Scripted.sent[0].prompt == typed


def test_a_profile_without_its_key_is_named(owner):
    profile = ConnectionProfile.objects.create(owner=owner, name="OpenAI", provider="openai")
    with pytest.raises(AuthError, match="no key yet"):
        generation.submit(owner, wish(profile))


def test_a_key_that_cannot_be_read_asks_to_be_entered_again(owner, settings):
    from cryptography.fernet import Fernet

    profile = ConnectionProfile(owner=owner, name="OpenAI", provider="openai")
    profile.api_key = "sk-0123456789abcdef"
    profile.save()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(AuthError, match="Enter it again"):
        generation.submit(owner, wish(profile))
    assert vendors.check_profile(profile).code == "auth"


def test_the_same_key_answers_with_the_same_generation(profile):
    first = generation.submit(profile.owner, wish(profile), idempotency_key="k")
    assert generation.submit(profile.owner, wish(profile), idempotency_key="k") == first
    assert QueuedTask.objects.count() == 1


def test_the_same_key_with_another_wish_is_a_conflict(profile):
    generation.submit(profile.owner, wish(profile), idempotency_key="k")
    with pytest.raises(generation.IdempotencyConflict):
        generation.submit(profile.owner, wish(profile, n=2), idempotency_key="k")


def test_a_key_is_its_owners_alone(profile, other):
    theirs = ConnectionProfile.objects.create(owner=other, name="Main", provider="scripted")
    mine = generation.submit(profile.owner, wish(profile), idempotency_key="k")
    assert generation.submit(other, wish(theirs), idempotency_key="k") != mine


def test_a_key_is_free_again_after_a_day(profile):
    first = generation.submit(profile.owner, wish(profile), idempotency_key="k")
    Generation.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert generation.submit(profile.owner, wish(profile), idempotency_key="k") != first


@pytest.mark.django_db(transaction=True)
def test_a_double_click_of_many_is_one_generation(profile):
    made, problems = [], []

    def click():
        try:
            made.append(generation.submit(profile.owner, wish(profile), idempotency_key="k").pk)
        except Exception as exc:  # noqa: BLE001  a thread's failure must fail the test
            problems.append(exc)
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(12)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert problems == []
    assert len(set(made)) == 1
    assert Generation.objects.count() == 1


def test_a_budget_lets_through_what_fits_and_nothing_more(profile):
    profile.monthly_budget_usd = Decimal("0.25")
    profile.save()
    generation.submit(profile.owner, wish(profile, n=2))
    with pytest.raises(costs.BudgetExceeded, match=r"\$0\.05 of the \w+ limit of"):
        generation.submit(profile.owner, wish(profile))
    assert Generation.objects.count() == 1


def test_money_of_last_month_is_not_in_this_months_budget(profile):
    profile.monthly_budget_usd = Decimal("0.25")
    profile.save()
    generation.submit(profile.owner, wish(profile, n=2))
    Generation.objects.update(created_at=costs.start_of_month() - timedelta(days=1))
    generation.submit(profile.owner, wish(profile, n=2))


@pytest.mark.django_db(transaction=True)
def test_two_requests_cannot_both_take_the_last_dollar(profile):
    profile.monthly_budget_usd = Decimal("0.10")
    profile.save()
    outcomes = []

    def ask():
        try:
            generation.submit(profile.owner, wish(profile))
            outcomes.append("made")
        except costs.BudgetExceeded:
            outcomes.append("over")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] + ["over"] * 5


def test_trying_again_is_a_new_generation_with_the_same_wish(profile):
    Scripted.script = []
    asked = generation.submit(profile.owner, wish(profile, seed=4, n=2))
    generation.cancel(asked)
    again = generation.retry(asked)
    assert again != asked
    assert (again.prompt, again.params, again.n) == (asked.prompt, asked.params, 2)
    again.refresh_from_db()
    assert again.retry_of == asked


def test_trying_a_partial_one_again_asks_for_what_is_missing(profile):
    from tests.gallery.scripted import pictures

    Scripted.script = [pictures(1)]
    asked = generation.submit(profile.owner, wish(profile, n=3))
    calls.run(asked.calls.get().pk)
    asked.refresh_from_db()
    assert generation.retry(asked).n == 2


def test_what_still_runs_is_not_tried_again(profile):
    asked = generation.submit(profile.owner, wish(profile))
    with pytest.raises(InvalidRequest, match="still running"):
        generation.retry(asked)


def test_what_may_have_been_charged_counts_in_the_budget(profile):
    from providers.errors import ConnectionLost

    profile.monthly_budget_usd = Decimal("0.15")
    profile.save()
    Scripted.script = [ConnectionLost("cut")]
    asked = generation.submit(profile.owner, wish(profile))
    calls.run(asked.calls.get().pk)
    with pytest.raises(costs.BudgetExceeded):
        generation.submit(profile.owner, wish(profile))
