import re
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.cache import cache
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from gallery.language.numerals import images, local
from gallery.money import costs, periods
from gallery.screens import charts
from gallery.search import facets
from gallery.templatetags.ui import midsentence, money
from tests.gallery.money.test_spending import made

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture(autouse=True)
def english_again():
    """A page leaves its language behind in the thread, and failed log-ins their counts in the cache."""
    cache.clear()
    yield
    translation.activate(settings.LANGUAGE_CODE)
    cache.clear()


def page_of(client, name="index", **headers):
    return client.get(reverse(name), headers=headers)


def choose(client, language):
    return client.post(reverse("appearance"), {"theme": "system", "language": language}, follow=True)


# --- Whose language -------------------------------------------------------------------------------


def test_a_page_speaks_what_the_browser_asks_for(owner_client):
    page = page_of(owner_client, **GERMAN)
    assert '<html lang="de"' in page.content.decode()
    assert "Bilder hinzufügen" in page.content.decode()


@pytest.mark.parametrize("asked", ["", "en-GB", "tlh, fr;q=0.5", "*", "de;q=x"])
def test_a_page_speaks_english_where_nothing_else_is_known(owner_client, asked):
    page = page_of(owner_client, **{"Accept-Language": asked}).content.decode()
    assert '<html lang="en"' in page
    assert "Add images" in page


def test_what_a_person_chose_goes_before_what_the_browser_asks_for(owner_client, owner):
    assert "Die Darstellung ist gespeichert." in choose(owner_client, "de").content.decode()
    owner.refresh_from_db()
    assert owner.language == "de"
    assert '<html lang="de"' in page_of(owner_client, **{"Accept-Language": "en"}).content.decode()


def test_automatic_takes_the_choice_back(owner_client, owner):
    choose(owner_client, "de")
    assert "The appearance was saved." in choose(owner_client, "").content.decode()
    owner.refresh_from_db()
    assert owner.language == ""
    assert '<html lang="de"' in page_of(owner_client, **GERMAN).content.decode()


def test_a_language_that_is_not_there_is_refused(owner_client, owner):
    assert owner_client.post(reverse("appearance"), {"theme": "dark", "language": "tlh"}).status_code == 422
    owner.refresh_from_db()
    assert owner.language == ""


def test_the_log_in_page_keeps_the_language_of_the_browser_it_was_chosen_in(owner_client):
    choose(owner_client, "de")
    owner_client.post(reverse("account_logout"))
    assert "<h1>Anmelden</h1>" in page_of(owner_client, "account_login").content.decode()


def test_logging_in_brings_the_language_of_the_person(client, owner):
    type(owner).objects.filter(pk=owner.pk).update(language="de")
    client.post(reverse("account_login"), {"login": "owner", "password": "owner-pass"})
    assert '<html lang="de"' in page_of(client).content.decode()


def test_logging_in_takes_the_language_of_somebody_else_away(client, owner):
    client.cookies["language"] = "de"
    client.post(reverse("account_login"), {"login": "owner", "password": "owner-pass"})
    assert '<html lang="en"' in page_of(client).content.decode()


# --- Which answers --------------------------------------------------------------------------------


def test_programs_and_administrators_read_english(owner_client, client):
    answer = client.get("/api/v1/images", headers=GERMAN)
    assert answer.json()["detail"] == "Send “Authorization: Bearer” with an API token."
    assert "Content-Language" not in answer.headers
    assert 'lang="en' in owner_client.get("/admin/login/", headers=GERMAN, follow=True).content.decode()


def test_spreadsheets_are_in_english(owner_client, owner):
    made(owner, (Decimal("0.10"), 1), at=timezone.now())
    table = b"".join(owner_client.get(reverse("costs-export"), headers=GERMAN)).decode()
    assert "not known" in table
    assert "Done" in table


def test_headers_name_the_language_and_what_it_hangs_on(owner_client):
    page = page_of(owner_client, **GERMAN)
    assert page.headers["Content-Language"] == "de"
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in page.headers["Vary"].split(",")}


def test_parts_that_are_drawn_once_are_drawn_for_each_language(owner_client):
    for _ in range(2):
        assert "Papierkorb" not in page_of(owner_client).content.decode()
        assert "Papierkorb" in page_of(owner_client, **GERMAN).content.decode()


def test_only_other_languages_send_words_for_the_scripts(owner_client):
    assert 'id="words"' not in page_of(owner_client).content.decode()
    assert '"Copied.": "Kopiert."' in page_of(owner_client, **GERMAN).content.decode()


def test_errors_of_forms_are_translated(owner_client):
    page = owner_client.post(reverse("tokens"), {"name": ""}, headers=GERMAN)
    assert "Gib dem Token einen Namen" in page.content.decode()


# --- Numbers --------------------------------------------------------------------------------------


def test_numbers_are_written_as_the_language_does():
    with translation.override("de"):
        assert (images(2318), images(1)) == ("2.318 Bilder", "1 Bild")
        assert (money(1234), local("$0.063")) == ("$1.234,00", "$0,063")
        assert midsentence("Stil") == "Stil"
    assert (images(2318), midsentence("Style")) == ("2,318 images", "style")


def test_a_chart_has_numbers_that_a_browser_reads():
    period = periods.read("2026-11")
    with translation.override("de"):
        chart = charts.draw(period, {(2, "demo"): Decimal("1.37")})
        page = render_to_string("costs/_chart.html", {"chart": chart, "period": period})
    assert "$1,00" in page
    assert re.findall(r'(?:x|y|width|height)="([^"]*,[^"]*)"', page) == []


def test_what_is_left_of_a_limit_is_said_in_one_language():
    limit = costs.Limit(usd=Decimal(5), spent=Decimal(5), name="November")
    with translation.override("de"):
        assert costs.what_is_left(limit) == "nichts übrig: November"


def test_stars_are_said_in_the_language_of_the_page():
    with translation.override("de"):
        assert [facets._stars(n) for n in (0, 1, 4)] == ["Nicht bewertet", "1 Stern", "4 Sterne"]
