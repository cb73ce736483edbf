"""A folded stack that is ticked in the grid means all of it."""

import re

import pytest
from django.contrib.messages import get_messages

from gallery.models import Image
from gallery.pictures import stacks
from tests.gallery.views.test_images import add_image

BOX = re.compile(r'name="ids" value="([^"]+)"')


@pytest.fixture
def stack(owner):
    """Three pictures on a stack, two of them with a tag, and one beside it."""
    images = [add_image(owner, number, *["rain"] * (number != 2)) for number in (1, 2, 3)]
    stacks.put_together(images)
    add_image(owner, 4, "rain")
    return images


def boxes(client, q=""):
    return BOX.findall(client.get("/", {"q": q}).content.decode())


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def favourites():
    return set(Image.objects.filter(favorite=True).values_list("pk", flat=True))


def test_the_box_of_a_stack_says_that_it_stands_for_all(owner_client, owner, stack):
    assert [box.partition("+")[2] for box in boxes(owner_client)] == ["", "3"]
    assert [box.partition("+")[2] for box in boxes(owner_client, "tag:rain")] == ["", "2"]

    owner.fold_stacks = False
    owner.save()
    assert not any("+" in box for box in boxes(owner_client))


def test_all_of_the_stack_is_changed(owner_client, stack):
    (_, box) = boxes(owner_client)
    answer = owner_client.post("/bulk/", {"action": "favorite", "ids": box})

    assert said(answer) == ["Made 3 images favourites."]
    assert favourites() == {image.pk for image in stack}


def test_of_a_search_what_it_finds_of_the_stack_is_changed(owner_client, stack):
    (_, box) = boxes(owner_client, "tag:rain")
    owner_client.post("/bulk/", {"action": "favorite", "ids": box, "q": "tag:rain"})

    assert favourites() == {stack[0].pk, stack[2].pk}


def test_without_the_plus_it_is_the_picture_alone(owner_client, stack):
    owner_client.post("/bulk/", {"action": "favorite", "ids": str(stack[1].public_id)})
    assert favourites() == {stack[1].pk}


def test_the_list_of_tags_counts_the_stack_and_keeps_it(owner_client, stack):
    (_, box) = boxes(owner_client)
    page = owner_client.get("/bulk/tags/", {"ids": box}).content.decode()

    assert "Tag 3 images" in page
    assert "2 of 3" in page
    assert f'name="ids" value="{box.partition("+")[0]}+"' in page


def test_the_question_before_the_trash_counts_the_stack(owner_client, stack, monkeypatch):
    monkeypatch.setattr("gallery.forms.bulk.ASKED_ABOVE", 2)
    (_, box) = boxes(owner_client)
    assert (
        "Move 3 images to the trash?"
        in owner_client.post("/bulk/", {"action": "trash", "ids": box}).content.decode()
    )


def test_nothing_of_others_is_reached(other_client, stack, other):
    own = add_image(other, 9)
    answer = other_client.post(
        "/bulk/", {"action": "favorite", "ids": [f"{stack[2].public_id}+3", str(own.public_id)]}
    )

    assert said(answer) == ["Made 1 image a favourite."]
    assert favourites() == {own.pk}


def test_two_stacks_are_compared_by_the_pictures_that_are_shown(owner_client, owner, stack):
    others = [add_image(owner, number) for number in (5, 6)]
    stacks.put_together(others)
    first, second, _ = sorted(boxes(owner_client), key=lambda box: "+" not in box)
    answer = owner_client.post("/compare/", {"ids": [first, second]})

    assert {str(others[1].public_id), str(stack[2].public_id)} == set(re.findall(r"ids=([^&]+)", answer.url))
