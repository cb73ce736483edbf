"""What is said to Google's models: the prompt with its pictures, and before it the turns of a chat.

A turn of the model goes back as it came, with its thought signatures, or it is refused. A picture whose turn
is not kept goes along as the person's own.
"""

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from providers import inputs
from providers.vocabulary import ImageRequest, InputImage, Turn

Content = dict[str, Any]
UNSIGNED = "gemini-2"  # models of this family sign nothing and ask for no signatures


def contents(request: ImageRequest, limit: int) -> list[Content]:
    """The chat so far and the request, with pictures of at most `limit` bytes.

    Of a long chat the oldest turns are left out. Raises `InvalidRequest` and `OSError` like `inputs.within`.
    """
    turns = _newest(request.turns, limit)
    said = [content for turn in turns for content in _said(turn, request.model, limit)]
    room = max(limit - sum(map(_size, turns)), limit // 4)
    return _joined([*said, _own(request.prompt, request.references, room)])


def inline(kind: str, data: bytes) -> dict[str, Any]:
    """A picture as a part."""
    return {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}}


def _said(turn: Turn, model: str, limit: int) -> list[Content]:
    parts: Any = turn.facts.get("turn")
    if not _can_go_back(parts, turn, model) or _size(turn) > limit:
        return [_own(turn.prompt, (*turn.references, *turn.pictures), limit)]
    return [_own(turn.prompt, turn.references, limit), _resent(parts, turn.pictures)]


def _can_go_back(parts: Any, turn: Turn, model: str) -> bool:
    """Whether the model's own words are kept, with a file and a signature for each of its pictures."""
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return False
    drawn = [part for part in parts if "inlineData" in part]
    is_signed = model.startswith(UNSIGNED) or all(part.get("thoughtSignature") for part in drawn)
    return bool(parts) and is_signed and len(drawn) == len(turn.pictures)


def _resent(parts: Iterable[dict[str, Any]], pictures: Iterable[InputImage]) -> Content:
    files = iter(pictures)
    return {"role": "model", "parts": [_filled(part, files) for part in parts]}


def _filled(part: dict[str, Any], files: Iterable[InputImage]) -> dict[str, Any]:
    """The part as it came: a picture gets its bytes back."""
    if "inlineData" not in part:
        return part
    return part | {"inlineData": part["inlineData"] | {"data": inputs.base64_of(next(iter(files)))}}


def _own(prompt: str, pictures: Sequence[InputImage], limit: int) -> Content:
    along = [inline(kind, data) for kind, data in inputs.within(pictures, limit)]
    return {"role": "user", "parts": [{"text": prompt}, *along]}


def _joined(said: list[Content]) -> list[Content]:
    """The contents with those of the same role together: the roles take turns."""
    joined: list[Content] = []
    for content in said:
        if joined and joined[-1]["role"] == content["role"]:
            joined[-1]["parts"] += content["parts"]
        else:
            joined.append(content)
    return joined


def _newest(turns: Sequence[Turn], limit: int) -> list[Turn]:
    """The newest turns that fit, at least one."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        if kept and sum(map(_size, kept)) + _size(turn) > limit:
            break
        kept.insert(0, turn)
    return kept


def _size(turn: Turn) -> int:
    return sum(picture.path.stat().st_size for picture in (*turn.references, *turn.pictures))
