"""A backup back into an empty installation: files first, then all rows in one transaction.

Whatever stops it leaves a library that is still empty, and it can be run again. Nothing is sent afterwards:
what was waiting when the backup was made is shown as failed, for the other library may have sent it.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.utils import timezone

from gallery import decode, rights, tagging
from gallery.backups.backup import CHUNK, FORMAT, BackupError, Manifest, OnStep, saved_models
from gallery.decode import sniff
from gallery.files import renditions, storage
from gallery.generations import summaries
from gallery.models import AuditEntry, ConnectionProfile, GenerationCall, Image, Tag, User
from gallery.models.fields import UnreadableSecret
from gallery.pictures import trashing
from gallery.search import bitmaps

AT_ONCE = 500
SHA256 = re.compile(r"-([0-9a-f]{64})\.")
NOT_SENT = (
    "This was waiting when the backup was made. It was not sent from here. Try again if it is still wanted."
)


@dataclass(frozen=True, kw_only=True)
class Restored:
    manifest: Manifest
    damaged: tuple[str, ...]  # files of the backup that are not what they were
    locked_keys: tuple[str, ...]  # names of connections whose provider key this installation cannot open


def restore(source: Path, on_step: OnStep = lambda done, total: None) -> Restored:
    """Bring the backup `source` into this installation, which must be empty. Raises `BackupError`."""
    if User.objects.exists():
        raise BackupError(
            "This installation has accounts already. "
            "Restore into an empty one: another DATA_DIR, or a new database."
        )
    with _opened(source) as archive:
        manifest = _manifest(archive)
        damaged = _bring_files(archive, manifest, on_step)
        with transaction.atomic():
            _bring_rows(archive, manifest)
            rights.bring(json.loads(archive.read("rights.json")))
            _hold_back()
        _drop_deleted(manifest)
        bitmaps.rebuild(Tag.objects.values_list("pk", flat=True))
    return Restored(manifest=manifest, damaged=tuple(damaged), locked_keys=tuple(_locked_keys()))


def make_thumbnails() -> int:
    """Make the thumbnails that are missing. Returns how many pictures cannot be read."""
    failed = 0
    for image in Image.objects.order_by("-pk").iterator(chunk_size=AT_ONCE):
        try:
            if renditions.missing(image):
                renditions.rebuild(image)
        except (FileNotFoundError, decode.DecodeError):
            failed += 1
    return failed


def _opened(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except OSError as exc:
        raise BackupError(f"{source} cannot be read: {exc.strerror}.") from exc
    except zipfile.BadZipFile as exc:
        raise BackupError(f"{source} is no complete backup. Take another one.") from exc


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        manifest = Manifest(**json.loads(archive.read("backup.json")))
    except (KeyError, ValueError, TypeError) as exc:
        raise BackupError("This file is no backup of Vignette.") from exc
    here = {path.stem for path in (Path(apps.get_app_config("gallery").path) / "migrations").glob("0*.py")}
    if manifest.format > FORMAT or set(manifest.migrations) - here:
        raise BackupError("This backup was made by a newer version. Bring that version in first.")
    return manifest


# --- Files ----------------------------------------------------------------------------------------


def _bring_files(archive: zipfile.ZipFile, manifest: Manifest, on_step: OnStep) -> list[str]:
    """Store every file; returns the keys of those that are not what they were."""
    settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    damaged = []
    for done, name in enumerate(archive.namelist()):
        folder, _, key = name.partition("/")
        if folder == "media" and not _store(archive, name, key):
            damaged.append(key)
        elif folder == "spool":
            (settings.SPOOL_DIR / PurePosixPath(key).name).write_bytes(archive.read(name))
        on_step(min(done, manifest.files), manifest.files)
    return damaged


def _store(archive: zipfile.ZipFile, name: str, key: str) -> bool:
    with NamedTemporaryFile(dir=settings.SPOOL_DIR, prefix="incoming-") as copy:
        try:
            with archive.open(name) as file:
                digest = _copy(file, copy)
        except zipfile.BadZipFile:
            return False
        copy.flush()
        named = SHA256.search(key)
        if named and named[1] != digest:
            return False
        mime_type = sniff.MIME_TYPES.get(PurePosixPath(key).suffix.lstrip("."), "image/png")
        storage.put(key, Path(copy.name), mime_type, digest)
    return True


def _copy(source: IO[bytes], target: Any) -> str:
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        target.write(chunk)
        digest.update(chunk)
    return digest.hexdigest()


# --- Rows -----------------------------------------------------------------------------------------


def _bring_rows(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    AuditEntry.objects.all().delete()  # who knocked before there was an account; their keys are needed
    for label in manifest.rows:
        model = _model(label)
        with archive.open(f"rows/{label}.jsonl") as file:
            fields = [_field(model, name) for name in json.loads(file.readline())]
            for lines in batched(file, AT_ONCE):
                _insert(model, fields, [json.loads(line) for line in lines])
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), saved_models()):
            cursor.execute(statement)


def _model(label: str) -> type[models.Model]:
    try:
        return apps.get_model(label)
    except LookupError as exc:
        raise BackupError(
            f"This version does not know {label}. Restore with the version that made it."
        ) from exc


def _field(model: type[models.Model], column: str) -> models.Field:
    for one in model._meta.concrete_fields:
        if one.attname == column:
            return one
    raise BackupError(
        f"This version does not know {model._meta.label}.{column}. Restore with the version that made it."
    )


def _insert(model: type[models.Model], fields: list[models.Field], rows: Iterable[list[Any]]) -> None:
    """Insert the rows as they were: `bulk_create` would set the times of creation to now."""
    absent = [one for one in model._meta.concrete_fields if one not in fields and not one.primary_key]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(one.column)) for one in [*fields, *absent])
    places = ", ".join(["%s"] * (len(fields) + len(absent)))
    values = [
        [
            *(
                one.get_db_prep_save(_value(one, value), connection)
                for one, value in zip(fields, row, strict=True)
            ),
            *(one.get_db_prep_save(one.get_default(), connection) for one in absent),
        ]
        for row in rows
    ]
    statement = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608  our own names
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def _value(column: models.Field, value: Any) -> Any:
    if value is None or isinstance(column, models.JSONField):
        return value
    if isinstance(column, models.BinaryField):
        return bytes.fromhex(value)
    try:
        return column.to_python(value)
    except ValidationError as exc:
        raise BackupError(f"The backup is damaged: {value!r} is no {column.name}.") from exc


def _hold_back() -> None:
    """Let nothing be sent by itself."""
    waiting = GenerationCall.objects.filter(state=GenerationCall.State.QUEUED)
    generations = set(waiting.values_list("generation_id", flat=True))
    waiting.update(
        state=GenerationCall.State.FAILED,
        error_code="interrupted",
        error_message=NOT_SENT,
        retryable=True,
        finished_at=timezone.now(),
    )
    for generation in generations:
        summaries.refresh(generation)


def _drop_deleted(manifest: Manifest) -> None:
    """Pictures that were deleted for good while the backup was made have a row in it, and no file."""
    for keys in batched(manifest.deleted, AT_ONCE):
        images = Image.objects.filter(storage_key__in=keys)
        for owner in set(images.values_list("owner", flat=True)):
            tagging.trash(images.filter(owner=owner).live())
        trashing.delete_for_good(images)


def _locked_keys() -> Iterator[str]:
    for profile in ConnectionProfile.objects.order_by("pk"):
        try:
            profile.api_key  # noqa: B018  reading it is the test
        except UnreadableSecret:
            yield profile.name
