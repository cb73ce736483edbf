"""Account, API tokens, appearance and storage; logging in and out."""

import pytest
from django.core.cache import cache
from django.urls import reverse

from gallery.models import ApiToken, Image, User
from tests.gallery.pictures.test_trashing import thrown_away
from tests.gallery.views.test_images import add_image


@pytest.fixture(autouse=True)
def fresh_limits():
    """Failed log-ins are counted in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


def log_in(client, name="owner", password="owner-pass"):
    return client.post(reverse("account_login"), {"login": name, "password": password})


# --- Logging in and out ---------------------------------------------------------------------------


def test_logging_in_opens_the_gallery(client, owner):
    response = log_in(client)
    assert response.status_code == 302
    assert response.url == "/"


def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(client, owner):
    def sentence(name, password):
        page = log_in(client, name, password).content.decode()
        return page[page.index("note--bad") :].split("</p>")[0]

    assert sentence("owner", "wrong") == sentence("nobody", "wrong")


def test_after_five_failures_even_the_right_password_waits(client, owner):
    for _ in range(5):
        log_in(client, password="wrong")
    page = log_in(client).content.decode()
    assert "Too many failed login attempts" in page
    assert "_auth_user_id" not in client.session


def test_logging_out_asks_and_ends_the_session(owner_client):
    asked = owner_client.get(reverse("account_logout"))
    assert "Log out?" in asked.content.decode()
    assert "Clear-Site-Data" not in asked.headers
    response = owner_client.post(reverse("account_logout"))
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert owner_client.get("/").status_code == 302


def test_signing_up_is_closed_unless_it_is_opened(client, owner, settings):
    assert "Sign-up is closed" in client.get(reverse("account_signup")).content.decode()
    assert reverse("account_signup") not in client.get(reverse("account_login")).content.decode()
    settings.SIGNUP_ENABLED = True
    typed = {"username": "newcomer", "password1": "correct horse 9", "password2": "correct horse 9"}
    assert reverse("account_signup") in client.get(reverse("account_login")).content.decode()
    assert client.post(reverse("account_signup"), typed).status_code == 302
    assert User.objects.filter(username="newcomer", is_superuser=False).exists()


# --- Password -------------------------------------------------------------------------------------


def change(client, old, new, again=None):
    typed = {"oldpassword": old, "password1": new, "password2": again or new}
    return client.post(reverse("account_change_password"), typed)


def test_who_has_no_password_sets_one(client, db):
    made = User.objects.create_user("keyless")
    client.force_login(made)
    assert client.get(reverse("account_change_password")).url == reverse("account_set_password")
    assert reverse("account_set_password") in client.get(reverse("account")).content.decode()
    assert "no password yet" in client.get(reverse("account_set_password")).content.decode()
    typed = {"password1": "correct horse 9", "password2": "another horse 9"}
    assert client.post(reverse("account_set_password"), typed).status_code == 200
    typed["password2"] = typed["password1"]
    assert client.post(reverse("account_set_password"), typed).status_code == 302
    made.refresh_from_db()
    assert made.check_password("correct horse 9")


def test_who_has_a_password_cannot_set_one_without_it(owner_client, owner):
    typed = {"password1": "correct horse 9", "password2": "correct horse 9"}
    answer = owner_client.post(reverse("account_set_password"), typed)
    assert answer.url == reverse("account_change_password")
    owner.refresh_from_db()
    assert owner.check_password("owner-pass")


def test_the_password_can_be_changed(client, owner):
    log_in(client)
    assert "Current password" in client.get(reverse("account")).content.decode()
    assert change(client, "owner-pass", "correct horse 9").status_code == 302
    owner.refresh_from_db()
    assert owner.check_password("correct horse 9")


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", "correct horse 9", None),
        ("owner-pass", "123", None),
        ("owner-pass", "correct horse 9", "other"),
    ],
)
def test_a_password_is_changed_only_for_a_good_reason(client, owner, old, new, again):
    log_in(client)
    page = change(client, old, new, again).content.decode()
    owner.refresh_from_db()
    assert owner.check_password("owner-pass")
    assert 'class="error"' in page


# --- Tokens ---------------------------------------------------------------------------------------


def test_a_token_is_shown_once(owner_client, owner):
    page = owner_client.post(reverse("tokens"), {"name": "phone", "scope": "read"}).content.decode()
    row = ApiToken.objects.owned_by(owner).get()
    token = page.split('id="new-token">')[1].split("<")[0]
    assert ApiToken.digest_of(token) == row.digest
    assert row.scope == "read"
    later = owner_client.get(reverse("tokens")).content.decode()
    assert token not in later
    assert row.hint in later


def test_a_token_needs_a_name(owner_client):
    response = owner_client.post(reverse("tokens"), {"name": " ", "scope": "read"})
    assert response.status_code == 422
    assert "Give the token a name" in response.content.decode()


def test_a_token_is_revoked_by_its_owner_alone(owner_client, other_client, owner):
    row, _ = ApiToken.issue(owner, "phone")
    address = reverse("token-revoke", args=[row.public_id])
    assert other_client.post(address).status_code == 404
    assert ApiToken.objects.usable().count() == 1
    assert "was revoked" in owner_client.post(address, follow=True).content.decode()
    assert ApiToken.objects.usable().count() == 0
    assert f"•••• {row.hint}" not in other_client.get(reverse("tokens")).content.decode()


# --- Appearance and storage -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theme", "attribute"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')]
)
def test_the_theme_is_on_the_first_byte_of_the_next_page(owner_client, theme, attribute):
    page = owner_client.post(reverse("appearance"), {"theme": theme}, follow=True).content.decode()
    assert f'<html lang="en" {attribute}>' in page


def test_an_unknown_theme_is_refused(owner_client):
    response = owner_client.post(reverse("appearance"), {"theme": "neon"})
    assert response.status_code == 422
    assert "theme" not in response.cookies


def test_storage_counts_only_the_persons_own(owner_client, other_client, owner, picture):
    from gallery import ingest, tagging

    kept = ingest.store(owner, picture(), source="upload").image
    gone = ingest.store(owner, picture("#332211"), source="upload").image
    tagging.trash([gone])
    context = owner_client.get(reverse("storage")).context["numbers"]
    assert context == {"images": 1, "image_bytes": kept.bytes, "trashed": 1, "trashed_bytes": gone.bytes}
    assert other_client.get(reverse("storage")).context["numbers"]["images"] == 0
    assert Image.objects.count() == 2


def test_only_an_administrator_reads_where_the_files_are(owner_client, owner, settings):
    assert str(settings.MEDIA_ROOT) not in owner_client.get(reverse("storage")).content.decode()
    User.objects.filter(pk=owner.pk).update(is_superuser=True)
    assert str(settings.MEDIA_ROOT) in owner_client.get(reverse("storage")).content.decode()


# --- What the gallery shows, and when the trash is emptied ---------------------------------------


def test_blurring_and_folding_are_kept_with_the_account(owner_client, owner):
    owner_client.post(reverse("appearance-gallery"), {"blur_sensitive": "on"})
    owner.refresh_from_db()
    assert (owner.blur_sensitive, owner.fold_stacks) == (True, False)


def test_the_trash_is_emptied_by_itself_once_that_is_wanted(owner_client, owner):
    page = owner_client.post(reverse("privacy"), {"trash_days": "30"}, follow=True).content.decode()
    assert "deleted for good after 30 days" in page
    owner.refresh_from_db()
    assert owner.trash_days == 30

    owner_client.post(reverse("privacy"), {"trash_days": ""})
    owner.refresh_from_db()
    assert owner.trash_days is None


@pytest.mark.parametrize("days", ["0", "-1", "99999999999", "soon"])
def test_days_that_are_none_are_refused_with_a_sentence(owner_client, owner, days):
    response = owner_client.post(reverse("privacy"), {"trash_days": days})
    assert response.status_code == 422
    assert 'class="error"' in response.content.decode()


def test_what_would_be_deleted_at_once_has_to_be_agreed_to(owner_client, owner):
    thrown_away(owner, 1, days_ago=9)
    refused = owner_client.post(reverse("privacy"), {"trash_days": "7"})
    assert refused.status_code == 422
    assert "1 in the trash is older than that" in refused.content.decode()
    assert 'name="agreed"' in refused.content.decode()

    owner_client.post(reverse("privacy"), {"trash_days": "7", "agreed": "on"})
    owner.refresh_from_db()
    assert owner.trash_days == 7


def test_pictures_are_hidden_until_they_are_asked_for_again(owner_client, owner):
    hidden = owner_client.post(reverse("hide"), {"next": "/trash/"})
    assert hidden.url == "/trash/"
    assert not hidden.cookies["hidden"]["max-age"]  # ends with the session
    page = owner_client.get("/trash/").content.decode()
    assert " data-hidden" in page
    assert "<title>Vignette</title>" in page

    owner_client.post(reverse("hide"))
    assert "<title>Trash" in owner_client.get("/trash/").content.decode()


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_hiding_leads_nowhere_else(owner_client, there):
    assert owner_client.post(reverse("hide"), {"next": there}).url == "/"


def test_sensitive_images_are_covered_for_those_who_want_it(owner_client, owner):
    add_image(owner, 1, sensitive=True)
    page = owner_client.get("/").content.decode()
    assert " blurs" in page
    assert 'class="show"' in page

    owner.blur_sensitive = False
    owner.save()
    assert " blurs" not in owner_client.get("/").content.decode()


# --- Keyboard -------------------------------------------------------------------------------------


def test_single_keys_are_switched_off_for_the_person(owner_client, owner, other):
    page = owner_client.get(reverse("keyboard")).content.decode()
    assert "Move to trash" in page
    assert "<kbd>G</kbd> then <kbd>Q</kbd>" in page
    assert owner_client.post(reverse("keyboard"), {}).status_code == 302
    owner.refresh_from_db()
    other.refresh_from_db()
    assert (owner.single_keys, other.single_keys) == (False, True)
    assert owner_client.post(reverse("keyboard"), {"single_keys": "on"}).status_code == 302
    owner.refresh_from_db()
    assert owner.single_keys
