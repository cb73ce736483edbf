from datetime import timedelta

import pytest
from django.utils import timezone

from gallery import tagging
from gallery.models import Tag, TagCount
from gallery.screens import tag_index
from gallery.templatetags.ui import last_day
from tests.gallery.tagging.test_tagging import make_image

ORDERS = {"used": "cabde", "name": "abcde", "images": "bcade"}


@pytest.fixture
def tags(owner):
    """a on one picture, b on three, c on two and last, d and e on none, d without a count."""
    made = {tag.name: tag for tag in tagging.resolve(owner, ["a", "b", "c"])}
    for days, (name, n) in zip((1, 2, 0), {"a": 1, "b": 3, "c": 2}.items(), strict=True):
        tagging.add([make_image(owner, 100 * days + each) for each in range(n)], [made[name]])
        TagCount.objects.filter(tag=made[name]).update(used_at=timezone.now() - timedelta(days=days))
    made["d"] = Tag.objects.create(owner=owner, name="d")
    tagging.create(owner, "tag", "e")  # with a count, of nothing
    return made


def names(page):
    return [card.tag.name for card in page.context["cards"]]


@pytest.mark.parametrize("many", [5_000, 2])
@pytest.mark.parametrize("sort", ORDERS)
def test_every_order_is_the_same_with_few_tags_and_with_many(owner_client, tags, monkeypatch, sort, many):
    monkeypatch.setattr(tag_index, "MANY", many)
    monkeypatch.setattr(tag_index, "PER_PAGE", 3)

    first, last = (names(owner_client.get("/tags/", {"sort": sort, "page": page})) for page in (1, 2))

    assert sorted(last) == sorted(ORDERS[sort][3:])  # those that were never used, in any order
    assert "".join(first) == ORDERS[sort][:3]


def test_lists_show_those_used_once_and_those_with_a_word(owner_client, tags):
    tagging.merge(tagging.create(tags["a"].owner, "tag", "woods"), tags["b"])

    assert names(owner_client.get("/tags/", {"used": "once"})) == ["a"]
    assert names(owner_client.get("/tags/", {"q": "WOOD"})) == ["b"]
    assert "".join(names(owner_client.get("/tags/", {"q": "\0"}))) == ORDERS["used"]
    assert "is used on one image only" in owner_client.get("/chats/", {"used": "once"}).content.decode()


def test_tags_say_when_they_were_last_used(owner_client, tags):
    page = owner_client.get("/tags/").content.decode()
    assert page.index(">Today<") < page.index(">Yesterday<")
    assert last_day(timezone.now() - timedelta(days=800)).split()[1].isdecimal()


def test_chats_show_who_is_in_them(owner_client, owner):
    images = [make_image(owner, number) for number in range(3)]
    chat, mira, ash, _ = people = tagging.resolve(
        owner, ["chat:Night", "character:Mira", "persona:Ash", "rain"]
    )
    tagging.add(images, people)
    tagging.remove(images[:1], [mira])

    (card,) = owner_client.get("/chats/").context["cards"]

    assert card.tag == chat
    assert [person.tag for person in card.people] == [ash, mira]


def test_chats_ask_as_many_questions_for_twenty_as_for_ten(
    owner_client, owner, django_assert_max_num_queries
):
    counts = []
    for number in range(20):
        tagging.add(
            [make_image(owner, number)], tagging.resolve(owner, [f"chat:C{number}", f"persona:P{number}"])
        )
        if number in (9, 19):
            with django_assert_max_num_queries(13) as queries:
                owner_client.get("/chats/")
            counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_sensitive_picture_is_nobodys_face_unless_it_is_chosen(owner_client, owner):
    (mira,) = tagging.resolve(owner, ["character:Mira"])
    plain, sensitive = make_image(owner, 1), make_image(owner, 2, sensitive=True)
    tagging.add([plain, sensitive], [mira])

    (card,) = owner_client.get("/characters/").context["cards"]
    assert plain.public_id.hex in card.face.url
    tagging.set_avatar(mira, sensitive)
    (card,) = owner_client.get("/characters/").context["cards"]
    assert sensitive.public_id.hex in card.face.url
