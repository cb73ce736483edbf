import pytest

from gallery.models import RecentSearch, SavedSearch
from gallery.screens import sidebar
from gallery.search import savedsearches
from gallery.search.savedsearches import SavedSearchError


def test_a_search_is_kept_under_a_name_and_stands_in_the_side_bar(owner, other):
    saved = savedsearches.create(owner, name="  Rainy   days ", query=" tag:rain ", sort="best")
    savedsearches.create(other, name="Rainy days", query="tag:sun")

    assert (saved.name, saved.query, saved.sort, saved.pinned) == ("Rainy days", "tag:rain", "rating", True)
    assert saved.get_absolute_url() == "/?q=tag%3Arain&sort=rating"
    assert sidebar.read(owner).searches == (saved,)

    savedsearches.change(saved, name="Wet", pinned=False)
    assert sidebar.read(owner).searches == ()
    assert SavedSearch.objects.get(pk=saved.pk).folded == "wet"


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"name": " \u200b "}, "name", "needs a name"),
        ({"name": "x" * 81}, "name", "at most 80"),
        ({"name": "ŔAINY"}, "name", "already"),
        ({"query": "x" * 2001}, "query", "at most 2,000"),
        ({"query": "rating:lots tag:rain"}, "query", "rating: does not know .*correct the search"),
        ({"query": '(rain OR "snow'}, "query", "is not closed.*correct the search"),
        ({"sort": "size"}, "sort", "newest, oldest"),
    ],
)
def test_what_cannot_be_kept_is_said(owner, wrong, field, sentence):
    savedsearches.create(owner, name="rainy", query="tag:rain")
    with pytest.raises(SavedSearchError, match=sentence) as caught:
        savedsearches.create(owner, **({"name": "new", "query": "tag:rain", "sort": ""} | wrong))
    assert caught.value.field == field
    assert SavedSearch.objects.count() == 1


def test_only_so_many_are_kept(owner, monkeypatch):
    monkeypatch.setattr(savedsearches, "MOST", 1)
    savedsearches.create(owner, name="one", query="")
    with pytest.raises(SavedSearchError, match="Delete one"):
        savedsearches.create(owner, name="two", query="")


def test_recent_searches_come_latest_first_and_are_few(owner, other, monkeypatch):
    monkeypatch.setattr(savedsearches, "REMEMBERED", 3)
    for query in ("one", "two", "three", "four", "two", "x" * 600, "  "):
        savedsearches.remember(owner, query)
    savedsearches.remember(other, "foreign")

    assert savedsearches.recent(owner) == ["two", "four", "three"]
    assert savedsearches.recent(owner, "T") == ["two", "three"]
    savedsearches.forget(owner)
    assert savedsearches.recent(owner) == []
    assert RecentSearch.objects.get().query == "foreign"
