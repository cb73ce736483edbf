"""The first account, by its one-time link."""

import pytest
from django.urls import reverse

from gallery.accounts import setup_token
from gallery.models import ConnectionProfile, User

GOOD = {"username": "mira", "password": "correct horse 9", "password_again": "correct horse 9"}


@pytest.fixture
def address(db):
    return reverse("setup", args=[setup_token()])


def test_the_link_makes_the_owner_and_opens_the_gallery(client, address):
    response = client.post(address, GOOD)
    mira = User.objects.get()
    assert response.url == "/"
    assert mira.is_superuser
    assert client.session["_auth_user_id"] == str(mira.pk)


def test_generate_works_at_once_by_the_demo(client, address):
    client.post(address, GOOD)
    demo = ConnectionProfile.objects.get()
    assert (demo.name, demo.provider, demo.is_default) == ("Demo", "demo", True)
    assert "Demo painter" in client.get(reverse("add-generate")).content.decode()


def test_a_used_link_leads_nowhere(client, address):
    client.post(address, GOOD)
    assert client.get(address).status_code == 404
    assert client.post(address, GOOD | {"username": "second"}).status_code == 404
    assert User.objects.count() == 1


def test_a_wrong_link_leads_nowhere(client, db):
    assert client.get(reverse("setup", args=["0" * 40])).status_code == 404
    assert client.post(reverse("setup", args=["é"]), GOOD).status_code == 404
    assert not User.objects.exists()


def test_with_an_account_there_is_no_setup(client, owner):
    assert client.get(reverse("setup", args=[setup_token()])).status_code == 404


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "123", "password_again": "123"}, "too short"),
        ({"password": "password1", "password_again": "password1"}, "too common"),
        (
            {"username": "correct-horse", "password": "correct-horse", "password_again": "correct-horse"},
            "too similar",
        ),
        ({"password_again": "another"}, "The two passwords differ."),
        ({"username": ""}, "required"),
        ({"username": "no spaces"}, "valid username"),
    ],
)
def test_what_cannot_be_is_said_in_place(client, address, changes, sentence):
    response = client.post(address, GOOD | changes)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert GOOD["password"] not in page
    assert not User.objects.exists()
