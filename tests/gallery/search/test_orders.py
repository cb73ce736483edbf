"""Orders, their pages and cursors, and what stands before and after one picture."""

import pytest
from django.core import signing

from gallery import tagging
from gallery.models import Image
from gallery.search import BadCursor, ahead, cursor_before, neighbours, page, search
from gallery.search.orders import SORTS
from tests.gallery.search.test_search import add_image

QUERIES = ("", "tag:odd", "rain", "rain tag:odd -tag:rare", "tag:odd OR tag:rare", "rating:>2")


@pytest.fixture
def images(owner):
    """Twenty pictures with ratings and costs that many share, some without a cost."""
    return [
        add_image(
            owner,
            number,
            *(["odd"] * (number % 2) + ["rare"] * (number == 6)),
            prompt="rain falls",
            rating=number % 4,
            cost_usd=None if number % 3 == 0 else number % 5,
            shuffle=number * 0x9E3779B1 % 2**31,
        )
        for number in range(20)
    ]


def through(owner, text, sort, limit=3):
    """Every page of a search; the later ones are asked for as a browser asks, without a seed."""
    batch = page(search(owner, text, sort=sort), limit=limit)
    seen = list(batch.images)
    while batch.next:
        batch = page(search(owner, text, sort=sort), batch.next, limit=limit)
        seen += batch.images
    return seen


def rank(image):
    cost = image.cost_usd
    return {
        "newest": -image.pk,
        "oldest": image.pk,
        "rating": (-image.rating, -image.pk),
        "cost": (cost is None, -(cost or 0), -image.pk),
    }


@pytest.mark.parametrize("many", [0, 20_000])
@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "random"])
def test_pages_of_every_order_go_through_everything_once(owner, images, monkeypatch, many, sort):
    monkeypatch.setattr("gallery.search.words.MANY", many)
    monkeypatch.setattr("gallery.search.ranked.FIRST", 4)
    monkeypatch.setattr("gallery.search.ranked.LARGEST", 7)
    for text in QUERIES:
        matching = list(search(owner, text).images)
        seen = through(owner, text, sort)
        assert seen == sorted(matching, key=lambda image: rank(image)[sort]) != [], text


@pytest.mark.parametrize("few", [0, 5_000])
def test_a_random_order_stays_the_same_from_page_to_page(owner, images, monkeypatch, few):
    monkeypatch.setattr("gallery.search.keys.FEW", few)
    for text in QUERIES:
        seen = through(owner, text, "random")
        assert sorted(image.pk for image in seen) == sorted(image.pk for image in search(owner, text).images)
    once, again, other = (through(owner, "", f"random-{seed}") for seed in (1, 1, 2))
    assert once == again != other
    assert set(once) == set(other)


def test_chance_decides_about_each_picture_where_they_are_few(owner, images):
    starts = {page(search(owner, "", sort=f"random-{seed}"), limit=2).images[0] for seed in range(40)}
    followers = {page(search(owner, "", sort=f"random-{seed}"), limit=2).images[1] for seed in range(40)}
    assert len(starts) > 10
    assert len(followers) > 10


@pytest.mark.parametrize("few", [0, 5_000])
def test_one_picture_among_the_others(owner, images, monkeypatch, few):
    monkeypatch.setattr("gallery.search.keys.FEW", few)
    for sort in [*(sort for sort in SORTS if sort != "random"), "random-7"]:
        check_places(owner, sort)


def check_places(owner, sort):
    found = search(owner, "tag:odd", sort=sort)
    listed = through(owner, "tag:odd", sort)
    for number, image in enumerate(listed):
        assert neighbours(found, image) == (
            listed[number - 1] if number else None,
            listed[number + 1] if number + 1 < len(listed) else None,
        )
        assert ahead(found, image, 100) == number
    assert ahead(found, listed[8], 5) == 5
    assert page(found, cursor_before(found, listed[6], 2)).images == listed[4:]
    assert cursor_before(found, listed[1], 2) is None


def test_a_random_page_goes_on_after_a_picture_that_is_gone(owner, images):
    found = search(owner, "", sort="random-3")
    first, rest = page(found, limit=4), page(found, limit=100).images[4:]
    first.images[-1].delete()
    assert page(found, first.next, limit=100).images == rest


def test_an_order_is_written_into_the_query_too(owner, images):
    assert search(owner, "rain sort:rating").order.name == "rating"
    assert search(owner, "sort:old rain", sort="cost").order.name == "oldest"
    assert search(owner, "sort:rating", sort="").query == "sort:rating"
    assert search(owner, "rain", sort="cost").query == "rain sort:cost"
    assert search(owner, "rain sort:random-5").query == "rain sort:random-5"
    assert search(owner, "rain sort:new").query == "rain"
    assert [image.rating for image in page(search(owner, "tag:odd sort:rating"), limit=3).images] == [3, 3, 3]
    broken = search(owner, "rain sort:size")
    assert broken.problems == ("sort: does not know “size”. Write newest, oldest, rating, cost or random.",)
    assert (broken.order.name, len(page(broken).images)) == ("newest", 20)


@pytest.mark.parametrize(
    "change", [{"text": "tag:odd"}, {"sort": "rating"}, {"owner": "other"}], ids=["query", "order", "owner"]
)
def test_a_cursor_belongs_to_its_search(owner, other, images, change):
    cursor = page(search(owner, "rain", sort="cost"), limit=2).next
    asked = {"owner": owner, "text": "rain", "sort": "cost"} | change
    asked["owner"] = other if asked["owner"] == "other" else owner
    with pytest.raises(BadCursor, match="another list"):
        page(search(asked["owner"], asked["text"], sort=asked["sort"]), cursor)
    with pytest.raises(BadCursor, match="cannot be read"):
        page(search(owner, "rain", sort="cost"), f"{cursor}x")
    for content in ([], [1], "cursor", {"a": 1}):
        with pytest.raises(BadCursor):
            page(search(owner, "rain"), signing.dumps(content, salt="gallery.search.cursor"))


def test_the_trash_and_others_are_in_no_order(owner, other, images):
    add_image(other, 1, "odd", rating=5, cost_usd=9)
    tagging.trash(images[10:])
    for sort in SORTS:
        assert {image.pk for image in through(owner, "", sort)} == {image.pk for image in images[:10]}
    assert Image.objects.count() == 21


@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_a_tag_alone_leaves_the_trash_out(owner, sort):
    first, thrown, last = (add_image(owner, number, "rain") for number in (1, 2, 3))
    tagging.trash([thrown])
    found = page(search(owner, "tag:rain", sort=sort)).images
    assert found == ([last, first] if sort == "newest" else [first, last])
