"""One paid call, from its row to the pictures on disk: claimed once, sent at most once, never lost.

    queued → sent (committed before the request goes out) → answered (raw answer synced in the spool) → done

Whatever stops a worker, `recovery` goes on from the rows and the spool.
"""

import logging
import shutil
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from gallery import vendors
from gallery.files import places, storage
from gallery.files.quotas import FREE_SPACE_FLOOR
from gallery.generations import filing, lines, outcomes, partials, summaries, times
from gallery.generations import generation as generations
from gallery.generations.answers import spool_of
from gallery.models import ConnectionProfile, Generation, GenerationCall
from gallery.work import leases, occupation, stopping
from providers import registry
from providers.base import ImageRequest, PartialImage, Provider
from providers.errors import Cancelled, NetworkError, ProviderError

log = logging.getLogger(__name__)

State = GenerationCall.State
NETWORK_ATTEMPTS = 3  # a vendor that could not be reached; nothing was sent
STORE_AWAY = "The picture store cannot be reached or written, so this was not sent yet. It goes on by itself."
# Calls that start or end together take turns: a database with one writer makes the rest wait in vain.
STARTING = threading.BoundedSemaphore(4)
FILING = threading.BoundedSemaphore(4)


class SetAside(ProviderError):
    """Working on the call stopped the server, again and again."""

    code = "interrupted"
    retryable = True


