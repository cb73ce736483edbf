"""How connections to the database are really set up, asked on the connection itself."""

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.models.signals import pre_migrate

SQLITE = connection.vendor == "sqlite"
sqlite_only = pytest.mark.skipif(not SQLITE, reason="is about SQLite")
postgres_only = pytest.mark.skipif(SQLITE, reason="is about PostgreSQL")


def ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_sqlite_waits_for_its_turn_and_writes_ahead(monkeypatch):
    """The tests' own settings leave out the syncing alone."""
    monkeypatch.setitem(
        connection.settings_dict["OPTIONS"],
        "init_command",
        connection.settings_dict["OPTIONS"]["init_command"].replace("synchronous=OFF", "synchronous=FULL"),
    )
    connection.close()
    assert ask("PRAGMA journal_mode") == "wal"
    assert ask("PRAGMA synchronous") == 2, "FULL"
    assert ask("PRAGMA busy_timeout") == 20_000
    assert ask("PRAGMA foreign_keys") == 1
    assert connection.transaction_mode == "IMMEDIATE"
    connection.close()


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_reads_first_holds_the_lock_already():
    from django.db import transaction

    with transaction.atomic():
        ask("SELECT 1")
        other = connections.create_connection("default")
        other.settings_dict = connection.settings_dict | {
            "OPTIONS": connection.settings_dict["OPTIONS"] | {"timeout": 0, "init_command": ""}
        }
        with pytest.raises(Exception, match="locked"), other.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
        other.close()


def test_the_shipped_settings_sync_every_commit():
    source = (settings.BASE_DIR / "config" / "settings.py").read_text()
    assert "PRAGMA synchronous=FULL" in source


@postgres_only
@pytest.mark.postgres
@pytest.mark.django_db
def test_postgresql_ends_a_statement_that_hangs_and_looks_before_it_uses_a_connection():
    assert connection.settings_dict["CONN_HEALTH_CHECKS"] is True
    assert connection.settings_dict["CONN_MAX_AGE"] == 600
    assert ask("SHOW statement_timeout") == "2min"


@postgres_only
@pytest.mark.postgres
@pytest.mark.django_db
def test_a_postgresql_server_that_vanished_is_given_up_soon():
    ask("SELECT 1")
    given = connection.connection.info.get_parameters()
    assert (given["connect_timeout"], given["tcp_user_timeout"]) == ("10", "10000")


@postgres_only
@pytest.mark.postgres
@pytest.mark.django_db
def test_a_migration_may_take_as_long_as_it_needs():
    asked = []

    def ask_within(**_kwargs):
        asked.append(ask("SHOW statement_timeout"))

    pre_migrate.connect(ask_within)
    try:
        call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(ask_within)
    assert set(asked) == {"0"}
    assert ask("SHOW statement_timeout") == "2min"
