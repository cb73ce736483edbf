"""The month's limit of a chat: reserved with the job, shown before, added up to the cent."""

import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse

from gallery import offers, tagging
from gallery.generations import generation
from gallery.models import ConnectionProfile, Generation, GenerationCall, Tag
from gallery.money import costs, periods, spending
from tests.gallery.api.conftest import api_of
from tests.gallery.money.test_costs import LOW, foot, limit
from tests.gallery.money.test_spending import made

HTMX = {"HX-Request": "true"}


@pytest.fixture
def profile(owner):
    profile = ConnectionProfile(owner=owner, name="Work", provider="openai", is_default=True)
    profile.api_key = "sk-0123456789abcdef"
    profile.save()
    return profile


@pytest.fixture
def chat(owner):
    return tagging.resolve(owner, ['chat:"Salt Road"'])[0]


def submit(profile, *tags, n=1):
    asked = generation.Wish(
        profile=profile, prompt="a panda", model="gpt-image-2", n=n, tags=tags, **LOW
    )  # $0.005889 a picture
    return generation.submit(profile.owner, asked)


def test_limit_of_a_chat_stops_what_is_made_in_it_and_nothing_else(profile, chat):
    limit(chat, "0.01")
    submit(profile, chat)
    with pytest.raises(costs.BudgetExceeded, match=r"\$0\.0041 of the \w+ limit of “Salt Road” is left"):
        submit(profile, chat)
    assert submit(profile).status == "queued"
    assert Generation.objects.count() == 2


def test_limits_of_others_and_of_other_months_stop_nobody(profile, chat, other):
    limit(chat, "0.01")
    theirs = tagging.resolve(other, ['chat:"Salt Road"'])[0]
    limit(theirs, "0")
    last_month = costs.start_of_month() - periods.timedelta(days=1)
    made(profile.owner, (Decimal(5), 1), at=last_month, tags=[chat])
    assert submit(profile, chat).status == "queued"


def test_a_merged_chat_keeps_its_costs_and_its_limit(profile, chat, owner):
    (old,) = tagging.resolve(owner, ["chat:Old"])
    limit(old, "0.01")
    submit(profile, old)
    tagging.merge(old, chat)
    chat = Tag.objects.get(pk=chat.pk)
    assert chat.monthly_budget_usd == Decimal("0.01")
    with pytest.raises(costs.BudgetExceeded):
        submit(profile, chat)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_cannot_both_take_the_last_dollar_of_a_chat(profile, chat):
    limit(chat, "0.006")
    profiles, outcomes = [profile], []
    second = ConnectionProfile(owner=profile.owner, name="Second", provider="openai")
    second.api_key = "sk-0123456789abcdef"
    second.save()
    profiles.append(second)

    def ask(mine):
        try:
            submit(ConnectionProfile.objects.get(pk=mine.pk), chat)
            outcomes.append("made")
        except costs.BudgetExceeded:
            outcomes.append("over")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in profiles * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made"] + ["over"] * 5
    assert GenerationCall.objects.count() == 1


def test_the_api_says_which_limit_it_is(profile, chat, owner):
    limit(chat, "0.001")
    answer = api_of(owner).post(
        "/generations",
        {"prompt": "a panda", "model": "gpt-image-2", "chat": "Salt Road", **LOW},
    )
    assert answer.status_code == 422
    assert answer.json()["code"] == "budget_exceeded"
    assert "of “Salt Road” is left" in answer.json()["detail"]


def test_number_of_queries_is_fixed(profile, owner, django_assert_num_queries):
    chats = tagging.resolve(owner, [f"chat:c{number}" for number in range(20)])
    Tag.objects.update(monthly_budget_usd=Decimal(1))
    with django_assert_num_queries(2):
        assert len(costs.limits_of_chats(owner, chats)) == 20
    with django_assert_num_queries(0):
        assert costs.limits_of_chats(owner, []) == []


# --- What people see ------------------------------------------------------------------------------


def form(client, profile, n, tags):
    chosen = offers.pick(offers.offer_groups(profile.owner), f"{profile.public_id}/gpt-image-2")
    typed = {"model": chosen.value, "prompt": "a panda", "n": n, "tags": tags, **LOW}
    return client.post(reverse("generate-estimate"), typed, headers=HTMX).content.decode()


def test_the_form_warns_of_the_limit_of_the_chat(owner_client, profile, chat):
    limit(chat, "0.01")
    html = form(owner_client, profile, 2, 'chat:"Salt Road"')
    assert "limit of “Salt Road” by" in html
    assert "Make 1 instead" in html
    assert f'href="{reverse("tag-edit", args=[chat.public_id])}"' in html
    assert "Salt Road" not in foot(owner_client, profile, 2)


def test_people_choose_when_they_are_warned(owner_client, owner, profile):
    limit(owner, "1.00")
    made(owner, (Decimal("0.60"), 1), at=costs.start_of_month())
    assert "60 % of your" not in foot(owner_client, profile, 1)
    owner_client.post(reverse("costs-limit"), {"monthly_budget_usd": "1.00", "warn_percent": "50"})
    assert "60 % of your" in foot(owner_client, profile, 1)
    assert "Near the limit" in owner_client.get(reverse("costs")).content.decode()
    answer = owner_client.post(reverse("costs-limit"), {"monthly_budget_usd": "1.00", "warn_percent": "0"})
    assert answer.status_code == 422
    owner.refresh_from_db()
    assert owner.warn_percent == 50


def test_costs_name_chats_that_are_near_their_limit(owner_client, owner, chat):
    limit(chat, "1.00")
    made(owner, (Decimal("0.85"), 1), at=costs.start_of_month(), tags=[chat])
    html = owner_client.get(reverse("costs")).content.decode()
    assert "85 % of the" in html
    assert "limit of “Salt Road” is used, $0.15 is left" in html


def test_the_limit_is_set_on_the_page_of_the_chat(owner_client, owner, chat):
    where = reverse("tag-edit", args=[chat.public_id])
    assert owner_client.post(where, {"name": "Salt Road", "monthly_budget_usd": "-1"}).status_code == 422
    assert owner_client.post(where, {"name": "Salt Road", "monthly_budget_usd": "2.5"}).status_code == 302
    assert "$0 of $2.50 this month" in owner_client.get(chat.get_absolute_url()).content.decode()
    (mirel,) = tagging.resolve(owner, ["character:Mirel"])
    page = owner_client.get(reverse("tag-edit", args=[mirel.public_id])).content.decode()
    assert "Monthly limit" not in page


def test_characters_and_chats_add_up_with_pictures_and_charged_failures(owner, chat):
    """With one character and one chat each, both tables are the whole to the last micro-dollar."""
    cast = tagging.resolve(owner, ["character:A", "character:B", "character:C"])
    for number in range(30):
        price = Decimal(number * 7919 % 400_000) / 1_000_000
        calls = [(price, 1), (price / 2, 0)] if number % 3 else [(price, 2)]
        calls = [(usd.quantize(Decimal("0.000001")), images) for usd, images in calls]
        made(owner, *calls, tags=[cast[number % 3], chat])
    period = periods.month(2026, 11)
    whole = spending.total(spending.by_time_and_model(owner, period).values())
    by_tag = spending.by_tag(owner, period.start, period.end)
    assert by_tag[(chat.pk,)].usd == whole.usd == whole.drawn_usd + whole.fruitless_usd
    assert sum(by_tag[(tag.pk,)].usd for tag in cast) == whole.usd
