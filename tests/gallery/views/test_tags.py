import pytest
from django.urls import reverse

from gallery import tagging
from gallery.models import Tag
from tests.gallery.tagging.test_tagging import make_image
from tests.gallery.views.test_images import HTMX, add_image, ids, shown

INDEXES = {"character": "characters", "persona": "personas", "chat": "chats", "tag": "tags"}


def make_tag(owner, spec):
    (tag,) = tagging.resolve(owner, [spec])
    return tag


def url(name, tag):
    return reverse(name, args=[tag.public_id])


@pytest.mark.parametrize(("kind", "name"), INDEXES.items())
def test_index_lists_own_tags_of_its_kind_with_counts(owner_client, owner, other, kind, name):
    add_image(owner, 1, f'{kind}:"Mira Vale"')
    add_image(other, 2, f"{kind}:Foreign")

    page = owner_client.get(reverse(name)).content.decode()

    assert "Mira Vale" in page
    assert "Foreign" not in page
    assert "1 image" in page or '<td class="n">1</td>' in page


@pytest.mark.parametrize("name", INDEXES.values())
def test_empty_index_says_what_the_kind_is_for(owner_client, name):
    assert f"No {name} yet<" in owner_client.get(reverse(name)).content.decode()


def test_filter_finds_names_and_other_spellings(owner_client, owner):
    make_tag(owner, "character:Mira")
    make_tag(owner, "character:Veyra")
    tagging.merge(make_tag(owner, "character:Emberling"), make_tag(owner, "character:Veyra"))

    fragment = owner_client.get("/characters/?q=EMBER", headers=HTMX).content.decode()

    assert "Veyra" in fragment
    assert "Mira" not in fragment
    assert "<html" not in fragment


def test_index_asks_as_many_questions_for_twenty_as_for_ten(
    owner_client, owner, django_assert_max_num_queries
):
    counts = []
    for number in range(20):
        add_image(owner, number, f"character:C{number}")
        if number in (9, 19):
            with django_assert_max_num_queries(9) as queries:
                owner_client.get("/characters/")
            counts.append(len(queries))

    assert counts[0] == counts[1]


def test_page_shows_the_tag_and_its_pictures(owner_client, owner):
    image = add_image(owner, 1, 'character:"Mira Vale", forest')
    add_image(owner, 2, "forest")
    tag = Tag.objects.get(name="Mira Vale")

    response = owner_client.get(tag.get_absolute_url())
    page = response.content.decode()

    assert shown(response) == ids([image])
    assert "/add/generate/?tags=character%3A%22Mira+Vale%22" in page
    assert "/add/upload/?tags=character%3A%22Mira+Vale%22" in page
    assert f"{tag.get_absolute_url()}?q=tag%3Aforest" in page  # often seen with it


def test_page_searches_within_the_tag(owner_client, owner):
    wanted = add_image(owner, 1, 'character:"Mira Vale", forest')
    add_image(owner, 2, 'character:"Mira Vale"')
    add_image(owner, 3, "forest")
    address = Tag.objects.get(name="Mira Vale").get_absolute_url()

    response = owner_client.get(address, {"q": "tag:forest"})

    assert shown(response) == ids([wanted])
    assert f'<form class="search" action="{address}"' in response.content.decode()
    assert "No images match" in owner_client.get(address, {"q": "-tag:forest winter"}).content.decode()


def test_page_asks_as_many_questions_for_twenty_as_for_ten(
    owner_client, owner, django_assert_max_num_queries
):
    counts = []
    for number in range(20):
        add_image(owner, number, f"character:Mira, with{number}")
        if number in (9, 19):
            with django_assert_max_num_queries(22) as queries:
                owner_client.get(Tag.objects.get(name="Mira").get_absolute_url())
            counts.append(len(queries))

    assert counts[0] == counts[1]


def test_old_slugs_and_aliases_lead_to_the_page(owner_client, owner):
    tag = make_tag(owner, "character:Mira")
    alias = make_tag(owner, "character:Mirel")
    tagging.merge(alias, tag)

    assert (
        owner_client.get(reverse("character", args=[tag.public_id, "old-name"])).url == tag.get_absolute_url()
    )
    assert owner_client.get(alias.get_absolute_url()).url == tag.get_absolute_url()


def test_tags_of_somebody_else_do_not_exist(other_client, client, owner):
    tag = make_tag(owner, "character:Mira")

    assert other_client.get(tag.get_absolute_url()).status_code == 404
    assert client.get(tag.get_absolute_url()).url.startswith("/login/")
    for name in ("tag-edit", "tag-delete", "tag-avatar", "tag-pin"):
        assert other_client.post(url(name, tag), {"name": "theirs"}).status_code == 404
        assert client.post(url(name, tag)).url.startswith("/login/")
    assert Tag.objects.get().name == "Mira"


