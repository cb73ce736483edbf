"""Searches with several tags, which sets of keys answer: the same as the rows say, for the same query."""

import pytest
from pyroaring import BitMap

from gallery import tagging
from gallery.models import Image, ImageText, TagBitmap
from gallery.search import Total, page, search, total
from tests.gallery.tagging.test_tagging import make_image

ONLY_TAGS = (
    "tag:a tag:b",
    "tag:a -tag:b",
    "tag:a,b",
    "tag:a,b -tag:c",
    "tag:a OR tag:c",
    "tag:a (tag:b OR tag:c)",
    "tag:a NOT (tag:b tag:c)",
    "(tag:a tag:b) OR (tag:b -tag:c)",
    "tag:a tag:nowhere",
    "tag:a,nowhere tag:b",
)
MORE = (
    "tag:a tag:b rating:>=3",
    "tag:a tag:b rain",
    "tag:a -tag:c favourite:yes",
    "tag:a (tag:b OR favourite:yes)",
    "tag:a (tag:b OR -tag:c)",
    "-tag:a -tag:b",
    "tag:a tag:b date:2020",
    "tag:a,b -rain",
)


@pytest.fixture
def library(owner, other):
    """A picture for every mixture of three tags, in four ways; one in the trash, and somebody else's."""
    images = []
    for number in range(32):
        image = make_image(
            owner, number, rating=number % 5, favorite=number % 3 == 0, notes="rain" * (number % 2)
        )
        ImageText.refresh(image)
        specs = [name for bit, name in enumerate("abc") if number >> bit & 1]
        tagging.add([image], tagging.resolve(owner, specs))
        images.append(image)
    tagging.trash([images[7]])
    stranger = make_image(other, 90)
    tagging.add([stranger], tagging.resolve(other, ["a", "b"]))
    return images


def rows_of(found):
    """What the rows say, asked without any of the shortcuts."""
    return list(found.images.order_by("-pk").values_list("pk", flat=True))


def walked(found, limit):
    keys, after = [], None
    while True:
        part = page(found, after, limit=limit)
        keys += [image.pk for image in part.images]
        if not (after := part.next):
            return keys


def test_sets_and_rows_give_the_same_pictures(owner, library):
    for text in (*ONLY_TAGS, *MORE):
        found = search(owner, text)
        expected = rows_of(found)
        assert (text, walked(found, limit=5)) == (text, expected)
        assert (text, walked(search(owner, text, sort="oldest"), limit=5)) == (text, expected[::-1])
        assert (text, sorted(walked(search(owner, text, sort="rating"), limit=7))) == (text, sorted(expected))
        assert (text, total(found)) == (text, Total(n=len(expected), exact=True))


def test_tags_alone_are_counted_exactly_however_many(owner, library, monkeypatch):
    monkeypatch.setattr("gallery.search.pages.COUNTED", 1)
    for text in ONLY_TAGS:
        found = search(owner, text)
        assert (text, total(found)) == (text, Total(n=len(rows_of(found)), exact=True))


def test_two_large_tags_that_never_meet_cost_one_query(owner, django_assert_num_queries):
    for number in range(8):
        tagging.add([make_image(owner, number)], tagging.resolve(owner, ["even" if number % 2 else "odd"]))
    found = search(owner, "tag:even tag:odd")
    with django_assert_num_queries(1):
        assert page(found).images == []
        assert total(found) == Total(n=0, exact=True)


def test_a_key_that_should_not_be_in_a_set_shows_nothing_of_the_trash_or_of_others(owner, other, library):
    a, b = tagging.resolve(owner, ["a", "b"])
    theirs = Image.objects.get(owner=other)
    for tag in (a, b):
        row = TagBitmap.objects.get(tag=tag)
        keys = BitMap.deserialize(bytes(row.keys))
        row.keys = (keys | BitMap([library[7].pk, theirs.pk])).serialize()
        row.save()
    assert {image.owner_id for image in page(search(owner, "tag:a tag:b")).images} == {owner.pk}
    assert library[7] not in page(search(owner, "tag:a tag:b")).images
