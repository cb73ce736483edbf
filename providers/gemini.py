"""What Google's `generateContent` answers: pictures, words, the model's turn, and refusals that are HTTP 200.

An answer is one JSON object, or a stream of such objects, each with some of the parts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers import bodies, errors, faults, pricing, streams
from providers.bodies import JsonBody
from providers.errors import BadResponse, NoPicture
from providers.vocabulary import Answer, GeneratedImage, ModelInfo, TextModel, Usage

DECLINED = ("SAFETY", "PROHIBITED", "BLOCKLIST", "SPII", "RECITATION", "ARMOR", "JAILBREAK")
SKIPPED = "thought"  # the mark of a part that shows the model thinking


@dataclass
class Reply:
    """Everything an answer says, gathered from its objects. Pictures are files already."""

    pictures: list[Path] = field(default_factory=list)
    turn: list[dict[str, Any]] = field(default_factory=list)  # the model's parts, pictures left out
    words: list[str] = field(default_factory=list)
    finish: str = ""  # the vendor's `finishReason`
    block: str = ""  # its `blockReason`: the prompt was not even tried
    reason: str = ""  # its own words about either
    usage: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    id: str = ""
    error: object = None
    damage: BadResponse | None = None  # a picture that cannot be decoded

    @property
    def text(self) -> str:
        return "".join(self.words).strip()

    @property
    def said(self) -> str:
        """What the vendor gives as its reason, or the model says."""
        return self.reason or self.text

    def images(self, seed: int | None) -> list[GeneratedImage]:
        """The pictures, each with the turn that a conversation has to send back unchanged."""
        return [
            GeneratedImage(path=path, seed=seed, facts={"turn": self.turn, "turn_picture": place})
            for place, path in enumerate(self.pictures)
        ]


def read(answer: Answer, folder: Path) -> Reply:
    """Gather an answer, with its pictures as files in `folder`. Raises `BadResponse` for what is none."""
    reply = Reply()
    for body, data in _objects(answer):
        _take(reply, body, data, folder)
    return reply


def is_end(data: object) -> bool:
    """Whether an object of a stream ends it, well or badly."""
    if not isinstance(data, dict):
        return False
    return bool(
        data.get("error")
        or _of(data, "promptFeedback").get("blockReason")
        or _first(data).get("finishReason")
    )


def thought_picture(data: object) -> object | None:
    """The base64 string of a picture that the model only tries out, in an object of a stream."""
    parts = _parts(data) if isinstance(data, dict) else []
    drafts = (_inline(part).get("data") for part in parts if part.get(SKIPPED))
    return next((draft for draft in drafts if draft), None)


def refusal(reply: Reply, answer: Answer, label: str, cost: Usage) -> errors.ProviderError:
    """The error for an answer without a picture: five shapes, all of them HTTP 200 and maybe charged."""
    if reply.damage:
        error: errors.ProviderError = reply.damage
    elif not (reply.block or reply.finish or reply.words):
        error = faults.explain(NoPicture, f"{label} sent no picture.", answer, reply.said)
    else:
        error = faults.explain(errors.Refused, _reason(reply, label), answer, reply.said)
        error.retryable = not is_declined(reply)
    error.may_have_been_charged, error.cost_usd = True, cost.cost_usd
    error.cost_source = cost.cost_source
    error.request_id = error.request_id or reply.id
    return error


def is_declined(reply: Reply) -> bool:
    """Whether a filter said no, rather than that no picture came of it."""
    return bool(reply.block) or any(word in reply.finish for word in DECLINED)


def bill(reply: Reply, model: ModelInfo) -> Usage:
    """What the counted tokens cost; thoughts are paid like words."""
    counted, made = reply.usage, len(reply.pictures)
    if not counted:
        return Usage()
    asked = _by_modality(counted.get("promptTokensDetails"))
    came = _by_modality(counted.get("candidatesTokensDetails"))
    going_in, coming_out = _count(counted, "promptTokenCount"), _count(counted, "candidatesTokenCount")
    drawn = came.get("IMAGE", 0) if came else coming_out if made else 0
    written = max(coming_out - drawn, 0) + _count(counted, "thoughtsTokenCount")
    seen = asked.get("IMAGE", 0)
    tokens = {
        "input_tokens_details": {"text_tokens": max(going_in - seen, 0), "image_tokens": seen},
        "output_tokens": drawn + written,
        "output_tokens_details": {"image_tokens": drawn, "text_tokens": written},
    }
    cost = pricing.bill(tokens, model, made)
    return Usage(raw=counted, cost_usd=cost.cost_usd, cost_source=cost.cost_source)


def counts_output(reply: Reply) -> bool:
    """Whether the answer says how many tokens came out; some servers between leave that out."""
    return _count(reply.usage, "candidatesTokenCount") > 0


def bill_text(reply: Reply, model: TextModel) -> Usage:
    counted = reply.usage
    return pricing.bill_text(
        counted,
        model,
        going_in=_count(counted, "promptTokenCount"),
        coming_out=_count(counted, "candidatesTokenCount") + _count(counted, "thoughtsTokenCount"),
        cached=_count(counted, "cachedContentTokenCount"),
    )


def _reason(reply: Reply, label: str) -> str:
    if reply.block:
        return f"{label}'s safety filter declined the prompt ({reply.block}). Change it and try again."
    if is_declined(reply):
        return f"{label}'s safety filter held the picture back ({reply.finish}). Change the prompt."
    if reply.finish == "MAX_TOKENS":
        return (
            f"{label} stopped before the picture was drawn. Shorten the prompt, or send fewer pictures along."
        )
    if reply.finish in ("", "STOP"):
        return f"{label} answered with words instead of a picture. Change the prompt and try again."
    return (
        f"{label} made no picture this time ({reply.finish}). This is no refusal:"
        " say more clearly what the picture should show, and try again."
    )


def _objects(answer: Answer) -> Iterator[tuple[JsonBody, Mapping[str, Any]]]:
    """The objects of an answer, whether it is a stream, a list or a single one."""
    if streams.is_stream(answer.status, answer.headers):
        for event in streams.events(answer):
            yield event, event.data if isinstance(event.data, dict) else {}
        return
    with bodies.json_body(answer) as body:
        for item in body.data if isinstance(body.data, list) else [body.data]:
            yield body, item if isinstance(item, dict) else {}


def _take(reply: Reply, body: JsonBody, data: Mapping[str, Any], folder: Path) -> None:
    candidate = _first(data)
    reply.error = reply.error or data.get("error")
    feedback = _of(data, "promptFeedback")
    reply.block = reply.block or _word(feedback, "blockReason")
    reply.finish = _word(candidate, "finishReason") or reply.finish
    reply.reason = _word(candidate, "finishMessage") or _word(feedback, "blockReasonMessage") or reply.reason
    reply.usage = _of(data, "usageMetadata") or reply.usage
    reply.model = _word(data, "modelVersion") or reply.model
    reply.id = _word(data, "responseId") or reply.id
    for part in _parts(data):
        if not part.get(SKIPPED):
            _take_part(reply, body, part, folder)


def _take_part(reply: Reply, body: JsonBody, part: Mapping[str, Any], folder: Path) -> None:
    kept = {name: body.text_of(value) if isinstance(value, str) else value for name, value in part.items()}
    picture = _inline(part)
    if picture:
        path = folder / f"{len(reply.pictures)}.image"
        try:
            body.save(picture.get("data"), path)
        except BadResponse as exc:
            reply.damage = exc
            return
        reply.pictures.append(path)
        kept.pop("inline_data", None)
        kept["inlineData"] = {name: value for name, value in picture.items() if name != "data"}
    elif isinstance(kept.get("text"), str):
        reply.words.append(kept["text"])
    reply.turn.append(kept)


def _first(data: Mapping[str, Any]) -> Mapping[str, Any]:
    candidates = data.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    return first if isinstance(first, dict) else {}


def _parts(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = _of(_first(data), "content").get("parts")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _inline(part: Mapping[str, Any]) -> dict[str, Any]:
    """The picture of a part. Google writes `inlineData`, some servers between write `inline_data`."""
    return _of(part, "inlineData") or _of(part, "inline_data")


def _of(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _word(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value[:1000] if isinstance(value, str) else ""


def _count(data: Mapping[str, Any], name: str) -> int:
    """A count; what is zero is left out of Google's answers."""
    value = data.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _by_modality(details: object) -> dict[str, int]:
    """Tokens by "TEXT", "IMAGE" …; a kind may be listed more than once."""
    counts: dict[str, int] = {}
    for item in details if isinstance(details, list) else []:
        if isinstance(item, dict):
            kind = str(item.get("modality"))
            counts[kind] = counts.get(kind, 0) + _count(item, "tokenCount")
    return counts
