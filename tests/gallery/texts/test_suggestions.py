"""Suggestions of a model: each accepted or rejected by the person, in the person's own words."""

import pytest

from gallery import tagging
from gallery.models import Assist, ImageTag, ImageText, Tag
from gallery.texts import suggestions
from providers.base import Description, TagSuggestion
from tests.gallery.tagging.test_tagging import make_image


def seen(*tags):
    made = tuple(TagSuggestion(kind=kind, name=name, confidence=0.5) for kind, name in tags)
    return Description(caption="A panda.", tags=made)


@pytest.fixture
def image(owner):
    return make_image(owner, 1)


@pytest.fixture
def assist(owner, image):
    answer = suggestions.answer_of(
        owner, seen(("tag", "lamp"), ("tag", "rain, heavy"), ("character", "Mirel"))
    )
    return Assist.objects.create(owner=owner, image=image, purpose="describe", answer=answer, is_open=True)


def names(image):
    return sorted(tag.name for tag in image.tags.all())


def test_names_become_the_owners_own(owner, other):
    mirel, alias = tagging.resolve(owner, ["character:Mirel", "character:Mimi"])
    tagging.merge(alias, mirel)
    tagging.resolve(other, ["chat:Night"])
    answer = suggestions.answer_of(
        owner, seen(("character", "MIMI"), ("tag", "mirel"), ("chat", "Night"), ("tag", "\u200e"))
    )
    assert [(tag["kind"], tag["name"], tag["is_new"]) for tag in answer["tags"]] == [
        ("character", "Mirel", False),
        ("chat", "Night", True),
    ]


def test_accepted_tag_is_on_the_picture_and_waits_no_longer(assist, image):
    assert suggestions.accept(assist, image, lambda index: index == 1) == 1
    assert names(image) == ["rain, heavy"]
    assert ImageTag.objects.get().origin == "suggestion"
    assert [each.name for each in suggestions.waiting(assist, list(image.tags.all()))] == ["lamp", "Mirel"]


def test_rejected_tag_is_gone_for_good(assist, image):
    suggestions.reject(assist, lambda index: index == 0)
    suggestions.accept(assist, image, lambda index: True)
    assert names(image) == ["Mirel", "rain, heavy"]
    assert not Tag.objects.filter(name="lamp").exists()


def test_accepting_twice_adds_nothing(assist, image):
    assert suggestions.accept(assist, image, lambda index: True) == 3
    assert suggestions.accept(assist, image, lambda index: True) == 0


def test_tag_that_the_picture_has_already_does_not_wait(owner, assist, image):
    tags = tagging.resolve(owner, ["lamp"])
    assert [each.name for each in suggestions.waiting(assist, tags)] == ["rain, heavy", "Mirel"]


def test_caption_becomes_the_title(assist, image):
    suggestions.use_caption(assist, image, "title")
    image.refresh_from_db()
    assert image.title == "A panda"
    assert "panda" in ImageText.objects.get(image=image).words


def test_caption_is_added_to_the_notes(assist, image):
    image.notes = "Mine."
    suggestions.use_caption(assist, image, "notes")
    image.refresh_from_db()
    assert image.notes == "Mine.\n\nA panda."


def test_long_caption_is_cut_at_a_word_for_the_title(assist, image):
    assist.answer["caption"] = "word " * 80
    suggestions.use_caption(assist, image, "title")
    assert len(image.title) <= 200
    assert image.title.endswith("word…")
