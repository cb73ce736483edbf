"""Settings that would lose or leak something are named, each by its number."""

import base64
import hashlib
import io
import os
import sqlite3
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection

from gallery.systemchecks import check_places

pytestmark = pytest.mark.django_db
SECRET = "Zk8v-q3XbW0_tY6mJr2LhN5cPd9sGfA1eUoIi7KxDwQzVbMn4T"


def found(**more):
    return {problem.id for problem in run_checks(**more) if problem.id.startswith("gallery.")}


def test_the_shipped_settings_have_no_problem():
    assert found() == set()
    assert found(databases=["default"]) == set()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("FIELD_ENCRYPTION_KEYS", [], "gallery.E001"),
        ("FIELD_ENCRYPTION_KEYS", ["not a key"], "gallery.E003"),
        ("FIELD_ENCRYPTION_KEYS", [Fernet.generate_key().decode(), "x"], "gallery.E003"),
        ("FIELD_ENCRYPTION_KEYS", [base64.urlsafe_b64encode(bytes(32)).decode()], "gallery.E003"),
        ("MEDIA_STORAGE", "ftp", "gallery.E004"),
        ("LOG_FORMAT", "xml", "gallery.E004"),
        ("DATA_DIR", Path("/nonexistent"), "gallery.E005"),
        ("SECRET_KEY", "changeme", "gallery.E010"),
        ("SECRET_KEY", "a" * 60, "gallery.E010"),
        ("SECRET_KEY", "django-insecure-" + SECRET, "gallery.E010"),
        ("SIGNED_ADDRESS_SECONDS", 301, "gallery.E012"),
        ("ALLOWED_HOSTS", ["*"], "gallery.W012"),
        ("CSRF_TRUSTED_ORIGINS", ["http://pictures.example"], "gallery.W013"),
        ("CSRF_TRUSTED_ORIGINS", ["https://pictures.example"], "gallery.E014"),  # with the rest not set
    ],
)
def test_a_dangerous_setting_is_named(settings, name, value, problem):
    setattr(settings, name, value)
    assert found() == {problem}


@pytest.mark.parametrize("origins", [["http://localhost:8000"], ["http://127.0.0.1"], ["http://[::1]:9000"]])
def test_plain_http_is_no_problem_on_this_machine(settings, origins):
    settings.CSRF_TRUSTED_ORIGINS = origins
    assert found() == set()


@pytest.mark.parametrize(
    "off", ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"]
)
def test_each_part_of_https_is_asked_for(settings, off):
    settings.CSRF_TRUSTED_ORIGINS = ["https://pictures.example"]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 3600
    assert found() == set()
    setattr(settings, off, 0)
    assert [problem.msg for problem in run_checks() if off in problem.msg]


def test_debug_is_named_where_the_database_is_a_file(settings, monkeypatch):
    settings.DEBUG = True
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert found() == {"gallery.W011"}


def test_debug_is_refused_where_the_database_is_a_server(settings, monkeypatch):
    settings.DEBUG = True
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    assert found() == {"gallery.E011"}


@pytest.mark.parametrize(
    "made",
    [
        lambda secret: secret,
        lambda secret: base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).decode(),
        lambda secret: base64.urlsafe_b64encode(secret.encode()[:32]).decode(),
    ],
)
def test_a_key_ring_made_of_the_secret_key_is_named(settings, made):
    settings.SECRET_KEY = SECRET
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), made(SECRET)]
    assert found() == {"gallery.E002"}


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ({"custom_domain": "cdn.example"}, "gallery.E006"),
        ({"querystring_auth": False}, "gallery.E006"),
        ({"default_acl": "public-read"}, "gallery.E006"),
        ({"querystring_expire": 3600}, "gallery.E012"),
        ({"access_key": "AK"}, "gallery.E013"),
        ({"secret_key": "SK"}, "gallery.E013"),
    ],
)
def test_a_store_with_public_addresses_or_half_a_key_is_named(settings, option, problem):
    store = {"BACKEND": "gallery.files.s3.PrivateS3Storage", "OPTIONS": {"bucket_name": "b"} | option}
    settings.STORAGES = settings.STORAGES | {"default": store}
    assert found() == {problem}


