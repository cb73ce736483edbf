"""Looks of characters, and what tags bring along."""

import pytest

from gallery import tagging
from gallery.models import ImageTag, SavedSearch, Tag
from gallery.search import bitmaps
from gallery.tagging import TagError, implications
from tests.gallery.tagging.test_tagging import assert_counts_are_exact, count_of, make_image


@pytest.fixture
def images(owner):
    return [make_image(owner, number) for number in range(6)]


@pytest.fixture
def cloak(owner):
    return tagging.resolve(owner, ['look:"Mirel:winter cloak"'])[0]


def tags_of(image):
    return {tag.spec for tag in image.tags.select_related("parent")}


# --- Looks --------------------------------------------------------------------------------------


def test_a_look_is_made_with_its_character(owner, cloak):
    mirel = Tag.objects.get(kind="character")
    assert (mirel.name, cloak.parent, cloak.name) == ("Mirel", mirel, "winter cloak")
    assert cloak.spec == 'look:"Mirel:winter cloak"'
    assert tagging.resolve(owner, ["look:MÍREL: Winter  Cloak", "character:mirel"]) == [cloak, mirel]
    assert Tag.objects.count() == 2


def test_two_characters_may_have_a_look_of_one_name(owner, cloak):
    theirs = tagging.resolve(owner, ['look:"Ash:winter cloak"'])[0]
    assert theirs != cloak
    with pytest.raises(TagError, match="Say whose look it is"):
        tagging.resolve(owner, ['look:"winter cloak"'])


def test_a_look_without_its_character_is_found_when_there_is_one(owner, cloak):
    assert tagging.resolve(owner, ['look:"winter cloak"']) == [cloak]
    with pytest.raises(TagError, match="Say whose look it is"):
        tagging.resolve(owner, ["look:ballgown"])
    assert tagging.resolve(owner, ["look:ballgown"], create=False) == []


def test_the_alias_of_a_character_names_its_looks(owner, cloak):
    tagging.merge(tagging.resolve(owner, ["character:Miri"])[0], cloak.parent)
    assert tagging.resolve(owner, ["look:Miri:winter cloak"]) == [cloak]


def test_a_character_that_became_another_spelling_of_no_character_has_no_looks(owner, cloak):
    tagging.merge(*tagging.resolve(owner, ["character:Ash", "ash tree"]))
    with pytest.raises(TagError, match="Name a character"):
        tagging.resolve(owner, ["look:Ash:gown"])
    assert tagging.resolve(owner, ["look:Ash:gown"], create=False) == []


def test_a_look_brings_its_character_and_goes_with_it(owner, images, cloak):
    assert tagging.add(images[:2], [cloak]) == 2
    assert tags_of(images[0]) == {'look:"Mirel:winter cloak"', "character:Mirel"}
    assert (count_of(cloak), count_of(cloak.parent)) == (2, 2)
    tagging.remove(images[:1], [cloak])
    assert tags_of(images[0]) == {"character:Mirel"}
    tagging.remove(images[:2], [cloak.parent])
    assert tags_of(images[1]) == set()
    assert_counts_are_exact(owner)


def test_what_a_character_is_called_its_looks_and_searches_follow(owner, cloak):
    query = 'look:"mirel:Winter Cloak" -character:Mirel,Ash "character:Mirel" mirel'
    saved = SavedSearch.objects.create(owner=owner, name="a", folded="a", query=query)
    tagging.rename(cloak.parent, "Mirel Vane")
    saved.refresh_from_db()
    assert saved.query == (
        'look:"Mirel Vane:winter cloak" -character:"Mirel Vane",Ash "character:Mirel" mirel'
    )
    assert tagging.resolve(owner, saved.query.split(" -")[:1]) == [cloak]


def test_a_merged_character_gives_its_looks_to_the_other(owner, images, cloak):
    mirel, gown, same = cloak.parent, *tagging.resolve(owner, ["look:Mira:gown", "look:Mira:winter cloak"])
    tagging.add(images[:2], [same])
    tagging.add(images[2:3], [gown])
    tagging.add(images[1:2], [cloak])
    tagging.merge(same.parent, mirel)
    assert tagging.resolve(owner, ["look:Mira:gown", "look:Mira:winter cloak"]) == [gown, cloak]
    assert Tag.objects.filter(parent=mirel).count() == 2
    assert (count_of(mirel), count_of(cloak), count_of(gown)) == (3, 2, 1)
    assert_counts_are_exact(owner)


def test_a_character_with_looks_becomes_nothing_else(owner, cloak):
    (ranger,) = tagging.resolve(owner, ["ranger"])
    for change in (
        lambda: tagging.merge(cloak.parent, ranger),
        lambda: tagging.merge(cloak.parent, cloak),
        lambda: tagging.change_kind(cloak.parent, "tag"),
    ):
        with pytest.raises(TagError, match="look"):
            change()


def test_a_deleted_character_takes_its_looks_along(owner, images, cloak):
    tagging.add(images[:2], [cloak])
    assert tagging.delete(cloak.parent) == 2
    assert not Tag.objects.exists()
    assert images[0].tags.count() == 0


