"""Stacks in the grid: which picture stands for them, in every order, and how they unfold."""

import random
import re

import pytest
from django.urls import reverse

from gallery import tagging
from gallery.models import Image
from gallery.pictures import stacks
from gallery.search import page, search
from tests.gallery.views.test_images import HTMX, add_image, ids, shown

ORDERS = ("newest", "oldest", "rating", "cost", "random-7")


def library(owner, n=40):
    """Pictures, some on stacks of several sizes, all mixed up."""
    dice = random.Random(3)
    images = []
    for number in range(n):
        cost = dice.choice([None, "0.01", "0.04"])
        said = {"rating": dice.randrange(6), "cost_usd": cost, "prompt": "a fox in snow"}
        images.append(add_image(owner, number, dice.choice(["", "forest"]), **said))
    left = list(images)
    dice.shuffle(left)
    for size in (2, 5, 3, 9, 2):
        stacks.put_together([left.pop() for _ in range(size)])
    return images


def walk(found, folded, limit):
    """All pages: the pictures, and what they stand for."""
    images, sizes, cursor = [], {}, None
    while True:
        part = page(found, cursor, limit, folded=folded)
        images += part.images
        sizes |= {image.pk: part.sizes.get(image.pk, 1) for image in part.images}
        cursor = part.next
        if not cursor:
            return images, sizes


@pytest.mark.parametrize("text", ["", "tag:forest", "fox snow", "fox tag:forest rating:>1"])
def test_the_first_that_matches_stands_for_its_stack(owner, text):
    library(owner)
    for order in ORDERS:
        check_folding(search(owner, text, sort=order))


def check_folding(found):
    flat, _ = walk(found, folded=False, limit=100)
    expected, sizes = [], {}
    for image in flat:
        name = image.stack or -image.pk
        if name not in sizes:
            expected.append(image)
        sizes[name] = sizes.get(name, 0) + 1

    images, counted = walk(found, folded=True, limit=7)

    assert images == expected
    assert counted == {image.pk: sizes[image.stack or -image.pk] for image in expected}


def test_a_stack_larger_than_many_pages_is_one_picture(owner):
    images = [add_image(owner, number) for number in range(60)]
    stacks.put_together(images[:55])

    assert walk(search(owner, ""), folded=True, limit=4)[0] == [*reversed(images[54:])]


def test_folding_asks_once_more_however_many_stacks_there_are(owner, django_assert_num_queries):
    for first in range(0, 20, 2):
        stacks.put_together([add_image(owner, number) for number in (first, first + 1)])
    found = search(owner, "")
    with django_assert_num_queries(4):  # keys, their stacks, what lies on these, the pictures that are shown
        page(found, limit=60, folded=True)


# --- Pages ----------------------------------------------------------------------------------------


@pytest.fixture
def pile(owner):
    images = [add_image(owner, number, "forest" if number else "") for number in range(3)]
    stacks.put_together(images)
    return images


def badge(response):
    return re.findall(r"data-stack>.*?</svg>(\d+)<", response.content.decode())


def test_gallery_folds_stacks_unless_the_person_does_not_want_it(owner_client, owner, pile):
    response = owner_client.get("/")
    assert shown(response) == ids(pile[2:])
    assert badge(response) == ["3"]
    assert badge(owner_client.get("/?q=tag:forest")) == ["2"]

    owner.fold_stacks = False
    owner.save()
    response = owner_client.get("/")
    assert shown(response) == ids(reversed(pile))
    assert badge(response) == []


def test_badge_unfolds_what_matches_below_it(owner_client, pile):
    url = reverse("stack", args=[pile[2].public_id])
    assert shown(owner_client.get(url, headers=HTMX)) == ids(pile[:2])
    assert shown(owner_client.get(f"{url}?in=tag:forest", headers=HTMX)) == ids(pile[1:2])
    assert shown(owner_client.get(url)) == ids(pile)


def test_a_stack_is_taken_apart_and_put_together_again(owner_client, pile):
    page = owner_client.post(reverse("stack-apart", args=[pile[0].public_id]), follow=True)
    assert shown(page) == ids(reversed(pile))

    (undo,) = re.findall(r'action="(/stacks/[^"]+)"', page.content.decode())
    assert owner_client.post(undo.replace("&amp;", "&"), headers=HTMX)["HX-Refresh"] == "true"
    assert shown(owner_client.get("/")) == ids(pile[2:])


def test_one_picture_leaves_its_stack(owner_client, pile):
    owner_client.post(reverse("stack-out", args=[pile[1].public_id]))
    assert shown(owner_client.get("/")) == ids([pile[2], pile[1]])


def test_a_selection_is_put_on_a_stack(owner_client, owner):
    images = [add_image(owner, number) for number in range(3)]
    owner_client.post("/stacks/", {"ids": ",".join(ids(images[:2]))}, headers=HTMX)
    assert shown(owner_client.get("/")) == ids([images[2], images[1]])


def test_a_stack_of_one_is_refused_with_a_sentence(owner_client, pile):
    for wrong in ({"ids": [pile[0].public_id, "nonsense"]}, {"ids": ids(pile), "scope": "query"}):
        page = owner_client.post("/stacks/", wrong, follow=True)
        assert "at least two images" in page.content.decode()


@pytest.mark.parametrize("name", ["stack", "stack-apart", "stack-out"])
def test_stacks_of_others_do_not_exist(other_client, client, pile, name):
    url = reverse(name, args=[pile[0].public_id])
    send = other_client.get if name == "stack" else other_client.post
    assert send(url).status_code == 404
    assert client.post(url).status_code in (302, 405)
    assert Image.objects.exclude(stack=None).count() == 3


def test_pictures_of_others_are_not_put_on_a_stack(other_client, other, pile):
    mine = add_image(other, 9)
    other_client.post("/stacks/", {"ids": [mine.public_id, pile[0].public_id]})
    assert Image.objects.get(pk=mine.pk).stack is None


def test_the_trash_is_not_on_a_stack(owner_client, pile):
    tagging.trash(pile[2:])
    assert badge(owner_client.get("/")) == ["2"]