class AnswerNotWritten(ProviderError):
    """The answer was coming in, and the disk would not take it."""

    code = "storage"
    retryable = True
    may_have_been_charged = True


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a call needs now, when it is ours to do."""

    call: GenerationCall
    token: uuid.UUID
    provider: Provider | None = None  # None: the answer is there already
    request: ImageRequest | None = None
    is_known: bool = False  # the vendor has the job, and is asked for it


def run(call_id: int) -> None:
    """Bring one call as far as it goes now. Running it twice, or in two places, does no harm."""
    settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="inputs-", dir=settings.SPOOL_DIR) as folder:
        with STARTING:
            step = _begin(call_id, Path(folder))
            _let_go_of_the_database()
        if step:
            with leases.hold(step.call, step.token):
                _go_on(step)


def _begin(call_id: int, folder: Path) -> Step | None:
    """Claim the call for what it needs now. None: there is nothing to do, or somebody else does it."""
    call = GenerationCall.objects.select_related("generation__profile", "generation__owner").get(pk=call_id)
    _tell_who_logs(call)
    if call.state == State.QUEUED:
        return None if lines.is_paused(call) else _begin_sending(_first_in_line(call), folder)
    if call.state == State.SENT:
        return _begin_asking_again(call)
    if call.place not in ("", places.here()) and not spool_of(call).exists():
        return None  # its answer lies elsewhere, and is filed there
    token = leases.claim(GenerationCall.objects.filter(pk=call.pk, state=State.ANSWERED))
    return Step(call=call, token=token) if token else None


def _tell_who_logs(call: GenerationCall) -> None:
    row = call.generation
    occupation.note(call_id=call.public_id, generation_id=row.public_id, user_id=row.owner_id)


def _first_in_line(call: GenerationCall) -> GenerationCall:
    """The call that takes this turn: the owner may have put another one first, and this one waits on."""
    first = lines.first_before(call)
    if first is None or not lines.take_turn(first, of=call):
        return call
    _tell_who_logs(first)
    return first


def _go_on(step: Step) -> None:
    began = time.monotonic()
    problem = _await(step)
    took = time.monotonic() - began
    with FILING:
        if problem:
            _handle_unanswered(step.call, step.token, problem)
            lines.let_next(step.call)
        elif not step.provider or outcomes.advance(step.call, step.token, State.SENT, state=State.ANSWERED):
            lines.let_next(step.call)
            filing.file(step.call, step.token)
            if step.provider and not step.is_known:
                times.learn(step.call, took)


# --- Sending ------------------------------------------------------------------------------------


def _begin_sending(call: GenerationCall, folder: Path) -> Step | None:
    _tell_who_logs(call)
    try:
        profile = _profile_of(call)
        outcomes.check_key(call, profile)
        provider = vendors.provider_for(profile)
        request = generations.request_for(call, folder)
    except ProviderError as exc:
        outcomes.end(call, exc, Q(state=State.QUEUED))
        return None
    except (storage.StorageError, OSError) as exc:
        _wait_for_the_store(call, exc)
        return None
    if _must_wait(call, profile):
        return None
    if stopping.is_near():
        generations.wake(call)  # another worker sends it
        return None
    spool_of(call).unlink(missing_ok=True)  # of an attempt that the vendor answered with "come back"
    token = _claim(call, profile)
    lines.let_next(call)
    return Step(call=call, token=token, provider=provider, request=request) if token else None


def _begin_asking_again(call: GenerationCall) -> Step | None:
    """Go on waiting for a job that a stopped worker submitted: its number is known, nothing is sent again."""
    if not registry.provider_class(call.generation.provider).can_resume(spool_of(call)):
        return None
    token = leases.claim(GenerationCall.objects.filter(pk=call.pk, state=State.SENT))
    if token is None:
        return None
    request = generations.request_for(call)
    return Step(call=call, token=token, provider=filing.reader_of(call), request=request, is_known=True)


def _await(step: Step) -> ProviderError | None:
    """Wait for the raw answer, until it lies in the spool. Returns why it does not."""
    if step.provider is None or step.request is None:
        return None
    ask = step.provider.resume if step.is_known else step.provider.send
    try:
        ask(
            step.request,
            spool_of(step.call),
            on_partial=partial(_keep_preview, step.call),
            cancelled=lambda: _is_cancelled(step.call),
        )
    except ProviderError as exc:
        return step.provider.as_billed(exc)
    except OSError as exc:
        reason = f"The answer could not be written to disk ({exc.strerror})."
        return step.provider.as_billed(AnswerNotWritten(reason))
    return None


def _profile_of(call: GenerationCall) -> ConnectionProfile:
    if call.generation.profile is None:
        raise Cancelled("The connection was deleted before this was sent. Nothing was charged.")
    return call.generation.profile


def _must_wait(call: GenerationCall, profile: ConnectionProfile) -> bool:
    """Put the call off when its profile is paused, or when there is no room for an answer."""
    now = timezone.now()
    if call.run_after > now:
        return True
    paused_until = profile.paused_until
    if paused_until and paused_until > now:
        reason = f"{profile.name} was asked to slow down, so this waits with its other requests."
        outcomes.put_off(
            call, paused_until, Q(state=State.QUEUED), error_code="rate_limited", error_message=reason
        )  # fmt: skip
        return True
    if why := _no_room():
        _wait_for_room(call, why)
        return True
    return False


def _wait_for_the_store(call: GenerationCall, exc: Exception) -> None:
    log.warning("Call %s is not sent now: %s", call.public_id, exc)
    _wait_for_room(call, STORE_AWAY)


def _wait_for_room(call: GenerationCall, why: str) -> None:
    until = timezone.now() + outcomes.STORE_RETRY
    outcomes.put_off(call, until, Q(state=State.QUEUED), error_code="storage", error_message=why)


def _no_room() -> str:
    """Why nothing that costs money is started now; "" when an answer and its pictures can be kept."""
    local = [settings.MEDIA_ROOT] if settings.MEDIA_STORAGE == "local" else []
    try:
        storage.probe()
        for folder in [settings.SPOOL_DIR, *local]:
            if shutil.disk_usage(folder).free < FREE_SPACE_FLOOR:
                return "The disk is almost full, so this was not sent yet. It goes on when there is room."
    except (storage.StorageError, OSError) as exc:
        log.warning("Nothing is sent now: %s", exc)
        return STORE_AWAY
    return ""


def _claim(call: GenerationCall, profile: ConnectionProfile) -> uuid.UUID | None:
    """Take the call and mark it sent, in one commit. After this it can never be sent by anyone else.

    Without room at its connection it is held instead.
    """
    with transaction.atomic():
        if not lines.take_place(call, profile):
            return None
        token = leases.claim(
            GenerationCall.objects.filter(pk=call.pk, state=State.QUEUED),
            state=State.SENT, sent_at=timezone.now(), place=places.here(), attempts=F("attempts") + 1,
            held=False, error_code="", error_message="",
        )  # fmt: skip
        if token:
            summaries.refresh(call.generation_id)
    if token:
        call.refresh_from_db(fields=["attempts", "state", "sent_at", "place"])
    return token


def _keep_preview(call: GenerationCall, preview: PartialImage) -> None:
    try:
        partials.keep(call, preview)
    finally:
        _let_go_of_the_database()


def _is_cancelled(call: GenerationCall) -> bool:
    try:
        return Generation.objects.filter(pk=call.generation_id, cancel_requested=True).exists()
    finally:
        _let_go_of_the_database()


def _let_go_of_the_database() -> None:
    """Hundreds of calls may wait for minutes; none of them needs a connection to do so."""
    if not connection.in_atomic_block:
        connection.close()


def _handle_unanswered(call: GenerationCall, token: uuid.UUID, exc: ProviderError) -> None:
    """No answer: either the request never got out, or nobody knows what became of it."""
    mine = Q(state=State.SENT, attempt_token=token)
    if isinstance(exc, NetworkError) and call.attempts < NETWORK_ATTEMPTS:
        outcomes.send_later(call, timezone.now() + timedelta(seconds=2**call.attempts), mine, exc)
    else:
        outcomes.end(call, exc, mine)


# --- What cannot be done ------------------------------------------------------------------------

ASIDE = "Working on this stopped the server three times, so it was set aside. "
UNSENT = "It was not sent, and nothing was charged. Tell the people who run this server, or try again."
UNREAD = "The answer is here, paid for and kept. Ask the people who run this server to start it again."
LOST = "It may have been charged, and is not sent again. Tell the people who run this server."


def give_up(call_id: int) -> None:
    """End a call that `parking` has set aside. Its answer, if there is one, stays in the spool."""
    call = GenerationCall.objects.select_related("generation__profile").get(pk=call_id)
    told = {State.QUEUED: UNSENT, State.ANSWERED: UNREAD}.get(State(call.state), LOST)
    exc = SetAside(ASIDE + told, may_have_been_charged=call.state != State.QUEUED)
    exc.is_settled = call.state == State.ANSWERED
    is_open = Q(state__in=[State.QUEUED, State.SENT, State.ANSWERED])
    outcomes.end(call, filing.reader_of(call).as_billed(exc), is_open)
