"""The set-up: the first account by its one-time link, the store, and a provider."""

import pytest
from django.urls import reverse

from gallery.accounts import setup_token
from gallery.files import storage
from gallery.models import ConnectionProfile, User
from providers.base import CheckResult

GOOD = {"username": "mira", "password": "correct horse 9", "password_again": "correct horse 9"}


@pytest.fixture
def address(db):
    return reverse("setup", args=[setup_token()])


def test_the_link_makes_the_owner_and_goes_on(client, address):
    response = client.post(address, GOOD)
    mira = User.objects.get()
    assert response.url == "/setup/storage/"
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


# --- What is unsafe -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"DEBUG": True}, "DEBUG is on"),
        ({"SECRET_KEY": "django-insecure-0123456789abcdefghijklmnop"}, "SECRET_KEY can be guessed"),
        ({"SIGNUP_ENABLED": True}, "Anybody can sign up."),
    ],
)
def test_an_unsafe_server_says_so_and_makes_no_account(client, db, settings, changes, sentence):
    for name, value in changes.items():
        setattr(settings, name, value)
    address = reverse("setup", args=[setup_token()])
    for response in (client.get(address), client.post(address, GOOD)):
        page = response.content.decode()
        assert response.status_code == 403
        assert sentence in page
        assert page.count("note--bad") == 1
        assert "<form" not in page.split("<main")[1].split("</main>")[0]
    assert not User.objects.exists()


# --- The store ------------------------------------------------------------------------------------


@pytest.fixture
def admin_page(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("mira"))
    return client


def test_the_store_is_tried_and_its_room_is_told(admin_page, settings):
    page = admin_page.get(reverse("setup-storage")).content.decode()
    assert "Writing works" in page
    assert str(settings.MEDIA_ROOT) in page
    assert "are free." in page
    assert f'href="{reverse("setup-provider")}"' in page


def test_a_store_that_takes_nothing_holds_the_set_up(admin_page, monkeypatch):
    def refuse():
        raise storage.StorageError("storage", "The folder cannot be written.")

    monkeypatch.setattr(storage, "probe", refuse)
    page = admin_page.get(reverse("setup-storage")).content.decode()
    assert "The folder cannot be written." in page
    assert reverse("setup-provider") not in page


@pytest.mark.parametrize("name", ["setup-storage", "setup-provider"])
def test_only_administrators_see_where_things_are(owner_client, name):
    assert owner_client.get(reverse(name)).status_code == 404


# --- The provider ---------------------------------------------------------------------------------


def test_providers_that_make_pictures_are_offered(admin_page):
    page = admin_page.get(reverse("setup-provider")).content.decode()
    offered = page.split('class="providers')[1].split("</nav>")[0]
    assert "OpenAI" in offered
    assert "Anthropic" not in offered
    assert "Skip for now" in page


@pytest.fixture
def tested(monkeypatch):
    """A vendor that answers as the test says."""
    answers = []
    monkeypatch.setattr("gallery.vendors.check_profile", lambda profile: answers.pop())
    return answers


KEY = {"provider": "xai", "name": "xAI", "api_key": "xai-0123456789abcdef", "monthly_budget_usd": "20"}


def test_a_provider_that_works_is_kept_and_used_from_now_on(admin_page, tested):
    tested.append(CheckResult(ok=True, code="ok", message="It works. 2 image models are ready."))
    page = admin_page.post(reverse("setup-provider"), KEY).content.decode()
    profile = ConnectionProfile.objects.get()
    assert (profile.provider, profile.is_default, profile.monthly_budget_usd) == ("xai", True, 20)
    assert "2 image models are ready." in page
    assert "Open my gallery" in page
    assert KEY["api_key"] not in page


def test_a_provider_that_refuses_the_key_is_not_kept(admin_page, tested):
    tested.append(CheckResult(ok=False, code="auth", message="xAI does not know this key."))
    response = admin_page.post(reverse("setup-provider"), KEY)
    page = response.content.decode()
    assert response.status_code == 422
    assert "xAI does not know this key." in page
    assert KEY["api_key"] not in page
    assert not ConnectionProfile.objects.exists()