def test_new_makes_a_tag_or_opens_the_one_there_is(owner_client, owner):
    made = owner_client.post("/tags/new/", {"kind": "character", "name": "Mira, the ranger"})
    again = owner_client.post("/tags/new/", {"kind": "character", "name": "MIRA, the ranger"}, follow=True)

    tag = Tag.objects.get(owner=owner)
    assert (tag.kind, tag.name, made.url) == ("character", "Mira, the ranger", tag.get_absolute_url())
    assert "was here already" in again.content.decode()


def test_new_without_a_name_explains_itself(owner_client):
    response = owner_client.post("/tags/new/", {"kind": "chat", "name": " "}, follow=True)

    assert response.redirect_chain[-1][0] == "/chats/"
    assert "A tag needs a name" in response.content.decode()


def test_edit_saves_name_description_colour_and_spellings(owner_client, owner):
    tag = make_tag(owner, "character:Mira")

    response = owner_client.post(
        url("tag-edit", tag),
        {"name": "Mira Vale", "description": "Ranger.", "color": "#8A2A66", "aliases": "Mirel, The Ranger"},
    )

    tag.refresh_from_db()
    assert (tag.name, tag.slug, tag.description, tag.color) == (
        "Mira Vale",
        "mira-vale",
        "Ranger.",
        "#8a2a66",
    )
    assert sorted(tag.aliases.values_list("name", flat=True)) == ["Mirel", "The Ranger"]
    assert response.url == tag.get_absolute_url()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "Veyra"}, "exists already. Merge the two"),
        ({"name": ""}, "A name is needed"),
        ({"name": "Mira", "color": "red"}, "written like #8a2a66"),
        ({"name": "Mira", "aliases": "Veyra"}, "exists already"),
    ],
)
def test_edit_that_cannot_be_answers_422_with_a_sentence(owner_client, owner, data, sentence):
    tag = make_tag(owner, "character:Mira")
    make_tag(owner, "character:Veyra")

    response = owner_client.post(url("tag-edit", tag), data)

    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert set(Tag.objects.values_list("name", flat=True)) == {"Mira", "Veyra"}


def test_delete_asks_first_and_keeps_the_pictures(owner_client, owner):
    image = add_image(owner, 1, "character:Mira")
    tag = Tag.objects.get()

    assert "Its 1 image stays in the gallery" in owner_client.get(url("tag-delete", tag)).content.decode()
    response = owner_client.post(url("tag-delete", tag), follow=True)

    assert "was deleted" in response.content.decode()
    assert not Tag.objects.exists()
    assert shown(owner_client.get("/")) == ids([image])


def test_avatar_is_a_picture_of_ones_own(owner_client, owner, other):
    tag = make_tag(owner, "character:Mira")
    image, foreign = make_image(owner, 1), make_image(other, 2)

    assert owner_client.post(url("tag-avatar", tag), {"image": foreign.public_id}).status_code == 404
    assert owner_client.post(url("tag-avatar", tag), {"image": "nonsense"}).status_code == 404
    owner_client.post(url("tag-avatar", tag), {"image": image.public_id})

    tag.refresh_from_db()
    assert tag.avatar == image
    assert f"{image.public_id.hex}-1280.webp" in owner_client.get(tag.get_absolute_url()).content.decode()


def test_pinned_tags_stand_in_the_side_bar(owner_client, owner):
    tag = make_tag(owner, "character:Mira")
    owner_client.post(url("tag-pin", tag))

    assert "Pinned" in owner_client.get("/queue/").content.decode()
    owner_client.post(url("tag-pin", tag))
    assert "Pinned" not in owner_client.get("/queue/").content.decode()


def test_suggest_gives_own_tags_with_kind_and_count(owner_client, owner, other):
    add_image(owner, 1, 'character:"Mira Vale"')
    make_tag(other, "character:Mirabel")

    answer = owner_client.get("/tags/suggest/", {"q": "mir"}).json()

    assert answer == {
        "items": [
            {
                "kind": "character",
                "name": "Mira Vale",
                "spec": 'character:"Mira Vale"',
                "count": 1,
                "alias": "",
                "exact": False,
            }
        ]
    }


@pytest.mark.parametrize("kind", ["character", "persona", "chat", "tag"])
def test_the_cast_has_a_portrait_even_without_an_avatar(owner_client, owner, kind):
    tag = Tag.objects.create(owner=owner, kind=kind, name="mirel")
    page = owner_client.get(tag.get_absolute_url()).content.decode()
    assert ('aria-hidden="true">M</span>' in page) == (kind in ("character", "persona"))


@pytest.mark.parametrize("kind", ["characters", "personas", "chats", "tags"])
def test_the_field_for_a_new_tag_has_a_label_to_see(owner_client, kind):
    page = owner_client.get(reverse(kind)).content.decode()
    assert '<label class="label" for="new-name">Name</label>' in page
    assert 'id="new-name"' in page
