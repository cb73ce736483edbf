import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image as PillowImage

from gallery import ingest, tagging
from gallery.models import Image, Tag
from tests.gallery.api.conftest import is_problem


def file(data, name="fox.png"):
    return SimpleUploadedFile(name, data)


@pytest.fixture
def image(owner, picture):
    return ingest.store(owner, picture(), source="upload", file_name="fox.png", title="A fox").image


# Upload


def test_files_are_added_with_tags_and_title(api, picture):
    form = {
        "file": [file(picture("#111")), file(picture("#222"))],
        "tags": ["character:Mirel", "fox"],
        "title": "Fox",
    }
    response = api.upload("/images", **form)
    assert response.status_code == 201
    body = response.json()
    assert body["errors"] == []
    first = body["items"][0]
    assert (first["title"], first["source"], first["mime_type"]) == ("Fox", "upload", "image/png")
    assert (first["width"], first["height"], first["bytes"]) == (64, 96, len(picture("#111")))
    assert [(tag["kind"], tag["name"]) for tag in first["tags"]] == [("character", "Mirel"), ("tag", "fox")]
    assert Image.objects.count() == 2


def test_a_bad_file_does_not_stop_the_good_ones(api, picture):
    body = api.upload("/images", file=[file(b"not a picture", "a.png"), file(picture())]).json()
    assert len(body["items"]) == 1
    assert [error["name"] for error in body["errors"]] == ["a.png"]
    assert all(body["errors"][0][part] for part in ("code", "message"))


def test_an_upload_of_which_nothing_can_be_used_is_a_problem(api):
    body = is_problem(api.upload("/images", file=file(b"not a picture", "a.png")), 422, "file")
    assert body["items"] == []
    assert (body["errors"][0]["name"], body["errors"][0]["code"]) == ("a.png", "unsupported_type")


def test_a_duplicate_gets_the_tags(api, image, picture):
    body = api.upload("/images", file=file(picture()), tags="fox").json()
    assert body["items"][0]["id"] == str(image.public_id)
    assert [tag["name"] for tag in body["items"][0]["tags"]] == ["fox"]


@pytest.mark.parametrize("form", [{}, {"title": "no file"}, {"file": "text instead of a file"}])
def test_an_upload_without_a_file_says_so(api, form):
    is_problem(api.upload("/images", **form), 422, "file")


def test_an_upload_as_json_says_what_to_send(api):
    is_problem(api.post("/images", {"file": "x"}), 422, "file")


def test_tags_that_cannot_be_are_named_before_anything_is_stored(api, picture):
    is_problem(api.upload("/images", file=file(picture()), tags="x" * 300), 422)
    is_problem(api.upload("/images", file=file(picture()), tags="x" * 150), 422, "tags")
    is_problem(api.upload("/images", file=file(picture()), title="x" * 201), 422)
    assert not Image.objects.exists()


