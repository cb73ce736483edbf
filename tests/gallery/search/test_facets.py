from datetime import UTC, datetime

import pytest

from gallery import tagging
from gallery.models import Image
from gallery.search import facets, months, page, search
from tests.gallery.tagging.test_tagging import make_image


def add_image(owner, number, *specs, day=1, month=3, **fields):
    image = make_image(owner, number, **fields)
    image.created_at = datetime(2026, month, day, 12, tzinfo=UTC)
    Image.objects.filter(pk=image.pk).update(created_at=image.created_at)
    tagging.add([image], tagging.resolve(owner, specs))
    return image


@pytest.fixture
def library(owner, other):
    add_image(other, 90, "rain", "hers", model="secret-model")
    return [
        add_image(owner, 1, "character:Mirel", "rain", rating=5, model="flux-2", source="generated", month=1),
        add_image(owner, 2, "character:Mirel", "chat:Salt", model="flux-2", source="generated", month=1),
        add_image(owner, 3, 'look:"Mirel:winter cloak"', "rain", "snow", month=3),
    ]


def read(owner, text=""):
    """(facet, choice): number."""
    found = facets.read(search(owner, text))
    return {(facet.name, choice.label): choice.n for facet in found.facets for choice in facet.choices}


def test_facets_count_what_the_pictures_of_a_search_have(owner, library):
    assert read(owner) == {
        ("Characters", "Mirel"): 3,
        ("Looks", "Mirel: winter cloak"): 1,
        ("Chats", "Salt"): 1,
        ("Tags", "rain"): 2,
        ("Tags", "snow"): 1,
        ("Models", "flux-2"): 2,
        ("Came by", "Uploaded"): 1,
        ("Came by", "Generated"): 2,
        ("Rating", "Not rated"): 2,
        ("Rating", "5 stars"): 1,
        ("Month", "January 2026"): 2,
        ("Month", "March 2026"): 1,
    }


def test_a_facet_leaves_out_what_all_have(owner, library):
    counted = read(owner, "character:Mirel source:generated")
    assert ("Characters", "Mirel") not in counted
    assert not [name for name, _ in counted if name in ("Models", "Came by")]


@pytest.mark.parametrize("text", ["", "tag:rain", "tag:rain OR tag:snow", "-tag:snow"])
def test_each_choice_finds_as_many_pictures_as_it_says(owner, library, text):
    found = facets.read(search(owner, text))
    choices = [choice for facet in found.facets for choice in facet.choices]
    assert choices
    for choice in choices:
        asked = search(owner, choice.query)
        assert (choice.query, len(page(asked).images), asked.problems) == (choice.query, choice.n, ())


def test_of_many_pictures_the_newest_are_counted_and_it_is_said(owner, library, monkeypatch, owner_client):
    monkeypatch.setattr(facets, "SAMPLE", 2)
    found = facets.read(search(owner, ""))
    assert (found.looked_at, found.is_exact) == (2, False)
    assert read(owner)["Characters", "Mirel"] == 2
    assert "Counted among the newest 2." in owner_client.get("/search/narrow/").content.decode()


def test_facets_cost_the_same_number_of_queries_however_many_pictures(
    owner, library, django_assert_num_queries
):
    for extra in (0, 12):
        for number in range(extra):
            add_image(owner, 10 + number, f"tag {number}", f"character:Somebody {number}")
        with django_assert_num_queries(6):
            facets.read(search(owner, ""))


def test_the_panel_is_a_page_of_links_and_for_htmx_the_list(owner_client, other_client, library):
    whole = owner_client.get("/search/narrow/?q=tag:rain&sort=rating").content.decode()
    assert 'href="/?q=tag%3Arain%20tag%3Asnow&amp;sort=rating"' in whole
    assert "<html" in whole
    part = owner_client.get("/search/narrow/?q=tag:rain", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "tag%3Asnow" in part
    assert "Mirel" not in other_client.get("/search/narrow/").content.decode()


def test_an_empty_library_says_so(owner_client):
    assert "nothing to choose between" in owner_client.get("/search/narrow/").content.decode()
    assert "no images yet" in owner_client.get("/months/").content.decode()


# --- Months -------------------------------------------------------------------------------------


def test_months_with_pictures_are_counted_newest_first(owner, library):
    add_image(owner, 4, month=12)
    tagging.trash([add_image(owner, 5, month=6)])
    assert [(f"{month.first:%Y-%m}", month.n) for month in months.counts(owner)] == [
        ("2026-12", 1),
        ("2026-03", 1),
        ("2026-01", 2),
    ]


def test_a_month_begins_at_local_midnight(owner, settings):
    settings.TIME_ZONE = "America/New_York"
    image = make_image(owner, 1)
    Image.objects.filter(pk=image.pk).update(created_at=datetime(2026, 3, 1, 3, tzinfo=UTC))
    assert [f"{month.first:%Y-%m}" for month in months.counts(owner)] == ["2026-02"]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("at=2026-01", 1),
        ("at=2026-02", 1),
        ("at=2026-03", 2),
        ("at=2027-01", 2),
        ("at=2026-02&sort=oldest", 2),
    ],
)
def test_the_gallery_begins_at_a_month(owner_client, library, query, first):
    shown = owner_client.get(f"/?{query}").context["groups"][0].tiles
    assert shown.startswith("<li")
    assert str(library[first].public_id) in shown.split("</li>")[0]


@pytest.mark.parametrize("text", ["2026-13", "0000-01", "x", "2026", "99999-01"])
def test_what_is_no_month_begins_at_the_top(owner_client, library, text):
    response = owner_client.get("/", {"at": text})
    assert str(library[2].public_id) in response.context["groups"][0].tiles


def test_months_link_into_the_gallery(owner_client, other_client, library):
    assert 'href="/?at=2026-01"' in owner_client.get("/months/").content.decode()
    assert "2026-01" not in other_client.get("/months/").content.decode()
