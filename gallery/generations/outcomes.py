"""What becomes of a paid call: its row goes on, waits, comes back or ends, and its generation with it."""

import logging
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gallery.generations import generation as generations
from gallery.generations import summaries
from gallery.models import ConnectionProfile, GenerationCall
from providers.errors import AuthError, Cancelled, PermissionDenied, ProviderError, RateLimited, Refused

log = logging.getLogger(__name__)

State = GenerationCall.State
WAIT_ATTEMPTS = 20  # a vendor that said "come back"
STORE_RETRY = timedelta(seconds=20)  # the picture is in the spool, and the store cannot take it now
UNSURE_CODES = {"network", "timeout", "server_error", "bad_response", "storage", "interrupted"}


@transaction.atomic
def advance(call: GenerationCall, token: uuid.UUID, expected: State, **changes: Any) -> bool:
    """Change the call if it is still ours and as `expected`; a worker that lost its lease changes nothing."""
    mine = GenerationCall.objects.filter(pk=call.pk, state=expected, attempt_token=token)
    if not mine.update(**changes):
        return False
    summaries.refresh(call.generation_id)
    return True


@transaction.atomic
def put_off(call: GenerationCall, until: datetime, mine: Q, **changes: Any) -> None:
    """Go on with the call at `until`. What state it is in then is for `changes` to say."""
    if GenerationCall.objects.filter(mine, pk=call.pk).update(run_after=until, lease_until=None, **changes):
        call.run_after = until
        generations.wake(call)
        summaries.refresh(call.generation_id)


def send_later(call: GenerationCall, until: datetime, mine: Q, exc: ProviderError) -> None:
    """Nothing was charged: the vendor was not reached, or said "come back"."""
    put_off(
        call, until, mine, state=State.QUEUED, error_code=exc.code, error_message=exc.message,
        provider_message=exc.provider_message, request_id=exc.request_id, retryable=True,
    )  # fmt: skip


def file_later(call: GenerationCall, mine: Q, why: str) -> None:
    """The paid picture is safe in the spool, and the store cannot take it now. It stays answered."""
    put_off(call, timezone.now() + STORE_RETRY, mine, error_code="storage", error_message=why)


def come_back(call: GenerationCall, mine: Q, exc: ProviderError) -> None:
    """The vendor asked to wait: all calls of the profile hold until then."""
    if call.attempts >= WAIT_ATTEMPTS:
        end(call, exc, mine)
        return
    until = timezone.now() + (exc.retry_after or timedelta(seconds=min(300, 5 * 2 ** min(call.attempts, 6))))
    if isinstance(exc, RateLimited) or exc.retry_after:
        ConnectionProfile.objects.filter(generations=call.generation).update(paused_until=until)
    send_later(call, until, mine, exc)


def unpause(call: GenerationCall) -> None:
    profile = call.generation.profile
    if profile is not None and profile.paused_until:
        ConnectionProfile.objects.filter(pk=profile.pk, paused_until__lte=timezone.now()).update(
            paused_until=None
        )


@transaction.atomic
def end(call: GenerationCall, exc: ProviderError, mine: Q) -> None:
    """The call brought no picture, and `exc` says why and whether it was charged."""
    changed = GenerationCall.objects.filter(mine, pk=call.pk).update(
        state=_end_state(exc),
        finished_at=timezone.now(),
        lease_until=None,
        error_code=exc.code,
        error_message=exc.message,
        provider_message=exc.provider_message,
        request_id=exc.request_id,
        retryable=exc.retryable,
        may_have_been_charged=exc.may_have_been_charged,
        cost_usd=exc.cost_usd,
        cost_source=exc.cost_source if exc.cost_usd is not None else "unknown",
    )
    if changed:
        log.info("Call %s ended: %s %s", call.public_id, exc.code, exc.request_id)
        summaries.refresh(call.generation_id)
        if isinstance(exc, AuthError | PermissionDenied) and call.state != State.QUEUED:
            _mark_key(call, exc)


def _end_state(exc: ProviderError) -> State:
    if isinstance(exc, Refused):
        return State.REFUSED
    if isinstance(exc, Cancelled):
        return State.CANCELLED
    unsure = exc.may_have_been_charged and exc.code in UNSURE_CODES and not exc.is_settled
    return State.UNKNOWN if unsure else State.FAILED


def _mark_key(call: GenerationCall, exc: ProviderError) -> None:
    """Note on the connection that its key was refused; what already waits is not sent with it."""
    ConnectionProfile.objects.filter(generations=call.generation).update(
        check_code=exc.code, check_message=exc.message[:500], checked_at=timezone.now()
    )


def check_key(call: GenerationCall, profile: ConnectionProfile) -> None:
    """Raise what the key was refused with after this was asked for. A new key clears that.

    A key that may not use one model may well use another.
    """
    refused = profile.checked_at and profile.checked_at >= call.generation.created_at
    if refused and profile.check_code == AuthError.code:
        raise AuthError(
            f"The key of {profile.name} was refused meanwhile, so this was not sent. "
            "Update the key and try again."
        )
    if refused and profile.check_code == PermissionDenied.code and _is_forbidden(call, profile):
        raise PermissionDenied(
            f"The key of {profile.name} may not use {call.generation.model}, so this was not sent. "
            "Change the account's rights at the vendor, or choose another model."
        )


def _is_forbidden(call: GenerationCall, profile: ConnectionProfile) -> bool:
    return GenerationCall.objects.filter(
        generation__profile=profile,
        generation__model=call.generation.model,
        error_code=PermissionDenied.code,
        finished_at__gte=call.generation.created_at,
    ).exists()