def test_a_body_that_is_cut_off_is_an_error(api, picture):
    whole = encode_multipart(BOUNDARY, {"file": file(picture(size=(400, 400)))})
    response = api.send("POST", "/images", whole[: len(whole) // 2], content_type=MULTIPART_CONTENT)
    is_problem(response, response.status_code)
    assert response.status_code in {400, 422}
    assert not Image.objects.exists()


def test_a_multipart_body_without_boundary_is_a_problem(api):
    is_problem(api.send("POST", "/images", b"x", content_type="multipart/form-data"), 400)


def test_too_many_fields_are_a_problem(api, picture):
    form = {f"field{number}": "1" for number in range(1500)}
    is_problem(api.upload("/images", file=file(picture()), **form), 400)


def test_other_fields_of_a_form_change_nothing(api, owner, other, picture):
    body = api.upload(
        "/images", file=file(picture()), owner=other.pk, storage_key="x", favorite="true"
    ).json()
    image = Image.objects.get()
    assert (image.owner, image.favorite) == (owner, False)
    assert image.storage_key.startswith(f"uploaded/{owner.pk}/")
    assert body["items"][0]["id"] == str(image.public_id)


# Reading


def test_a_picture_tells_everything_the_contract_names(api, image):
    body = api.get(f"/images/{image.public_id}").json()
    assert body.keys() == {
        "id", "title", "notes", "source", "source_url", "mime_type", "width", "height", "bytes", "sha256",
        "created_at", "prompt", "prompt_sent", "revised_prompt", "negative_prompt", "provider", "profile",
        "model", "seed", "params", "cost_usd", "cost_source", "rating", "favorite", "sensitive", "tags",
        "generation_id", "parent_id", "thumbnail_url", "original_url", "trashed_at",
    }  # fmt: skip
    assert (body["title"], body["sha256"], body["trashed_at"]) == ("A fox", image.sha256, None)
    assert body["created_at"].endswith("Z")


def fetched(response):
    return response.getvalue() if response.streaming else response.content


def test_the_addresses_of_a_picture_work_with_the_token(api, image, picture):
    body = api.get(f"/images/{image.public_id}").json()
    original = api.client.get(body["original_url"], headers=api.headers)
    assert fetched(original) == picture()
    assert original.headers["Content-Type"] == "image/png"
    thumbnail = api.client.get(body["thumbnail_url"], headers=api.headers)
    assert max(PillowImage.open(io.BytesIO(fetched(thumbnail))).size) <= 320


@pytest.mark.parametrize(("size", "longest"), [(1, 320), (320, 320), (321, 1280), (5000, 1280)])
def test_a_thumbnail_has_the_size_that_is_at_least_asked(api, owner, picture, size, longest):
    image = ingest.store(owner, picture(size=(1400, 700)), source="upload").image
    response = api.get(f"/images/{image.public_id}/thumbnail", size=size)
    assert max(PillowImage.open(io.BytesIO(fetched(response))).size) == longest


@pytest.mark.parametrize("size", ["0", "-1", "big"])
def test_the_size_of_a_thumbnail_is_checked(api, image, size):
    is_problem(api.get(f"/images/{image.public_id}/thumbnail", size=size), 422, "size")


def test_bytes_come_in_ranges_and_not_at_all_to_head(api, image, picture):
    path = f"/api/v1/images/{image.public_id}/original"
    part = api.client.get(path, headers=api.headers | {"range": "bytes=0-3"})
    assert (part.status_code, fetched(part)) == (206, picture()[:4])
    head = api.client.head(path, headers=api.headers)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(picture())))


def test_a_file_that_is_gone_is_not_found(api, image):
    from django.core.files.storage import default_storage

    default_storage.delete(image.storage_key)
    is_problem(api.get(f"/images/{image.public_id}/original"), 404)


# Lists


@pytest.fixture
def library(owner, picture):
    """Three pictures, the first and the last tagged "fox"."""
    tags = tagging.resolve(owner, ["fox"])
    return [
        ingest.store(
            owner, picture(color), source="upload", title=color, tags=tags if color != "#222" else ()
        ).image
        for color in ("#111", "#222", "#333")
    ]


def titles(api, **query):
    return [item["title"] for item in api.get("/images", **query).json()["items"]]


def test_a_list_is_searched_and_sorted(api, library):
    assert titles(api) == ["#333", "#222", "#111"]
    assert titles(api, q="tag:fox") == ["#333", "#111"]
    assert titles(api, q="-tag:fox") == ["#222"]
    assert titles(api, sort="oldest") == ["#111", "#222", "#333"]
    is_problem(api.get("/images", sort="owner"), 422, "sort")


def test_a_list_leaves_out_the_trash_and_other_users(api, foreign, library):
    tagging.trash([library[0]])
    assert titles(api) == ["#333", "#222"]
    assert titles(foreign) == []


