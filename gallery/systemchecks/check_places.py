"""System checks of the places where things are kept: folders, the disk below them, the database."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError, connections

from gallery.systemchecks.checks import error, warning

MOUNTS = Path("/proc/self/mountinfo")  # Linux; elsewhere nothing is known
# File systems of other machines: locks and shared memory, which SQLite stands on, do not work across them.
NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|9p|glusterfs|lustre|fuse\.(sshfs|rclone|s3fs|glusterfs)"
)
SECRET_LINE = re.compile(
    r"(?m)^(SECRET_KEY|FIELD_ENCRYPTION_KEYS|AWS_SECRET_ACCESS_KEY)=\S|^\w+=\w+://[^/\s]*:[^/\s]+@"
)


@register()
def check_folders(app_configs, **kwargs):
    """Where everything is written."""
    folder = settings.DATA_DIR
    if not folder.is_dir() or not _is_writable(folder):
        return [
            error(f"The data folder {folder} cannot be written. Make it writable or set DATA_DIR.", "E005")
        ]
    places = {"Pictures": _media_root(), "Half-finished work": settings.SPOOL_DIR}
    return [
        error(f"{what} cannot be written to {path}. Make it writable or set DATA_DIR.", "E015")
        for what, path in places.items()
        if path and not _is_writable(_existing(path))
    ]


@register()
def check_one_disk(app_configs, **kwargs):
    """What is received in the spool is moved into the store, which costs nothing on one disk."""
    media = _media_root()
    if media is None or _disk(media) == _disk(settings.SPOOL_DIR):
        return []
    return [
        warning(
            f"{settings.SPOOL_DIR} and {media} are on different file systems, so every picture is written "
            "twice. Keep all of DATA_DIR on one.",
            "W015",
        )
    ]


@register()
def check_database_disk(app_configs, **kwargs):
    """SQLite on a disk of another machine loses data sooner or later."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3") or not Path(str(database["NAME"])).is_absolute():
        return []
    kind = file_system(Path(str(database["NAME"])))
    if not NETWORK.fullmatch(kind):
        return []
    return [
        error(
            f"The database is on a network file system ({kind}), where SQLite is not safe. Keep DATA_DIR on "
            "a disk of this machine, or use PostgreSQL with DATABASE_URL.",
            "E017",
        )
    ]


@register()
def check_who_can_read_keys(app_configs, **kwargs):
    """Files with secrets are for the user who runs the server."""
    folder = settings.KEY_RING_FILE.parent
    files = [folder, *folder.iterdir()] if folder.is_dir() else []
    dotenv = settings.BASE_DIR / ".env"
    if dotenv.is_file() and SECRET_LINE.search(dotenv.read_text(errors="replace")):
        files.append(dotenv)
    return [
        warning(f"{path} can be read by others. Run: chmod go= {path}", "W014")
        for path in files
        if path.stat().st_mode & 0o077
    ]


@register(Tags.database)
def check_journal(app_configs, databases: Iterable[str] | None = None, **kwargs) -> list[CheckMessage]:
    """Several processes write to SQLite; without its write-ahead log they would lock each other out."""
    connection = connections["default"]
    if "default" not in (databases or ()) or connection.vendor != "sqlite":
        return []
    try:
        with connection.cursor() as cursor:
            (mode,) = cursor.execute("PRAGMA journal_mode").fetchone()
    except DatabaseError:
        return []  # whoever needs the database says what is wrong with it
    if mode in {"wal", "memory"}:  # in memory there is one process alone
        return []
    return [
        error(
            f"SQLite keeps its journal as “{mode}”, not as a write-ahead log, so that web server and worker "
            "would lock each other out. Move DATA_DIR to an ordinary disk, or use PostgreSQL.",
            "E018",
        )
    ]


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`: "ext4", "nfs4" …; "" where that is not known."""
    target, best, kind = _existing(path).resolve(), Path(), ""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        front, _, back = line.partition(" - ")
        place = Path(front.split(" ")[4].replace("\\040", " "))
        if target.is_relative_to(place) and len(place.parts) >= len(best.parts):
            best, kind = place, back.split(" ")[0]
    return kind


def _media_root() -> Path | None:
    return Path(settings.MEDIA_ROOT) if settings.MEDIA_STORAGE == "local" else None


def _existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    return next(place for place in (path, *path.parents) if os.path.exists(place))


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK | os.X_OK)


def _disk(path: Path) -> int:
    return _existing(path).stat().st_dev
