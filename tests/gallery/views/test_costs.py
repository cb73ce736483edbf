"""The costs page, its CSV, the monthly limit and the side bar's foot."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from gallery import tagging
from gallery.models import ConnectionProfile
from gallery.money import costs, ledger, periods
from gallery.screens import bills, sidebar
from tests.gallery.money.test_spending import made, wrote


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def month(owner, other, now):
    """This month: pictures for $1.25, ten cents for nothing, a text for $0.0021; and a foreign fortune."""
    profile = ConnectionProfile.objects.create(owner=owner, name="Work", provider="openai")
    mirel, night = tagging.resolve(owner, ["character:Mirel", "chat:Night"])
    made(owner, (Decimal("0.75"), 3), at=now, tags=[mirel, night], profile=profile)
    made(owner, (Decimal("0.50"), 1), (Decimal("0.10"), 0), at=now, provider="google", model="gemini")
    made(owner, (None, 0), at=now, status="failed")
    wrote(owner, Decimal("0.0021"), at=now, profile=profile)
    made(other, (Decimal("900.00"), 1), at=now, model="foreign-model")
    return profile


def page(client, **query):
    response = client.get(reverse("costs"), query)
    assert response.status_code == 200
    return response.content.decode()


def lines(response):
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


# --- The page -------------------------------------------------------------------------------------


def test_stranger_is_sent_to_the_login(client, db):
    for name in ("costs", "costs-export"):
        assert client.get(reverse(name)).status_code == 302
    assert client.post(reverse("costs-limit"), {"monthly_budget_usd": "1"}).status_code == 302


def test_month_is_told_in_numbers_and_adds_up(owner_client, month):
    html = page(owner_client)
    for words in (
        "$1.35",
        "1 failed or stopped, not charged",
        "$0.312",
        "Charged without a picture",
        "$0.10",
    ):
        assert words in html
    assert "$0.0021" in html
    assert "foreign-model" not in html
    assert "$900" not in html


def test_tables_lead_to_the_pictures_behind_them(owner_client, owner, month):
    html = page(owner_client)
    mirel = tagging.resolve(owner, ["character:Mirel"])[0]
    assert mirel.get_absolute_url() in html
    assert "?q=model%3A%22gpt-image-2%22" in html
    assert "?q=connection%3A%22Work%22" in html
    assert "gpt-6-luna" in html
    assert "?q=model%3A%22gpt-6-luna%22" not in html  # it made no pictures


def test_chart_says_its_main_fact_and_each_bar_its_own(owner_client, month, now):
    html = page(owner_client)
    day = timezone.localtime(now)
    assert f"The most was $1.35: {day.day} {day:%B %Y}." in html
    assert f"{day.day} {day:%B %Y}: $1.3521. OpenAI $0.7521, Google $0.60" in html
    assert " style=" not in html


@pytest.mark.parametrize(("key", "each"), [("7d", "day"), ("2026", "month"), ("all", "month")])
def test_other_periods_have_the_same_money(owner_client, month, key, each, now):
    html = page(owner_client, period=key if key != "2026" else str(timezone.localtime(now).year))
    assert f"Each {each}" in html
    assert "$1.35" in html


def test_month_without_spending_says_so(owner_client, month):
    html = page(owner_client, period="2020-03")
    assert "Nothing was spent in March 2020." in html
    assert "?period=2020-02" in html
    assert "?period=2020-04" in html


def test_prices_that_are_not_known_are_told(owner_client, owner, now):
    made(owner, (None, 2), at=now)
    assert "The price of 1 request is not known." in page(owner_client)


def test_what_nobody_knows_is_not_taken_for_free(owner, now):
    made(owner, (None, 2), at=now, provider="openai_compatible", model="flux-dev")
    made(owner, (Decimal(0), 0), at=now, provider="openai_compatible", model="flux-dev")
    made(owner, (Decimal(0), 1), at=now, provider="comfyui", model="server-default")
    made(owner, (Decimal("0.06"), 1), at=now)
    bill = bills.read(owner, "")
    found = {row.name: (row.usd, row.known) for row in bill.models}
    assert found["flux-dev"] == (None, "not known")
    assert found["The first checkpoint"] == (0, "free")
    assert bill.sums.each == Decimal("0.03")  # of the two whose price is known


def test_deleted_connection_keeps_its_costs(owner_client, month):
    month.delete()
    html = page(owner_client)
    assert "Deleted connection" in html
    assert "$1.35" in html


def test_tables_end_with_the_sum_of_the_others(owner, now):
    for number in range(bills.SHOWN + 5):
        made(owner, (Decimal("0.10"), 1), at=now, model=f"m{number:02}")
    rows = bills.read(owner, "").models
    assert (len(rows), rows[-1].name, rows[-1].usd) == (bills.SHOWN + 1, "5 others", Decimal("0.50"))
    assert sum(row.usd for row in rows) == Decimal("2.50")


@pytest.mark.parametrize("number", [10, 20])
def test_page_takes_few_queries_however_much_there_is(
    owner_client, owner, now, number, django_assert_max_num_queries
):
    owner.monthly_budget_usd = Decimal(20)
    owner.save()
    for index in range(number):
        profile = ConnectionProfile.objects.create(owner=owner, name=f"P{index}", provider="demo")
        tags = tagging.resolve(owner, [f"character:C{index}", f"chat:N{index}"])
        made(owner, (Decimal("0.01"), 1), at=now, tags=tags, model=f"m{index}", profile=profile)
    with django_assert_max_num_queries(17):
        page(owner_client)


# --- Limits ---------------------------------------------------------------------------------------


def test_limit_is_saved_and_shown(owner_client, owner, month):
    response = owner_client.post(reverse("costs-limit"), {"monthly_budget_usd": "20"}, follow=True)
    owner.refresh_from_db()
    assert owner.monthly_budget_usd == 20
    html = response.content.decode()
    assert "The limit is $20.00 a month now." in html
    assert "of $20, " in html
    assert "inside your limit" in html or "over your limit" in html


def test_limit_can_be_taken_away(owner_client, owner):
    owner.monthly_budget_usd = Decimal(5)
    owner.save()
    owner_client.post(reverse("costs-limit"), {"monthly_budget_usd": ""})
    owner.refresh_from_db()
    assert owner.monthly_budget_usd is None


@pytest.mark.parametrize("typed", ["-1", "much", "1.234", "99999999999"])
def test_limit_that_makes_no_sense_is_not_saved(owner_client, owner, typed):
    response = owner_client.post(reverse("costs-limit"), {"monthly_budget_usd": typed})
    owner.refresh_from_db()
    assert (response.status_code, owner.monthly_budget_usd) == (422, None)
    assert 'class="error"' in response.content.decode()


@pytest.mark.parametrize(
    ("limit", "words"),
    [("1.60", "You have used 84 % of your"), ("1.00", "Nothing of your"), ("20", None)],
)
def test_page_warns_before_the_limit_is_reached(owner_client, owner, month, limit, words):
    owner.monthly_budget_usd = Decimal(limit)
    owner.save()
    html = page(owner_client)
    assert ("note--warn" in html) == (words is not None)
    assert words is None or words in html


def test_money_of_the_past_knows_no_limit(owner_client, owner, month):
    owner.monthly_budget_usd = Decimal(1)
    owner.save()
    assert "note--warn" not in page(owner_client, period="2020-03")


# --- CSV ------------------------------------------------------------------------------------------


def test_csv_has_every_charge_and_comes_to_the_same_sum(owner_client, owner, month):
    response = owner_client.get(reverse("costs-export"))
    head, *rows = lines(response)
    assert head == list(ledger.COLUMNS)
    assert len(rows) == 4
    total = sum(Decimal(row[6] or 0) for row in rows)
    assert total == bills.read(owner, "").sums.usd == Decimal("1.3521")
    assert sorted(row[7] for row in rows if row[6]) == sorted(["not known"] * 2 + ["counted from usage"])
    assert response["Content-Disposition"].startswith('attachment; filename="costs-')


def test_csv_is_in_the_order_of_time(owner_client, owner):
    first = datetime(2026, 11, 3, 12, tzinfo=UTC)
    for offset in (2, 0):
        made(owner, (Decimal("0.10"), 1), at=first + timedelta(hours=offset))
    wrote(owner, Decimal("0.01"), at=first + timedelta(hours=1))
    rows = lines(owner_client.get(reverse("costs-export"), {"period": "2026-11"}))[1:]
    assert [row[1] for row in rows] == ["Pictures", "Prompt written", "Pictures"]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://x")',
        "+1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "\uff20a",
    ],
)
def test_csv_holds_no_formulas(owner_client, owner, now, text):
    made(owner, (Decimal("0.10"), 1), at=now, model=text)
    assert lines(owner_client.get(reverse("costs-export")))[1][4] == f"'{text}"


def test_csv_keeps_a_cell_that_looks_like_the_next_line_in_its_cell(owner_client, owner, now):
    made(owner, (Decimal("0.10"), 1), at=now, model='x",=1+1\n"=2+2')
    rows = lines(owner_client.get(reverse("costs-export")))
    assert len(rows) == 2
    assert rows[1][4] == 'x",=1+1\n"=2+2'


@pytest.mark.parametrize("period", ['x"\r\nSet-Cookie: a=b', "2026-11/../../x", "2026-11\n", "=1"])
def test_csv_takes_its_file_name_from_no_stranger(owner_client, owner, period):
    named = owner_client.get(reverse("costs-export"), {"period": period})["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="costs-[a-z0-9-]+\.csv"', named)


def test_csv_is_the_owners_alone(other_client, month):
    assert len(lines(other_client.get(reverse("costs-export")))) == 2


# --- The foot of the side bar ---------------------------------------------------------------------


def test_side_bar_tells_the_months_spending(owner, month):
    side = sidebar.read(owner)
    assert (side.spent, side.limit) == (Decimal("1.352100"), None)
    owner.monthly_budget_usd = Decimal(20)
    assert sidebar.read(owner).limit == 20


def test_side_bar_begins_anew_each_month(owner, month):
    made(owner, (Decimal("7.00"), 1), at=costs.start_of_month() - timedelta(microseconds=1))
    made(owner, (Decimal("0.01"), 1), at=costs.start_of_month())
    assert sidebar.read(owner).spent == Decimal("1.362100")


def test_side_bar_stays_quiet_where_nothing_costs_anything(owner_client, other_client, owner, month):
    assert 'class="budget"' in page(owner_client)
    month.owner = owner
    quiet = page(other_client, period="7d")
    assert 'class="budget"' in quiet  # somebody else's money is theirs, and shown to them
    assert "$900.00" in quiet


def test_without_money_there_is_no_foot(owner_client):
    assert 'class="budget"' not in page(owner_client)


def test_forecast_is_for_the_whole_of_what_is_not_over(owner, now):
    made(owner, (Decimal("1.00"), 1), at=now)
    month = bills.read(owner, "")
    passed = (now - month.period.start) / (month.period.end - month.period.start)
    assert month.forecast >= Decimal(1)
    if passed > 0.1:
        assert float(month.forecast) == pytest.approx(1 / passed, rel=0.01)
    assert bills.read(owner, "7d").forecast is None
    assert bills.read(owner, "2020-03").forecast is None
    assert periods.read("2020-03").is_over
