"""How much may wait: so that nobody fills the queue alone, and all together do not drown the server.

Who comes too often is asked to come back (429), and so is everybody when the server has enough (503).
"""

import threading
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, models
from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.models import Batch, BulkAction, GenerationCall, Import, User
from providers.errors import ProviderError

DOOR = threading.BoundedSemaphore(1)
PATIENCE = 20.0  # seconds


class TooMany(ProviderError):
    """Too much of one person waits already."""

    code = "rate_limited"
    http_status = 429
    retryable = True
    seconds = 30  # after which it is worth another try


class Overloaded(TooMany):
    """Too much of all together waits already."""

    code = "overloaded"
    http_status = 503


@contextmanager
def at_the_door(owner: User, *, is_repeatable: bool = False):
    """Let the requests of this process for pictures take turns at the database, before they lock it.

    SQLite has one writer, and of many who ask for the lock at once some are passed over until they give up.
    Who has too much waiting is told so before that; with `is_repeatable` that may be a request which is
    known already, and is looked at first. Raises `TooMany`.
    """
    if not is_repeatable:
        _see_that_it_fits(owner, 1)
    if connection.vendor != "sqlite":
        yield
        return
    if not DOOR.acquire(timeout=PATIENCE):
        raise Overloaded(gettext("Many ask for pictures at this moment. Ask again in a minute."))
    try:
        yield
    finally:
        DOOR.release()


def admit_generation(owner: User, calls: int) -> None:
    """Let a generation of so many requests in. Call it in the transaction that saves it; raises `TooMany`."""
    _one_at_a_time(owner)
    _see_that_it_fits(owner, calls)


def _see_that_it_fits(owner: User, calls: int) -> None:
    waiting = GenerationCall.objects.open()
    mine = waiting.filter(generation__owner=owner).count()
    if mine and mine + calls > settings.MAX_QUEUED_PER_USER:
        sentence = gettext("You have {mine} requests waiting or under way, which is as many as fit. ").format(
            mine=thousands(mine)
        )
        raise TooMany(sentence + gettext("Ask again when some are done."))
    if waiting.count() + calls > max(settings.MAX_QUEUED, calls):
        raise Overloaded(gettext("The queue is full. Ask again in a minute."))


def admit_import(owner: User) -> None:
    """Let an import in, or raise `TooMany`."""
    _admit(owner, Import.objects.filter(status__in=Import.ACTIVE), "imports")


def admit_bulk(owner: User) -> None:
    """Let an action on many pictures in, or raise `TooMany`."""
    _admit(owner, BulkAction.objects.filter(status__in=BulkAction.ACTIVE), gettext("actions on many images"))


def admit_batch(owner: User) -> None:
    """Let a batch of pictures in, or raise `TooMany`."""
    _admit(owner, Batch.objects.filter(state=Batch.State.RUNNING), "batches")


def _admit(owner: User, active: models.QuerySet, what: str) -> None:
    _one_at_a_time(owner)
    mine = active.filter(owner=owner).count()
    if mine >= settings.MAX_JOBS_PER_USER:
        sentence = gettext("You have {mine} {what} waiting or under way, which is as many as fit. ").format(
            mine=thousands(mine), what=what
        )
        raise TooMany(sentence + gettext("Begin another one when some are done."))


def _one_at_a_time(owner: User) -> None:
    """Requests of one person at the same moment must not all see the last free place."""
    if not connection.features.has_select_for_update:
        return  # whoever is in a transaction is alone
    User.objects.select_for_update(no_key=True).filter(pk=owner.pk).values_list("pk").first()
