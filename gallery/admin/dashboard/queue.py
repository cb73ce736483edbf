from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from gallery.admin.dashboard.figures import Figure, Panel, Table, ago, page_of, rows_of
from gallery.admin.lists import beginning_of, everybody
from gallery.models import Batch, BulkAction, Generation, GenerationCall, Import, QueuedTask, Worker
from gallery.models.generation import Status
from gallery.monitoring import readiness
from gallery.work import parking

State = GenerationCall.State
TROUBLE = (Status.FAILED, Status.REFUSED, Status.UNKNOWN)
LATE = 15 * 60  # seconds after which a request that still waits should be looked at


def panel() -> Panel:
    """Six queries, of which none looks at what is done."""
    return Panel(title="Queue", figures=[*_requests(), *_jobs(), _aside(), _workers()], tables=[_failures()])


def _requests() -> list[Figure]:
    counted = GenerationCall.objects.open().order_by().values("state", "held")
    groups: list[Any] = list(
        counted.annotate(n=Count("pk"), first=Min("pk"), since=Min("generation__created_at"))
    )
    return [
        _calls("Queued", groups, State.QUEUED, held=False),
        _calls("Waiting for a turn", groups, State.QUEUED, held=True),
        _calls("Running", groups, State.SENT),
        _calls("Being saved", groups, State.ANSWERED),
        _oldest(groups),
    ]


def _calls(label: str, groups: list[Any], state: str, held: bool | None = None) -> Figure:
    n = sum(row["n"] for row in groups if row["state"] == state and held in (None, row["held"]))
    query = {"state": state} | ({} if held is None else {"held__exact": int(held)})
    return Figure(label=label, value=f"{n:,}", url=rows_of(GenerationCall, **query))


def _oldest(groups: list[Any]) -> Figure:
    oldest = min(groups, key=lambda group: group["since"], default=None)
    if oldest is None:
        return Figure(label="Oldest", value="–", note="nothing waits")
    tone = "warn" if (timezone.now() - oldest["since"]).total_seconds() > LATE else ""
    url = page_of(GenerationCall, oldest["first"])
    return Figure(
        label="Oldest", value=ago(oldest["since"]), url=url, tone=tone, note="since it was asked for"
    )


def _jobs() -> list[Figure]:
    return [
        Figure(
            label="Imports",
            value=f"{Import.objects.filter(status__in=Import.ACTIVE).count():,}",
            url=rows_of(Import, status__in=",".join(Import.ACTIVE)),
        ),
        Figure(
            label="Batches",
            value=f"{Batch.objects.filter(state=Batch.State.RUNNING).count():,}",
            url=rows_of(Batch, state__exact="running"),
        ),
        Figure(
            label="Actions on many",
            value=f"{BulkAction.objects.filter(status__in=BulkAction.ACTIVE).count():,}",
            url=rows_of(BulkAction, status__in=",".join(BulkAction.ACTIVE)),
        ),
    ]


def _aside() -> Figure:
    n = QueuedTask.objects.filter(attempts__gte=parking.CRASHES).count()
    note = "stopped their worker again and again" if n else ""
    url = rows_of(QueuedTask, set_aside="yes")
    return Figure(label="Set aside", value=f"{n:,}", url=url, note=note, tone="bad" if n else "")


def _workers() -> Figure:
    seen: list[datetime] = list(Worker.objects.order_by("-seen_at").values_list("seen_at", flat=True))
    living = [moment for moment in seen if timezone.now() - moment < readiness.SILENCE]
    note = f"last seen {ago(seen[0])} ago" if seen else "none was seen"
    tone = "ok" if living else "bad"
    return Figure(label="Workers", value=f"{len(living):,}", url=rows_of(Worker), note=note, tone=tone)


def _failures() -> Table:
    """What went wrong with what was asked for in the past day, by the index of (owner, moment)."""
    lately = Q(owner__in=everybody(), created_at__gte=beginning_of("day"))
    counted = (
        Generation.objects.filter(lately, status__in=TROUBLE).order_by().values_list("status", "error_code")
    )
    rows = sorted(counted.annotate(n=Count("pk")), key=lambda row: -row[2])
    return Table(
        title="Gone wrong in the past 24 hours",
        columns=("What", "Generations"),
        rows=[_failure(status, code, n) for status, code, n in rows],
    )


def _failure(status: str, code: str, n: int) -> list[Figure]:
    query = {"when": "day", "status__exact": status} | ({"error_code": code} if code else {})
    name = f"{Status(status).label}: {code.replace('_', ' ')}" if code else str(Status(status).label)
    return [
        Figure(value=name),
        Figure(value=f"{n:,}", url=rows_of(Generation, **query)),
    ]
