import io
import zipfile

import pytest

from gallery import bulk, ingest, tagging
from gallery.api.v1 import bulk as endpoint
from gallery.bulk import jobs
from gallery.models import BulkAction, Image, ImageTag, Tag
from tests.gallery.api.conftest import is_problem
from tests.gallery.tagging.test_tagging import make_image


@pytest.fixture
def images(owner):
    return [make_image(owner, number) for number in range(4)]


@pytest.fixture
def theirs(other):
    return make_image(other, 99)


def ids(*images):
    return [str(image.public_id) for image in images]


def test_bulk_tags_pictures_and_says_how_many_changed(api, owner, images):
    tagging.add(images[:1], tagging.resolve(owner, ["forest"]))

    answer = api.post("/images/bulk", {"ids": ids(*images[:3]), "action": "tag", "tags": ["forest"]})

    assert (answer.status_code, answer.json()["matched"], answer.json()["changed"]) == (200, 3, 2)
    assert api.get("/images", q="tag:forest").json()["items"][0]["tags"][0]["name"] == "forest"


def test_bulk_takes_all_that_a_search_finds(api, owner, images):
    tagging.add(images[:2], tagging.resolve(owner, ["forest"]))

    answer = api.post("/images/bulk", {"q": "tag:forest", "action": "trash"}).json()

    assert (answer["matched"], answer["changed"], Image.objects.live().count()) == (2, 2, 2)


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        ({"action": "rate", "rating": 4}, "rating", 4),
        ({"action": "favorite"}, "favorite", True),
        ({"action": "sensitive", "value": True}, "sensitive", True),
    ],
)
def test_the_same_again_changes_nothing(api, images, body, field, expected):
    request = {"ids": ids(images[0]), **body}

    assert [api.post("/images/bulk", request).json()["changed"] for _ in range(2)] == [1, 0]
    assert getattr(Image.objects.get(pk=images[0].pk), field) == expected


def test_restore_brings_back_by_id_and_by_search_in_the_trash(api, images):
    api.post("/images/bulk", {"ids": ids(*images), "action": "trash"})

    one = api.post("/images/bulk", {"ids": ids(images[0]), "action": "restore"}).json()
    rest = api.post("/images/bulk", {"q": "", "action": "restore"}).json()

    assert ((one["matched"], one["changed"]), (rest["matched"], rest["changed"])) == ((1, 1), (3, 3))
    assert not Image.objects.trashed().exists()


def test_pictures_of_others_are_not_matched_and_not_touched(api, images, theirs):
    body = {"ids": ids(images[0], theirs), "action": "tag", "tags": ["mine"]}
    answer = api.post("/images/bulk", body).json()

    assert (answer["matched"], answer["changed"]) == (1, 1)
    assert not ImageTag.objects.filter(image=theirs).exists()


def test_ids_of_others_alone_match_nothing_and_leave_no_tag_of_theirs(api, theirs):
    answer = api.post("/images/bulk", {"ids": ids(theirs), "action": "trash"}).json()

    assert (answer["matched"], answer["changed"], answer["id"]) == (0, 0, None)
    assert Image.objects.live().filter(pk=theirs.pk).exists()


def test_an_unknown_tag_is_not_made_to_be_removed(api, images):
    answer = api.post("/images/bulk", {"ids": ids(*images), "action": "untag", "tags": ["nobody"]}).json()

    assert (answer["matched"], answer["changed"], Tag.objects.exists()) == (4, 0, False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "trash"}, "body"),
        ({"action": "trash", "ids": [], "q": ""}, "body"),
        ({"action": "explode", "q": ""}, "action"),
        ({"action": "tag", "q": ""}, "tags"),
        ({"action": "rate", "q": ""}, "rating"),
        ({"action": "rate", "q": "", "rating": 6}, "rating"),
        ({"action": "trash", "ids": ["1"]}, "ids"),
        ({"action": "trash", "q": "tag:nobody"}, "q"),
        ({"action": "trash", "q": "", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_done_is_a_problem_that_names_the_field(api, images, body, field):
    is_problem(api.post("/images/bulk", body), 422, field)
    assert Image.objects.live().count() == 4


def test_bulk_needs_a_token_that_may_write(stranger, reader, images):
    body = {"ids": ids(*images), "action": "trash"}
    is_problem(stranger.post("/images/bulk", body), 401)
    is_problem(reader.post("/images/bulk", body), 403)
    assert Image.objects.live().count() == 4


def test_what_takes_long_is_followed_and_undone_by_its_id(api, foreign, images, monkeypatch):
    monkeypatch.setattr(endpoint, "SECONDS", -1)
    monkeypatch.setattr(jobs, "CHUNK", 2)
    answer = api.post("/images/bulk", {"q": "", "action": "favorite"})
    assert (answer.status_code, answer.json()["status"], answer.json()["done"]) == (202, "running", 0)
    address = f"/images/bulk/{answer.json()['id']}"

    bulk.run(BulkAction.objects.get().pk)

    assert (api.get(address).json()["status"], api.get(address).json()["changed"]) == ("done", 4)
    is_problem(foreign.get(address), 404)
    is_problem(foreign.post(f"{address}/undo"), 404)
    assert api.post(f"{address}/undo").json()["status"] == "undone"
    assert api.post(f"{address}/undo").json()["status"] == "undone"
    assert not Image.objects.filter(favorite=True).exists()


def test_a_download_is_made_and_fetched_whole_and_in_part(api, foreign, stranger, owner, picture):
    image = ingest.store(owner, picture(), source="upload").image
    made = api.post("/downloads", {"ids": ids(image)})
    path = made.json()["url"].removeprefix("/api/v1")

    data = api.get(path).getvalue()
    rest = api.client.get(f"/api/v1{path}", headers=api.headers | {"range": "bytes=9-"})

    assert (made.status_code, made.json()["images"], made.json()["bytes"]) == (201, 1, len(data))
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.read(file.namelist()[0]) == picture()
    assert (rest.status_code, rest.getvalue()) == (206, data[9:])
    is_problem(foreign.get(path), 404)
    is_problem(stranger.get(path), 401)


def test_a_download_of_nothing_is_a_problem(api, theirs):
    is_problem(api.post("/downloads", {"ids": ids(theirs)}), 422, "ids")
