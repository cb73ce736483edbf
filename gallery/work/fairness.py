"""Who comes next: the waiting work of one person lets that of the others through.

A task gets its place when it is queued: behind the head of the line by as many as its owner has waiting, so
that the tasks of two people alternate, however many one of them has sent. (Start-time fair queueing, Goyal,
Vin and Cheng, 1996, with tasks of equal length.) The place is the row's priority, which has an index.
"""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from gallery.models import BulkAction, Generation, GenerationCall, Import, QueuedTask
from gallery.work import parking

LAST = -32_000  # the column ends there. A line that was never empty for so long goes on by age alone.
# At work at once in one worker: these keep processor and disk busy, where vendors are only waited for.
SIDE_BY_SIDE = {
    "gallery.tasks.run_import": 3,
    "gallery.tasks.run_bulk": 3,
    "gallery.tasks.compare_pictures": 1,
    "gallery.tasks.empty_trash": 2,
}


def place_of(path: str, args: list) -> int:
    """The priority of a task that is about to be queued: 0 for the head of an empty line, else below it."""
    ahead = AHEAD.get(path)
    if ahead is None:
        return 0
    head = _head_of_the_line(path)
    return 0 if head is None else max(LAST, head - max(0, ahead(*args)))


def _head_of_the_line(path: str) -> int | None:
    due = QueuedTask.objects.filter(path=path, lease_until=None, run_after__lte=timezone.now())
    waiting = due.filter(attempts__lt=parking.CRASHES)
    return waiting.order_by("-priority", "run_after", "id").values_list("priority", flat=True).first()


def _calls_ahead(call_id: int) -> int:
    owner, index = GenerationCall.objects.values_list("generation__owner", "index").get(pk=call_id)
    held = GenerationCall.objects.filter(held=True, state="queued", generation=OuterRef("pk"))
    awake = Generation.objects.filter(~Exists(held), owner=owner, status="queued").order_by()
    return awake.count() - 1 + index  # the call's own generation is one of them


def _jobs_ahead(model: type[Import] | type[BulkAction], pk: int) -> int:
    job = model.objects.values_list("owner", flat=True).filter(pk=pk).first()
    return model.objects.filter(owner=job, status="queued", pk__lt=pk).order_by().count()


AHEAD = {
    "gallery.tasks.run_call": _calls_ahead,
    "gallery.tasks.run_import": lambda pk: _jobs_ahead(Import, pk),
    "gallery.tasks.run_bulk": lambda pk: _jobs_ahead(BulkAction, pk),
}


def open_lines(due: QuerySet[QueuedTask], running: Iterable[QueuedTask]) -> QuerySet[QueuedTask]:
    """Those of `due` that may be begun beside `running`."""
    at_work = Counter(row.path for row in running)
    full = [path for path, most in SIDE_BY_SIDE.items() if at_work[path] >= most]
    return due.exclude(path__in=full) if full else due


def fitting(rows: Iterable[QueuedTask], running: Iterable[QueuedTask]) -> list[QueuedTask]:
    """As many of `rows`, in their order, as may be at work together with `running`."""
    at_work, kept = Counter(row.path for row in running), []
    for row in rows:
        at_work[row.path] += 1
        if at_work[row.path] <= SIDE_BY_SIDE.get(row.path, at_work[row.path]):
            kept.append(row)
    return kept
