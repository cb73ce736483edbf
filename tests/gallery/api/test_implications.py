import pytest

from gallery import tagging
from gallery.tagging import implications
from tests.gallery.api.conftest import is_problem
from tests.gallery.tagging.test_tagging import count_of, make_image


@pytest.fixture
def dawn(owner):
    return tagging.resolve(owner, ["dawn"])[0]


@pytest.fixture
def morning(owner):
    return tagging.resolve(owner, ["morning"])[0]


def test_what_a_tag_brings_is_set_and_applied(api, owner, dawn, morning):
    tagging.add([make_image(owner, 1), make_image(owner, 2)], [dawn])
    wish = {"tags": [str(morning.public_id)]}
    path = f"/tags/{dawn.public_id}/implications"
    body = api.send("PUT", path, wish).json()
    assert ([item["name"] for item in body["items"]], body["lacking"]) == (["morning"], 2)
    body = api.send("PUT", path, wish | {"apply": True}).json()
    assert (body["lacking"], count_of(morning)) == (0, 2)
    assert api.get(path).json() == body
    assert api.send("PUT", path, {"tags": []}).json()["items"] == []


def test_circles_and_foreign_tags_are_refused(api, other, dawn, morning):
    implications.add(dawn, morning)
    theirs = tagging.resolve(other, ["night"])[0]
    path = f"/tags/{morning.public_id}/implications"
    for tag in (dawn, morning, theirs):
        is_problem(api.send("PUT", path, {"tags": [str(tag.public_id)]}), 422, "tags")
    assert not implications.of(morning).exists()


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_foreign_tag_does_not_exist(foreign, stranger, reader, dawn, method):
    path, wish = f"/tags/{dawn.public_id}/implications", {"tags": []} if method == "PUT" else None
    is_problem(foreign.send(method, path, wish), 404)
    is_problem(stranger.send(method, path, wish), 401)
    assert reader.send(method, path, wish).status_code == (403 if wish else 200)
