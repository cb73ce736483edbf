"""Where the bytes are kept: private, and on the disk for good before anything refers to them.

`put`, `open`, `exists`, `delete`, `size`, `probe` and `signed_address` work on the configured store; keys
look like `uploaded/7/20261122T101112345678-<sha256>.png` and mean the same in every store.
"""

import builtins
import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils.deconstruct import deconstructible

FOLDERS = {"upload": "uploaded", "import": "imported", "generated": "generated"}  # by Image.Source
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SPOOL_PREFIX = "incoming-"  # of files in the spool that belong to one request or task, and go with it


class StorageError(Exception):
    """The store did not take or give a file. `code` is `storage_full` or `storage`."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


def storage_full() -> StorageError:
    return StorageError("storage_full", "The disk is full. Nothing more can be added until there is room.")


def unreachable() -> StorageError:
    return StorageError("storage", "The picture store cannot be reached or written. Try again in a minute.")


def from_os_error(exc: OSError) -> StorageError:
    return storage_full() if exc.errno in FULL else unreachable()


@contextmanager
def explained() -> Iterator[None]:
    """Turn the system's errors into `StorageError`. A file that is not there stays `FileNotFoundError`."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise from_os_error(exc) from exc


# --- Keys ---------------------------------------------------------------------------------------


def original_key(source: str, owner_id: int, created_at: datetime, sha256: str, extension: str) -> str:
    """Return the key of an original: the same for the same picture, owner and time."""
    timestamp = created_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S%f")
    return f"{FOLDERS[source]}/{owner_id}/{timestamp}-{sha256}.{extension}"


def thumbnail_key(owner_id: int, public_hex: str, size: int) -> str:
    """Return the same key as `Image.thumbnail_key`, for a picture that is no row yet."""
    return f"thumbnails/{owner_id}/{public_hex}-{size}.webp"


# --- The configured store -------------------------------------------------------------------------