def test_a_tag_becomes_a_look_and_its_pictures_the_characters(owner, images):
    winter, mirel = tagging.resolve(owner, ["winter", "character:Mirel"])
    tagging.merge(tagging.resolve(owner, ["cold"])[0], winter)
    saved = SavedSearch.objects.create(
        owner=owner, name="a", folded="a", query="tag:winter,rain (tag:WINTER)"
    )
    tagging.add(images[:3], [winter])
    tagging.change_kind(winter, "look", mirel)
    assert tagging.resolve(owner, ["look:Mirel:cold"]) == [winter]
    assert count_of(mirel) == 3
    saved.refresh_from_db()
    assert saved.query == "(look:Mirel:winter OR tag:rain) (look:Mirel:winter)"
    tagging.change_kind(winter, "tag")
    assert tagging.resolve(owner, ["cold"], create=False) == [winter]
    assert count_of(mirel) == 3
    assert_counts_are_exact(owner)


def test_a_kind_needs_a_free_name_and_a_look_a_character(owner, other):
    rain, ash = tagging.resolve(owner, ["rain", "persona:Rain"])
    foreign = tagging.resolve(other, ["character:Ash"])[0]
    for kind, parent in (
        ("persona", None),
        ("look", None),
        ("look", ash),
        ("look", foreign),
        ("album", None),
    ):
        with pytest.raises(TagError):
            tagging.change_kind(rain, kind, parent)
    rain.refresh_from_db()
    assert (rain.kind, rain.parent) == ("tag", None)


# --- Implications -------------------------------------------------------------------------------


@pytest.fixture
def dawn(owner):
    """Dawn brings morning, which brings day."""
    dawn, morning, day = tagging.resolve(owner, ["dawn", "morning", "day"])
    implications.add(dawn, morning)
    implications.add(morning, day)
    return dawn


def test_what_a_tag_brings_comes_along_over_any_number_of_steps(owner, images, dawn):
    tagging.add(images[:2], [dawn])
    assert tags_of(images[0]) == {"tag:dawn", "tag:morning", "tag:day"}
    tagging.remove(images[:1], tagging.resolve(owner, ["day"]))
    assert tags_of(images[0]) == {"tag:dawn", "tag:morning"}
    assert_counts_are_exact(owner)


def test_implications_form_no_circle(owner, dawn, cloak):
    morning, day = tagging.resolve(owner, ["morning", "day"])
    for tag, implied in ((day, dawn), (morning, dawn), (dawn, dawn), (cloak.parent, cloak)):
        with pytest.raises(TagError):
            implications.add(tag, implied)
    assert list(implications.of(dawn)) == [morning]
    assert not implications.of(day).exists()


def test_nobody_implies_a_foreign_tag(owner, other, dawn):
    foreign = tagging.resolve(other, ["night"])[0]
    with pytest.raises(TagError, match="no such tag"):
        implications.add(dawn, foreign)


def test_pictures_that_have_the_tag_already_get_it_when_asked(owner, images):
    dawn, morning = tagging.resolve(owner, ["dawn", "morning"])
    tagging.add(images[:3], [dawn])
    tagging.add(images[:1], [morning])
    tagging.trash(images[2:3])
    implications.add(dawn, morning)
    assert implications.lacking(dawn) == 1
    assert implications.apply(dawn) == 1
    assert (implications.lacking(dawn), count_of(morning)) == (0, 2)
    assert bitmaps.of_tags([morning.pk])[morning.pk] == bitmaps.BitMap(image.pk for image in images[:2])
    assert "tag:morning" in tags_of(images[2])


def test_a_merged_tag_leaves_its_implications_to_the_other(owner, images, dawn):
    morning, day, sunrise, early = tagging.resolve(owner, ["morning", "day", "sunrise", "early"])
    implications.add(early, dawn)
    tagging.add(images[:1], [sunrise])
    tagging.merge(dawn, sunrise)
    assert list(implications.of(sunrise)) == [morning]
    assert list(implications.of(early)) == [sunrise]
    tagging.add(images[1:2], [early])
    assert tags_of(images[1]) == {"tag:early", "tag:sunrise", "tag:morning", "tag:day"}
    tagging.merge(sunrise, day)  # day → morning would close a circle
    assert not implications.of(day).exists()
    assert_counts_are_exact(owner)


def test_replace_takes_away_what_is_not_named(owner, dawn):
    morning, day = tagging.resolve(owner, ["morning", "day"])
    implications.replace(dawn, [day])
    assert list(implications.of(dawn)) == [day]
    implications.remove(dawn, day)
    assert not implications.of(dawn).exists()


# --- Exactly these ------------------------------------------------------------------------------


def test_what_changed_can_be_changed_back(owner, images, dawn):
    tagging.add(images[:1], tagging.resolve(owner, ["day"]))
    keys = [image.pk for image in images[:2]]
    new = tagging.attach(owner.pk, keys, [dawn])
    assert len(new) == 5
    assert sorted(tagging.detach_pairs(owner.pk, [*new, (dawn.pk, 0)])) == sorted(new)
    assert tags_of(images[0]) == {"tag:day"}
    assert sorted(tagging.attach_pairs(owner.pk, [*new, (0, keys[0])])) == sorted(new)
    assert tagging.attach_pairs(owner.pk, new) == []
    assert_counts_are_exact(owner)


def test_exact_changes_never_reach_what_is_somebody_elses(owner, other, images, dawn):
    theirs = make_image(other, 99)
    night = tagging.resolve(other, ["night"])[0]
    tagging.add([theirs], [night])
    assert tagging.attach_pairs(owner.pk, [(dawn.pk, theirs.pk), (night.pk, images[0].pk)]) == []
    assert tagging.attach(owner.pk, [theirs.pk], [dawn]) == []
    assert tagging.detach(owner.pk, [theirs.pk], [night]) == []
    assert tagging.detach_pairs(owner.pk, [(night.pk, theirs.pk)]) == []
    assert ImageTag.objects.count() == 1
