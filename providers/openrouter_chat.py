"""Pictures by OpenRouter's chat completions: for chats with earlier turns, and for models that only talk.

Documentation: https://openrouter.ai/docs/guides/overview/multimodal/image-generation, read on 22 November
2026. The model's message goes back unchanged in the next turn, for its `reasoning_details` hold what some
models need to go on; only the pictures in it are kept apart, as files.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from providers import bodies, inputs
from providers.errors import BadResponse
from providers.vocabulary import GeneratedImage, ImageRequest, InputImage, ModelInfo, Turn

SIZES = {"512": "0.5K", "1K": "1K", "2K": "2K", "4K": "4K"}
KEPT = ("content", "reasoning", "reasoning_details", "refusal")  # of the model's message
DECLINED = ("safety", "prohibited", "block", "recitation", "content_filter", "spii")
LONGEST_FINISH = 60  # characters


def fields(request: ImageRequest, model: ModelInfo) -> dict[str, Any]:
    """The body that asks for a picture, after the turns so far."""
    messages = [message for turn in request.turns for message in _said(turn)]
    asked: dict[str, Any] = {
        "model": request.model,
        "messages": [*messages, _user(request.prompt, request.references)],
        "modalities": model.facts.get("modalities", ["image", "text"]),
    }
    config = {"aspect_ratio": request.aspect_ratio, "image_size": SIZES.get(request.resolution or "")}
    config = {name: value for name, value in config.items() if value not in (None, "auto")}
    asked |= {"image_config": config} if config else {}
    return asked | ({} if request.seed is None else {"seed": request.seed})


def picture(image: InputImage) -> dict[str, Any]:
    """A picture as a part of a message, or as a reference."""
    return {"type": "image_url", "image_url": {"url": inputs.data_url(image)}}


def pictures(body: bodies.JsonBody, data: Mapping[str, Any], folder: Path) -> list[GeneratedImage]:
    """The pictures in the model's message that can be decoded or fetched, with what the next turn needs.

    Raises `BadResponse` when there are some, and none of them can be decoded.
    """
    message = _message(data)
    items = message.get("images")
    items = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    facts = {"turn": _memory(body, message, items)}
    images, failure = [], None
    for index, item in enumerate(items):
        path, url = folder / f"{index}.image", _url(item)
        is_linked = url.startswith(("https://", "http://"))
        try:
            if not is_linked:
                body.save(url, path)
        except BadResponse as exc:
            failure = exc
            continue
        images.append(GeneratedImage(path=path, url=url if is_linked else "", facts=facts))
    if failure and not images:
        raise failure
    return images


def choice_of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice of an answer."""
    choices = data.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def why_none(data: Mapping[str, Any]) -> tuple[str, str]:
    """Why a whole answer has no picture, in a sentence, and the model's own words."""
    message, choice = _message(data), choice_of(data)
    words = str(message.get("refusal") or message.get("content") or "")
    finish = str(choice.get("native_finish_reason") or choice.get("finish_reason") or "")
    if message.get("refusal") or any(sign in finish.lower() for sign in DECLINED):
        about = f" ({finish[:LONGEST_FINISH]})" if finish.lower() not in ("", "stop") else ""
        return f"The model's safety filter declined this{about}. Change the prompt and try again.", words
    return "The model answered with words instead of a picture. Change the prompt and try again.", words


def _said(turn: Turn) -> list[dict[str, Any]]:
    """The messages of an earlier turn.

    Pictures whose message was not kept come from elsewhere: they go along as the person's own.
    """
    memory = turn.facts.get("turn")
    if not isinstance(memory, dict):
        return [_user(turn.prompt, (*turn.references, *turn.pictures))]
    heads = memory.get("images") or []
    images = [
        {**item, "image_url": {"url": _url(item) + inputs.base64_of(image)}}
        for item, image in zip(heads, turn.pictures, strict=False)
    ]
    answered = {"role": "assistant", **{name: memory[name] for name in KEPT if name in memory}}
    return [_user(turn.prompt, turn.references), answered | ({"images": images} if images else {})]


def _user(prompt: str, references: tuple[InputImage, ...]) -> dict[str, Any]:
    if not references:
        return {"role": "user", "content": prompt}
    parts = [{"type": "text", "text": prompt}, *map(picture, references)]
    return {"role": "user", "content": parts}


def _memory(body: bodies.JsonBody, message: Mapping[str, Any], items: list[Any]) -> dict[str, Any]:
    """The model's message as the next turn has to repeat it, its pictures without their data."""
    kept = {name: _whole(body, message[name]) for name in KEPT if message.get(name) is not None}
    images = [{**item, "image_url": {"url": _head(body, _url(item))}} for item in items]
    return kept | {"images": images}


def _whole(body: bodies.JsonBody, value: Any) -> Any:
    """A value with its long strings, which were left on the disk."""
    if isinstance(value, str):
        return body.text_of(value)
    if isinstance(value, dict):
        return {name: _whole(body, item) for name, item in value.items()}
    return [_whole(body, item) for item in value] if isinstance(value, list) else value


def _head(body: bodies.JsonBody, url: str) -> str:
    """What stands before the data of a picture: `data:image/png;base64,`."""
    start = body.start_of(url)
    return start.partition(",")[0] + "," if start.startswith("data:") else "data:image/png;base64,"


def _url(item: Mapping[str, Any]) -> str:
    inner = item.get("image_url")
    url = inner.get("url") if isinstance(inner, dict) else inner
    return url if isinstance(url, str) else ""


def _message(data: Mapping[str, Any]) -> Mapping[str, Any]:
    message = choice_of(data).get("message")
    return message if isinstance(message, dict) else {}
