"""The `/chat/completions` shape that OpenAI made and others took over: texts, with a picture to look at.

Documentation: https://developers.openai.com/api/docs/api-reference/chat, read on 22 November 2026. It is
chosen over the newer Responses API because it is one shape for OpenAI, xAI, OpenRouter and local servers,
and because it keeps nothing at the vendor.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from providers import bodies, errors, faults, inputs, pricing
from providers.vocabulary import Answer, Completion, TextModel, TextRequest, Usage

PATH = "/chat/completions"


def fields(request: TextRequest, *, limit: str = "max_completion_tokens") -> dict[str, Any]:
    """The body that asks for a text. `limit`: what the server calls the most tokens of an answer."""
    asked: dict[str, Any] = {
        "model": request.model,
        "messages": _messages(request),
        limit: request.max_tokens,
    }
    if request.schema is not None:
        form = {"name": "answer", "strict": True, "schema": request.schema}
        asked["response_format"] = {"type": "json_schema", "json_schema": form}
    return asked


def parse(
    answer: Answer, model: TextModel, label: str, *, bill: Callable[[object, TextModel], Usage] | None = None
) -> Completion:
    """The text of an answer, with its cost by the catalogue, or as `bill` reads it from the answer's usage.

    Raises `Refused` and `BadResponse`.
    """
    with bodies.json_body(answer) as body:
        data = body.data if isinstance(body.data, dict) else {}
    choice = _first(data.get("choices"))
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    completion = Completion(
        text=_text(message.get("content")),
        usage=(bill or bill_tokens)(data.get("usage"), model),
        model=str(data.get("model") or ""),
        request_id=faults.request_id(answer) or str(data.get("id") or ""),
    )
    refusal, ended = message.get("refusal"), choice.get("finish_reason")
    if refusal or ended == "content_filter":
        raise refused(completion, answer, label, str(refusal or ""))
    return usable(completion, answer, label, is_cut=ended == "length")


def bill_tokens(usage: object, model: TextModel) -> Usage:
    """The cost of the tokens that `/chat/completions` counts."""
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return pricing.bill_text(
        usage,
        model,
        going_in=usage.get("prompt_tokens"),
        coming_out=usage.get("completion_tokens"),
        cached=cached or 0,
    )


def refused(completion: Completion, answer: Answer, label: str, words: str) -> errors.Refused:
    """The error for a text that the vendor would not write; it costs what it cost."""
    error = faults.explain(errors.Refused, f"{label} declined to answer this.", answer, words)
    error.may_have_been_charged = True
    return faults.costing(error, completion.usage)


def usable(completion: Completion, answer: Answer, label: str, *, is_cut: bool) -> Completion:
    """The completion, if there is a whole text in it. Raises `BadResponse`."""
    text = completion.text.strip()
    if text and not is_cut:
        return replace(completion, text=text)
    why = "ended in the middle, for it became too long" if is_cut else "has no text"
    error = faults.explain(errors.BadResponse, f"{label}'s answer {why}.", answer, completion.text)
    raise faults.costing(error, completion.usage)


def _messages(request: TextRequest) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = [{"type": "text", "text": request.prompt}]
    if request.image:
        asked.insert(0, {"type": "image_url", "image_url": {"url": inputs.data_url(request.image)}})
    user = {"role": "user", "content": asked if request.image else request.prompt}
    return [{"role": "system", "content": request.instructions}, user] if request.instructions else [user]


def _first(choices: object) -> Mapping[str, Any]:
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _text(content: object) -> str:
    """The words of a message, written as one string or as a list of parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""
