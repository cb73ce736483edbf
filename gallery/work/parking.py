"""Tasks that stop their worker again and again: they are set aside, and people are told.

A task that was begun and never ended took its worker with it, or was at work beside one that did. From the
second time on such tasks run one at a time, so that the culprit shows. After the third it stays in the queue
for staff to see, and is begun no more.
"""

import logging
from collections.abc import Iterable

from django.db import transaction
from django.utils.module_loading import import_string

from gallery.models import QueuedTask
from gallery.work import leases

log = logging.getLogger(__name__)

SUSPECT = 2  # times begun and not ended
CRASHES = 3
# Who tells the person whose job it was. Texts and comparisons end by themselves.
TELL = {
    "gallery.tasks.run_call": "gallery.generations.calls.give_up",
    "gallery.tasks.run_import": "gallery.imports.importing.give_up",
    "gallery.tasks.run_bulk": "gallery.bulk.give_up",
    "gallery.tasks.feed_batch": "gallery.batches.give_up",
}


def park() -> None:
    """Set aside what has stopped its worker too often."""
    for row in QueuedTask.objects.filter(leases.is_free(), attempts__gte=CRASHES).exclude(lease_until=None):
        _park(row)


@transaction.atomic
def _park(row: QueuedTask) -> None:
    rows = QueuedTask.objects.filter(leases.is_free(), pk=row.pk).exclude(lease_until=None)
    if rows.update(lease_until=None, worker=""):
        log.error("%s stopped its worker %d times and is set aside", row, row.attempts)
        if path := TELL.get(row.path):
            import_string(path)(*row.args)


def one_suspect_among(rows: Iterable[QueuedTask]) -> list[QueuedTask]:
    """`rows` without all suspects but the first."""
    kept: list[QueuedTask] = []
    for row in rows:
        if row.attempts < SUSPECT or all(other.attempts < SUSPECT for other in kept):
            kept.append(row)
    return kept


def is_parked(path: str, key: int) -> bool:
    return QueuedTask.objects.filter(path=path, args=[key], attempts__gte=CRASHES).exists()


def release(rows) -> int:
    """Let parked tasks be begun again. Returns how many."""
    return rows.filter(attempts__gte=CRASHES).update(attempts=0, lease_until=None)