class Store(Protocol):
    """What a storage class needs beside Django's own methods."""

    def put(
        self, key: str, source: Path | bytes, content_type: str, sha256_hex: str | None = None
    ) -> None: ...

    def open_to_read(self, key: str, offset: int = 0) -> BinaryIO: ...

    def size(self, name: str) -> int: ...

    def delete(self, name: str) -> None: ...

    def signed_address(self, key: str, seconds: int, disposition: str, content_type: str) -> str | None: ...

    def files(self, folder: str) -> Iterator["StoredFile"]: ...

    def probe(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    key: str
    bytes: int
    modified: datetime


def _store() -> Store:
    return cast(Store, default_storage)


def put(key: str, source: Path | bytes, content_type: str, sha256_hex: str | None = None) -> None:
    """Store the file or bytes under `key`. Raises `StorageError`; then there is nothing under the key.

    The same bytes may be stored again.
    """
    _store().put(key, source, content_type, sha256_hex)


def open(key: str, offset: int = 0) -> BinaryIO:
    """Return a readable binary file, from byte `offset` on. Raises `FileNotFoundError` or `StorageError`."""
    return _store().open_to_read(key, offset)


def exists(key: str) -> bool:
    """Whether there is such a file. Raises `StorageError`."""
    return default_storage.exists(key)


def delete(key: str) -> None:
    """Delete the file; one that is not there is no error. Raises `StorageError`."""
    default_storage.delete(key)


def size(key: str) -> int:
    """Return the length in bytes. Raises `FileNotFoundError` or `StorageError`."""
    return default_storage.size(key)


def probe() -> None:
    """Raise `StorageError` when the store cannot take a file now. Answers within three seconds."""
    _store().probe()


def signed_address(key: str, seconds: int, disposition: str, content_type: str) -> str | None:
    """Return a short-lived address that needs no log-in, or None when this server sends the bytes itself.

    `disposition` is a Content-Disposition, as `media.disposition` writes it, or "".
    """
    return _store().signed_address(key, seconds, disposition, content_type)


def files(folder: str) -> Iterator[StoredFile]:
    """List what is stored below `folder` ("thumbnails"), in no special order. Raises `StorageError`."""
    return _store().files(folder)


# --- Local files --------------------------------------------------------------------------------


@deconstructible(path="gallery.files.storage.DurableLocalStorage")
class DurableLocalStorage(FileSystemStorage):
    """Files below MEDIA_ROOT that only the server's own user can read, and that survive a power cut.

    With X_ACCEL_PREFIX its group can read them as well, which the web server in front belongs to.
    """

    def __init__(self, location=None):
        super().__init__(
            location, file_permissions_mode=file_mode(), directory_permissions_mode=folder_mode()
        )

    def url(self, name):
        raise ValueError("Pictures have no public address. Use gallery.files.media to make a signed one.")

    def get_available_name(self, name, max_length=None):
        return name  # keys are made by us and never name two different files

    def _save(self, name, content):
        content.seek(0)
        self.put(name, content.read(), "")
        return name

    def put(self, key: str, source: Path | bytes, content_type: str, sha256_hex: str | None = None) -> None:
        target = Path(self.path(key))
        # In the spool, where what a killed process leaves behind is cleared away.
        part = settings.SPOOL_DIR / f"{SPOOL_PREFIX}{secrets.token_hex(8)}.part"
        try:
            make_folders(settings.SPOOL_DIR, settings.SPOOL_DIR)
            make_folders(target.parent, Path(self.location))
            _fill(part, source)
            _give_name(part, target)
        except OSError as exc:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise from_os_error(exc) from exc

    def probe(self) -> None:
        root = Path(self.location)
        with explained():
            make_folders(root, root)
            with tempfile.TemporaryFile(dir=root) as file:
                file.write(b"1")

    def open_to_read(self, key: str, offset: int = 0) -> BinaryIO:
        with explained():
            file = builtins.open(self.path(key), "rb")  # noqa: SIM115  the caller closes it
            file.seek(offset)
            return file

    def delete(self, name):
        with explained():
            super().delete(name)

    def size(self, name):
        with explained():
            return super().size(name)

    def signed_address(self, key: str, seconds: int, disposition: str, content_type: str) -> None:
        return None

    def files(self, folder: str) -> Iterator[StoredFile]:
        root = Path(self.location)
        for path in (root / folder).rglob("*"):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue  # deleted since
            if path.is_file():
                modified = datetime.fromtimestamp(stat.st_mtime, UTC)
                yield StoredFile(key=path.relative_to(root).as_posix(), bytes=stat.st_size, modified=modified)


def file_mode() -> int:
    return 0o640 if settings.X_ACCEL_PREFIX else 0o600


def folder_mode() -> int:
    return 0o750 if settings.X_ACCEL_PREFIX else 0o700


def make_folders(folder: Path, root: Path) -> None:
    """Make `folder` for us alone, and see to it that a power cut does not lose the new names."""
    if folder.is_dir():
        return
    if folder != root:
        make_folders(folder.parent, root)
        folder.mkdir(mode=0o700, exist_ok=True)
    else:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(folder_mode())  # whatever the umask says
    sync_folder(folder.parent)


def _fill(part: Path, source: Path | bytes) -> None:
    if isinstance(source, bytes):
        with builtins.open(part, "xb") as file:
            file.write(source)
    elif source.is_relative_to(settings.SPOOL_DIR):
        _link_or_copy(source, part)  # our own temporary file; nobody writes to it any more
    else:
        shutil.copyfile(source, part)
    _make_durable(part)


def _give_name(part: Path, target: Path) -> None:
    """Let a synced file appear under its name, for good or not at all."""
    try:
        part.replace(target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        _move_across(part, target)  # the spool lies on another file system
    try:
        sync_folder(target.parent)
    except OSError:
        target.unlink(missing_ok=True)
        raise


def _move_across(part: Path, target: Path) -> None:
    near = target.with_name(f".{part.name}")
    try:
        shutil.copyfile(part, near)
        _make_durable(near)
        near.replace(target)
    finally:
        near.unlink(missing_ok=True)
    part.unlink(missing_ok=True)


def _make_durable(path: Path) -> None:
    with builtins.open(path, "rb+") as file:
        os.fchmod(file.fileno(), file_mode())
        os.fsync(file.fileno())


def _link_or_copy(source: Path, part: Path) -> None:
    try:
        part.hardlink_to(source)
    except OSError as exc:
        if exc.errno in FULL:
            raise
        shutil.copyfile(source, part)  # another file system, or one without links


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
