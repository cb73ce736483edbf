"""A generation as people see it: submitted, cancelled, tried again. `planning` is before, `calls` after."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import cast

from django.db import IntegrityError, transaction
from django.db.models import F
from django.tasks import DEFAULT_TASK_QUEUE_NAME
from django.utils import timezone

from gallery import prompting, tasks
from gallery.files import quotas
from gallery.generations import admission, inputs, summaries, turns
from gallery.generations.planning import (
    PARAMETERS,
    Plan,
    Way,
    Wish,
    alias_of,
    composition_of,
    mode_sent,
    parameters_of,
    plan,
)
from gallery.models import BatchCell, Generation, GenerationCall, GenerationReference
from gallery.models.generation import Status
from gallery.money import costs
from providers.base import ImageRequest
from providers.errors import InvalidRequest

__all__ = [
    "IDEMPOTENCY_LIFE",
    "PARAMETERS",
    "IdempotencyConflict",
    "Plan",
    "Wish",
    "alias_of",
    "cancel",
    "composition_of",
    "digest_of",
    "parameters_of",
    "plan",
    "request_for",
    "retry",
    "submit",
    "wake",
]

IDEMPOTENCY_LIFE = timedelta(hours=24)


class IdempotencyConflict(Exception):
    """The same Idempotency-Key came with another request."""


def submit(owner, wish: Wish, *, idempotency_key: str | None = None) -> Generation:
    """Save a wish as a waiting generation and wake a worker.

    The same key within 24 hours answers with the same generation and sends nothing. Raises `ProviderError`
    when the model cannot do what is asked or too much waits, `IdempotencyConflict` when the key came with
    another wish.
    """
    digest = digest_of(wish)
    if idempotency_key and (known := _known(owner, idempotency_key, digest)):
        return known
    planned = plan(wish)
    _see_that_there_is_room(owner)
    try:
        with transaction.atomic():
            admission.admit_generation(owner, len(planned.provider.split(planned.request)))
            chats = costs.chats_among((*wish.tags, *planned.composed.tags))
            costs.reserve(wish.profile, planned.estimate.usd, chats)
            return _create(owner, wish, planned, idempotency_key, digest)
    except IntegrityError:
        if idempotency_key and (known := _known(owner, idempotency_key, digest)):
            return known
        raise


def _see_that_there_is_room(owner) -> None:
    try:
        quotas.check(owner)
    except quotas.QuotaExceeded as exc:
        raise InvalidRequest(exc.message) from exc


def digest_of(wish: Wish) -> str:
    """SHA-256 of everything that was asked."""
    asked = {name: getattr(wish, name) for name in ("prompt", "model", "n", *PARAMETERS)}
    asked |= {"profile": wish.profile.pk, "tags": sorted(tag.pk for tag in wish.tags), "mode": wish.mode}
    asked["follows"] = wish.follows and wish.follows.pk
    asked |= {"expand": wish.expand, "persona": wish.persona and wish.persona.pk}
    asked |= {"preset": wish.preset.pk} if wish.preset else {}
    asked["references"] = [image.pk for image in wish.references]
    asked["mask"] = hashlib.sha256(wish.mask or b"").hexdigest()
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _known(owner, key: str, digest: str) -> Generation | None:
    known = Generation.objects.owned_by(owner).filter(idempotency_key=key).first()
    if known is None:
        return None
    if known.created_at < timezone.now() - IDEMPOTENCY_LIFE:
        Generation.objects.filter(pk=known.pk).update(idempotency_key=None)
        return None
    if known.request_digest != digest:
        raise IdempotencyConflict
    return known


def _create(owner, wish, planned: Plan, idempotency_key, digest) -> Generation:
    request, composed, kept = planned.request, planned.composed, planned.kept
    generation = Generation.objects.create(
        owner=owner,
        profile=wish.profile,
        provider=wish.profile.provider,
        model=request.model,
        mode=kept.mode or request.mode,
        follows=wish.follows,
        prompt=wish.prompt,
        prompt_sent=request.prompt,
        receipt={} if composed.is_plain else composed.receipt(),
        params=parameters_of(request),
        n=request.n,
        idempotency_key=idempotency_key or None,
        request_digest=digest,
        mask_key=inputs.keep_mask(owner, wish.mask) if wish.mask else "",
        estimated_cost_usd=planned.estimate.usd,
    )
    generation.tags.add(*wish.tags, *composed.tags)
    GenerationReference.objects.bulk_create(
        GenerationReference(generation=generation, position=position, image=image)
        for position, image in enumerate(kept.references)
    )
    first_image = 0
    for index, part in enumerate(planned.provider.split(request)):
        call = GenerationCall.objects.create(
            generation=generation, index=index, first_image=first_image, n=part.n, run_after=timezone.now()
        )
        first_image += part.n
        wake(call)
    return generation


def wake(call: GenerationCall) -> None:
    """Queue the call's task; the wake-up becomes visible with the rows it is about."""
    later = call.run_after if call.run_after > timezone.now() else None
    tasks.run_call.using(run_after=later, queue_name=_place_of(call)).enqueue(call.pk)


