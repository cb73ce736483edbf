import pytest
from django.core.files.uploadedfile import SimpleUploadedFile as File

from gallery import tagging
from gallery.models import Tag
from tests.gallery.api.conftest import is_problem


@pytest.fixture
def mirel(owner):
    return tagging.resolve(owner, ["character:Mirel"])[0]


def test_a_tag_is_created(api):
    body = {
        "kind": "character",
        "name": " Mirel  Vane ",
        "aliases": ["Miri"],
        "description": "Tall.",
        "color": "#8a2a66",
    }
    response = api.post("/tags", body)
    assert response.status_code == 201
    made = response.json()
    assert (made["kind"], made["name"], made["slug"]) == ("character", "Mirel Vane", "mirel-vane")
    assert (made["aliases"], made["image_count"]) == (["Miri"], 0)
    assert (made["avatar"], made["parent"]) == (None, None)


def test_the_kind_may_be_left_out(api):
    assert api.post("/tags", {"name": "portrait"}).json()["kind"] == "tag"


def test_a_colon_stays_part_of_the_name(api):
    assert api.post("/tags", {"name": "persona:Ash", "kind": "tag"}).json()["name"] == "persona:Ash"


def test_the_same_name_is_taken_once_whatever_case_and_accents(api, mirel):
    is_problem(api.post("/tags", {"kind": "character", "name": "MÍREL"}), 409, "name")
    assert api.post("/tags", {"kind": "persona", "name": "Mirel"}).status_code == 201


def test_a_tag_is_changed(api, mirel):
    change = {"name": "Mirel the Tall", "description": "A ranger.", "color": "#112233", "pinned": True}
    body = api.patch(f"/tags/{mirel.public_id}", change).json()
    assert {name: body[name] for name in change} == change
    assert body["slug"] == "mirel-the-tall"


@pytest.mark.parametrize("color", ["red", "#12345", "#1122334", "#gg2233", "#112233\n"])
def test_a_colour_that_is_none_is_refused_in_words(api, mirel, color):
    problem = is_problem(api.patch(f"/tags/{mirel.public_id}", {"color": color}), 422, "color")
    message = problem["errors"][0]["message"]
    assert message == "Write a colour as six digits behind a #, like #8a2a66, or leave it empty."
    assert api.patch(f"/tags/{mirel.public_id}", {"color": ""}).status_code == 200


def test_a_change_leaves_alone_what_is_not_sent(api, mirel):
    api.patch(f"/tags/{mirel.public_id}", {"description": "A ranger.", "aliases": ["Miri"]})
    body = api.patch(f"/tags/{mirel.public_id}", {"color": "#112233"}).json()
    assert (body["description"], body["aliases"], body["name"]) == ("A ranger.", ["Miri"], "Mirel")


def test_aliases_are_the_whole_list(api, mirel):
    api.patch(f"/tags/{mirel.public_id}", {"aliases": ["Miri", "The Tall One"]})
    body = api.patch(f"/tags/{mirel.public_id}", {"aliases": ["miri", "M."]}).json()
    assert body["aliases"] == ["M.", "Miri"]


def test_a_taken_name_or_alias_is_refused(api, mirel):
    api.post("/tags", {"kind": "character", "name": "Ash"})
    is_problem(api.patch(f"/tags/{mirel.public_id}", {"name": "ash"}), 409, "name")
    is_problem(api.patch(f"/tags/{mirel.public_id}", {"aliases": ["ash"]}), 409, "aliases")


def test_a_foreign_picture_cannot_be_the_avatar(api, mirel):
    change = {"avatar": "01940000-0000-7000-8000-000000000000"}
    is_problem(api.patch(f"/tags/{mirel.public_id}", change), 422, "avatar")


def test_tags_are_merged_and_the_other_name_stays_as_alias(api, mirel, owner):
    into = tagging.resolve(owner, ["character:Mirel Vane"])[0]
    body = api.post(f"/tags/{mirel.public_id}/merge", {"into": str(into.public_id)}).json()
    assert (body["name"], body["aliases"]) == ("Mirel Vane", ["Mirel"])
    is_problem(api.get(f"/tags/{mirel.public_id}"), 404)


def test_a_tag_is_not_merged_into_itself_or_a_foreign_one(api, mirel, other):
    theirs = tagging.resolve(other, ["character:Mirel"])[0]
    is_problem(api.post(f"/tags/{mirel.public_id}/merge", {"into": str(mirel.public_id)}), 422, "into")
    is_problem(api.post(f"/tags/{mirel.public_id}/merge", {"into": str(theirs.public_id)}), 404)


def test_a_tag_is_deleted_with_its_aliases(api, mirel):
    api.patch(f"/tags/{mirel.public_id}", {"aliases": ["Miri"]})
    assert api.delete(f"/tags/{mirel.public_id}").status_code == 204
    assert not Tag.objects.exists()


