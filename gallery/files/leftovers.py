"""What stopped requests and tasks leave behind: half files in the spool, and stored files that got no row.

Before a picture's first file is stored, a note in the spool names what will be there, and it is deleted once
the row is committed. The note stays open under a lock of the process that made it, and the system takes the
lock away when that process ends, however it ends. So a note that can be locked is nobody's: what it names
and no row knows is deleted.
"""

import fcntl
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from django.conf import settings

from gallery.files import storage
from gallery.models import Image

log = logging.getLogger(__name__)

NOTES = "unfiled-"
NOTE_SECONDS = 60  # a row may be committed a moment after its process lost sight of the database
SPOOL_SECONDS = 3600  # a temporary file this old belongs to nobody: its request or worker is gone
# The last are those that Django makes of what is being uploaded.
TEMPORARY = (f"{storage.SPOOL_PREFIX}*", "answer-*", "inputs-*", "seen-*", "tmp*.upload*")


class Note:
    """Names the files of one picture until its row is there. Raises `OSError` when it cannot be written."""

    def __init__(self, public_id: uuid.UUID, keys: Iterable[str]):
        settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = settings.SPOOL_DIR / f"{NOTES}{public_id.hex}"
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            os.write(self._descriptor, json.dumps(list(keys)).encode())
        except OSError:
            self.drop()
            raise

    def drop(self) -> None:
        """The picture has its row, or none of its files is left."""
        self.path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Let `sweep_notes` find out what became of the picture."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    __del__ = leave


def delete(keys: list[str]) -> None:
    """Delete files whose rows are gone: now, or as soon as the store is back."""
    if left := _failing(keys):
        log.warning("%d files cannot be deleted now; housekeeping will", len(left))
        with suppress(OSError):  # check_storage will name them
            Note(uuid.uuid4(), left).leave()


def _failing(keys: Iterable[str]) -> list[str]:
    """Delete what can be deleted; return the rest."""
    left = []
    for key in keys:
        try:
            storage.delete(key)
        except storage.StorageError:
            left.append(key)
    return left


def sweep_spool() -> int:
    """Delete temporary files and folders of the spool that are too old to be in use. Returns how many."""
    swept = 0
    for path in old_temporary():
        with suppress(FileNotFoundError):  # its own request was faster
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            swept += 1
    return swept


def old_temporary() -> Iterator[Path]:
    before = time.time() - SPOOL_SECONDS
    for path in chain.from_iterable(settings.SPOOL_DIR.glob(pattern) for pattern in TEMPORARY):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                yield path


def sweep_notes() -> None:
    """Delete the files of pictures that were stored and never got a row, when nobody is at them any more."""
    before = time.time() - NOTE_SECONDS
    for path in settings.SPOOL_DIR.glob(f"{NOTES}*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                _settle(path)


def _settle(path: Path) -> None:
    with path.open("rb") as note:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody is at it
        if not _failing(_unfiled(note.read())):
            path.unlink(missing_ok=True)


def _unfiled(text: bytes) -> list[str]:
    """The keys of a note whose picture has no row."""
    try:
        keys = json.loads(text)
    except ValueError:
        return []  # it was being written when its process was stopped: nothing was stored yet
    return [] if Image.objects.filter(storage_key__in=keys).exists() else keys
