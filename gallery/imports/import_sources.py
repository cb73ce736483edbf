"""Where the bytes of an import come from: an archive in the spool, or addresses of the web.

Where workers may be on other machines than the request, the archive waits for them in the store.
"""

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils import timezone

from gallery.files import leftovers, storage
from gallery.imports import archives
from gallery.imports.archives import ArchiveError
from gallery.ingest import IngestError
from gallery.models import Import, ImportEntry
from providers import egress

FETCH_SECONDS = 20.0
ARCHIVE_PREFIX = "import-"
WAITING = "archives"  # folder of the store
ARCHIVE_SECONDS = 24 * 3600  # one this old that no job names belongs to a request that was killed
CHUNK = 1 << 20

type Bring = Callable[[ImportEntry], AbstractContextManager[BinaryIO | Path]]


@contextmanager
def opened(job: Import) -> Iterator[Bring]:
    """Give the function that brings the bytes of an entry. Raises `ArchiveError`.

    That function raises `ArchiveError`, `EgressError` or `IngestError`.
    """
    if not job.archive_spool:
        yield fetched
        return
    path = settings.SPOOL_DIR / job.archive_spool
    if not path.exists():
        _bring_near(path)
    with archives.open_archive(path) as archive:
        yield lambda entry: archive.open(archives.Entry(index=entry.index, name=entry.name))


# --- Archives -------------------------------------------------------------------------------------


def spool(file: BinaryIO) -> Path:
    """Copy an archive so that it survives the request and a power cut. Raises `IngestError`."""
    path = _new_path(ARCHIVE_PREFIX)
    try:
        with path.open("xb") as copy:
            while chunk := file.read(CHUNK):
                copy.write(chunk)
                if copy.tell() > settings.MAX_IMPORT_BYTES:
                    raise _too_big()
            copy.flush()
            os.fsync(copy.fileno())
    except OSError as exc:
        path.unlink(missing_ok=True)
        raise _no_room(exc) from exc
    except IngestError:
        path.unlink(missing_ok=True)
        raise
    return path


def share(path: Path) -> None:
    """Let workers of other machines have the archive. Raises `IngestError`."""
    if not settings.BROKER_URL:
        return
    try:
        storage.put(_key_of(path.name), path, "application/zip")
    except storage.StorageError as exc:
        raise IngestError(exc.code, exc.message) from exc
    path.unlink(missing_ok=True)


def _bring_near(path: Path) -> None:
    """Fetch an archive that was added on another machine. Raises `ArchiveError` or `IngestError`."""
    part = _new_path(storage.SPOOL_PREFIX)
    try:
        with storage.open(_key_of(path.name)) as source, part.open("xb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)
        part.rename(path)
    except FileNotFoundError as exc:
        raise ArchiveError("archive_gone", "The archive is not here any more. Add it again.") from exc
    except storage.StorageError as exc:
        raise IngestError(exc.code, exc.message) from exc
    except OSError as exc:
        raise _no_room(exc) from exc
    finally:
        part.unlink(missing_ok=True)


def _key_of(name: str) -> str:
    return f"{WAITING}/{name}"


def drop_archive(job: Import) -> None:
    if job.archive_spool:
        drop(job.archive_spool)


def drop(name: str) -> None:
    (settings.SPOOL_DIR / name).unlink(missing_ok=True)
    if settings.BROKER_URL:
        leftovers.delete([_key_of(name)])


def sweep_shared() -> None:
    """Delete what killed requests and fallen machines left in the store."""
    if not settings.BROKER_URL:
        return
    before = timezone.now() - timedelta(seconds=ARCHIVE_SECONDS)
    for file in storage.files(WAITING):
        name = file.key.rpartition("/")[2]
        needed = Import.objects.filter(archive_spool=name, status__in=Import.ACTIVE)
        if file.modified < before and not needed.exists():
            storage.delete(file.key)


def sweep_archives() -> None:
    """Delete what killed requests left in the spool."""
    before = time.time() - ARCHIVE_SECONDS
    for path in settings.SPOOL_DIR.glob(f"{ARCHIVE_PREFIX}*"):
        needed = Import.objects.filter(archive_spool=path.name, status__in=Import.ACTIVE)
        with suppress(FileNotFoundError):  # the job that is over took it away meanwhile
            if path.stat().st_mtime < before and not needed.exists():
                path.unlink()


def _too_big() -> IngestError:
    limit = f"{settings.MAX_IMPORT_BYTES / 2**20:,.1f}".removesuffix(".0")
    return IngestError(
        "too_big", f"This archive is too big. The limit here is {limit} MB. Split it into several."
    )


# --- Addresses ------------------------------------------------------------------------------------


@contextmanager
def fetched(entry: ImportEntry) -> Iterator[Path]:
    """Bring the file at an address into the spool for as long as the block runs."""
    path = _new_path(storage.SPOOL_PREFIX)
    try:
        kind = _fetch(entry.name, path)
        with _explained(kind):
            yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _explained(kind: str) -> Iterator[None]:
    """Say of a page that it is one. What its server calls a file counts only where it is no picture."""
    try:
        yield
    except IngestError as exc:
        if exc.retryable or not kind.lower().startswith(("text/html", "application/xhtml")):
            raise
        raise IngestError(
            "unsupported_type",
            "The page at this address is not a picture. Give the address of the picture itself.",
        ) from exc


def _fetch(address: str, path: Path) -> str:
    """Write the file at `address` to `path`; what its server calls it."""
    try:
        with path.open("xb") as file:
            return egress.fetch(
                address,
                sink=file,
                max_bytes=settings.MAX_IMPORT_BYTES,
                deadline=FETCH_SECONDS,
                allowed_private_hosts=settings.ALLOWED_PRIVATE_HOSTS,
            ).content_type
    except egress.UnknownName as exc:  # nobody learns which names there are on the server's own network
        raise egress.EgressError("blocked_address", egress.NOT_ON_THE_INTERNET) from exc
    except OSError as exc:
        raise _no_room(exc) from exc


def _new_path(prefix: str) -> Path:
    try:
        settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise _no_room(exc) from exc
    return settings.SPOOL_DIR / f"{prefix}{uuid.uuid4().hex}"


def _no_room(exc: OSError) -> IngestError:
    error = storage.from_os_error(exc)
    return IngestError(error.code, error.message)
