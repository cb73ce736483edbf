import json

import pytest
from django.test import Client

from gallery.models import ApiToken, ConnectionProfile


class ApiClient:
    """A program with a token: `api.get("/images", q="…")`, `api.post("/tags", {…})`."""

    def __init__(self, token=None):
        self.client = Client()
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    def get(self, path, **query):
        return self.client.get(f"/api/v1{path}", query, headers=self.headers)

    def send(self, method, path, body=None, headers=(), content_type="application/json"):
        data = body if isinstance(body, str | bytes) else json.dumps(body) if body is not None else ""
        return self.client.generic(
            method, f"/api/v1{path}", data, content_type, headers=self.headers | dict(headers)
        )

    def post(self, path, body=None, **headers):
        return self.send(
            "POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )

    def patch(self, path, body):
        return self.send("PATCH", path, body)

    def delete(self, path):
        return self.send("DELETE", path)

    def upload(self, path, **form):
        return self.client.post(f"/api/v1{path}", form, headers=self.headers)


def api_of(user, scope="write"):
    return ApiClient(ApiToken.issue(user, "test", scope)[1])


@pytest.fixture
def api(owner):
    return api_of(owner)


@pytest.fixture
def reader(owner):
    """The owner's own program, with a token that may only read."""
    return api_of(owner, "read")


@pytest.fixture
def foreign(other):
    """Another user's program."""
    return api_of(other)


@pytest.fixture
def stranger():
    return ApiClient()


@pytest.fixture
def profile(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)


def is_problem(response, status, field=None):
    """Assert that `response` is a problem document of that status, about that field."""
    body = response.json()
    assert response.status_code == status, body
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (body["status"], bool(body["title"]), bool(body["detail"])) == (status, True, True)
    if field is not None:
        assert field in [error["field"] for error in body["errors"]], body
        assert all(error["message"] for error in body["errors"])
    return body
