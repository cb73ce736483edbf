"""A backup: one ZIP with every row, every original, and what a running generation has brought home.

rights.json          groups and what people may do in the admin, by name: numbers differ between databases
rows/<model>.jsonl   a list of column names, then a list of values for each row
media/<key>          originals and masks under their storage keys; thumbnails are made again
spool/<name>         raw answers that are no pictures yet
backup.json          what is inside; written last, so that a file that was cut has none

The rows are one snapshot, taken before the first file is read: a picture it names was complete then. Provider
keys stay encrypted. The keys that open them, and SECRET_KEY, are not inside and travel apart from it.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TextIO

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from gallery import rights
from gallery.files import storage
from gallery.generations import answers, inputs
from gallery.models import (
    CacheEntry,
    CallPreview,
    GenerationCall,
    Image,
    QueuedTask,
    TagBitmap,
    Tally,
    User,
    Worker,
)

FORMAT = 1
CHUNK = 1 << 20
LEFT_OUT = (  # of this installation, or made again from the rest
    QueuedTask, Worker, CallPreview, TagBitmap, CacheEntry, Tally,
    User.groups.through, User.user_permissions.through,
)  # fmt: skip

type OnStep = Callable[[int, int], None]  # files done, files in all


class BackupError(Exception):
    """A backup that was not made or not restored; the message is for the operator."""


@dataclass(kw_only=True)
class Manifest:
    format: int = FORMAT
    created_at: str = ""
    migrations: list[str] = field(default_factory=list)  # of the gallery, in the order of their names
    rows: dict[str, int] = field(default_factory=dict)  # by model
    files: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)  # keys of originals that were not there or not right
    deleted: list[str] = field(default_factory=list)  # keys of those that people deleted meanwhile


def saved_models() -> list[type[models.Model]]:
    """The models whose rows a backup holds."""
    ours = apps.get_app_config("gallery").get_models(include_auto_created=True)
    return [model for model in ours if model not in LEFT_OUT and not model._meta.proxy]


def write(out: Path, on_step: OnStep = lambda done, total: None) -> Manifest:
    """Make the backup at `out`, which appears when it is complete. Raises `BackupError`, `StorageError`."""
    if out.exists():
        raise BackupError(f"{out} exists already. Name another file.")
    part = out.with_name(f".{out.name}.part")
    try:
        with _created(part) as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                manifest = _fill(archive, on_step)
            file.flush()
            os.fsync(file.fileno())
        part.rename(out)
        storage.sync_folder(out.parent)
    except OSError as exc:
        raise BackupError(f"{out} cannot be written: {exc.strerror}.") from exc
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _created(part: Path) -> BinaryIO:
    return os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")


def _fill(archive: zipfile.ZipFile, on_step: OnStep) -> Manifest:
    manifest = Manifest(created_at=timezone.now().isoformat(), migrations=_migrations())
    with TemporaryFile("w+") as keys:
        with one_moment():
            for model in saved_models():
                manifest.rows[model._meta.label] = _write_rows(archive, model)
            archive.writestr("rights.json", json.dumps(rights.read()))
            open_calls = list(GenerationCall.objects.filter(state__in=["sent", "answered"]))
            total = _note_files(keys)
        keys.seek(0)
        for done, line in enumerate(keys, start=1):
            _add(archive, manifest, *json.loads(line))
            on_step(done, total)
    _add_answers(archive, open_calls)
    archive.writestr("backup.json", json.dumps(vars(manifest), indent=1))
    return manifest


def _note_files(keys: TextIO) -> int:
    """Write down the key and the checksum of every file that belongs to the rows; returns how many."""
    originals = Image.objects.order_by("pk").values_list("storage_key", "sha256").iterator(chunk_size=2000)
    n = 0
    for file in chain(originals, zip(inputs.mask_keys(), repeat(""))):
        keys.write(json.dumps(file) + "\n")
        n += 1
    return n


# --- Rows -----------------------------------------------------------------------------------------


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all queries of the block see the same moment, without keeping anybody from writing."""
    if connection.vendor != "sqlite":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield
        return
    sqlite: Any = connection
    mode, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"  # else it locks out writers
    try:
        with transaction.atomic():
            yield
    finally:
        sqlite.transaction_mode = mode


def _migrations() -> list[str]:
    done = MigrationRecorder(connection).applied_migrations()
    return sorted(name for app, name in done if app == "gallery")


def _write_rows(archive: zipfile.ZipFile, model: type[models.Model]) -> int:
    columns = model._meta.concrete_fields
    entry = zipfile.ZipInfo(f"rows/{model._meta.label}.jsonl")
    entry.compress_type = zipfile.ZIP_DEFLATED
    n = 0
    with archive.open(entry, "w", force_zip64=True) as file:
        file.write(_line([column.attname for column in columns]))
        for row in _rows(model, columns):
            file.write(_line(row))
            n += 1
    return n


def _rows(model: type[models.Model], columns: Iterable[models.Field]) -> Iterable[tuple[Any, ...]]:
    names = [column.attname for column in columns]
    return model._base_manager.order_by().values_list(*names).iterator(chunk_size=2000)


def _line(values: Iterable[Any]) -> bytes:
    return json.dumps(list(values), default=_as_text, separators=(",", ":")).encode() + b"\n"


def _as_text(value: Any) -> str:
    """Django's own encoder would cut the microseconds."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.isoformat() if isinstance(value, datetime) else str(value)  # UUID, Decimal


# --- Files ----------------------------------------------------------------------------------------


def _add(archive: zipfile.ZipFile, manifest: Manifest, key: str, sha256: str = "") -> None:
    """Copy a stored file; one that is not there, or not what was stored, is named in `missing`."""
    try:
        file = storage.open(key)
    except FileNotFoundError:
        is_deleted = sha256 and not Image.objects.filter(storage_key=key).exists()
        (manifest.deleted if is_deleted else manifest.missing).append(key)
        return
    digest, size = _copy(archive, f"media/{key}", file)
    manifest.files, manifest.bytes = manifest.files + 1, manifest.bytes + size
    if sha256 and digest != sha256:
        manifest.missing.append(key)


def _add_answers(archive: zipfile.ZipFile, open_calls: Iterable[GenerationCall]) -> None:
    """Add the answers to calls that had no pictures when the rows were written, also what came since."""
    for call in open_calls:
        path = answers.spool_of(call)
        if path.exists():
            _copy(archive, f"spool/{path.relative_to(settings.SPOOL_DIR)}", path.open("rb"))


def _copy(archive: zipfile.ZipFile, name: str, source: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with source, archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size
