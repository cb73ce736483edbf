"""What is expected to pass: a database or a store that does not answer, a disk that is full."""

import errno
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError

from gallery.files.storage import FULL, StorageError
from gallery.language.wording import gettext_lazy

RETRY_SECONDS = "5"
FULL_DATABASE = ("database or disk is full", "no space left on device")  # SQLite, PostgreSQL
TROUBLE = (*FULL, errno.EIO, errno.EROFS, errno.ESTALE)


@dataclass(frozen=True, kw_only=True)
class Outage:
    """How an answer says it."""

    status: int
    title: str
    sentence: str
    code: str  # for programs


DATABASE = Outage(
    status=503,
    title=gettext_lazy("The database does not answer"),
    sentence=gettext_lazy(
        "Nothing of yours was lost. Try again in a moment; if it lasts, the server’s log says why."
    ),
    code="database",
)
STORE = Outage(
    status=503,
    title=gettext_lazy("The picture store does not answer"),
    sentence=gettext_lazy("It cannot be reached or written. Nothing was changed. Try again in a minute."),
    code="storage",
)
DISK = Outage(
    status=507,
    title=gettext_lazy("The disk is full"),
    sentence=gettext_lazy(
        "Nothing more can be added until there is room. What you have is safe; nothing new was kept."
    ),
    code="storage_full",
)


def outage_of(exc: BaseException | None) -> Outage | None:
    """What `exc` says about database, store and disk; None for a fault of ours."""
    if isinstance(exc, OperationalError | InterfaceError):
        return DISK if any(words in str(exc).lower() for words in FULL_DATABASE) else DATABASE
    if isinstance(exc, StorageError):
        return DISK if exc.code == "storage_full" else STORE
    if isinstance(exc, OSError) and exc.errno in TROUBLE:
        return DISK if exc.errno in FULL else STORE
    return None
