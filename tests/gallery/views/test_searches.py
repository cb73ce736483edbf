import re

import pytest

from gallery.models import Image, SavedSearch, Tag
from gallery.search import FILTERS, savedsearches, search
from gallery.search.manual import CHAPTERS
from tests.gallery.search.test_search import add_image

QUERIES = {"tag:rain": True, "tag:snow": True, "tag:rain rating:lots": False, "(tag:rain": False}
EXAMPLES = [example for chapter in CHAPTERS for example, _ in chapter.lines]


def test_search_help_has_every_filter_in_examples_that_are_understood(owner_client, owner):
    specs = (
        "character:mira",
        "look:mira:winter cloak",
        "persona:Ash Lane",
        "chat:The Long Night",
        "rain",
        "snow",
    )
    add_image(owner, 1, *specs, "forest", "wip")
    page = owner_client.get("/search/help/").content.decode()
    assert [problem for example in EXAMPLES for problem in search(owner, example).problems] == []
    assert [name for name in FILTERS if f"{name}:" not in " ".join(EXAMPLES)] == []
    assert page.count('class="mono"') == len(EXAMPLES)


def test_search_help_is_reached_from_the_box_and_from_no_result(owner_client, owner):
    add_image(owner, 1)
    assert owner_client.get("/").content.decode().count("/search/help/") == 1
    assert owner_client.get("/?q=nothing+like+it").content.decode().count("/search/help/") == 2


def test_a_long_search_that_finds_nothing_is_shown_short(owner_client, owner):
    add_image(owner, 1)
    found = owner_client.get("/", {"q": "fox" * 400})
    (heading,) = re.findall(r'No images match</h2>\s*<p class="mono">(.*?)</p>', found.content.decode())
    assert heading == "fox" * 39 + "fo…"


# --- Saved searches -----------------------------------------------------------------------------


def test_a_search_that_cannot_be_read_is_not_offered_to_be_saved(owner_client, owner):
    add_image(owner, 1, "rain")
    offers = {q: 'id="save-search"' in owner_client.get("/", {"q": q}).content.decode() for q in QUERIES}
    assert offers == QUERIES

    refused = owner_client.post("/searches/", {"name": "Wet", "query": "rating:lots"}, follow=True)
    assert "Nothing was saved; correct the search first." in refused.content.decode()
    assert not SavedSearch.objects.exists()


def test_a_search_is_saved_from_its_page_and_changed_in_the_list(owner_client, owner):
    add_image(owner, 1, "rain")
    page = owner_client.get("/?q=tag:rain&sort=rating").content.decode()
    assert 'name="query" value="tag:rain"' in page
    assert 'name="sort" value="rating"' in page

    response = owner_client.post(
        "/searches/", {"name": "Wet", "query": "tag:rain", "sort": "rating"}, follow=True
    )

    saved = SavedSearch.objects.get()
    assert response.redirect_chain == [(saved.get_absolute_url(), 302)]
    assert (
        '<a class="navi" href="/?q=tag%3Arain&amp;sort=rating" title="Wet" aria-current="page">'
        in response.text
    )
    owner_client.post(f"/searches/{saved.public_id}/", {"name": "Rainy"})
    owner_client.post(f"/searches/{saved.public_id}/", {"pinned": "no"})
    saved.refresh_from_db()
    assert (saved.name, saved.pinned) == ("Rainy", False)
    assert "Rainy" in owner_client.get("/searches/").text
    owner_client.post(f"/searches/{saved.public_id}/delete/")
    assert not SavedSearch.objects.exists()


def test_a_name_that_is_taken_is_told(owner_client, owner):
    savedsearches.create(owner, name="Wet", query="tag:rain")
    response = owner_client.post("/searches/", {"name": "wet", "query": "tag:snow"}, follow=True)
    assert "There is a saved search “wet” already" in response.text
    assert SavedSearch.objects.get().query == "tag:rain"


def test_saved_searches_of_others_are_not_there(other_client, owner):
    saved = savedsearches.create(owner, name="Wet", query="tag:rain")
    for address in (f"/searches/{saved.public_id}/", f"/searches/{saved.public_id}/delete/"):
        assert other_client.post(address, {"name": "Mine"}).status_code == 404
    assert "Wet" not in other_client.get("/searches/").text
    assert SavedSearch.objects.get().name == "Wet"


