"""From a `Wish` to a `Plan`: what is asked for, checked against its model and priced. Nothing is saved."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from django.utils.crypto import salted_hmac

from gallery import prompting
from gallery.generations import inputs, turns
from gallery.models import ConnectionProfile, Generation, Image, Preset, Tag
from gallery.vendors import provider_for
from providers.base import Estimate, ImageRequest, Mode, ModelInfo, Provider
from providers.errors import AuthError, InvalidRequest, ProviderError, raise_first

PARAMETERS = (
    "size", "aspect_ratio", "resolution", "quality", "style", "background", "output_format", "seed",
    "negative_prompt", "stream", "options",
)  # fmt: skip
NOT_THERE_YET = "The picture to go on from is still being made. Ask again when it is there."
type Way = Mode | Literal["again"]  # `again`: the recipe of the first reference once more, without sending it


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
    kept: Wish  # as the rows have it: as its model goes on from the turn before
    request: ImageRequest
    info: ModelInfo
    estimate: Estimate


def plan(wish: Wish) -> Plan:
    """Check a wish against its model, without sending anything. Raises `ProviderError` with a sentence."""
    provider = provider_for(wish.profile)
    composed = wish.composed or composition_of(wish, provider)
    wish = _with_cast(wish, composed)
    kept = _going_on(wish, provider)
    request = _request_of(kept, provider, composed)
    raise_first(_problems(wish, request, provider))
    return Plan(
        provider=provider,
        composed=composed,
        references=wish.references,
        kept=kept,
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
        mode=mode_sent(wish.mode, len(references)),
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


def mode_sent(mode: str | None, references: int) -> Mode:
    if mode in ("generate", "edit", "variation"):
        return cast(Mode, mode)
    return "edit" if references else "generate"


def alias_of(owner_id: int) -> str:
    """What vendors get to tell people apart by, which says nothing about them."""
    return salted_hmac("gallery.generation.user", str(owner_id), algorithm="sha256").hexdigest()[:32]


def parameters_of(request: ImageRequest) -> dict:
    """What was asked beside the prompt, as kept with the generation and its pictures."""
    given = {name: getattr(request, name) for name in PARAMETERS}
    return {
        name: value for name, value in given.items() if value not in (None, "", {}) and value is not False
    }
