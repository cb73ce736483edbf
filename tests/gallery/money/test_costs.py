"""Limits of a month: of a connection and of a person, near and over, on the form and in the queue."""

import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from gallery import offers
from gallery.generations import generation
from gallery.models import ConnectionProfile, Generation
from gallery.money import costs
from tests.gallery.money.test_spending import made

HTMX = {"HX-Request": "true"}
LOW = {"size": "1024x1024", "quality": "low"}


@pytest.fixture
def profile(owner):
    profile = ConnectionProfile(owner=owner, name="Work", provider="openai", is_default=True)
    profile.api_key = "sk-0123456789abcdef"
    profile.save()
    return profile


def limit(row, usd):
    row.monthly_budget_usd = Decimal(usd)
    row.save()


def submit(profile, n=1):
    asked = generation.Wish(profile=profile, prompt="a panda", model="gpt-image-2", n=n, **LOW)
    return generation.submit(profile.owner, asked)  # $0.005889 a picture


def foot(client, profile, n):
    chosen = offers.pick(offers.offer_groups(profile.owner), f"{profile.public_id}/gpt-image-2")
    typed = {"model": chosen.value, "prompt": "a panda", "n": n, **LOW}
    return client.post(reverse("generate-estimate"), typed, headers=HTMX).content.decode()


def test_person_and_connection_have_limits_of_their_own(profile, owner):
    limit(owner, "1.00")
    limit(profile, "0.50")
    made(owner, (Decimal("0.70"), 1), at=costs.start_of_month())  # by another connection
    tightest, wider = costs.limits(ConnectionProfile.objects.get(pk=profile.pk))
    assert (tightest.left, tightest.profile) == (Decimal("0.30"), None)
    assert (wider.left, wider.profile) == (Decimal("0.50"), profile)


def test_limit_of_the_person_stops_every_connection(profile, owner):
    limit(owner, "0.02")
    second = ConnectionProfile(owner=owner, name="Second", provider="openai")
    second.api_key = "sk-0123456789abcdef"
    second.save()
    submit(profile, n=3)
    with pytest.raises(costs.BudgetExceeded, match=r"\$0\.0023 of your \w+ limit is left"):
        submit(second)
    assert Generation.objects.count() == 1


def test_limit_of_others_stops_nobody(profile, other):
    limit(other, "0")
    assert submit(profile).status == "queued"


def test_what_is_free_passes_with_nothing_left(owner):
    limit(owner, "0")
    demo = ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo")
    asked = generation.submit(owner, generation.Wish(profile=demo, prompt="a panda"))
    assert asked.estimated_cost_usd == 0


def test_price_that_is_not_known_passes_while_anything_is_left(profile, owner):
    limit(owner, "0.01")
    costs.reserve(profile, None)
    limit(owner, "0")
    with pytest.raises(costs.BudgetExceeded, match="the price of this is not known"):
        costs.reserve(profile, None)


@pytest.mark.django_db(transaction=True)
def test_two_connections_cannot_both_take_the_persons_last_dollar(profile, owner):
    limit(owner, "0.02")
    profiles = [profile]
    for name in "abc":
        another = ConnectionProfile(owner=owner, name=name, provider="openai")
        another.api_key = "sk-0123456789abcdef"
        another.save()
        profiles.append(another)
    outcomes = []

    def ask(mine):
        try:
            submit(ConnectionProfile.objects.get(pk=mine.pk))
            outcomes.append("made")
        except costs.BudgetExceeded:
            outcomes.append("over")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in profiles * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] * 3 + ["over"] * 5


@pytest.mark.parametrize(
    ("usd", "over", "fits", "is_near"),
    [("1.00", "0", 0, False), ("0.044", "0", 0, False), ("0.03", "0.014", 2, False), ("0", "0.044", 0, True)],
)
def test_standing_says_how_much_is_too_much(profile, owner, usd, over, fits, is_near):
    limit(owner, usd)
    profile.owner = owner
    standing = costs.standing(profile, Decimal("0.044"), 4)
    assert (standing.over, standing.fits, bool(standing.near)) == (Decimal(over), fits, is_near)


def test_without_limits_nothing_is_over(profile):
    standing = costs.standing(profile, Decimal(900), 1)
    assert (standing.limit, standing.near, standing.over, standing.fits) == (None, None, 0, 0)


# --- The foot of the generate form ----------------------------------------------------------------


def test_foot_says_what_is_left(owner_client, owner, profile):
    limit(owner, "20")
    html = foot(owner_client, profile, 2)
    assert "$20.00 left this month" in html
    assert "Generate 2 images" in html


def test_foot_offers_fewer_pictures_or_another_limit(owner_client, owner, profile):
    limit(owner, "0.02")
    html = foot(owner_client, profile, 4)
    assert "This would go over your" in html
    assert 'name="n" value="3">' in html
    assert "Make 3 instead" in html
    assert f'href="{reverse("costs")}#limit"' in html
    assert "Generate 4" not in html


def test_foot_leads_to_the_connection_whose_limit_it_is(owner_client, profile):
    limit(profile, "0.001")
    html = foot(owner_client, profile, 4)
    assert "limit of Work by" in html
    assert f'href="{reverse("connection", args=[profile.public_id])}"' in html
    assert "instead" not in html


def test_foot_warns_near_the_limit(owner_client, owner, profile):
    limit(owner, "1.00")
    made(owner, (Decimal("0.85"), 1), at=costs.start_of_month())
    assert "85 % of your" in foot(owner_client, profile, 1)


def test_fewer_pictures_are_made_instead(owner_client, owner, profile):
    limit(owner, "0.02")
    typed = {"model": f"{profile.public_id}/gpt-image-2", "prompt": "a panda", "key": "k", **LOW}
    response = owner_client.post(reverse("add-generate"), typed | {"n": ["4", "3"]})
    assert response.status_code == 302
    assert Generation.objects.get().n == 3
