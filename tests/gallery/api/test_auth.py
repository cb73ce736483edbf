from datetime import timedelta

import pytest
from django.utils import timezone

from gallery.models import ApiToken
from tests.gallery.api.conftest import ApiClient, api_of, is_problem


def test_a_token_lets_its_owner_in(api, profile):
    assert [item["name"] for item in api.get("/profiles").json()["items"]] == ["Demo"]


def test_without_a_token_the_answer_says_what_to_send(stranger, db):
    response = stranger.get("/profiles")
    is_problem(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_cookies_count_for_nothing(owner_client):
    is_problem(owner_client.get("/api/v1/profiles"), 401)


def test_an_unknown_token_is_refused(db):
    response = ApiClient("vig_nobody").get("/profiles")
    is_problem(response, 401)
    assert "invalid_token" in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "vig_x", "bearer \x7f\xff"])
def test_other_headers_are_refused(header, stranger, db):
    stranger.headers = {"authorization": header}
    is_problem(stranger.get("/profiles"), 401)


@pytest.mark.parametrize(
    "change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}]
)
def test_a_revoked_or_expired_token_is_refused(api, owner, change):
    ApiToken.objects.update(**change)
    is_problem(api.get("/profiles"), 401)


def test_the_token_of_a_disabled_account_is_refused(api, owner):
    owner.is_active = False
    owner.save()
    is_problem(api.get("/profiles"), 401)


def test_a_read_token_reads(reader, profile):
    assert reader.get(f"/profiles/{profile.public_id}").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_read_token_cannot_write(method, reader, profile):
    path = "/profiles" if method == "POST" else f"/profiles/{profile.public_id}"
    is_problem(reader.send(method, path, {}), 403)


def test_use_is_noted_at_most_once_a_minute(api, owner, django_assert_num_queries):
    api.get("/tags")
    first = ApiToken.objects.get().last_used_at
    assert first
    api.get("/tags")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    api.get("/tags")
    assert ApiToken.objects.get().last_used_at >= first


def test_the_token_decides_who_asks_and_not_the_cookies(owner, other, profile):
    api = api_of(other)
    api.client.force_login(owner)
    assert api.get("/profiles").json()["items"] == []


def test_writing_needs_no_csrf_token(owner):
    from django.test import Client

    api = api_of(owner)
    api.client = Client(enforce_csrf_checks=True)
    assert api.post("/tags", {"name": "portrait"}).status_code == 201
