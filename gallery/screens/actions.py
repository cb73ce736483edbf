"""The ways on from a job: what a person can sensibly do next, the best one first."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from gallery.generations import answers, recovery
from gallery.language.wording import gettext_lazy
from gallery.models import Generation, Import
from gallery.models.generation import Status
from providers import pages

CONNECTION_TROUBLE = {"auth", "permission", "billing", "network", "budget_exceeded"}
CUT_OR_ODD = {"bad_response", "network", "timeout"}
MENDABLE = {"billing", "permission", "budget_exceeded"}  # elsewhere, and nothing here tells when
INSIDE = {"auth": gettext_lazy("Update key"), "budget_exceeded": gettext_lazy("Change limit")}
KEPT_ELSEWHERE = gettext_lazy(
    "The raw answer, if one came, is kept for seven days on another machine of this server. "
    "Open this page once more, or ask the people who run it."
)
OUTSIDE = {
    "billing": (gettext_lazy("Open billing"), pages.BILLING),
    "permission": (gettext_lazy("Open its settings"), pages.RIGHTS),
}


@dataclass(frozen=True, kw_only=True)
class Action:
    """A way on: a link, perhaps to a vendor's page, or a form with one button where `post` is set."""

    label: str
    url: str
    glyph: str = ""
    primary: bool = False
    post: bool = False
    is_outside: bool = False


def from_generation(row: Generation) -> Iterable[Action]:
    again = f"{reverse('add-generate')}?{urlencode({'again': row.public_id})}"
    if row.is_active:
        if row.cancel_requested:
            return
        yield Action(
            label=gettext("Stop"),
            url=reverse("generation-cancel", args=[row.public_id]),
            glyph="circle-stop",
            post=True,
        )
    elif row.status in (Status.DONE, Status.CANCELLED):
        yield Action(label=gettext("Use again"), url=again, glyph="undo-2")
    else:
        yield from _ways_on(row, again)


def _ways_on(row: Generation, again: str) -> Iterable[Action]:
    """The next steps after trouble. A declined prompt is not sent again as it is."""
    if recovery.lost_jobs(row):
        url = reverse("generation-check", args=[row.public_id])
        yield Action(label=gettext("Check again"), url=url, glyph="refresh-cw", primary=True, post=True)
    yield from sorted((*_to_the_cause(row), *_once_more(row, again)), key=lambda way: not way.primary)
    if row.error_code == "invalid_request" and row.profile:
        yield Action(
            label=gettext("Connection settings"), url=reverse("connection", args=[row.profile.public_id])
        )
    else:
        yield Action(label=gettext("Use another model"), url=again)


def raw_answers(row: Generation) -> Iterable[Action]:
    """What the vendor sent instead of a picture that can be kept, for seven days."""
    if row.error_code not in CUT_OR_ODD:
        return
    kept = [call for call in row.calls.all() if call.error_code in CUT_OR_ODD and answers.raw_path(call)]
    for call in kept:
        label = (
            gettext("Download the raw answer")
            if len(kept) == 1
            else gettext("Raw answer {n}").format(n=call.index + 1)
        )
        url = reverse("generation-answer", args=[row.public_id, call.index])
        yield Action(label=label, url=url, glyph="download", is_outside=True)


def raw_note(row: Generation) -> str:
    """Why a raw answer is not to be had here although it is kept; mostly empty."""
    odd = row.error_code in CUT_OR_ODD and [call for call in row.calls.all() if call.error_code in CUT_OR_ODD]
    return str(KEPT_ELSEWHERE) if odd and any(map(answers.lie_elsewhere, odd)) else ""


def _to_the_cause(row: Generation) -> Iterable[Action]:
    """Where the cause can be taken away: the vendor's own page, or the connection's settings."""
    unsure = row.status == Status.UNKNOWN or row.may_have_been_charged
    if row.profile is None or row.error_code not in CONNECTION_TROUBLE or unsure:
        return
    label, page = OUTSIDE.get(row.error_code, ("", {}))
    if row.provider in page and not row.profile.base_url:
        yield Action(
            label=label, url=page[row.provider], glyph="external-link", primary=True, is_outside=True
        )
        return
    label = INSIDE.get(row.error_code, gettext("Connection settings"))
    url = reverse("connection", args=[row.profile.public_id])
    yield Action(label=label, url=url, glyph="plug", primary=not row.retryable)


def _once_more(row: Generation, again: str) -> Iterable[Action]:
    """The same again where that helps, else the form with what was asked for."""
    retry = reverse("generation-retry", args=[row.public_id])
    if row.error_code == "refused":
        yield Action(label=gettext("Edit prompt"), url=again, glyph="pencil", primary=True)
    elif row.status == Status.UNKNOWN or row.may_have_been_charged:
        yield Action(label=gettext("Try again (may charge again)"), url=retry, glyph="rotate-ccw", post=True)
    elif row.retryable or row.error_code == "storage":
        yield Action(label=gettext("Try again"), url=retry, glyph="rotate-ccw", primary=True, post=True)
    elif row.error_code == "invalid_request":
        yield Action(label=gettext("Fix settings"), url=again, glyph="sliders-horizontal", primary=True)
    elif row.error_code in MENDABLE or _has_other_key(row):
        yield Action(label=gettext("Try again"), url=retry, glyph="rotate-ccw", post=True)


def _has_other_key(row: Generation) -> bool:
    """Whether the key that was refused has been replaced, or was accepted since."""
    return row.error_code == "auth" and row.profile is not None and row.profile.check_code != "auth"


def from_import(job: Import) -> Iterable[Action]:
    yield Action(label=gettext("Show"), url=reverse("import", args=[job.public_id]))
    if job.is_active and not job.cancel_requested:
        stop = reverse("import-cancel", args=[job.public_id])
        yield Action(label=gettext("Stop"), url=stop, glyph="circle-stop", post=True)
