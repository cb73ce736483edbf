"""What a model takes, compared with what was asked: nothing is sent that the model would refuse."""

from collections.abc import Iterator
from typing import ClassVar, Protocol

from providers.errors import InvalidRequest, ModelUnavailable, ProviderError, raise_first
from providers.vocabulary import Capabilities, ImageRequest, ModelInfo, TextModel, TextRequest

FORCE = "force_model"  # the option that sends a retired model all the same
LISTS = ("aspect_ratio", "resolution", "quality", "style", "background", "output_format")
MODES = {"generate": "make pictures from a prompt", "edit": "edit pictures", "variation": "make variations"}


SEEN_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")  # what models look at
LARGEST_SEEN = 5 * 1024**2  # bytes; in base64 below every vendor's limit


class Writer(Protocol):
    """What a provider says about its texts."""

    label: ClassVar[str]
    supports_text: ClassVar[bool]
    supports_vision: ClassVar[bool]


def problems(request: ImageRequest, model: ModelInfo) -> Iterator[ProviderError]:
    """Everything that is wrong: `ModelUnavailable` or `InvalidRequest`, each with its `field`."""
    yield from _of_model(request, model)
    yield from _of_amount(request, model)
    yield from _of_pictures(request, model)
    yield from _of_size(request, model)
    for name in LISTS:
        yield from _of_choice(name, getattr(request, name), model)
    yield from _of_switches(request, model)
    yield from _of_options(request, model)


def check(request: ImageRequest, model: ModelInfo) -> None:
    """Raise the first of the `problems`; the others stand in its `also`."""
    raise_first(problems(request, model))


def check_text(request: TextRequest, provider: Writer, model: TextModel) -> None:
    """Raise `ModelUnavailable` or `InvalidRequest` for a text that cannot be asked for."""
    if not provider.supports_text:
        raise InvalidRequest(f"{provider.label} writes no texts. Choose another connection.", field="profile")
    if model.status == "retired":
        raise ModelUnavailable(_retired(model), field="model")
    if not request.prompt.strip():
        raise InvalidRequest("Write a prompt first.", field="prompt")
    if request.image is None:
        return
    if not (provider.supports_vision and model.vision):
        raise InvalidRequest(f"{model.label} does not look at pictures. Choose another model.", field="model")
    if request.image.mime_type not in SEEN_TYPES:
        raise InvalidRequest("Models look at PNG, JPEG, WebP and GIF pictures only.", field="image")
    if request.image.path.exists() and request.image.path.stat().st_size > LARGEST_SEEN:
        raise InvalidRequest("The picture is too large to be looked at. Send a smaller copy.", field="image")


def is_offered(model: ModelInfo, request: ImageRequest) -> bool:
    return model.status != "retired" or bool(request.options.get(FORCE))


def _of_model(request: ImageRequest, model: ModelInfo) -> Iterator[ProviderError]:
    if not is_offered(model, request):
        yield ModelUnavailable(_retired(model), field="model")


def _retired(model: ModelInfo | TextModel) -> str:
    when = f" on {model.retires_on.day} {model.retires_on:%B %Y}" if model.retires_on else ""
    instead = f" Use {model.successor} instead." if model.successor else " Choose another model."
    return f"{model.label} was retired{when}.{instead}"


def _of_amount(request: ImageRequest, model: ModelInfo) -> Iterator[ProviderError]:
    able = model.capabilities
    if request.mode not in able.modes:
        can = " and ".join(MODES[mode] for mode in able.modes)
        yield InvalidRequest(f"{model.label} cannot {MODES[request.mode]}; it can {can}.", field="mode")
    if not request.prompt.strip() and request.mode != "variation":
        yield InvalidRequest("Write a prompt first.", field="prompt")
    if able.max_prompt and len(request.prompt) > able.max_prompt:
        over = len(request.prompt) - able.max_prompt
        yield InvalidRequest(
            f"The prompt is {over:,} characters too long; {model.label} takes {able.max_prompt:,}.",
            field="prompt",
        )
    if not 1 <= request.n <= able.max_n:
        most = "one picture" if able.max_n == 1 else f"1 to {able.max_n} pictures"
        yield InvalidRequest(f"{model.label} makes {most} at a time.", field="n")