def test_tags_are_found_by_kind_name_and_alias(api, owner, mirel):
    tagging.resolve(owner, ["character:Ash", "persona:Mirabel", "blue hour"])
    api.patch(f"/tags/{mirel.public_id}", {"aliases": ["The Tall One"]})

    def names(**query):
        return [tag["name"] for tag in api.get("/tags", **query).json()["items"]]

    assert names() == ["Ash", "blue hour", "Mirabel", "Mirel"]
    assert names(kind="character") == ["Ash", "Mirel"]
    assert names(q="MIR") == ["Mirabel", "Mirel"]
    assert names(q="tall") == ["Mirel"]
    is_problem(api.get("/tags", kind="album"), 422, "kind")


# --- Looks --------------------------------------------------------------------------------------


@pytest.fixture
def cloak(owner, mirel):
    return tagging.resolve(owner, ["look:Mirel:winter cloak"])[0]


def test_a_look_is_created_under_its_character(api, mirel):
    wish = {"kind": "look", "parent": str(mirel.public_id), "name": "Winter cloak", "aliases": ["cloak"]}
    response = api.post("/tags", wish)
    assert response.status_code == 201
    made = response.json()
    assert (made["kind"], made["name"], made["parent"]) == ("look", "Winter cloak", str(mirel.public_id))
    is_problem(api.post("/tags", wish | {"name": "winter CLOAK"}), 409, "name")
    is_problem(api.post("/tags", wish | {"name": "Cloak"}), 409, "name")
    assert api.get("/tags", kind="look", parent=str(mirel.public_id)).json()["items"] == [made]


def test_a_look_needs_a_character_and_nothing_else_has_one(api, mirel, owner, other):
    (ash,) = tagging.resolve(owner, ["persona:Ash"])
    (theirs,) = tagging.resolve(other, ["character:Ash"])
    look = {"kind": "look", "name": "gown"}
    is_problem(api.post("/tags", look), 422, "parent")
    is_problem(api.post("/tags", look | {"parent": str(ash.public_id)}), 422, "parent")
    is_problem(api.post("/tags", look | {"parent": str(theirs.public_id)}), 422, "parent")
    is_problem(api.post("/tags", look | {"kind": "tag", "parent": str(mirel.public_id)}), 422, "parent")
    is_problem(api.post("/tags", look | {"name": "a:b", "parent": str(mirel.public_id)}), 422, "name")
    assert not Tag.objects.filter(kind="look").exists()


def test_pictures_carry_the_look_and_its_character(api, picture):
    made = api.upload("/images", file=File("a.png", picture()), tags=["look:Mirel:winter cloak"])
    (image,) = made.json()["items"]
    assert [(tag["kind"], tag["name"]) for tag in image["tags"]] == [
        ("character", "Mirel"), ("look", "winter cloak"),
    ]  # fmt: skip
    body = api.patch(f"/images/{image['id']}", {"remove_tags": ["character:Mirel"]}).json()
    assert body["tags"] == []
    body = api.patch(f"/images/{image['id']}", {"add_tags": ['look:"winter cloak"']}).json()
    assert len(body["tags"]) == 2


def test_a_tag_changes_its_kind(api, owner, mirel, cloak):
    (winter,) = tagging.resolve(owner, ["winter"])
    path = f"/tags/{winter.public_id}"
    is_problem(api.patch(path, {"kind": "look"}), 422, "parent")
    body = api.patch(path, {"kind": "look", "parent": str(mirel.public_id), "name": "frost"}).json()
    assert (body["kind"], body["name"], body["parent"]) == ("look", "frost", str(mirel.public_id))
    assert api.patch(path, {"kind": "chat"}).json()["parent"] is None
    is_problem(api.patch(f"/tags/{mirel.public_id}", {"kind": "persona"}), 422, "kind")


# --- Access and pages ---------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/merge")])
def test_a_foreign_tag_does_not_exist(foreign, stranger, mirel, method, path):
    body = {"into": str(mirel.public_id)} if path else {}
    is_problem(foreign.send(method, f"/tags/{mirel.public_id}{path}", body), 404)
    is_problem(stranger.send(method, f"/tags/{mirel.public_id}{path}", body), 401)
    assert Tag.objects.filter(pk=mirel.pk).exists()


def test_a_list_holds_nothing_of_others(foreign, mirel):
    assert foreign.get("/tags").json()["items"] == []


@pytest.mark.parametrize("rows", [10, 20])
def test_a_list_costs_the_same_however_long(api, owner, rows, django_assert_max_num_queries):
    api.get("/tags")
    tagging.resolve(owner, [f"tag {number}" for number in range(rows)])
    with django_assert_max_num_queries(3):
        page = api.get("/tags", limit=200).json()
    assert len(page["items"]) == rows


def test_pages_follow_each_other_by_name(api, owner):
    tagging.resolve(owner, [*"edcba", "character:a"])
    names, after = [], ""
    while after is not None:
        page = api.get("/tags", limit=2, after=after).json()
        names += [item["name"] for item in page["items"]]
        after = page["next"]
    assert names == ["a", "a", "b", "c", "d", "e"]
