import pytest

from gallery.api import problems
from tests.gallery.api.conftest import is_problem


def test_an_address_that_does_not_exist_is_a_problem(api):
    is_problem(api.get("/nothing"), 404)
    is_problem(api.get("/profiles/not-an-id"), 404)


def test_an_address_outside_a_version_is_a_problem(client, db):
    response = client.get("/api/nothing")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == problems.CONTENT_TYPE


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(api):
    response = api.send("PUT", "/tags", {})
    body = is_problem(response, 405)
    assert "GET" in response.headers["Allow"]
    assert "PUT" in body["detail"]


@pytest.mark.parametrize("body", ["{", "", "[]", '"name"', "null", "3", b"\xff\xfe", "{" * 5000])
def test_a_body_that_is_no_object_is_a_problem(api, body):
    response = api.send("POST", "/tags", body)
    assert response.status_code in {400, 422}
    is_problem(response, response.status_code)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a", "owner": 1}, "owner"),
        ({"name": "x" * 300}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "a", "description": "\ud800"}, "description"),
        ({"name": 7}, "name"),
        ({"name": "a", "kind": "album"}, "kind"),
        ({"name": "a", "aliases": ["b", ""]}, "aliases"),
        ({"name": "a", "color": "red"}, "color"),
    ],
)
def test_bad_input_names_the_field(api, body, field):
    is_problem(api.post("/tags", body), 422, field)


def test_a_body_that_is_too_big_is_a_problem(api):
    is_problem(api.post("/tags", {"name": "x" * 3_000_000}), 413)


@pytest.mark.parametrize("limit", ["0", "201", "2178861124178861124", "-1", "ten"])
def test_the_length_of_a_page_is_bounded(api, limit):
    is_problem(api.get("/tags", limit=limit), 422, "limit")


@pytest.mark.parametrize("cursor", ["x", "W10:1:2", "\x00"])
def test_a_cursor_that_was_made_up_is_a_problem(api, cursor):
    is_problem(api.get("/tags", after=cursor), 400)


def test_a_cursor_of_another_list_is_a_problem(api, owner, profile):
    from gallery.models import ConnectionProfile

    ConnectionProfile.objects.create(owner=owner, name="Two", provider="demo")
    cursor = api.get("/profiles", limit=1).json()["next"]
    is_problem(api.get("/tags", after=cursor), 400)


def test_lookups_cannot_be_smuggled_in(api):
    is_problem(api.get("/tags", owner__password__startswith="p"), 400)


def test_an_unforeseen_error_is_a_problem_and_a_log_line(api, monkeypatch, caplog):
    from gallery.api.v1 import tags

    monkeypatch.setattr(tags, "visible", lambda request: 1 / 0)
    body = is_problem(api.get("/tags"), 500)
    assert "division" not in body["detail"]
    assert "ZeroDivisionError" in caplog.text
