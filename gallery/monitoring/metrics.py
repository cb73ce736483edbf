"""What operators watch, as numbers for Prometheus: the same from every web server, whoever did the work.

They come from the rows that all processes share, so that none has to be asked by itself; only requests are
counted in each process. No query reads a table that grows with the library: what is open is few, what has
ended is kept added up (`tallies`), and what is stored is measured once a day (`usage`).
"""

import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import BooleanField, Case, Count, Min, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils import timezone

from gallery.files import usage
from gallery.models import GenerationCall, QueuedTask, Worker
from gallery.monitoring import exposition, tallies, traffic
from gallery.monitoring.exposition import Family, counter, gauge, histogram
from gallery.monitoring.readiness import SILENCE

KEPT_SECONDS = 5.0  # for which the numbers of the database are not asked again
# Written out: SQLite takes the index of what is open for no condition whose values come apart from it.
OPEN = RawSQL("state IN ('queued', 'sent', 'answered')", [], output_field=BooleanField())

_kept: tuple[float, list[Family]] = (float("-inf"), [])


def text() -> str:
    """All of it, as Prometheus reads it."""
    return exposition.write([*_shared(), *_of_this_machine(), *_of_this_process()])


def _shared() -> list[Family]:
    global _kept
    if time.monotonic() - _kept[0] >= KEPT_SECONDS:
        _kept = time.monotonic(), [*_queue(), *_open_calls(), *_ended_calls(), *_workers(), *_store()]
    return _kept[1]


def _age(moment: datetime | None) -> float:
    return round(max(0.0, (timezone.now() - moment).total_seconds()), 1) if moment else 0.0


# --- Work -----------------------------------------------------------------------------------------


def _queue() -> Iterator[Family]:
    state = Case(
        When(lease_until__gt=Now(), then=Value("running")),
        When(run_after__gt=Now(), then=Value("later")),
        default=Value("due"),
    )
    rows = QueuedTask.objects.order_by().annotate(state=state).values_list("path", "state")
    found = list(rows.annotate(n=Count("pk"), since=Min("run_after")))
    yield gauge("vignette_queue_tasks", "Tasks in the queue: due, later or running.", [
        ({"task": _last(path), "state": state}, n) for path, state, n, _ in found
    ])  # fmt: skip
    yield gauge("vignette_queue_oldest_seconds", "How long the oldest task that is due waits for a worker.", [
        ({"task": _last(path)}, _age(since)) for path, state, _, since in found if state == "due"
    ])  # fmt: skip


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _open_calls() -> Iterator[Family]:
    rows = GenerationCall.objects.order_by().filter(OPEN)
    of = ("generation__provider", "generation__model", "state")
    found = list(rows.values_list(*of).annotate(n=Count("pk"), since=Min("generation__created_at")))
    yield gauge("vignette_calls_open", "Requests to vendors that wait, were sent, or are being filed.", [
        ({"provider": provider, "model": model, "state": state}, n) for provider, model, state, n, _ in found
    ])  # fmt: skip
    oldest: dict[str, datetime] = {}
    for _, _, state, _, since in found:
        oldest[state] = min(since, oldest.get(state, since))
    yield gauge("vignette_calls_open_oldest_seconds", "How long ago the oldest of these was asked for.", [
        ({"state": state}, _age(since)) for state, since in oldest.items()
    ])  # fmt: skip


def _ended_calls() -> Iterator[Family]:
    ended, took, spent = [], [], []
    for kind in tallies.KINDS:
        by_model: dict[tuple[str, str], list[tallies.Count]] = defaultdict(list)
        for (provider, model, outcome, code), count in sorted(tallies.read(kind).items()):
            labels = {"kind": kind, "provider": provider, "model": model}
            ended.append((labels | {"outcome": outcome, "code": code}, count.n))
            by_model[provider, model].append(count)
        for (provider, model), counts in by_model.items():
            labels = {"kind": kind, "provider": provider, "model": model}
            within = [sum(bucket) for bucket in zip(*(count.within for count in counts), strict=True)]
            took.append((labels, within, round(sum(count.seconds for count in counts), 3)))
            spent.append((labels, str(sum(Decimal(count.usd) for count in counts))))
    yield counter("vignette_calls_ended_total", "Requests to vendors by outcome and error code.", ended)
    seconds = "From sending a request to having its pictures filed or its failure noted, in seconds."
    yield histogram("vignette_call_seconds", seconds, tallies.BUCKETS, took)
    yield counter("vignette_spending_usd_total", "What vendors charged, as far as it is known.", spent)


def _workers() -> Iterator[Family]:
    ages = [_age(moment) for moment in Worker.objects.values_list("seen_at", flat=True)]
    alive = sum(age <= SILENCE.total_seconds() for age in ages)
    yield gauge("vignette_workers", "Worker processes that said lately that they live.", [({}, alive)])
    if ages:
        yield gauge("vignette_worker_silence_seconds", "Since any worker was heard.", [({}, min(ages))])


# --- What is kept ---------------------------------------------------------------------------------


def _store() -> Iterator[Family]:
    """Nothing before it was measured for the first time, and while the store is away."""
    found = usage.latest()
    if found is None:
        return
    weights = {("originals", source): weight for source, weight in found.sources.items()}
    weights |= {("trash", ""): found.trash, ("thumbnails", ""): found.thumbnails}
    files, bytes_ = [
        [
            ({"what": what, "source": source}, getattr(weight, of))
            for (what, source), weight in weights.items()
        ]
        for of in ("n", "bytes")
    ]
    yield gauge("vignette_store_files", "Files in the store when it was last measured.", files)
    yield gauge("vignette_store_bytes", "Their bytes.", bytes_)
    measured = round(found.measured_at.timestamp())
    yield gauge("vignette_store_measured_timestamp_seconds", "When that was.", [({}, measured)])


def _of_this_machine() -> Iterator[Family]:
    disk = shutil.disk_usage(settings.DATA_DIR)
    yield gauge("vignette_disk_free_bytes", "Free where DATA_DIR lies, on this machine.", [({}, disk.free)])
    yield gauge("vignette_disk_bytes", "The size of that disk.", [({}, disk.total)])


def _of_this_process() -> Iterator[Family]:
    requests = Counter(traffic.requests)
    yield counter("vignette_http_requests_total", "Requests that this process answered.", [
        ({"surface": surface, "method": method, "status": status}, n)
        for (surface, method, status), n in sorted(requests.items())
    ])  # fmt: skip
    yield histogram("vignette_http_seconds", "How long that took, in seconds.", traffic.BUCKETS, [
        (({"surface": surface}, list(within), round(traffic.seconds[surface], 4)))
        for surface, within in sorted(traffic.within.items())
    ])  # fmt: skip
