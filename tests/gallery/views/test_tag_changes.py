import pytest
from django.urls import reverse

from gallery import tagging
from gallery.models import Image, Tag
from gallery.tagging import implications
from tests.gallery.views.test_images import add_image, ids, shown
from tests.gallery.views.test_tags import make_tag, url

CHANGES = ("tag-edit", "tag-merge", "tag-spread", "tag-delete", "tag-pin", "tag-avatar", "fragment-new")


@pytest.mark.parametrize("name", CHANGES)
def test_a_tag_of_somebody_else_cannot_be_changed(other_client, client, owner, name):
    tag = make_tag(owner, "character:Mira")

    assert other_client.get(url(name, tag)).status_code in (404, 405)
    assert other_client.post(url(name, tag), {"into": "Mira", "name": "theirs"}).status_code == 404
    assert client.post(url(name, tag)).url.startswith("/login/")
    assert Tag.objects.get().name == "Mira"


# --- Merging ------------------------------------------------------------------------------------


def test_merge_says_what_would_happen_before_it_does(owner_client, owner):
    for number, names in enumerate(["woods", "woods, forest", "forest", "forest"]):
        add_image(owner, number, names)
    woods, forest = tagging.resolve(owner, ["woods", "forest"])

    plan = owner_client.get(url("tag-merge", woods), {"into": "FOREST"}).content.decode()
    assert "“woods” (2) goes into “forest” (3). 1 image has both, so there will be 4." in plan
    assert Tag.objects.filter(alias_of=None).count() == 2

    assert "cannot be undone" in plan
    done = owner_client.post(url("tag-merge", woods), {"into": "tag:forest"}, follow=True)

    assert done.redirect_chain[-1][0] == forest.get_absolute_url()
    assert "“woods” is another spelling of “forest” now: 4 images." in done.content.decode()


def test_merge_takes_a_name_for_one_of_the_same_kind_first(owner_client, owner):
    mira, _, wren = tagging.resolve(owner, ["character:Mira", "Wren", "character:Wren"])
    assert owner_client.get(url("tag-merge", mira), {"into": "wren"}).context["plan"].into == wren


@pytest.mark.parametrize(
    ("into", "sentence"),
    [
        ("nowhere", "There is no tag “nowhere”"),
        ("woods", "cannot be merged into itself"),
        ("tag:", "needs a name"),
    ],
)
def test_merge_that_cannot_be_says_why(owner_client, owner, into, sentence):
    woods = make_tag(owner, "woods")
    for answer in (
        owner_client.get(url("tag-merge", woods), {"into": into}),
        owner_client.post(url("tag-merge", woods), {"into": into}),
    ):
        assert answer.status_code == 422
        assert sentence in answer.content.decode()


def test_merge_into_the_tag_of_another_person_finds_none(owner_client, owner, other):
    make_tag(other, "forest")
    answer = owner_client.get(url("tag-merge", make_tag(owner, "woods")), {"into": "forest"})
    assert "There is no tag “forest”" in answer.content.decode()


# --- Another kind, what it brings ---------------------------------------------------------------


def test_edit_makes_a_tag_a_look_of_a_character(owner_client, owner):
    cloak, mira = tagging.resolve(owner, ["winter cloak", "character:Mira"])

    missing = owner_client.post(url("tag-edit", cloak), {"name": "winter cloak", "kind": "look"})
    assert "Choose whose look it is" in missing.content.decode()
    wrong = {"name": "winter cloak", "kind": "look", "character": "Nobody"}
    assert (
        "There is no character “Nobody”" in owner_client.post(url("tag-edit", cloak), wrong).content.decode()
    )
    owner_client.post(url("tag-edit", cloak), wrong | {"character": "mira"})

    cloak.refresh_from_db()
    assert (cloak.kind, cloak.parent) == ("look", mira)
    owner_client.post(url("tag-edit", cloak), {"name": "grey cloak", "kind": "look", "character": "Mira"})
    assert Tag.objects.get(pk=cloak.pk).spec == 'look:"Mira:grey cloak"'


def test_edit_keeps_all_or_nothing(owner_client, owner):
    dawn, _ = tagging.resolve(owner, ["dawn", "morning"])

    data = {"name": "sunrise", "description": "Early.", "aliases": "morning"}
    response = owner_client.post(url("tag-edit", dawn), data)

    assert response.status_code == 422
    dawn.refresh_from_db()
    assert (dawn.name, dawn.description) == ("dawn", "")


