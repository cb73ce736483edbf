"""Tags that fit what was begun, at any size of library."""

import pytest

from gallery import tagging
from gallery.models import Tag, TagWord
from gallery.tagging import aliases, autocomplete
from tests.gallery.tagging.test_tagging import make_image


@pytest.fixture
def images(owner):
    return [make_image(owner, number) for number in range(6)]


def names(owner, text, **more):
    return [found.tag.full_name for found in tagging.suggest(owner, text, **more)]


def test_suggest_finds_any_word_by_its_beginning_most_used_first(owner, other, images):
    tags = tagging.resolve(owner, ["character:Mirel Vane", "misty morning", "vanilla", "character:Évan"])
    tagging.resolve(other, ["vantage"])
    tagging.add(images[:2], tags[2:3])
    tagging.add(images[:3], tags[:1])
    assert [found.tag.name for found in tagging.suggest(owner, "VAN")] == ["vanilla", "Mirel Vane"]
    assert [found.tag.name for found in tagging.suggest(owner, "eva")] == ["Évan"]
    assert [found.n for found in tagging.suggest(owner, "mi")] == [3, 0]
    assert [found.tag.name for found in tagging.suggest(owner, "character:v")] == ["Mirel Vane"]
    assert [found.tag.name for found in tagging.suggest(owner, "v", kinds=["tag"])] == ["vanilla"]


def test_suggest_puts_the_tag_of_this_very_name_first(owner, images):
    tagging.add(images, tagging.resolve(owner, ["portrait", "portal"]))
    tagging.resolve(owner, ["Pört", "character:Port"])
    found = tagging.suggest(owner, "port")
    assert [(each.tag.name, each.exact) for each in found[:3]] == [
        ("Port", True), ("Pört", True), ("portal", False),
    ]  # fmt: skip
    aliases.replace(found[0].tag, ["por"])
    assert [(each.alias, each.exact) for each in tagging.suggest(owner, "por")][0] == ("por", True)


def test_suggest_shows_a_tag_once_and_says_which_spelling_matched(owner, images):
    woods, forest = tagging.resolve(owner, ["woods", "forest"])
    tagging.add(images, [forest])
    tagging.merge(woods, forest)
    (found,) = tagging.suggest(owner, "wo")
    assert (found.tag, found.n, found.alias) == (forest, 6, "woods")
    assert [found.alias for found in tagging.suggest(owner, "")] == [""]


@pytest.mark.parametrize("text", ["%", "_", "\0", '"', "\\", "x" * 5000])
def test_suggest_takes_signs_literally(owner, text):
    tagging.resolve(owner, ["rain"])
    found = tagging.suggest(owner, text)
    assert [suggestion.tag.name for suggestion in found] == (["rain"] if text in ("\0", '"') else [])


def test_suggest_finds_every_word_whatever_stands_between(owner):
    tagging.resolve(owner, ["long_hair", "Re:Zero", "(Ginkgo) leaf", "🎃"])
    assert names(owner, "hair") == names(owner, "long h") == ["long_hair"]
    assert names(owner, "re:z") == names(owner, "zero") == ["Re:Zero"]
    assert names(owner, "ginkgo le") == ["(Ginkgo) leaf"]
    assert names(owner, "🎃") == ["🎃"]


def test_suggest_finds_the_looks_of_a_character(owner):
    tagging.resolve(owner, ["look:Mirel:winter cloak", "look:Ash:winter coat", "character:Miri"])
    tagging.merge(*tagging.resolve(owner, ["character:Miri", "character:Mirel"]))
    for text in ("mirel:w", "Miri:clo", "look:mirel:", "look:clo"):
        assert names(owner, text) == ["Mirel: winter cloak"]
    assert names(owner, "winter") == ["Mirel: winter cloak", "Ash: winter coat"]


def test_suggest_knows_what_became_of_a_name(owner):
    rain, snow = tagging.resolve(owner, ["rain", "snow"])
    tagging.rename(rain, "drizzle")
    assert (names(owner, "rain"), names(owner, "driz")) == ([], ["drizzle"])
    tagging.change_kind(rain, "chat")
    assert (names(owner, "tag:driz"), names(owner, "chat:driz")) == ([], ["drizzle"])
    aliases.replace(rain, ["mist"])
    tagging.merge(rain, snow)
    assert names(owner, "driz") == names(owner, "mist") == ["snow"]
    tagging.delete(snow)
    assert not TagWord.objects.exists()


def test_suggest_finds_tags_that_were_made_many_at_once(owner):
    tags = Tag.objects.bulk_create(Tag(owner=owner, name=n, folded=n, slug=n) for n in ("rain", "snow"))
    assert names(owner, "ra") == ["rain"]
    assert len(tags) == 2


def test_of_many_that_begin_alike_the_most_used_come_first(owner, images, monkeypatch):
    monkeypatch.setattr(autocomplete, "COMPARED", 5)
    monkeypatch.setattr(autocomplete, "FAVOURITES", 4)
    tagging.resolve(owner, [f"lamp {letter}" for letter in "abcdefghij"])
    last, alias, inner, street = tagging.resolve(owner, ["lamp z", "lamppost", "a lamp", "street light"])
    tagging.resolve(owner, ["lamp"])
    tagging.add(images[:3], [last, inner])
    tagging.add(images, [street])
    tagging.merge(alias, street)
    assert names(owner, "lamp", limit=4) == ["lamp", "street light", "lamp z", "lamp a"]
    assert "a lamp" in names(owner, "lamp", limit=50)


def test_suggest_takes_few_queries(owner, images, monkeypatch, django_assert_max_num_queries):
    tags = tagging.resolve(owner, [f"tag {n}" for n in range(20)])
    with django_assert_max_num_queries(2):
        assert len(tagging.suggest(owner, "tag")) == 8
    monkeypatch.setattr(autocomplete, "COMPARED", 5)
    with django_assert_max_num_queries(5):
        assert len(tagging.suggest(owner, "tag")) == 8
    with django_assert_max_num_queries(11):
        tagging.add(images, tags)
