"""PostgreSQL ends a statement that takes minutes; a migration may take as long as it needs."""

from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


def lift(using: str, **_kwargs: Any) -> None:
    _run(using, "SET statement_timeout = 0")


def set_again(using: str, **_kwargs: Any) -> None:
    _run(using, "RESET statement_timeout")


def watch_migrations() -> None:
    pre_migrate.connect(lift, dispatch_uid="statement_timeout.lift")
    post_migrate.connect(set_again, dispatch_uid="statement_timeout.set_again")


def _run(using: str, statement: str) -> None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(statement)