def test_what_a_tag_brings_is_put_on_older_pictures_when_asked(owner_client, owner):
    add_image(owner, 1, "dawn")
    dawn = Tag.objects.get()

    owner_client.post(url("tag-edit", dawn), {"name": "dawn", "brings": "morning, character:Mira"})
    page = owner_client.get(dawn.get_absolute_url()).content.decode()
    assert [tag.spec for tag in implications.of(dawn)] == ["character:Mira", "tag:morning"]
    assert "Put them on 1 image without" in page

    done = owner_client.post(url("tag-spread", dawn), follow=True).content.decode()
    assert "1 image has what “dawn” brings now." in done
    assert "without</button>" not in done


def test_a_tag_that_somebody_merged_meanwhile_is_left_as_it_is(owner_client, owner):
    dawn, morning = tagging.resolve(owner, ["dawn", "morning"])
    tagging.merge(dawn, morning)

    answer = owner_client.post(url("tag-edit", dawn), {"name": "dawn", "description": "Early."})
    spread = owner_client.post(url("tag-spread", dawn), follow=True)

    assert answer.status_code == 422
    assert "deleted or merged" in answer.content.decode()
    assert spread.redirect_chain[-1][0] == morning.get_absolute_url()
    assert not Tag.objects.exclude(description="").exists()


def test_a_circle_of_implications_is_refused_with_a_sentence(owner_client, owner):
    dawn, morning = tagging.resolve(owner, ["dawn", "morning"])
    implications.add(morning, dawn)

    answer = owner_client.post(url("tag-edit", dawn), {"name": "dawn", "brings": "morning"})

    assert answer.status_code == 422
    assert "That would be a circle" in answer.content.decode()


# --- Looks --------------------------------------------------------------------------------------


def test_looks_stand_on_the_page_of_their_character(owner_client, owner, other_client):
    image = add_image(owner, 1, 'look:"Mira:winter cloak"')
    mira = Tag.objects.get(name="Mira")

    answer = owner_client.post("/tags/new/", {"kind": "look", "parent": mira.public_id, "name": "Court"})
    page = owner_client.get(mira.get_absolute_url())

    court = Tag.objects.get(name="Court")
    assert answer.url == court.get_absolute_url()
    assert [(card.tag.name, card.count) for card in page.context["looks"]] == [
        ("winter cloak", 1),
        ("Court", 0),
    ]
    cloak = owner_client.get(page.context["looks"][0].url)
    assert (page.context["costars"], cloak.context["costars"]) == ([], [])
    assert shown(cloak) == ids([image])
    assert f'Look of <a href="{mira.get_absolute_url()}">Mira</a>' in cloak.content.decode()
    foreign = {"kind": "look", "parent": mira.public_id, "name": "Theirs"}
    assert other_client.post("/tags/new/", foreign).status_code == 404


def test_a_look_without_a_name_leads_back_to_its_character(owner_client, owner):
    mira = make_tag(owner, "character:Mira")
    answer = owner_client.post("/tags/new/", {"kind": "look", "parent": mira.public_id, "name": " "})
    assert answer.url == mira.get_absolute_url()


# --- Deleting -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("pictures", "left"), [("keep", 2), ("", 2), ("trash", 1)])
def test_deleting_a_chat_keeps_its_pictures_unless_told_otherwise(owner_client, owner, pictures, left):
    add_image(owner, 1, "chat:Night")
    add_image(owner, 2, "rain")
    chat = Tag.objects.get(kind="chat")

    asked = owner_client.get(url("tag-delete", chat)).content.decode()
    assert "Keep its image?" in asked
    assert 'value="keep" checked' in asked
    owner_client.post(url("tag-delete", chat), {"pictures": pictures})

    assert Image.objects.live().count() == left
    assert not Tag.objects.filter(kind="chat").exists()


def test_pictures_of_other_kinds_stay_whatever_is_sent(owner_client, owner):
    add_image(owner, 1, "character:Mira")
    owner_client.post(url("tag-delete", Tag.objects.get()), {"pictures": "trash"})
    assert Image.objects.live().count() == 1


def test_deleting_a_look_leads_to_its_character(owner_client, owner):
    look = make_tag(owner, 'look:"Mira:winter cloak"')
    assert owner_client.post(url("tag-delete", look)).url == look.parent.get_absolute_url()


def test_tag_page_adds_up_what_its_pictures_cost(owner_client, owner):
    for number in range(3):
        image = add_image(owner, number, "rain")
        Image.objects.filter(pk=image.pk).update(cost_usd="0.04", trashed_at=None)
    tagging.trash([image])

    page = owner_client.get(Tag.objects.get().get_absolute_url()).content.decode()

    assert f'<a href="{reverse("costs")}?period=all">$0.08</a>' in page