def test_pages_follow_each_other(api, library):
    first = api.get("/images", limit=2).json()
    second = api.get("/images", limit=2, after=first["next"]).json()
    assert [item["title"] for item in first["items"] + second["items"]] == ["#333", "#222", "#111"]
    assert second["next"] is None
    is_problem(api.get("/images", sort="oldest", after=first["next"]), 400)
    is_problem(api.get("/images", after="made up"), 400)


@pytest.mark.parametrize("q", ["(((", '"', "tag:", "x" * 1900, "-", "is:nothing", "\u0000"])
def test_no_search_is_an_error_of_the_server(api, library, q):
    assert api.get("/images", q=q).status_code in {200, 422}


@pytest.mark.parametrize("rows", [10, 20])
def test_a_list_costs_the_same_however_long(api, owner, rows, django_assert_max_num_queries, library):
    template = Image.objects.values().first() | {"id": None}
    for number in range(rows):
        fresh = {
            "public_id": Image().public_id,
            "sha256": f"{number:064}",
            "storage_key": f"uploaded/{number}",
        }
        Image.objects.create(**template | fresh)
    tagging.add(Image.objects.all(), tagging.resolve(owner, ["a", "b", "c"]))
    with django_assert_max_num_queries(7):
        page = api.get("/images", limit=200, q="tag:a").json()
    assert len(page["items"]) == rows + 3


# Changes


def test_a_picture_is_changed(api, image):
    change = {"title": "Vixen", "notes": "In snow", "rating": 4, "favorite": True}
    body = api.patch(f"/images/{image.public_id}", change).json()
    assert {name: body[name] for name in change} == change
    assert titles(api, q="vixen") == ["Vixen"]
    assert titles(api, q="is:favourite") == ["Vixen"]


def test_tags_are_added_and_removed(api, image):
    api.patch(f"/images/{image.public_id}", {"add_tags": ["character:Mirel", "fox"]})
    body = api.patch(
        f"/images/{image.public_id}", {"add_tags": ["snow"], "remove_tags": ["fox", "unknown"]}
    ).json()
    assert [tag["name"] for tag in body["tags"]] == ["Mirel", "snow"]
    assert not Tag.objects.filter(name="unknown").exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rating": 6}, "rating"),
        ({"rating": -1}, "rating"),
        ({"title": "x" * 201}, "title"),
        ({"favorite": "perhaps"}, "favorite"),
        ({"add_tags": ["x" * 150]}, "add_tags"),
        ({"owner": 1}, "owner"),
        ({"storage_key": "x"}, "storage_key"),
        ({"cost_usd": "0"}, "cost_usd"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "created_at"),
    ],
)
def test_what_cannot_be_changed_is_named(api, image, change, field):
    is_problem(api.patch(f"/images/{image.public_id}", change | {"notes": "new"}), 422, field)
    image.refresh_from_db()
    assert image.notes == ""


def test_a_deleted_picture_is_in_the_trash(api, image):
    assert api.delete(f"/images/{image.public_id}").status_code == 204
    assert api.get(f"/images/{image.public_id}").json()["trashed_at"].endswith("Z")
    assert titles(api) == []
    assert api.delete(f"/images/{image.public_id}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/original"), ("GET", "/thumbnail")],
)
def test_a_foreign_picture_does_not_exist(foreign, stranger, reader, image, method, path):
    is_problem(foreign.send(method, f"/images/{image.public_id}{path}", {}), 404)
    is_problem(stranger.send(method, f"/images/{image.public_id}{path}", {}), 401)
    assert reader.send(method, f"/images/{image.public_id}{path}", {}).status_code == (
        200 if method == "GET" else 403
    )
    image.refresh_from_db()
    assert image.trashed_at is None


def test_a_file_that_is_too_big_is_a_problem_of_its_size(api, picture, settings):
    settings.MAX_UPLOAD_BYTES = 10
    assert is_problem(api.upload("/images", file=file(picture())), 413, "file")["code"] == "too_big"


def test_a_file_counts_whatever_its_part_is_called(api, picture):
    assert len(api.upload("/images", image=file(picture())).json()["items"]) == 1
