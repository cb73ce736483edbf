"""A generation or an import as a card: in which section, in which words, and with which ways on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from gallery.language.numerals import images
from gallery.language.wording import gettext_lazy
from gallery.models import Generation, GenerationCall, Import
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
    "auth": (gettext_lazy("Key refused"), "bad", "key-round"),
    "permission": (gettext_lazy("Not allowed yet"), "bad", "lock"),
    "billing": (gettext_lazy("No credit"), "bad", "wallet"),
    "rate_limited": (gettext_lazy("Asked to wait"), "warn", "hourglass"),
    "refused": (gettext_lazy("Declined"), "warn", "shield"),
    "model_unavailable": (gettext_lazy("Not available"), "bad", "archive"),
    "invalid_request": (gettext_lazy("Not accepted"), "bad", "sliders-horizontal"),
    "overloaded": (gettext_lazy("Overloaded"), "warn", "hourglass"),
    "server_error": (gettext_lazy("Trouble at the provider"), "warn", "triangle-alert"),
    "network": (gettext_lazy("Connection failed"), "warn", "plug"),
    "timeout": (gettext_lazy("Not sure"), "warn", "hourglass"),
    "bad_response": (gettext_lazy("Unreadable answer"), "warn", "triangle-alert"),
    "budget_exceeded": (gettext_lazy("Over the limit"), "warn", "wallet"),
    "storage": (gettext_lazy("Could not be saved"), "bad", "hard-drive"),
    "interrupted": (gettext_lazy("Not sure"), "warn", "triangle-alert"),
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
    left: int | None = None  # seconds until it will be done, by the past times of its model
    move_url: str = ""  # changes its place among what waits
    turn: tuple[int, int] = (0, 0)  # its place among what waits: the lowest goes first
    key: str = ""  # names it in the form over what waits
    actions: tuple[Action, ...] = ()
    dismiss_url: str = ""  # takes it out of the queue
    is_dismissed: bool = False
    details: tuple[tuple[str, str], ...] = ()
    raw_answers: tuple[Action, ...] = ()
    raw_note: str = ""
    is_import: bool = False

    @property
    def is_active(self) -> bool:
        return self.section in (RUNNING, WAITING)

    @property
    def seconds(self) -> int:
        return max(0, int((timezone.now() - self.since).total_seconds())) if self.since else 0

    @property
    def so_far(self) -> str:
        """As live-jobs.js goes on to count it."""
        minutes, seconds = divmod(self.seconds, 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

    @property
    def time_left(self) -> str:
        return gettext("about {span} left").format(span=span(self.left)) if self.left else ""

    @property
    def total_seconds(self) -> int:
        """From the start to the end, when that is known."""
        return self.seconds + (self.left or 0)

    @property
    def columns(self) -> int:
        return min(4, max(2, len(self.boxes)))


def of_generation(row: Generation, typical: float | None = None, *, is_paused: bool = False) -> Card:
    """The card of a generation.

    Its model takes `typical` seconds for a request, as far as is known; `is_paused` is the whole queue.
    """
    section = _section(row.status)
    return Card(
        id=f"job-{row.public_id}",
        token=f"g{row.pk}.{row.revision}.{len(row.results.all())}.{section[0]}",
        section=section,
        title=row.prompt,
        url=row.get_absolute_url(),
        pill=_pill(row),
        facts=(*_facts(row), *_prospects(row, typical, is_paused)),
        sentence=_sentence(row),
        charge=charge_note(row),
        boxes=tuple(boxes.of_generation(row)),
        gone=_gone(row),
        done=len(row.results.all()),
        total=row.n,
        since=(row.started_at or row.created_at) if row.is_active else None,
        left=_left(row, typical) if section == RUNNING else None,
        move_url=reverse("generation-move", args=[row.public_id]) if section == WAITING else "",
        turn=(-row.place, row.pk) if section == WAITING else (0, 0),
        key=str(row.public_id),
        actions=tuple(actions.from_generation(row)),
        dismiss_url=_dismiss_url(row),
        is_dismissed=row.dismissed_at is not None,
        details=tuple(_details(row)),
        raw_answers=tuple(actions.raw_answers(row)),
        raw_note=actions.raw_note(row),
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
        pill=Pill(text=gettext("Sending"), glyph="clock"),
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
    return gettext(
        "The request is already with {vendor}. It cannot be called back, so what "
        "arrives is kept; it may be charged."
    ).format(vendor=vendor)


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
        return gettext("In the trash")
    return gettext("Deleted for good") if row.status == Status.DONE else ""


def _section(status: str) -> str:
    if status == Status.QUEUED:
        return WAITING
    if status in (Status.RUNNING, Status.SAVING):
        return RUNNING
    return NEEDS_YOU if status in TROUBLE else FINISHED


def _pill(row: Generation) -> Pill:
    done = len(row.results.all())
    if row.is_active and row.cancel_requested:
        return Pill(text=gettext("Stopping"), tone="warn", glyph="circle-stop")
    if row.status == Status.QUEUED and row.error_code in PILLS:
        return Pill(text=gettext("Waiting for a turn"), tone="warn", glyph="clock")
    if row.status == Status.QUEUED:
        return Pill(text=gettext("Waiting"), glyph="clock")
    if row.is_active:
        text = gettext("{done} of {n}").format(done=done, n=row.n) if row.n > 1 else row.get_status_display()
        return Pill(text=text, tone="accent", glyph="activity")
    if row.status == Status.PARTIAL:
        return Pill(text=gettext("{done} of {n}").format(done=done, n=row.n), tone="warn", glyph="shield")
    if row.status == Status.UNKNOWN:
        return Pill(text=gettext("Not sure"), tone="warn", glyph="triangle-alert")
    if row.status in TROUBLE:
        text, tone, glyph = PILLS.get(row.error_code, (gettext("Failed"), "bad", "circle-alert"))
        return Pill(text=text, tone=tone, glyph=glyph)
    if row.is_late and row.status == Status.DONE:
        return Pill(text=gettext("Arrived late"), tone="warn", glyph="circle-check")
    return Pill(
        text=row.get_status_display(), tone="ok" if row.status == Status.DONE else "", glyph="circle-check"
    )


def _facts(row: Generation) -> tuple[str, ...]:
    shape = row.params.get("aspect_ratio") or row.params.get("size", "").replace("x", " × ")
    settings = ", ".join(filter(None, (shape, row.params.get("resolution"), row.params.get("quality"))))
    is_counted = row.is_active or row.status == Status.PARTIAL  # by the pill
    number = images(row.n) if row.n > 1 and not is_counted else ""
    took = ""
    if row.finished_at and row.started_at and row.status == Status.DONE:
        took = f"{max(1, round((row.finished_at - row.started_at).total_seconds()))} s"
    return tuple(filter(None, (model_name(row.provider, row.model), settings, number, took)))


def _prospects(row: Generation, typical: float | None, is_paused: bool) -> Iterable[str]:
    """What what waits will wait for, and how long it will take then."""
    if row.status != Status.QUEUED:
        return
    profile, is_held = row.profile, not is_paused and any(call.held for call in row.calls.all())
    if is_held and profile and profile.max_at_once is not None:
        yield gettext("starts when there is room, your limit is {max_at_once} at once").format(
            max_at_once=profile.max_at_once
        )
    elif is_held and profile and profile.seconds_between:
        yield gettext("starts in its turn, one every {seconds_between} s").format(
            seconds_between=profile.seconds_between
        )
    if typical:
        yield gettext("about {span} once it starts").format(span=span(typical))


def _left(row: Generation, typical: float | None) -> int | None:
    """Seconds until the last request is answered; None when nobody knows, or when it takes longer already."""
    states = GenerationCall.State
    sent = [call.sent_at for call in row.calls.all() if call.state == states.SENT and call.sent_at]
    if not typical or not sent:
        return None
    behind = sum(1 for call in row.calls.all() if call.state == states.QUEUED)
    left = typical * (1 + behind / len(sent)) - (timezone.now() - max(sent)).total_seconds()
    return round(left) if left >= 1 else None


def span(seconds: float) -> str:
    """A time in words: "20 s", "3 min"."""
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{round(seconds / 60)} min"


def model_name(provider: str, model: str) -> str:
    """The id of a model as its vendor has it, or our words for "the one that your server has loaded"."""
    return catalog.find(provider, model).label if model == SERVER_DEFAULT else model


def charge_note(row: Generation) -> str:
    """Whether money was spent, in words; always said when something went wrong."""
    if row.is_active:
        return ""
    if row.cost_usd is not None:
        bad = row.status in TROUBLE and row.cost_usd > 0
        return (
            gettext("{usd} was charged anyway").format(usd=money(row.cost_usd))
            if bad
            else money(row.cost_usd)
        )
    if row.may_have_been_charged:
        return gettext("may have been charged")
    if row.status in (*TROUBLE, Status.CANCELLED) and not len(row.results.all()):
        return gettext("nothing was charged")
    return gettext("price not known")


def _details(row: Generation) -> Iterable[tuple[str, str]]:
    """What a developer or a vendor's support asks for."""
    if not row.error_code or row.is_active or row.status in (Status.CANCELLED, Status.DONE):
        return
    yield gettext("Code"), row.error_code
    if row.provider_message:
        yield gettext("Provider's words"), row.provider_message
    if row.request_id:
        yield gettext("Request"), row.request_id
    if row.finished_at:
        yield gettext("Time"), f"{timezone.localtime(row.finished_at):%Y-%m-%d %H:%M:%S %Z}"


def of_import(job: Import) -> Card:
    section = _import_section(job.status)
    return Card(
        id=f"job-{job.public_id}",
        token=f"i{job.pk}.{job.done}-{job.total}-{int(job.cancel_requested)}.{section[0]}",
        section=section,
        title=gettext("Import of {job}").format(job=job),
        url=reverse("import", args=[job.public_id]),
        pill=_import_pill(job),
        facts=(gettext("{done} of {total} done").format(done=job.done, total=job.total),)
        if job.total
        else (),
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
        text = gettext("Stopping") if job.cancel_requested else job.get_status_display()
        return Pill(
            text=text, tone="accent" if job.status == Import.Status.RUNNING else "", glyph="folder-input"
        )
    tones: dict[str, str] = {Import.Status.DONE: "ok", Import.Status.FAILED: "bad"}
    return Pill(text=job.get_status_display(), tone=tones.get(job.status, ""), glyph="folder-input")
