"""How long somebody is in, what ends it, and who is made to wait at the door."""

import json
import os
import subprocess
import sys
import time

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gallery import accounts, audit, connections, vendors
from gallery.bulk import by_ids
from gallery.files import downloads
from gallery.middleware import NOTE_EVERY
from gallery.models import ApiToken, AuditEntry, CacheEntry, ConnectionProfile, User

pytestmark = pytest.mark.django_db
DAY = 24 * 3600


@pytest.fixture(autouse=True)
def shared_cache(settings):
    """The cache of a real installation, which every process shares."""
    backend = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "gallery_cache"}}
    return caches


def log_in(client, name="owner", password="owner-pass", **more):
    return client.post("/login/", {"login": name, "password": password}, **more)


def is_in(client) -> bool:
    return client.get("/settings/account/").status_code == 200


def verbs(owner=None) -> list[str]:
    rows = AuditEntry.objects.filter(owner=owner) if owner else AuditEntry.objects.all()
    return [entry.verb for entry in rows.order_by("pk")]


# --- A session's life -----------------------------------------------------------------------------


def test_the_key_of_a_session_changes_at_log_in(client, owner):
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["session"] = before = session.session_key
    log_in(client)
    assert client.session.session_key != before
    assert not Client(cookies={"session": before}).session.get("_auth_user_id")


def test_a_session_that_was_logged_out_is_dead_on_the_server(client, owner):
    log_in(client)
    stolen = client.cookies["session"].value
    client.post("/logout/")
    thief = Client()
    thief.cookies["session"] = stolen
    assert not is_in(thief)