@pytest.mark.parametrize("name", ["MEDIA_ROOT", "SPOOL_DIR"])
def test_a_folder_that_cannot_be_written_is_named(settings, tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    setattr(settings, name, tmp_path / "file" / "below")
    assert found() == {"gallery.E015"}


def test_a_spool_on_another_disk_is_named(settings, monkeypatch):
    monkeypatch.setattr(check_places, "_disk", lambda path: 7 if path == settings.SPOOL_DIR else 8)
    assert found() == {"gallery.W015"}


def test_with_pictures_in_s3_the_disk_of_the_spool_does_not_matter(settings, monkeypatch):
    monkeypatch.setattr(check_places, "_disk", lambda path: 7 if path == settings.SPOOL_DIR else 8)
    settings.MEDIA_STORAGE = "s3"
    assert found() == set()


@pytest.mark.parametrize(
    ("kind", "is_safe"),
    [("ext4", True), ("tmpfs", True), ("overlay", True), ("nfs", False), ("nfs4", False), ("cifs", False),
     ("9p", False), ("fuse.sshfs", False)],
)  # fmt: skip
def test_sqlite_on_a_network_file_system_is_named(settings, monkeypatch, tmp_path, kind, is_safe):
    mounts = tmp_path / "mountinfo"
    place = str(tmp_path / "a b").replace(" ", "\\040")
    mounts.write_text(
        f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:40 / {place} rw shared:1 - {kind} server:/x rw\n"
    )
    monkeypatch.setattr(check_places, "MOUNTS", mounts)
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", tmp_path / "a b" / "db")
    (tmp_path / "a b").mkdir()
    assert check_places.file_system(tmp_path / "a b" / "db") == kind
    assert check_places.file_system(tmp_path / "elsewhere") == "ext4"
    assert found() == (set() if is_safe else {"gallery.E017"})


def test_the_file_system_below_us_is_read_from_this_machine(tmp_path):
    assert check_places.file_system(tmp_path) or not check_places.MOUNTS.exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="is about SQLite")
def test_sqlite_without_a_write_ahead_log_is_named(settings, tmp_path, monkeypatch):
    plain = sqlite3.connect(tmp_path / "plain")

    class Connection:
        vendor = "sqlite"

        def cursor(self):
            return Cursor()

    class Cursor:
        def __enter__(self):
            return plain.cursor()

        def __exit__(self, *_):
            plain.close()

    monkeypatch.setattr(check_places, "connections", {"default": Connection()})
    assert found(databases=["default"]) == {"gallery.E018"}


def test_files_with_secrets_that_others_can_read_are_named(settings, tmp_path):
    settings.BASE_DIR, settings.KEY_RING_FILE = tmp_path, tmp_path / "keys" / "ring"
    settings.KEY_RING_FILE.parent.mkdir(mode=0o700)
    settings.KEY_RING_FILE.write_text("secret")
    settings.KEY_RING_FILE.chmod(0o600)
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=8000\n#SECRET_KEY=\nSECRET_KEY=\n")
    dotenv.chmod(0o644)
    assert found() == set()
    for text in ("SECRET_KEY=x", "PORT=1\nDATABASE_URL=postgres://me:word@host/db"):
        dotenv.write_text(text)
        assert found() == {"gallery.W014"}
    dotenv.chmod(0o600)
    assert found() == set()
    settings.KEY_RING_FILE.chmod(0o640)
    assert found() == {"gallery.W014"}


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_server_and_worker_refuse_to_start_with_a_dangerous_setting(settings, command):
    """As from the command line, where checks come first; neither gets as far as opening a port."""
    settings.FIELD_ENCRYPTION_KEYS = []
    with pytest.raises(CommandError, match=r"gallery\.E001\) FIELD_ENCRYPTION_KEYS is empty"):
        call_command(command, skip_checks=False, stderr=io.StringIO())


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_server_and_worker_look_at_the_database_too(monkeypatch, command):
    asked = []
    monkeypatch.setattr(
        "django.core.management.base.BaseCommand.check", lambda self, **kwargs: asked.append(kwargs)
    )
    monkeypatch.setattr(f"gallery.management.commands.{command}.Command.handle", lambda *a, **k: None)
    call_command(command, skip_checks=False)
    assert asked == [{"databases": ["default"]}]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.20", "pictures.example", "::"])
def test_debug_is_never_served_to_others(settings, host):
    settings.DEBUG = True
    with pytest.raises(SystemExit, match="DEBUG is on, and others could reach"):
        call_command("serve", host=host, port=str(1024 + os.getpid() % 1000))
