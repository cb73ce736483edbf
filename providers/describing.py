"""Captions and tags: what a model is told when it looks at a picture, and how its answer is read."""

import json
import re
from typing import Any, get_args

from providers import faults
from providers.cleaning import storable
from providers.errors import BadResponse
from providers.vocabulary import Completion, DescribeRequest, Description, TagKind, TagSuggestion, TextRequest

KINDS: tuple[str, ...] = get_args(TagKind)
MOST_KNOWN = 400  # tags that are told
MOST_TAGS = 40  # suggestions that are kept
LONGEST_NAME = 100  # characters
FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)

# No lengths and ranges: not every vendor takes them in a schema, so they are checked here.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["caption", "tags"],
    "properties": {
        "caption": {"type": "string"},
        "tags": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kind", "name", "confidence"],
                "properties": {
                    "kind": {"type": "string", "enum": list(KINDS)},
                    "name": {"type": "string"},
                    "confidence": {"type": "number"},
                },
            },
        },
    },
}

INSTRUCTIONS = """\
You describe and tag pictures for a private picture library. Say only what can be seen.
Answer with JSON: "caption", one or two plain sentences, and "tags", at most 20, the surest first. \
Each tag has a "kind", a "name" of one to three words and a "confidence" from 0 to 1.
Kinds: "tag" for what is seen, its style, colours and mood; "character" for a drawn or invented figure, \
"persona" for the person whom the pictures are made for, "chat" for a conversation, these three only with a \
name from the list of known tags.\
"""


def text_request(request: DescribeRequest) -> TextRequest:
    """What a model is asked, so that it describes a picture."""
    instructions = [INSTRUCTIONS]
    if request.known_tags:
        listed = ", ".join(request.known_tags[:MOST_KNOWN])
        instructions.append(f"Known tags, to be preferred where they fit: {listed}")
    return TextRequest(
        model=request.model,
        instructions="\n".join(instructions),
        prompt=request.instructions or "Describe and tag this picture.",
        max_tokens=request.max_tokens,
        image=request.image,
        schema=SCHEMA,
        user_id=request.user_id,
    )


def read(completion: Completion) -> Description:
    """The caption and tags in a model's answer. Raises `BadResponse` for what has another form."""
    try:
        data = _data(completion.text)
        tags = [_tag(item) for item in data["tags"]]
        caption = " ".join(_words(data["caption"]).split())
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        error = BadResponse(
            "The model's answer has not the form of a description. Try another model.",
            provider_message=completion.text,
            request_id=completion.request_id,
        )
        raise faults.costing(error, completion.usage) from exc
    return Description(
        caption=caption,
        tags=_without_doubles(tags),
        usage=completion.usage,
        model=completion.model,
        request_id=completion.request_id,
    )


def _data(text: str) -> Any:
    fenced = FENCE.fullmatch(text)
    data = storable(json.loads(fenced[1] if fenced else text))
    if not isinstance(data, dict) or not isinstance(data["tags"], list):
        raise TypeError("not an object with a list of tags")
    return data


def _tag(item: Any) -> TagSuggestion:
    confidence = item["confidence"]
    if item["kind"] not in KINDS or isinstance(confidence, bool) or not isinstance(confidence, int | float):
        raise ValueError("a tag of another form")
    name = " ".join(_words(item["name"]).split())[:LONGEST_NAME]
    return TagSuggestion(kind=item["kind"], name=name, confidence=min(max(float(confidence), 0.0), 1.0))


def _words(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _without_doubles(tags: list[TagSuggestion]) -> tuple[TagSuggestion, ...]:
    """The tags that have a name, each once, as often as may be kept."""
    once: dict[tuple[str, str], TagSuggestion] = {}
    for tag in tags:
        if tag.name:
            once.setdefault((tag.kind, tag.name.casefold()), tag)
    return tuple(once.values())[:MOST_TAGS]