def _place_of(call: GenerationCall) -> str:
    """Where the call can be gone on with: once it was sent, where its answer came in, else everywhere."""
    state = GenerationCall.State
    known = GenerationCall.objects.filter(pk=call.pk, state__in=[state.SENT, state.ANSWERED])
    place = known.values_list("place", flat=True).first() if call.place else ""
    return place or DEFAULT_TASK_QUEUE_NAME


def request_for(call: GenerationCall, folder: Path | None = None) -> ImageRequest:
    """The request of one call, from its rows.

    With a `folder`, the pictures that go along are fetched into it; raises `InvalidRequest` when one is gone.
    """
    generation = call.generation
    references, mask = inputs.fetch(generation, folder) if folder else ((), None)
    return ImageRequest(
        prompt=generation.prompt_sent,
        model=generation.model,
        mode=mode_sent(generation.mode, len(references)),
        n=call.n,
        references=references,
        mask=mask,
        turns=turns.before(generation, folder) if folder else (),
        user_id=alias_of(generation.owner_id),
        **generation.params | _seed_of(call),
    )


def _seed_of(call: GenerationCall) -> dict:
    """Calls of one generation draw with consecutive seeds, or each would draw the same picture."""
    seed = call.generation.params.get("seed")
    return {} if seed is None else {"seed": seed + call.first_image}


def cancel(generation: Generation) -> None:
    """Stop what has not gone out yet. What the vendor is already working on is paid for and will be kept."""
    with transaction.atomic():
        Generation.objects.active().filter(pk=generation.pk).update(cancel_requested=True)
        generation.calls.filter(state=GenerationCall.State.QUEUED).update(
            state=GenerationCall.State.CANCELLED,
            held=False,
            finished_at=timezone.now(),
            error_code="cancelled",
            error_message="Stopped before it was sent. Nothing was charged.",
        )
        summaries.refresh(generation.pk)
    generation.refresh_from_db()


def retry(generation: Generation) -> Generation:
    """Ask again for what did not arrive, as a new generation. Raises `ProviderError` like `submit`."""
    if generation.is_active:
        raise InvalidRequest("This is still running. Stop it first, or wait for it to finish.")
    if generation.profile is None:
        raise InvalidRequest(
            "The connection this was made with was deleted. Choose another one.", field="profile"
        )
    missing = generation.n - generation.results.count()
    wish = Wish(
        profile=generation.profile,
        prompt=generation.prompt,
        model=generation.model,
        n=missing if generation.status == Status.PARTIAL and missing > 0 else generation.n,
        mode=cast(Way, generation.mode),
        references=inputs.references_of(generation),
        mask=inputs.mask_of(generation),
        follows=generation.follows,
        tags=tuple(generation.tags.all()),
        composed=prompting.repeated(generation),
        **generation.params,
    )
    fresh = submit(generation.owner, wish)
    Generation.objects.filter(pk=fresh.pk).update(
        retry_of=generation, receipt=generation.receipt, column=generation.column_id
    )
    _move_into_its_cell(generation, fresh)
    return fresh


def _move_into_its_cell(before: Generation, fresh: Generation) -> None:
    """The cell of a batch shows the new attempt, and goes on counting what the one before it cost."""
    if before.status != Status.PARTIAL:  # whose pictures stay to be seen
        BatchCell.objects.filter(generation=before).update(
            generation=fresh, earlier_cost_usd=F("earlier_cost_usd") + (before.cost_usd or 0)
        )
