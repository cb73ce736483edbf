"""The pages for two pictures: comparing them, and deciding about look-alikes."""

import re

import pytest
from django.urls import reverse

from gallery import tagging
from gallery.models import Image, NearDuplicate
from gallery.pictures import duplicates
from gallery.screens import sidebar
from tests.gallery.pictures.test_duplicates import BASE, flipped, looks
from tests.gallery.views.test_images import add_image, ids

HTMX = {"HX-Request": "true"}


def compare(client, *images, **query):
    return client.get("/compare/", {"ids": [str(image.public_id) for image in images]} | query)


def marked(page, tag):
    return re.findall(f"<{tag}>(.*?)</{tag}>", page)


# --- Comparing ------------------------------------------------------------------------------------


def test_words_and_facts_that_differ_are_told(owner_client, owner):
    left = add_image(owner, 1, prompt="a red fox in snow", model="gpt-image-2", seed=7, params={"steps": 20})
    right = add_image(
        owner, 2, prompt="a red wolf in deep snow", model="gpt-image-2", seed=8, params={"steps": 30}
    )
    response = compare(owner_client, left, right)
    page = response.content.decode()

    assert marked(page, "del") == ["fox"]
    assert marked(page, "ins") == ["wolf", "deep "]
    differing = {row.name: (row.left, row.right) for row in response.context["rows"] if row.differs}
    assert differing == {"Seed": ("7", "8"), "Steps": ("20", "30")}


def test_prompts_are_text_and_not_markup(owner_client, owner):
    page = compare(owner_client, add_image(owner, 1, prompt="<b>x"), add_image(owner, 2)).content.decode()
    assert "&lt;" in marked(page, "del")[0]


def test_endless_prompts_are_compared_as_a_whole(owner_client, owner):
    left, right = (add_image(owner, n, prompt=f"{n} " + "word " * 20_000) for n in (1, 2))
    assert len(marked(compare(owner_client, left, right).content.decode(), "del")) == 1


@pytest.mark.parametrize("n", [0, 1, 3])
def test_other_than_two_is_told(owner_client, owner, n):
    response = compare(owner_client, *(add_image(owner, number) for number in range(n)))
    assert response.status_code == 400
    assert "Two images can be compared" in response.content.decode()


def test_ones_own_pictures_alone_can_be_compared(owner_client, owner, other, client):
    assert compare(owner_client, add_image(owner, 1), add_image(other, 2)).status_code == 404
    assert owner_client.get("/compare/?ids=x&ids=y").status_code == 400


def test_a_selection_leads_to_the_page(owner_client, owner):
    chosen = {"ids": ids([add_image(owner, 1), add_image(owner, 2)])}
    answer = owner_client.post("/compare/", {"ids": ",".join(chosen["ids"])}, headers=HTMX)
    assert owner_client.get(answer["HX-Redirect"]).status_code == 200
    assert owner_client.post("/compare/", chosen, follow=True).status_code == 200

    alone = {"ids": chosen["ids"][:1]}
    assert (
        "Two images can be compared" in owner_client.post("/compare/", alone, headers=HTMX).content.decode()
    )
    assert owner_client.post("/compare/", alone).status_code == 400


def test_comparing_costs_the_same_for_any_two(owner_client, owner, django_assert_max_num_queries):
    left, right = add_image(owner, 1, "a, b, c"), add_image(owner, 2, "d")
    with django_assert_max_num_queries(8):
        compare(owner_client, left, right)


# --- Look-alikes ----------------------------------------------------------------------------------


@pytest.fixture
def pair(owner):
    looks(owner, 1, BASE, tags="forest")
    looks(owner, 2, BASE, tags="night")
    duplicates.search(owner.pk)
    return NearDuplicate.objects.get()


def decide(client, pair, keep, **extra):
    return client.post(reverse("duplicate-decide", args=[pair.public_id]), {"keep": keep}, **extra)


def waiting(client):
    return [pair for pair, _ in client.get("/duplicates/").context["pairs"]]


def test_nothing_alike_says_so(owner_client):
    assert "No look-alikes" in owner_client.get("/duplicates/").content.decode()


@pytest.mark.parametrize("keep", ["first", "second"])
def test_one_is_kept_with_the_tags_of_both_and_undo_restores_the_other(owner_client, pair, keep):
    kept, other = (pair.first, pair.second) if keep == "first" else (pair.second, pair.first)
    page = decide(owner_client, pair, keep, follow=True).content.decode()

    assert Image.objects.live().get() == kept
    assert {tag.name for tag in kept.tags.all()} == {"forest", "night"}
    undo = reverse("image-restore", args=[other.public_id])
    assert f'action="{undo}"' in page
    owner_client.post(undo, {"undo": "1"})
    assert waiting(owner_client) == [pair]


def test_both_are_kept_and_that_can_be_undone(owner_client, pair):
    answer = decide(owner_client, pair, "both", headers=HTMX).content.decode()
    assert waiting(owner_client) == []
    again = reverse("duplicate-reopen", args=[pair.public_id])
    assert f'action="{again}"' in answer
    assert "No look-alikes" in answer

    assert owner_client.post(again, headers=HTMX)["HX-Refresh"] == "true"
    assert waiting(owner_client) == [pair]


def test_a_decision_that_is_none_is_told(owner_client, pair):
    assert decide(owner_client, pair, "neither").status_code == 400
    assert waiting(owner_client) == [pair]


def test_a_pair_that_was_settled_elsewhere_is_not_found(owner_client, pair):
    tagging.trash([pair.second])
    assert decide(owner_client, pair, "first").status_code == 404


def test_pairs_of_others_do_not_exist(other_client, client, pair):
    assert "No look-alikes" in other_client.get("/duplicates/").content.decode()
    assert decide(other_client, pair, "both").status_code == 404
    assert other_client.post(reverse("duplicate-reopen", args=[pair.public_id])).status_code == 404
    client.logout()
    assert client.get("/duplicates/").status_code == 302
    pair.refresh_from_db()
    assert pair.decision == "open"


def test_pairs_go_on_by_pages_at_the_same_cost(owner_client, owner, monkeypatch, django_assert_num_queries):
    for number in range(12):
        looks(owner, number, flipped(BASE, *range(20 * (number % 3), 20 * (number % 3) + 20)))
    monkeypatch.setattr(duplicates, "FOR_ONE", 1)
    assert duplicates.search(owner.pk) == 9
    monkeypatch.setattr("gallery.views.compare.PAIRS", 4)

    shown, address = [], "/duplicates/"
    while address:
        context = owner_client.get(address).context
        shown += [pair.pk for pair, _ in context["pairs"]]
        address = f"/duplicates/?{context['next']}" if context["next"] else ""

    assert len(shown) == len(set(shown)) == 9
    assert owner_client.get("/duplicates/?after=forged").status_code == 400


def test_side_bar_tells_how_many_wait(owner, pair):
    assert sidebar.read(owner).alike == 1
    duplicates.keep_both(pair)
    assert sidebar.read(owner).alike == 0
