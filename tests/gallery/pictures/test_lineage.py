"""What came from what, up and down, and how the page of a picture shows its family."""

import pytest

from gallery import tagging
from gallery.models import Generation, GenerationReference, Image
from gallery.pictures import lineage, stacks
from tests.gallery.views.test_images import add_image


@pytest.fixture
def family(owner):
    """Grandparent, parent, child and two of the child's own."""
    images = [add_image(owner, 0)]
    for number, parent in ((1, 0), (2, 1), (3, 2), (4, 2)):
        images.append(add_image(owner, number, parent=images[parent]))
    return images


def fresh(image):
    return Image.objects.select_related("generation").get(pk=image.pk)


def test_parents_are_told_eldest_first_and_children_with_theirs(family):
    grandparent, parent, child, *own = family
    assert lineage.came_from(fresh(child)) == [grandparent, parent]
    assert lineage.led_to(fresh(parent)) == [child, *own]
    assert lineage.led_to(fresh(own[0])) == []


def test_the_trash_is_passed_over(family):
    tagging.trash([family[1]])
    assert lineage.came_from(fresh(family[2])) == [family[0]]
    assert lineage.led_to(fresh(family[0])) == family[2:]


def test_references_are_told_both_ways(owner):
    reference = add_image(owner, 1)
    generation = Generation.objects.create(owner=owner, provider="demo", model="demo", prompt="x")
    GenerationReference.objects.create(generation=generation, position=0, image=reference)
    made = add_image(owner, 2, generation=generation)

    assert lineage.came_from(fresh(made)) == [reference]
    assert lineage.led_to(fresh(reference)) == [made]


def test_a_circle_ends(owner):
    first = add_image(owner, 1)
    second = add_image(owner, 2, parent=first)
    Image.objects.filter(pk=first.pk).update(parent=second)
    assert lineage.came_from(fresh(first)) == [second]
    assert lineage.led_to(fresh(first)) == [second]


def test_page_shows_the_family_and_the_stack(owner_client, family):
    _, parent, child, *_ = family
    stacks.put_together([parent, child])
    page = owner_client.get(child.get_absolute_url()).content.decode()

    assert "Came from" in page
    assert "Led to" in page
    assert "Stack of 2" in page
    assert f"/compare/?ids={parent.public_id}&amp;ids={child.public_id}" in page


def test_page_costs_the_same_with_a_large_family(owner_client, owner, django_assert_max_num_queries):
    first = add_image(owner, 0)
    for number in range(1, 30):
        add_image(owner, number, parent=first)
    owner_client.get(first.get_absolute_url())
    with django_assert_max_num_queries(26):
        owner_client.get(first.get_absolute_url())


# --- The slideshow without script -------------------------------------------------------------------


def test_a_page_goes_on_by_itself_while_it_plays(owner_client, owner):
    older, newer = add_image(owner, 1, "forest"), add_image(owner, 2, "forest")
    page = owner_client.get(newer.get_absolute_url(), {"in": "tag:forest", "play": "10"}).content.decode()
    onward = f"{older.get_absolute_url()}?in=tag%3Aforest&amp;play=10"

    assert f'<noscript><meta http-equiv="refresh" content="10; url={onward}"></noscript>' in page
    assert f'rel="next" href="{onward}"' in page
    last = owner_client.get(older.get_absolute_url(), {"in": "tag:forest", "play": "10"}).content.decode()
    assert 'http-equiv="refresh"' not in last


@pytest.mark.parametrize(
    ("play", "seconds"), [("0", 3), ("999", 120), ("-1", None), ("x", None), ("٣", None)]
)
def test_odd_speeds_are_made_sensible(owner_client, owner, play, seconds):
    image = add_image(owner, 1)
    assert owner_client.get(image.get_absolute_url(), {"play": play}).context["play"] == seconds
