"""Taking up what stopped workers left behind, from the rows and the spool.

A complete answer is filed, a job that the vendor has is asked for again, and a request that went out without
an answer becomes `unknown`. Nothing that may have cost money is ever sent a second time.
"""

import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gallery.files import places
from gallery.generations import filing, lines, summaries
from gallery.generations import generation as generations
from gallery.generations.answers import SPOOL_LIFE, spool_of
from gallery.models import Generation, GenerationCall, QueuedTask
from gallery.work import leases, parking
from gallery.work.pulse import pulse
from providers import registry, spooling
from providers.base import Provider
from providers.errors import PERHAPS_CHARGED

State = GenerationCall.State


def recover() -> None:
    """Take up what stopped workers left behind. Never sends anything a second time."""
    recover_here()
    recover_anywhere()


def recover_here() -> None:
    """Go on with what was sent from here. Answers lie in the spool, which others may not see."""
    stale = leases.is_free()
    here = GenerationCall.objects.filter(stale, places.is_near())
    if pulse.is_sure_of_this_place():
        for call in here.filter(state=State.SENT).select_related("generation__profile"):
            _recover_sent(call, stale)
    for call in here.filter(state=State.ANSWERED, run_after__lte=timezone.now()):
        _wake_if_asleep(call)
    _adopt_late_answers()
    _forget_old_answers()


def recover_anywhere() -> None:
    """Wake what nobody was woken for, and give up what was sent from where nobody lives any more."""
    waiting = GenerationCall.objects.filter(state=State.QUEUED, held=False)
    for call in waiting.filter(run_after__lte=timezone.now() - timedelta(seconds=10)):
        _wake_if_asleep(call)
    lines.move_all()
    if pulse.is_sure_of_others():
        _release_the_orphaned()


def _release_the_orphaned() -> None:
    stale, orphaned = leases.is_free(), places.is_orphaned()
    under_way = GenerationCall.objects.filter(stale, orphaned, state__in=[State.SENT, State.ANSWERED])
    for call in under_way.select_related("generation__profile"):
        if _next_state(call):  # the folder has moved, or comes from a backup
            GenerationCall.objects.filter(pk=call.pk).update(place=places.here())
            continue
        with transaction.atomic():
            rows = GenerationCall.objects.filter(stale, pk=call.pk, state=call.state)
            if rows.update(**_lost(filing.reader_of(call))):
                summaries.refresh(call.generation_id)
    QueuedTask.objects.filter(orphaned, leases.is_free()).update(place="")


def lost_jobs(generation: Generation) -> list[GenerationCall]:
    """The calls nobody knows the end of whose vendor can still be asked for the job."""
    adapter = registry.provider_class(generation.provider)
    unsure = [call for call in generation.calls.all() if call.state in (State.UNKNOWN, State.FAILED)]
    return [call for call in unsure if adapter.can_resume(spool_of(call))]


@transaction.atomic
def check_again(generation: Generation) -> None:
    """Ask the vendor for jobs that were given up. That is free, and submits nothing."""
    for call in lost_jobs(generation):
        rows = GenerationCall.objects.filter(pk=call.pk, state=call.state)
        if rows.update(
            state=State.SENT, run_after=timezone.now(), lease_until=None, place=places.here(),
            finished_at=None, error_code="", error_message="", may_have_been_charged=False,
        ):  # fmt: skip
            generations.wake(call)
            summaries.refresh(generation.pk)


def _wake_if_asleep(call: GenerationCall) -> None:
    if not QueuedTask.objects.filter(path="gallery.tasks.run_call", args=[call.pk]).exists():
        generations.wake(call)


@transaction.atomic
def _recover_sent(call: GenerationCall, stale: Q) -> None:
    rows = GenerationCall.objects.filter(stale, pk=call.pk, state=State.SENT)
    adapter = registry.provider_class(call.generation.provider)
    if spooling.finish(spool_of(call)):
        changed = rows.update(state=State.ANSWERED, lease_until=None, run_after=timezone.now())
    elif adapter.can_resume(spool_of(call)):
        _wake_if_asleep(call)
        return
    elif adapter.safe_to_repeat:
        changed = rows.update(state=State.QUEUED, lease_until=None, run_after=timezone.now())
    else:
        changed = rows.update(**_lost(filing.reader_of(call)))
    if changed:
        call.refresh_from_db()
        if call.state in (State.ANSWERED, State.QUEUED):
            generations.wake(call)
        summaries.refresh(call.generation_id)


def _lost(provider: Provider) -> dict[str, Any]:
    """The columns of a call whose answer nobody has: it may have been charged, unless nobody charges."""
    lost = "This server was stopped while it waited for the answer, which is lost. "
    again = "It was free; try again." if provider.is_free else f"{PERHAPS_CHARGED} It was not sent again."
    return {
        "state": State.FAILED if provider.is_free else State.UNKNOWN,
        "finished_at": timezone.now(),
        "lease_until": None,
        "error_code": "interrupted",
        "error_message": lost + again,
        "may_have_been_charged": not provider.is_free,
        "retryable": True,
    }


def _next_state(call: GenerationCall) -> State | None:
    """What the spool here still has of a call: its answer, a job to ask for, or nothing."""
    spool = spool_of(call)
    if spooling.finish(spool):
        return State.ANSWERED
    return State.SENT if registry.provider_class(call.generation.provider).can_resume(spool) else None


def _adopt_late_answers() -> None:
    """A worker that was frozen, or a place that was away, may still bring its answer home: go on with it."""
    interrupted = GenerationCall.objects.filter(
        state__in=[State.UNKNOWN, State.FAILED],
        error_code="interrupted",
        finished_at__gt=timezone.now() - SPOOL_LIFE,
    )
    for call in interrupted.select_related("generation"):
        state = _next_state(call)
        if state and not parking.is_parked("gallery.tasks.run_call", call.pk):
            _adopt(call, state)


@transaction.atomic
def _adopt(call: GenerationCall, state: State) -> None:
    if GenerationCall.objects.filter(pk=call.pk, state=call.state).update(
        state=state, run_after=timezone.now(), lease_until=None, place=places.here(),
        error_code="", error_message="", may_have_been_charged=False, finished_at=None,
    ):  # fmt: skip
        generations.wake(call)
        summaries.refresh(call.generation_id)


def _forget_old_answers() -> None:
    """Raw answers are kept seven days, in case a picture has to be made of one again."""
    if not settings.SPOOL_DIR.is_dir():
        return
    oldest = (timezone.now() - SPOOL_LIFE).timestamp()
    for pattern in ("*.answer", "*.cut", "*.part", "*.job"):
        for path in settings.SPOOL_DIR.glob(pattern):
            with suppress(FileNotFoundError):  # whoever wrote it took it away meanwhile
                if path.stat().st_mtime < oldest and not _is_open(path):
                    path.unlink()


def _is_open(path: Path) -> bool:
    try:
        calls = GenerationCall.objects.filter(public_id=uuid.UUID(hex=path.stem))
    except ValueError:
        return False  # not a call's
    return calls.filter(state__in=[State.QUEUED, State.SENT, State.ANSWERED]).exists()
