"""A generation or an import as a card: in which section, in which words, and with which ways on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from gallery.models import Generation, Import
from gallery.models.generation import Status
from gallery.screens import actions, boxes
from gallery.screens.actions import Action
from gallery.screens.boxes import Box
from gallery.templatetags.ui import money
from providers import catalog, registry
from providers.own_hardware import SERVER_DEFAULT

RUNNING, NEEDS_YOU, WAITING, FINISHED = "running", "needs", "waiting", "finished"
TROUBLE = (Status.FAILED, Status.REFUSED, Status.UNKNOWN)
DISMISSIBLE = (*TROUBLE, Status.PARTIAL)

# error.code: words of the pill, its tone, the glyph in place of the picture
PILLS = {
    "auth": ("Key refused", "bad", "key-round"),
    "permission": ("Not allowed yet", "bad", "lock"),
    "billing": ("No credit", "bad", "wallet"),
    "rate_limited": ("Asked to wait", "warn", "hourglass"),
    "refused": ("Declined", "warn", "shield"),
    "model_unavailable": ("Not available", "bad", "archive"),
    "invalid_request": ("Not accepted", "bad", "sliders-horizontal"),
    "overloaded": ("Overloaded", "warn", "hourglass"),
    "server_error": ("Trouble at the provider", "warn", "triangle-alert"),
    "network": ("Connection failed", "warn", "plug"),
    "timeout": ("Not sure", "warn", "hourglass"),
    "bad_response": ("Unreadable answer", "warn", "triangle-alert"),
    "budget_exceeded": ("Over the limit", "warn", "wallet"),
    "storage": ("Could not be saved", "bad", "hard-drive"),
    "interrupted": ("Not sure", "warn", "triangle-alert"),
}


@dataclass(frozen=True, kw_only=True)
class Pill:
    text: str
    tone: str = ""
    glyph: str = ""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One generation or import on a page."""

    id: str  # of its element
    token: str  # state as the poller remembers it
    section: str
    title: str
    url: str
    pill: Pill
    facts: tuple[str, ...]
    sentence: str = ""
    charge: str = ""
    boxes: tuple[Box, ...] = ()
    gone: str = ""  # where the pictures are, when none can be shown
    done: int = 0
    total: int = 0
    since: datetime | None = None  # runs since
    actions: tuple[Action, ...] = ()
    dismiss_url: str = ""  # takes it out of the queue
    is_dismissed: bool = False
    details: tuple[tuple[str, str], ...] = ()
    raw_answers: tuple[Action, ...] = ()
    is_import: bool = False

    @property
    def is_active(self) -> bool:
        return self.section in (RUNNING, WAITING)

    @property
    def seconds(self) -> int:
        return max(0, int((timezone.now() - self.since).total_seconds())) if self.since else 0

    @property
    def columns(self) -> int:
        return min(4, max(2, len(self.boxes)))


def of_generation(row: Generation) -> Card:
    section = _section(row.status)
    return Card(
        id=f"job-{row.public_id}",
        token=f"g{row.pk}.{row.revision}.{len(row.results.all())}.{section[0]}",
        section=section,
        title=row.prompt,
        url=row.get_absolute_url(),
        pill=_pill(row),
        facts=_facts(row),
        sentence=_sentence(row),
        charge=charge_note(row),
        boxes=tuple(boxes.of_generation(row)),
        gone=_gone(row),
        done=len(row.results.all()),
        total=row.n,
        since=(row.started_at or row.created_at) if row.is_active else None,
        actions=tuple(actions.from_generation(row)),
        dismiss_url=_dismiss_url(row),
        is_dismissed=row.dismissed_at is not None,
        details=tuple(_details(row)),
        raw_answers=tuple(actions.raw_answers(row)),
    )


def of_wish(provider: str, model: str, parameters: dict) -> Card:
    """What stands in the place of a job from the press until the server has answered."""
    params = {name: value for name, value in parameters.items() if name != "n"}
    row = Generation(provider=provider, model=model, params=params, n=parameters.get("n") or 1)
    return Card(
        id="coming",
        token="",
        section=WAITING,
        title="",
        url="",
        pill=Pill(text="Sending", glyph="clock"),
        facts=_facts(row),
        boxes=tuple(boxes.of_wish(row)),
        total=row.n,
    )


def _sentence(row: Generation) -> str:
    """What went wrong; of a job that the vendor put off, also when it is its turn again."""
    if row.status == Status.CANCELLED:
        return ""
    return _stopping(row) if row.is_active and row.cancel_requested else row.sentence


def _stopping(row: Generation) -> str:
    """What still happens after Stop. What is free can be called back, or costs nothing if it arrives."""
    if row.estimated_cost_usd == 0:
        return ""
    vendor = dict(registry.provider_choices()).get(row.provider, row.provider)
    return (
        f"The request is already with {vendor}. It cannot be called back, so what arrives is kept; "
        "it may be charged."
    )


def _dismiss_url(row: Generation) -> str:
    if row.status not in DISMISSIBLE or row.dismissed_at:
        return ""
    return reverse("generation-dismiss", args=[row.public_id])


