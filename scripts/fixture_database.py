"""Makes a small SQLite database of this version, with one of everything, for the tests of upgrades.

    .venv/bin/python scripts/fixture_database.py tests/databases

The file is called after the newest migration. Those it has been through are never changed again: their
checksums go into `migrations.sha256` beside it.
"""

import gzip
import hashlib
import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "gallery" / "migrations"


def main(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        database = Path(data) / "db.sqlite3"
        prepare(data, database)
        fill()
        target = folder / f"{newest()}.sqlite3.gz"
        target.write_bytes(gzip.compress(compact(database), 9, mtime=0))
    (folder / "migrations.sha256").write_text("".join(checksums()))
    print(f"{target.name}: {target.stat().st_size:,} bytes")


def prepare(data: str, database: Path) -> None:
    os.environ |= {"DATA_DIR": data, "DATABASE_URL": f"sqlite:///{database}"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()


def fill() -> None:
    from django.core.management import call_command
    from django.db import connections

    from gallery.models import User
    from tests.gallery.world import World

    call_command("migrate", verbosity=0)
    World(User.objects.create_user("ada", password="fixture-pass-7"))  # noqa: S106  the tests know it
    connections.close_all()


def compact(database: Path) -> bytes:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
    return database.read_bytes()


def names() -> list[str]:
    return sorted(path.stem for path in MIGRATIONS.glob("[0-9]*.py"))


def newest() -> str:
    return names()[-1]


def checksums() -> list[str]:
    """As `sha256sum` writes them."""
    files = [MIGRATIONS / f"{name}.py" for name in names()]
    return [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
