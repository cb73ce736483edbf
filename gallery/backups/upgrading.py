"""A copy of the database before migrations change it, so that an upgrade can be taken back.

Whoever migrates gets it: `serve`, `migrate`, `restore`. SQLite is copied as it runs. PostgreSQL is dumped
where `pg_dump` is at hand and not older than the server; elsewhere the log says what to run by hand. Files
are not copied: migrations do not touch them.
"""

import logging
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import pre_migrate
from django.utils import timezone

from gallery.files.storage import sync_folder

log = logging.getLogger(__name__)

FOLDER = "before-upgrades"  # below DATA_DIR
KEPT = 3
NO_ROOM = (
    "The database is to be changed, and there is no room to copy it first: {needed:,} MB are needed in "
    "{folder}, {free:,} MB are free. Make room and start again; nothing was changed."
)
BY_HAND = "The database is changed without a copy of it: %s. To have one, run pg_dump before each upgrade."


def watch_migrations() -> None:
    pre_migrate.connect(save_first, dispatch_uid="upgrading.save_first")


def save_first(sender: Any, using: str, plan: list[Any], **_kwargs: Any) -> None:
    """Save the database if anything is going to change in one that is in use. Raises `CommandError`."""
    if sender.label != "gallery" or not plan or not _is_in_use(using):
        return
    vendor = connections[using].vendor
    save = {"sqlite": _copy_file, "postgresql": _dump}.get(vendor)
    if save:
        save(using, plan[0][0].name)


def _is_in_use(using: str) -> bool:
    """Whether somebody has an account there."""
    connection = connections[using]
    if ("gallery", "0001_initial") not in MigrationRecorder(connection).applied_migrations():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM gallery_user LIMIT 1")
        return cursor.fetchone() is not None


def _place(migration: str, suffix: str) -> Path:
    folder = settings.DATA_DIR / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{timezone.now():%Y%m%dT%H%M%S}-before-{migration}{suffix}"


def _keep(part: Path, target: Path) -> None:
    """Give a complete copy its name, and delete the oldest ones."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)
    for old in sorted(target.parent.glob(f"*-before-*{target.suffix}"))[:-KEPT]:
        old.unlink(missing_ok=True)
    log.info("The database was saved to %s before it is changed", target)


# --- SQLite ---------------------------------------------------------------------------------------


def _copy_file(using: str, migration: str) -> None:
    path = Path(str(connections[using].settings_dict["NAME"]))
    if not path.is_file():
        return  # in memory
    target = _place(migration, ".sqlite3")
    _see_that_there_is_room(path, target.parent)
    part = target.with_suffix(".part")
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        _keep(part, target)
    except (OSError, sqlite3.Error) as exc:
        raise CommandError(
            f"The database could not be copied to {target}: {exc}. Nothing was changed."
        ) from exc
    finally:
        part.unlink(missing_ok=True)


def _see_that_there_is_room(path: Path, folder: Path) -> None:
    """Twice its size, for migrations may write every row anew."""
    size = sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
    needed, free = 2 * size >> 20, shutil.disk_usage(folder).free >> 20
    if free < needed:
        raise CommandError(NO_ROOM.format(needed=needed, free=free, folder=folder))


# --- PostgreSQL -----------------------------------------------------------------------------------


def _dump(using: str, migration: str) -> None:
    """What fails here stops no upgrade: who runs a server of databases has copies of them."""
    if why := _unfit(using):
        log.warning(BY_HAND, why)
        return
    target = _place(migration, ".dump")
    part = target.with_suffix(".part")
    try:
        done = subprocess.run(
            ["pg_dump", "--format=custom", f"--file={part}"], env=_environment(using), capture_output=True
        )
        if done.returncode:
            log.warning(BY_HAND, done.stderr.decode(errors="replace").strip())
        else:
            _keep(part, target)
    finally:
        part.unlink(missing_ok=True)


def _unfit(using: str) -> str:
    """Why `pg_dump` here cannot copy that database; "" when it can."""
    if shutil.which("pg_dump") is None:
        return "pg_dump is not installed here"
    told = subprocess.run(["pg_dump", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\) (\d+)", told)
    server = connections[using].pg_version // 10_000  # type: ignore[attr-defined]
    if found is None or int(found[1]) < server:
        return f"pg_dump here is older than the server, which is {server}"
    return ""


def _environment(using: str) -> dict[str, str]:
    """Names and password as PostgreSQL's own variables: a command line can be read by everybody."""
    of = connections[using].settings_dict
    names = {
        "PGHOST": "HOST",
        "PGPORT": "PORT",
        "PGUSER": "USER",
        "PGPASSWORD": "PASSWORD",
        "PGDATABASE": "NAME",
    }
    return dict(os.environ) | {name: str(of[key]) for name, key in names.items() if of.get(key)}
