"""A generation as people see it: planned, submitted, cancelled, tried again. `calls` does the work."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast

from django.db import IntegrityError, transaction
from django.db.models import F
from django.tasks import DEFAULT_TASK_QUEUE_NAME
from django.utils import timezone
from django.utils.crypto import salted_hmac

from gallery import prompting, tasks
from gallery.files import quotas
from gallery.generations import admission, inputs, summaries, turns
from gallery.models import (
    BatchCell,
    ConnectionProfile,
    Generation,
    GenerationCall,
    GenerationReference,
    Image,
    Preset,
    Tag,
)
from gallery.models.generation import Status
from gallery.money import costs
from gallery.vendors import provider_for
from providers.base import (
    Estimate,
    ImageRequest,
    Mode,
    ModelInfo,
    Provider,
)
from providers.errors import AuthError, InvalidRequest, ProviderError, raise_first

IDEMPOTENCY_LIFE = timedelta(hours=24)
PARAMETERS = (
    "size", "aspect_ratio", "resolution", "quality", "style", "background", "output_format", "seed",
    "negative_prompt", "stream", "options",
)  # fmt: skip
NOT_THERE_YET = "The picture to go on from is still being made. Ask again when it is there."
type Way = Mode | Literal["again"]  # `again`: the recipe of the first reference once more, without sending it


class IdempotencyConflict(Exception):
    """The same Idempotency-Key came with another request."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a person asks for. `None` and "" leave the choice to the model."""

    profile: ConnectionProfile
    prompt: str
    model: str = ""
    n: int = 1
    size: str | None = None  # "1024x1536"
    aspect_ratio: str | None = None
    resolution: str | None = None
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    output_format: str | None = None
    seed: int | None = None
    negative_prompt: str | None = None
    stream: bool = False  # with previews while the picture is drawn
    options: dict = field(default_factory=dict)  # vendor-specific
    mode: Way | None = None  # None: "edit" when there are references, else "generate"
    references: tuple[Image, ...] = ()  # in the order in which they are sent
    mask: bytes | None = None  # a picture: white is repainted; belongs to the first reference
    follows: Generation | None = None  # the turn of a chat that this one goes on from; `references` may name
    # the picture of it that is meant, else it is the first
    tags: tuple[Tag, ...] = ()  # given to every picture that arrives
    persona: Tag | None = None  # whom `@me` means; None: the one that the person chose for good
    chat: Tag | None = None  # whose house style is used
    preset: Preset | None = None  # a style, whose words stand around the prompt
    notes: tuple[str, ...] = ()  # what was left out before, for the receipt
    expand: bool = True  # False: the prompt goes out as typed, and nobody's reference pictures with it
    composed: prompting.Composition | None = None  # made already: it is not made again


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A wish that its model can fulfil, and what that will cost."""

    provider: Provider
    composed: prompting.Composition
    references: tuple[Image, ...]  # as they are sent, with those of reference packs
    request: ImageRequest
    info: ModelInfo
    estimate: Estimate


def plan(wish: Wish) -> Plan:
    """Check a wish against its model, without sending anything. Raises `ProviderError` with a sentence."""
    provider = provider_for(wish.profile)
    composed = wish.composed or composition_of(wish, provider)
    wish = _with_cast(wish, composed)
    request = _request_of(_going_on(wish, provider), provider, composed)
    raise_first(_problems(wish, request, provider))
    return Plan(
        provider=provider,
        composed=composed,
        references=wish.references,
        request=request,
        info=provider.model_info(request.model),
        estimate=provider.estimate(request),
    )


def composition_of(wish: Wish, provider: Provider) -> prompting.Composition:
    """The prompt as it goes out, with the pictures of the cast that go along."""
    if not wish.expand:
        return replace(prompting.as_typed(wish.prompt, wish.negative_prompt or ""), warnings=wish.notes)
    changes = wish.mode in ("edit", "again", "variation") or wish.follows is not None
    scene = prompting.Scene(
        owner=wish.profile.owner,
        able=provider.model_info(_model_of(wish, provider)).capabilities,
        negative=wish.negative_prompt or "",
        persona=wish.persona or _first(wish.tags, Tag.Kind.PERSONA),
        chat=wish.chat or _first(wish.tags, Tag.Kind.CHAT),
        tags=wish.tags,
        preset=wish.preset,
        styled=not changes,
        references=wish.references,
        with_packs=not changes,
    )
    composed = prompting.compose(wish.prompt, scene)
    return replace(composed, warnings=(*wish.notes, *composed.warnings)) if wish.notes else composed


def _first(tags: tuple[Tag, ...], kind: str) -> Tag | None:
    return next((tag for tag in tags if tag.kind == kind), None)


def _with_cast(wish: Wish, composed: prompting.Composition) -> Wish:
    """The wish with the reference pictures of those who are named, which are looked at and not changed."""
    if not composed.references:
        return wish
    pictures = (pick.image for pick in composed.references)
    mode = wish.mode or ("edit" if wish.references else "generate")
    return replace(wish, mode=mode, references=(*wish.references, *pictures))


def _problems(wish: Wish, request: ImageRequest, provider: Provider) -> Iterator[ProviderError]:
    """Everything that is wrong with a wish, for the person to mend at once."""
    if not wish.prompt.strip() and wish.mode != "variation":
        yield InvalidRequest("Write what the picture should show.", field="prompt")
    if provider.needs_key and not wish.profile.has_api_key:
        yield AuthError(
            f"{wish.profile.name} has no key yet. Add one in Settings, Connections.", field="profile"
        )
    for problem in provider.problems(request):
        if problem.field != "prompt" or wish.prompt.strip():
            yield problem


def _request_of(wish: Wish, provider: Provider, composed: prompting.Composition) -> ImageRequest:
    given: dict[str, Any] = {name: getattr(wish, name) or None for name in PARAMETERS}
    given["negative_prompt"] = composed.negative or None
    references = inputs.besides(wish.follows, inputs.outgoing(wish.mode, wish.references))
    return ImageRequest(
        prompt=composed.text,
        model=_model_of(wish, provider),
        turns=turns.announced(wish.follows),
        mode=_mode_sent(wish.mode, len(references)),
        n=wish.n,
        references=tuple(inputs.announced(image) for image in references),
        mask=inputs.announced_mask() if wish.mask else None,
        user_id=alias_of(wish.profile.owner_id),
        **given | {"seed": wish.seed, "stream": wish.stream, "options": wish.options},
    )


def _model_of(wish: Wish, provider: Provider) -> str:
    return wish.model or wish.profile.default_model or provider.default_model()


def _going_on(wish: Wish, provider: Provider) -> Wish:
    """A turn of a chat as its model takes it: without a memory, an edit of a picture of the last turn."""
    if wish.follows is None:
        return wish
    last = turns.picked(wish.follows, wish.references)
    if wish.follows.is_active and last is None:
        raise InvalidRequest(NOT_THERE_YET, field="follows")
    if last is None:
        raise InvalidRequest("The picture to go on from is gone. Start from another one.", field="follows")
    if provider.model_info(_model_of(wish, provider)).capabilities.turns:
        return replace(wish, mode="generate")
    others = (image for image in wish.references if image != last)
    return replace(wish, follows=None, mode=None, references=(last, *others))


def _mode_sent(mode: str | None, references: int) -> Mode:
    if mode in ("generate", "edit", "variation"):
        return cast(Mode, mode)
    return "edit" if references else "generate"


def alias_of(owner_id: int) -> str:
    """What vendors get to tell people apart by, which says nothing about them."""
    return salted_hmac("gallery.generation.user", str(owner_id), algorithm="sha256").hexdigest()[:32]


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
    request, composed, follows = planned.request, planned.composed, wish.follows
    wish = _going_on(_with_cast(wish, composed), planned.provider)
    generation = Generation.objects.create(
        owner=owner,
        profile=wish.profile,
        provider=wish.profile.provider,
        model=request.model,
        mode=wish.mode or request.mode,
        follows=follows,
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
        for position, image in enumerate(wish.references)
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


def parameters_of(request: ImageRequest) -> dict:
    """What was asked beside the prompt, as kept with the generation and its pictures."""
    given = {name: getattr(request, name) for name in PARAMETERS}
    return {
        name: value for name, value in given.items() if value not in (None, "", {}) and value is not False
    }


def request_for(call: GenerationCall, folder: Path | None = None) -> ImageRequest:
    """The request of one call, from its rows.

    With a `folder`, the pictures that go along are fetched into it; raises `InvalidRequest` when one is gone.
    """
    generation = call.generation
    references, mask = inputs.fetch(generation, folder) if folder else ((), None)
    return ImageRequest(
        prompt=generation.prompt_sent,
        model=generation.model,
        mode=_mode_sent(generation.mode, len(references)),
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
