"""What a few letters lead to, of the person's own things and of nobody else's."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from gallery import tagging
from gallery.models import Tag, TagCount
from gallery.navigation import commands, palette, shortcuts
from gallery.search import savedsearches
from tests.gallery.views.test_images import add_image

HTMX = {"HX-Request": "true"}


def texts(owner, asked):
    return [option.text for option in palette.options(owner, asked)]


def make(owner, *specs):
    return tagging.resolve(owner, list(specs))


def test_nothing_typed_offers_the_first_things_to_do_the_pinned_cast_and_the_pages(owner):
    (mira,) = make(owner, "character:Mira")
    Tag.objects.filter(pk=mira.pk).update(pinned=True)
    found = texts(owner, "  ")
    assert found[:4] == ["Add images", "Import", "Generate", "Generate with Mira"]
    assert "Queue" in found


def test_first_letters_of_a_pinned_character_generate_with_them(owner):
    mira, _ = make(owner, "character:Mira Vale", "character:Milo")
    Tag.objects.filter(pk=mira.pk).update(pinned=True)
    first = palette.options(owner, "va")[0]
    assert first.text == "Generate with Mira Vale"
    assert first.url == "/add/generate/?tags=character%3A%22Mira+Vale%22"


def test_tags_say_what_they_are_and_how_many_images_they_have(owner):
    make(owner, "character:Mira", "look:Mira:court", "tag:midnight")
    found = {option.text: option.note for option in palette.options(owner, "mi")}
    assert found["Mira"] == "Character, 0 images"
    assert found["Mira: court"] == "Look, 0 images"
    assert found["midnight"] == "Tag, 0 images"
    assert found["Generate with Mira"] == "Action"


def test_saved_searches_recent_images_and_pages_are_found_by_their_words(owner):
    savedsearches.create(owner, name="Rain at night", query="tag:rain")
    image = add_image(owner, 1, title="Nightfall in the wood")
    found = {option.text: option.url for option in palette.options(owner, "night")}
    assert found["Rain at night"] == "/?q=tag%3Arain"
    assert found["Nightfall in the wood"] == reverse("image", args=[image.public_id])
    assert found["Search for “night”"] == "/?q=night"
    assert texts(owner, "que")[0] == "Queue"
    assert "Costs" in texts(owner, "MONEY")


def test_a_sensitive_image_is_blurred_as_elsewhere(owner_client, owner):
    add_image(owner, 1, title="Night one", sensitive=True)
    add_image(owner, 2, title="Night two")
    text = owner_client.get(reverse("commands"), {"q": "night"}, headers=HTMX).content.decode()
    marks = {name: part for part, name in re.findall(r'class="(ava[^"]*)".*?class="trunc">([^<]*)<', text)}
    assert marks == {"Night one": "ava dim", "Night two": "ava"}


def test_looks_of_a_character_come_with_it_the_most_used_first(owner):
    make(owner, "character:Mira", *(f"look:Mira:{name}" for name in ("court", "rain", "snow", "night")))
    worn = Tag.objects.get(name="snow")
    TagCount.objects.filter(tag=worn).update(n=3)
    Tag.objects.filter(name="court").update(alias_of=worn)
    found = [text for text in texts(owner, "mira") if text.startswith("Mira: ")]
    assert found[0] == "Mira: snow"
    assert "Mira: court" not in found


def test_images_in_the_trash_are_not_offered(owner):
    add_image(owner, 1, title="Nightfall", trashed_at=timezone.now() - timedelta(days=1))
    assert texts(owner, "nightfall") == ["Search for “nightfall”"]


def test_nobody_finds_what_belongs_to_others(owner, other):
    (tag,) = make(other, "character:Nightjar")
    Tag.objects.filter(pk=tag.pk).update(pinned=True)
    savedsearches.create(other, name="Night", query="tag:night")
    add_image(other, 2, title="Nightfall")
    assert texts(owner, "night") == ["Search for “night”"]


@pytest.mark.parametrize("asked", ['"', "%", "character:", "a\0b", "\u202e", "x" * 500, "💠", "\\"])
def test_odd_signs_are_answered(owner_client, asked):
    assert owner_client.get(reverse("commands"), {"q": asked}).status_code == 200


def test_a_page_answers_without_script_and_a_fragment_with_it(owner_client):
    page = owner_client.get(reverse("commands"), {"q": "hide"}).content.decode()
    part = owner_client.get(reverse("commands"), {"q": "hide"}, headers=HTMX).content.decode()
    assert "<title>Commands" in page
    assert "<title>" not in part
    assert '<form method="post" action="/hide/">' in page
    assert 'data-use="h"' in part
    assert "csrfmiddlewaretoken" in part


def test_keys_stand_beside_what_they_do_unless_they_are_switched_off(owner):
    assert palette.options(owner, "queue")[0].strokes == ["G", "Q"]
    owner.single_keys = False
    (queue, *_) = palette.options(owner, "queue")
    assert (queue.strokes, queue.note) == ([], "Page")


def test_a_theme_is_chosen_where_one_is_and_the_language_stays(owner_client, owner):
    owner.language = "de"
    owner.save()
    dark = next(option for option in palette.options(owner, "dark"))
    with translation.override("en"):  # which the view changes, for the rest of its answer
        response = owner_client.post(dark.url, dark.fields | {"next": "/queue/"})
    owner.refresh_from_db()
    assert (response.status_code, response.url) == (302, "/queue/")
    assert (owner.language, response.cookies["theme"].value) == ("de", "dark")


def test_the_number_of_queries_does_not_grow(owner):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            palette.options(owner, "mi")
        return len(asked)

    make(owner, *(f"character:Mi{number}" for number in range(3)))
    add_image(owner, 9, title="Mi 9")
    few = queries()
    make(owner, *(f"character:Mi{number}" for number in range(3, 23)))
    for number in range(5):
        add_image(owner, number, title=f"Mi {number}")
    assert queries() == few <= 10


def test_every_command_leads_somewhere_and_names_a_key_that_is_listed(owner_client):
    known = {shortcut.key for shortcut in shortcuts.SHORTCUTS}
    for command in (*commands.DEEDS, *commands.PAGES):
        assert owner_client.get(reverse(command.route)).status_code in (200, 302, 405), command.text
        assert not command.key or command.key in known


def test_a_tag_called_by_its_name_offers_what_else_can_be_done_with_it(owner):
    make(owner, "character:Mira", "character:Miranda")
    found = texts(owner, "Mira")
    assert found[:3] == ["Mira", "Add images to Mira", "Edit Mira"]
    assert "Miranda" in found
    assert "Edit Miranda" not in found