def test_another_password_ends_other_sessions_and_every_token(client, owner):
    log_in(client)
    elsewhere = Client()
    elsewhere.force_login(owner)
    token = ApiToken.issue(owner, "phone")[1]
    typed = {"oldpassword": "owner-pass", "password1": "correct horse 9", "password2": "correct horse 9"}
    assert client.post("/settings/account/password/", typed).status_code == 302
    assert is_in(client)
    assert not is_in(elsewhere)
    answer = Client().get("/api/v1/images", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_a_hash_that_is_only_renewed_ends_nothing(client, owner, settings):
    ApiToken.issue(owner, "phone")
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    assert log_in(client).status_code == 302
    owner.refresh_from_db()
    assert owner.password.startswith(PBKDF2PasswordHasher.algorithm)
    assert ApiToken.objects.usable().count() == 1


def test_who_is_disabled_is_out_with_the_next_request(client, owner):
    log_in(client)
    token = ApiToken.issue(owner, "phone")[1]
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert not is_in(client)
    answer = Client().get("/api/v1/images", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def put(client, **values):
    session = client.session
    session.update(values)
    session.save()


def test_a_session_ends_a_fortnight_after_log_in_however_often_it_is_used(client, owner):
    log_in(client)
    put(client, begun=time.time() - 13.9 * DAY, seen=time.time())
    assert is_in(client)
    put(client, begun=time.time() - 14.1 * DAY, seen=time.time())
    assert not is_in(client)
    assert not client.session.get("_auth_user_id")


def test_a_session_without_a_visit_ends_after_a_week(client, owner, settings):
    log_in(client)
    assert client.cookies["session"]["max-age"] in ("", 7 * DAY)
    assert settings.SESSION_COOKIE_AGE == 7 * DAY
    assert 6.9 * DAY < client.session.get_expiry_age() <= 7 * DAY


def test_a_visit_prolongs_a_session_once_an_hour(client, owner):
    log_in(client)
    put(client, seen=time.time() - NOTE_EVERY - 1)
    is_in(client)
    seen = client.session["seen"]
    assert seen > time.time() - NOTE_EVERY
    with CaptureQueriesContext(connection) as queries:
        is_in(client)
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    assert client.session["seen"] == seen


def test_sessions_that_have_ended_are_deleted(client, owner):
    from django.contrib.sessions.models import Session

    log_in(client)
    Client().force_login(owner)
    Session.objects.filter(pk=client.session.session_key).update(expire_date="2026-01-01T00:00Z")
    accounts.forget_sessions()
    assert Session.objects.count() == 1


def test_cookies_are_locked(client, owner):
    cookies = log_in(client).cookies
    assert (cookies["session"]["httponly"], cookies["session"]["samesite"]) == (True, "Lax")
    assert client.get("/login/", follow=True).status_code == 200
    assert Client().get("/login/").cookies["csrftoken"]["httponly"]


# --- At the door ----------------------------------------------------------------------------------


def wrong(client, n, name="owner", **more):
    return [log_in(client, name, "wrong", **more) for _ in range(n)]


def waits(client, name="owner", password="owner-pass", **more) -> bool:
    log_in(client, name, password, **more)
    return "_auth_user_id" not in client.session


def test_an_account_waits_after_five_failures_from_wherever_they_come(owner):
    for number in range(5):
        wrong(Client(), 1, REMOTE_ADDR=f"198.51.{number}.1")
    assert waits(Client(), REMOTE_ADDR="203.0.113.9")


@pytest.mark.parametrize("name", ["OWNER", "Owner", " owner ", "ｏｗｎｅｒ"])
def test_another_spelling_of_a_name_is_the_same_account(owner, name):
    for spelling in ("owner", name, "oWNER", name, "owner"):
        wrong(Client(), 1, name=spelling)
    assert waits(Client())


def test_another_name_of_the_site_is_the_same_site(owner):
    for host in ("localhost", "127.0.0.1", "testserver", "localhost", "127.0.0.1"):
        wrong(Client(), 1, headers={"host": host})
    assert waits(Client())


def test_a_network_waits_after_twenty_failures_whichever_names_it_tries(owner):
    for number in range(20):
        wrong(Client(), 1, name=f"guess{number}", REMOTE_ADDR=f"198.51.100.{number}")
    assert waits(Client(), REMOTE_ADDR="198.51.100.200")
    assert not waits(Client(), REMOTE_ADDR="198.51.101.1")


def test_what_a_caller_says_of_its_address_counts_for_nothing(owner):
    for number in range(20):
        said = {"x-forwarded-for": f"203.0.113.{number}", "x-real-ip": f"203.0.113.{number}"}
        wrong(Client(), 1, name=f"guess{number}", REMOTE_ADDR="198.51.100.7", headers=said)
    assert waits(Client(), REMOTE_ADDR="198.51.100.7")


def test_failures_are_counted_for_all_processes(owner, settings):
    """Another process has nothing of this one's memory; it has the table."""
    wrong(Client(), 5)
    assert CacheEntry.objects.exists()
    del caches["default"]
    assert waits(Client())
    CacheEntry.objects.all().delete()
    assert not waits(Client())


def test_known_and_unknown_names_cost_and_say_the_same(owner, monkeypatch):
    """As many hashes and as many queries, so that nobody learns by waiting."""
    User.objects.create_user("gone", password="gone-pass", is_active=False)
    told = {name: cost_of(name, monkeypatch) for name in ("owner", "nobody", "gone")}
    assert told["owner"] == told["nobody"] == told["gone"]
    assert told["owner"][0] == 1


def cost_of(name, monkeypatch):
    from django.contrib.auth.hashers import MD5PasswordHasher

    hashes, encode = [], MD5PasswordHasher.encode
    client = Client()
    client.get("/login/")
    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as queries:
        patch.setattr(MD5PasswordHasher, "encode", lambda *args: hashes.append(1) or encode(*args))
        answer = log_in(client, name, "wrong")
    kinds = [query["sql"].split()[0] for query in queries if "gallery_cache" not in query["sql"]]
    text = answer.content.decode().replace(name, "").replace(str(answer.context["csrf_token"]), "")
    return len(hashes), kinds, answer.status_code, text[text.index("note--bad") :][:300]


def test_without_its_token_there_is_no_set_up(client, db):
    assert {client.get(path).status_code for path in ("/setup", "/setup/")} == {404}
    assert client.get("/setup/guess/").status_code == 404
    assert client.get(f"/setup/{accounts.setup_token()}/").status_code == 200


# --- The audit log --------------------------------------------------------------------------------


def test_log_ins_and_log_outs_are_noted(client, owner):
    wrong(client, 1)
    wrong(client, 1, name="hunter2")
    log_in(client, REMOTE_ADDR="198.51.100.7")
    client.post("/logout/")
    assert verbs() == ["account_made", "login_failed", "login_failed", "login", "logout"]
    entry = AuditEntry.objects.get(verb="login")
    assert (entry.owner, entry.actor, entry.address) == (owner, owner, "198.51.100.7")
    stranger = AuditEntry.objects.filter(verb="login_failed").first()
    assert (stranger.owner, stranger.label) == (None, "")  # a password may be typed in the wrong field


def test_keys_are_noted_and_never_written(owner):
    profile = connections.create(owner, name="Mine", provider="openai", api_key="sk-CANARY-1234567890")
    connections.change(profile, name="Renamed")
    connections.change(profile, api_key="sk-CANARY-0987654321")
    connections.change(profile, base_url="https://elsewhere.example/v1")
    connections.change(profile, api_key="sk-CANARY-5555555555")
    connections.remove(profile)
    assert verbs(owner)[1:] == ["key_added", "key_changed", "key_removed", "key_added", "key_removed"]
    assert "CANARY" not in repr(list(AuditEntry.objects.values()))


def test_a_key_that_cannot_be_read_is_noted_once_a_day(owner):
    profile = connections.create(owner, name="Mine", provider="openai", api_key="sk-CANARY-1234567890")
    ConnectionProfile.objects.filter(pk=profile.pk).update(sealed_key="gAAAAA-broken")
    profile.refresh_from_db()
    for _ in range(3):
        assert vendors.check_profile(profile).ok is False
    assert verbs(owner).count("key_unreadable") == 1


def test_tokens_passwords_and_archives_are_noted(owner_client, owner, stored):
    owner_client.post("/settings/tokens/", {"name": "phone", "scope": "read"})
    owner_client.post(f"/settings/tokens/{ApiToken.objects.get().public_id}/revoke/")
    ApiToken.issue(owner, "second")
    archive = downloads.create(by_ids(owner, [stored.public_id]))
    owner_client.head(archive.get_absolute_url())
    owner_client.get(archive.get_absolute_url())
    owner_client.get(archive.get_absolute_url(), headers={"range": "bytes=10-"})
    owner_client.get("/costs.csv")
    owner.set_password("correct horse 9")
    owner.save()
    assert verbs(owner)[2:] == [
        "token_created", "token_revoked", "token_created", "exported", "exported", "password_changed",
        "token_revoked",
    ]  # fmt: skip


def test_what_an_administrator_reads_of_others_is_noted_for_them(client, owner, stored):
    boss = User.objects.create_superuser("boss", password="boss-pass")
    client.force_login(boss)
    client.get("/admin/gallery/image/")
    client.get(f"/admin/gallery/image/{stored.pk}/change/")
    read = AuditEntry.objects.filter(verb="admin_read")
    assert [(entry.owner, entry.actor) for entry in read] == [(owner, boss), (None, boss)]
    client.force_login(owner)
    page = client.get("/settings/account/").content.decode()
    assert f"Read by an administrator: image {stored.pk}" in page
    assert "boss" in page


def test_the_audit_log_is_only_read_and_by_administrators(client, owner):
    boss = User.objects.create_superuser("boss", password="boss-pass")
    client.force_login(boss)
    entry = AuditEntry.objects.first()
    assert "Account made" in client.get("/admin/gallery/auditentry/").content.decode()
    for page in (f"{entry.pk}/delete/", "add/"):
        assert client.post(f"/admin/gallery/auditentry/{page}", {"post": "yes"}).status_code == 403
    forged = {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"}
    client.post("/admin/gallery/auditentry/", forged)
    assert AuditEntry.objects.filter(pk=entry.pk).exists()
    User.objects.filter(pk=boss.pk).update(is_superuser=False)
    assert client.get("/admin/gallery/auditentry/").status_code == 403


def test_old_entries_are_forgotten(owner):
    AuditEntry.objects.update(created_at="2024-01-01T00:00Z")
    audit.note(audit.Verb.LOGIN, owner.pk)
    audit.forget_old()
    assert verbs() == ["login"]


def test_as_shipped_failures_are_counted_in_the_database_and_https_locks_the_cookies(tmp_path):
    """The memory of one process is not enough, and is lost when it starts again."""
    shipped = {"DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}
    shipped["CSRF_TRUSTED_ORIGINS"] = "https://pictures.example"
    told = json.loads(
        subprocess.run(
            [sys.executable, "-c", SHOW], env=os.environ | shipped, capture_output=True, text=True, check=True
        ).stdout
    )
    assert told["CACHES"]["default"]["BACKEND"].endswith("DatabaseCache")
    assert told["CACHES"]["default"]["LOCATION"] == CacheEntry._meta.db_table
    assert (told["SESSION_COOKIE_NAME"], told["CSRF_COOKIE_NAME"]) == ("__Host-session", "__Host-csrftoken")
    assert told["SESSION_COOKIE_SECURE"] is told["CSRF_COOKIE_SECURE"] is told["SECURE_SSL_REDIRECT"] is True
    assert (told["SESSION_COOKIE_DOMAIN"], told["SESSION_COOKIE_PATH"]) == (None, "/")
    assert told["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert told["TRUSTED_PROXIES"] == ["127.0.0.1", "::1"]


SHOW = """
import json
from django.conf import settings
names = ["CACHES", "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE",
         "SECURE_SSL_REDIRECT", "SESSION_COOKIE_DOMAIN", "SESSION_COOKIE_PATH", "SECURE_HSTS_SECONDS",
         "TRUSTED_PROXIES"]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""