def _of_pictures(request: ImageRequest, model: ModelInfo) -> Iterator[ProviderError]:
    able = model.capabilities
    if request.references and not able.max_references:
        yield InvalidRequest(_not_taken("reference pictures", model), field="references")
    elif len(request.references) > able.max_references:
        yield InvalidRequest(
            f"{model.label} takes at most {able.max_references} reference pictures.", field="references"
        )
    if request.mask and not able.mask:
        yield InvalidRequest(_not_taken("mask", model), field="mask")
    elif request.mask and not request.references:
        yield InvalidRequest("A mask needs the picture that it belongs to.", field="mask")
    if request.mode != "generate" and not request.references:
        yield InvalidRequest("Choose the picture to work from.", field="references")


def _of_size(request: ImageRequest, model: ModelInfo) -> Iterator[ProviderError]:
    if request.size is None:
        return
    if model.capabilities.size is None:
        instead = "; choose a shape by aspect_ratio" if model.capabilities.aspect_ratio else ""
        yield InvalidRequest(f"{model.label} takes no size{instead}.", field="size")
    elif problem := model.capabilities.size.problem(request.size):
        yield InvalidRequest(f"{model.label} does not take the size {request.size}. {problem}", field="size")


def _of_choice(name: str, value: str | None, model: ModelInfo) -> Iterator[ProviderError]:
    if value is None:
        return
    choice = getattr(model.capabilities, name)
    if choice is None:
        yield InvalidRequest(_not_taken(_words(name), model), field=name)
    elif problem := choice.problem(value):
        yield InvalidRequest(f"For {model.label}, {_words(name)} {problem}.", field=name)


def _of_switches(request: ImageRequest, model: ModelInfo) -> Iterator[ProviderError]:
    able = model.capabilities
    if request.seed is not None and not able.seed:
        yield InvalidRequest(_not_taken("seed", model), field="seed")
    if request.negative_prompt and not able.negative_prompt:
        yield InvalidRequest(_not_taken("negative prompt", model), field="negative_prompt")
    if request.turns and not able.turns:
        yield InvalidRequest(f"{model.label} cannot go on with a chat. Choose another model.", field="model")
    if request.stream and not able.stream:
        yield InvalidRequest(f"{model.label} cannot show a picture while it is drawn.", field="stream")


def _not_taken(what: str, model: ModelInfo) -> str:
    """The sentence for a parameter that a model does not take: it names what the model does take."""
    able = model.capabilities
    listed = [_words(name) for name in ("size", *LISTS) if getattr(able, name)]
    switches = [_words(name) for name in ("seed", "negative_prompt", "mask") if getattr(able, name)]
    pictures = [f"up to {able.max_references} reference pictures"] if able.max_references else []
    takes = ", ".join([*listed, *switches, *pictures, *able.options])
    return f"{model.label} takes no {what}. " + (
        f"It takes {takes}." if takes else "It takes a prompt alone."
    )


def _of_options(request: ImageRequest, model: ModelInfo) -> Iterator[ProviderError]:
    for name, value in request.options.items():
        if name == FORCE:
            continue
        choice = model.capabilities.options.get(name)
        if choice is None:
            yield InvalidRequest(_no_such_option(name, model.label, model.capabilities), field="options")
        elif problem := choice.problem(value):
            yield InvalidRequest(f"For {model.label}, {_words(name)} {problem}.", field="options")


def _no_such_option(name: str, label: str, able: Capabilities) -> str:
    if not able.options:
        return f"{label} takes no option “{name}”; it has none."
    return f"{label} takes no option “{name}”; it takes {', '.join(able.options)}."


def _words(name: str) -> str:
    return name.replace("_", " ")
