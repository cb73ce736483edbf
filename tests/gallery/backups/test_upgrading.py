import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from django.db import connection

from gallery.backups import upgrading

pytestmark = pytest.mark.django_db(transaction=True)
sqlite_only = pytest.mark.skipif("postgres" in os.environ.get("DATABASE_URL", ""), reason="a file is copied")
postgres_only = pytest.mark.skipif(
    "postgres" not in os.environ.get("DATABASE_URL", ""), reason="it is dumped"
)
PLAN = [(SimpleNamespace(name="0099_something"), False)]


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path / upgrading.FOLDER


def save(plan=PLAN):
    upgrading.save_first(SimpleNamespace(label="gallery"), using="default", plan=plan)


def copies(folder):
    return sorted(folder.iterdir()) if folder.exists() else []


@sqlite_only
def test_a_database_in_use_is_copied_whole(owner, folder):
    save()
    (copy,) = copies(folder)
    assert copy.name.endswith("-before-0099_something.sqlite3")
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as saved:
        assert saved.execute("SELECT username FROM gallery_user").fetchall() == [("owner",)]
        assert saved.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_without_a_change_or_without_an_account_nothing_is_copied(db, folder):
    save()
    assert copies(folder) == []


def test_without_a_migration_nothing_is_copied(owner, folder):
    save(plan=[])
    assert copies(folder) == []


@sqlite_only
def test_the_last_three_are_kept(owner, folder, monkeypatch):
    for second in range(5):
        monkeypatch.setattr(
            upgrading, "_place", lambda migration, suffix, n=second: folder / f"{n}-before-x{suffix}"
        )
        folder.mkdir(exist_ok=True)
        save()
    assert [path.name[0] for path in copies(folder)] == ["2", "3", "4"]


@sqlite_only
def test_without_room_nothing_is_changed(owner, folder, monkeypatch):
    full = shutil.disk_usage("/")._replace(free=1 << 10)
    monkeypatch.setattr("gallery.backups.upgrading.shutil.disk_usage", lambda folder: full)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with pytest.raises(CommandError, match="Make room and start again; nothing was changed"):
        save()
    assert copies(folder) == []


@sqlite_only
def test_a_copy_that_fails_stops_the_upgrade_and_leaves_nothing(owner, folder, monkeypatch):
    def failing(part, target):
        raise OSError("no more")

    monkeypatch.setattr(upgrading, "_keep", failing)
    with pytest.raises(CommandError, match="Nothing was changed"):
        save()
    assert copies(folder) == []


@postgres_only
@pytest.mark.postgres
def test_a_server_is_dumped_and_the_dump_can_be_read(owner, folder):
    save()
    (dump,) = copies(folder)
    listed = subprocess.run(["pg_restore", "--list", dump], capture_output=True, text=True, check=True)
    assert "TABLE DATA public gallery_user" in listed.stdout


@pytest.mark.parametrize(
    ("version", "said"),
    [("pg_dump (PostgreSQL) 12.1", "older than the server, which is 15"), ("pg_dump (PostgreSQL) 17.2", "")],
)
def test_an_older_program_is_not_used(monkeypatch, version, said):
    monkeypatch.setattr("gallery.backups.upgrading.shutil.which", lambda name: "/usr/bin/pg_dump")
    monkeypatch.setattr(
        "gallery.backups.upgrading.subprocess.run", lambda *args, **kwargs: SimpleNamespace(stdout=version)
    )
    monkeypatch.setattr(upgrading, "connections", {"default": SimpleNamespace(pg_version=150_004)})
    assert said in upgrading._unfit("default")
    assert bool(upgrading._unfit("default")) is bool(said)


def test_a_missing_program_is_said_and_stops_nothing(monkeypatch, caplog):
    monkeypatch.setattr("gallery.backups.upgrading.shutil.which", lambda name: None)
    upgrading._dump("default", "0099_something")
    assert "pg_dump is not installed here" in caplog.text


def test_the_password_is_in_no_command_line(monkeypatch):
    of = {"HOST": "db", "PORT": 5432, "USER": "ada", "PASSWORD": "secret", "NAME": "library"}
    monkeypatch.setattr(upgrading, "connections", {"default": SimpleNamespace(settings_dict=of)})
    environment = upgrading._environment("default")
    assert (environment["PGPASSWORD"], environment["PGDATABASE"]) == ("secret", "library")