def _gone(row: Generation) -> str:
    """Where the pictures of a finished job are, when none of them can be shown."""
    images = [result.image for result in row.results.all()]
    if row.is_active or any(image.trashed_at is None for image in images):
        return ""
    if images:
        return "In the trash"
    return "Deleted for good" if row.status == Status.DONE else ""


def _section(status: str) -> str:
    if status == Status.QUEUED:
        return WAITING
    if status in (Status.RUNNING, Status.SAVING):
        return RUNNING
    return NEEDS_YOU if status in TROUBLE else FINISHED


def _pill(row: Generation) -> Pill:
    done = len(row.results.all())
    if row.is_active and row.cancel_requested:
        return Pill(text="Stopping", tone="warn", glyph="circle-stop")
    if row.status == Status.QUEUED and row.error_code in PILLS:
        return Pill(text="Waiting for a turn", tone="warn", glyph="clock")
    if row.status == Status.QUEUED:
        return Pill(text="Waiting", glyph="clock")
    if row.is_active:
        text = f"{done} of {row.n}" if row.n > 1 else row.get_status_display()
        return Pill(text=text, tone="accent", glyph="activity")
    if row.status == Status.PARTIAL:
        return Pill(text=f"{done} of {row.n}", tone="warn", glyph="shield")
    if row.status == Status.UNKNOWN:
        return Pill(text="Not sure", tone="warn", glyph="triangle-alert")
    if row.status in TROUBLE:
        text, tone, glyph = PILLS.get(row.error_code, ("Failed", "bad", "circle-alert"))
        return Pill(text=text, tone=tone, glyph=glyph)
    if row.is_late and row.status == Status.DONE:
        return Pill(text="Arrived late", tone="warn", glyph="circle-check")
    return Pill(
        text=row.get_status_display(), tone="ok" if row.status == Status.DONE else "", glyph="circle-check"
    )


def _facts(row: Generation) -> tuple[str, ...]:
    shape = row.params.get("aspect_ratio") or row.params.get("size", "").replace("x", " × ")
    settings = ", ".join(filter(None, (shape, row.params.get("resolution"), row.params.get("quality"))))
    is_counted = row.is_active or row.status == Status.PARTIAL  # by the pill
    number = f"{row.n} images" if row.n > 1 and not is_counted else ""
    took = ""
    if row.finished_at and row.started_at and row.status == Status.DONE:
        took = f"{max(1, round((row.finished_at - row.started_at).total_seconds()))} s"
    return tuple(filter(None, (model_name(row.provider, row.model), settings, number, took)))


def model_name(provider: str, model: str) -> str:
    """The id of a model as its vendor has it, or our words for "the one that your server has loaded"."""
    return catalog.find(provider, model).label if model == SERVER_DEFAULT else model


def charge_note(row: Generation) -> str:
    """Whether money was spent, in words; always said when something went wrong."""
    if row.is_active:
        return ""
    if row.cost_usd is not None:
        bad = row.status in TROUBLE and row.cost_usd > 0
        return f"{money(row.cost_usd)} was charged anyway" if bad else money(row.cost_usd)
    if row.may_have_been_charged:
        return "may have been charged"
    if row.status in (*TROUBLE, Status.CANCELLED) and not len(row.results.all()):
        return "nothing was charged"
    return "price not known"


def _details(row: Generation) -> Iterable[tuple[str, str]]:
    """What a developer or a vendor's support asks for."""
    if not row.error_code or row.is_active or row.status in (Status.CANCELLED, Status.DONE):
        return
    yield "Code", row.error_code
    if row.provider_message:
        yield "Provider's words", row.provider_message
    if row.request_id:
        yield "Request", row.request_id
    if row.finished_at:
        yield "Time", f"{timezone.localtime(row.finished_at):%Y-%m-%d %H:%M:%S %Z}"


def of_import(job: Import) -> Card:
    section = _import_section(job.status)
    return Card(
        id=f"job-{job.public_id}",
        token=f"i{job.pk}.{job.done}-{job.total}-{int(job.cancel_requested)}.{section[0]}",
        section=section,
        title=f"Import of {job}",
        url=reverse("import", args=[job.public_id]),
        pill=_import_pill(job),
        facts=(f"{job.done} of {job.total} done",) if job.total else (),
        sentence=job.error_message,
        done=job.done,
        total=job.total,
        since=job.created_at if job.is_active else None,
        actions=tuple(actions.from_import(job)),
        is_import=True,
    )


def _import_section(status: str) -> str:
    if status == Import.Status.QUEUED:
        return WAITING
    if status == Import.Status.RUNNING:
        return RUNNING
    return NEEDS_YOU if status == Import.Status.FAILED else FINISHED


def _import_pill(job: Import) -> Pill:
    if job.is_active:
        text = "Stopping" if job.cancel_requested else job.get_status_display()
        return Pill(
            text=text, tone="accent" if job.status == Import.Status.RUNNING else "", glyph="folder-input"
        )
    tones: dict[str, str] = {Import.Status.DONE: "ok", Import.Status.FAILED: "bad"}
    return Pill(text=job.get_status_display(), tone=tones.get(job.status, ""), glyph="folder-input")