def test_recent_searches_are_kept_until_they_are_forgotten(owner_client, owner):
    assert owner_client.post("/search/recent/", {"q": "tag:rain"}).status_code == 204
    assert savedsearches.recent(owner) == ["tag:rain"]
    assert owner_client.get("/search/recent/").status_code == 405
    owner_client.post("/search/recent/")
    assert savedsearches.recent(owner) == []


# --- Suggestions --------------------------------------------------------------------------------


def suggested(client, text, caret=None):
    answer = client.get("/search/suggest/", {"q": text} | ({} if caret is None else {"caret": caret}))
    groups = answer.json()["groups"]
    return {group["label"]: [option["query"] for option in group["options"]] for group in groups}


def test_suggestions_complete_the_term_at_the_caret(owner_client, owner, other):
    image = add_image(owner, 1, "character:Mirel Vane", "look:Mirel Vane:mink coat", "mist", "-wip")
    Tag.objects.filter(name="Mirel Vane").update(avatar=image)
    add_image(other, 1, "character:Mirel Foreign", "misty")

    assert suggested(owner_client, "-tag:wip mi") == {
        "Characters": ['-tag:wip character:"Mirel Vane" '],
        "Looks": ['-tag:wip look:"Mirel Vane:mink coat" '],
        "Tags": ["-tag:wip tag:mist "],
    }
    assert suggested(owner_client, "character:mi snow", caret=12) == {
        "Characters": ['character:"Mirel Vane" snow']
    }
    assert suggested(owner_client, "snow -(mist") == {"Tags": ["snow -(tag:mist "]}
    assert suggested(owner_client, "is:unt") == {"Filters": ["is:untagged "]}
    assert suggested(owner_client, "mo") == {"Filters": ["model:"]}
    (option,) = owner_client.get("/search/suggest/?q=character:mi").json()["groups"][0]["options"]
    assert (option["text"], option["more"], option["caret"]) == ("Mirel Vane", "1", len(option["query"]))
    assert image.public_id.hex in option["face"]


def test_an_empty_box_offers_what_was_searched_for_before(owner_client, owner, other):
    savedsearches.create(owner, name="Wet days", query="tag:rain", sort="rating")
    savedsearches.remember(owner, "snow storm")
    savedsearches.remember(other, "snow foreign")
    both = {"Saved searches": ["tag:rain sort:rating"], "Recent searches": ["snow storm"]}
    assert suggested(owner_client, "") == both
    assert suggested(owner_client, "sno") == {"Recent searches": ["snow storm"]}
    assert suggested(owner_client, "day") == {"Saved searches": ["tag:rain sort:rating"]}


@pytest.mark.parametrize(
    "query", ["caret=-1", "caret=99999", "caret=x", "q=%00", 'q="', "q=:&caret=1", "q=((((", "q=tag:"]
)
def test_odd_requests_for_suggestions_are_answered(owner_client, query):
    assert owner_client.get(f"/search/suggest/?{query}").status_code == 200


@pytest.mark.parametrize("count", [3, 8])
def test_suggestions_take_few_queries(owner_client, owner, count, django_assert_max_num_queries):
    for number in range(count):
        add_image(owner, number, f"rain {number}")
        savedsearches.create(owner, name=f"rain {number}", query="rain")
    with django_assert_max_num_queries(14):
        owner_client.get("/search/suggest/?q=rain")


# --- Nothing found ------------------------------------------------------------------------------


def test_no_result_offers_what_would_be_found(owner_client, owner):
    add_image(owner, 1, "character:Mirel Vane")
    add_image(owner, 2, "snow")
    page = owner_client.get("/", {"q": "tag:snow character:mirel"}).text
    assert "Without character:mirel <span" in page
    assert "Without tag:snow" not in page
    page = owner_client.get("/", {"q": "character:mirel"}).text
    assert "character:&quot;Mirel Vane&quot; <span" in page


def test_a_search_outlives_its_order_in_chips_and_menu(owner_client, owner):
    for number in range(3):
        add_image(owner, number, "rain", rating=number)
    page = owner_client.get("/", {"q": "tag:rain rating:>=0 sort:rating"}).text
    assert 'href="/?q=rating%3A%3E%3D0%20sort%3Arating' in page  # the chip's ×
    assert '"?q=tag%3Arain+rating%3A%3E%3D0&amp;sort=cost"' in page
    assert "Sorted by best rated" in page
    image = Image.objects.get(rating=1)
    page = owner_client.get(image.get_absolute_url(), {"in": "tag:rain sort:rating"}).text
    assert "2 of 3" in page
    assert " in tag:rain<" in page
