import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gallery.imports import importing
from gallery.models import Import, Tag
from tests.gallery.api.conftest import is_problem


def archive(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(name.replace("_", "."), data)
    return SimpleUploadedFile("holiday.zip", file.getvalue())


def test_addresses_become_a_job(api):
    body = {"urls": ["https://example.com/a.png", "https://example.com/b.png"], "tags": ["character:Mirel"]}
    response = api.post("/imports", body)
    assert response.status_code == 202
    made = response.json()
    assert (made["status"], made["done"], made["total"]) == ("queued", 0, 2)
    assert (made["images"], made["errors"], made["finished_at"]) == ([], [], None)
    assert Import.objects.get().tags.get().spec == "character:Mirel"


def test_an_archive_becomes_a_job_that_reports_pictures_and_errors(api, picture):
    files = archive(a_png=picture("#111"), b_png=b"no picture")
    response = api.upload("/imports", archive=files, tags=["holiday"])
    assert (response.status_code, response.json()["archive"]) == (202, "holiday.zip")
    importing.run(Import.objects.get().pk)
    body = api.get(f"/imports/{response.json()['id']}").json()
    assert (body["status"], body["done"], body["total"]) == ("done", 2, 2)
    assert api.client.get(body["images"][0]["original_url"], headers=api.headers).status_code == 200
    assert body["errors"][0]["name"] == "b.png"
    assert all(body["errors"][0][part] for part in ("code", "message"))
    assert [item["tags"][0]["name"] for item in api.get("/images").json()["items"]] == ["holiday"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "urls"),
        ({"urls": []}, "urls"),
        ({"urls": [" "]}, "urls"),
        ({"urls": "https://example.com/a.png"}, "urls"),
        ({"urls": ["https://example.com/" + "x" * 2000]}, "urls"),
        ({"urls": [f"https://example.com/{number}" for number in range(501)]}, "urls"),
        ({"urls": ["https://example.com"], "tags": ["x" * 150]}, "tags"),
        ({"urls": ["https://example.com"], "owner": 1}, "owner"),
        ({"urls": [3]}, "urls"),
    ],
)
def test_a_list_that_cannot_be_imported_is_refused(api, body, field):
    is_problem(api.post("/imports", body), 422, field)
    assert not Import.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", '"a"', b"\xff"])
def test_a_body_that_is_no_object_is_a_problem(api, body):
    response = api.send("POST", "/imports", body)
    is_problem(response, 422)


def test_a_file_that_is_no_archive_is_refused_and_leaves_no_tags(api):
    form = {"archive": SimpleUploadedFile("a.zip", b"no archive"), "tags": "new"}
    assert is_problem(api.upload("/imports", **form), 422, "archive")["code"]
    assert not Tag.objects.exists()
    assert not Import.objects.exists()


def test_a_form_without_a_file_says_so(api):
    is_problem(api.upload("/imports", tags="a"), 422, "archive")


def test_a_foreign_import_does_not_exist(api, foreign, stranger, reader):
    public_id = api.post("/imports", {"urls": ["https://example.com/a.png"]}).json()["id"]
    assert reader.get(f"/imports/{public_id}").status_code == 200
    is_problem(foreign.get(f"/imports/{public_id}"), 404)
    is_problem(stranger.get(f"/imports/{public_id}"), 401)
    is_problem(reader.post("/imports", {"urls": ["https://example.com/a.png"]}), 403)
