"""Tags that an action has made: what is left of them when it is undone."""

import pytest

from gallery import bulk, tagging
from gallery.models import BulkAction, Tag
from gallery.prompting import fragments
from gallery.search import savedsearches
from tests.gallery.tagging.test_tagging import assert_counts_are_exact, make_image

Action = BulkAction.Action


@pytest.fixture
def image(owner):
    return make_image(owner, 1)


def put(owner, image, *specs):
    """Tag `image` as a person does who types `specs`."""
    chosen = bulk.by_ids(owner, [image.public_id])
    return bulk.begin(chosen, Action.TAG, tags=tagging.resolve(owner, specs))


def names():
    return set(Tag.objects.values_list("name", flat=True))


def test_a_tag_that_was_made_for_it_goes_and_one_that_was_there_stays(owner, image):
    tagging.resolve(owner, ["forest"])
    action = put(owner, image, "forest", "lantren", 'look:"Mira:cloak"')
    put(owner, image, "lantren")  # once more, which changes nothing
    bulk.undo(action)

    assert names() == {"forest"}
    assert_counts_are_exact(owner)


def test_a_tag_that_was_made_stays_when_another_picture_has_it(owner, image):
    action = put(owner, image, "lantern")
    second = make_image(owner, 2)
    tagging.add([second], Tag.objects.all())
    tagging.trash([second])
    bulk.undo(action)

    assert names() == {"lantern"}


def describe(owner, tag):
    Tag.objects.filter(pk=tag.pk).update(description="A light.")


USES = {
    "a text": describe,
    "a pin": lambda owner, tag: Tag.objects.filter(pk=tag.pk).update(pinned=True),
    "a look": lambda owner, tag: tagging.create(owner, "look", "cloak", tag),
    "a fragment": lambda owner, tag: fragments.create(tag, name="Hair", text="red"),
    "a search": lambda owner, tag: savedsearches.create(owner, name="Mine", query="character:mira"),
    "an action": lambda owner, tag: put(owner, make_image(owner, 2), "character:Mira"),
}


@pytest.mark.parametrize("use", USES)
def test_a_tag_that_somebody_has_a_use_for_stays(owner, image, use):
    action = put(owner, image, "character:Mira")
    USES[use](owner, Tag.objects.get())
    bulk.undo(action)

    assert "Mira" in names()


def test_an_action_that_took_it_off_can_still_be_undone(owner, image):
    made = put(owner, image, "lantern")
    chosen = bulk.by_ids(owner, [image.public_id])
    taken = bulk.begin(chosen, Action.UNTAG, tags=list(Tag.objects.all()))
    bulk.undo(made)
    bulk.undo(taken)

    assert list(image.tags.values_list("name", flat=True)) == ["lantern"]


def test_tags_of_others_are_not_touched(owner, other, image):
    tagging.resolve(other, ["lantern"])
    bulk.undo(put(owner, image, "lantern"))

    assert Tag.objects.get().owner == other
