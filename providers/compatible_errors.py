"""What the errors of servers that speak OpenAI's API mean; each program writes them in its own shape."""

import json

from providers import errors, faults, openai_errors
from providers.errors import ProviderError
from providers.vocabulary import Answer

REFUSALS = ("content_policy_violation", "ContentPolicyViolation", "moderation_blocked")
OWN_NAMES = ("prompt", "size", "n", "model", "seed", "negative_prompt", "mask", "output_format")


def explain(answer: Answer, speaker: str, label: str) -> ProviderError:
    """The error of an answer whose HTTP status says that it is one."""
    data = faults.json_of(answer)
    data = data if isinstance(data, dict) else {}
    error, detail = data.get("error"), data.get("detail")
    if answer.status in (400, 403) and any(word in json.dumps(error) for word in REFUSALS):
        words = str(error.get("message") or "") if isinstance(error, dict) else None
        return faults.explain(errors.Refused, openai_errors.declined({}, speaker), answer, words)
    if isinstance(error, dict):
        return openai_errors.explain(error, answer, speaker, label)
    words = ": ".join(str(part) for part in (error, data.get("message"), _detail(detail)) if part)
    if answer.status in (400, 422):
        why = f"{speaker} did not accept the request ({words[:200] or answer.status})."
        return faults.explain(errors.InvalidRequest, why, answer, words, field=_field_in(detail))
    return faults.from_status(answer, speaker, words or None)


def _detail(detail: object) -> str:
    """The words of a `detail` as FastAPI writes them: a text, or a list of what is wrong where."""
    if not isinstance(detail, list):
        return str(detail or "")
    found = (item for item in detail if isinstance(item, dict))
    return "; ".join(f"{_last(item.get('loc'))}: {item.get('msg')}" for item in found)


def _field_in(detail: object) -> str:
    first = detail[0] if isinstance(detail, list) and detail and isinstance(detail[0], dict) else {}
    name = _last(first.get("loc"))
    if name in OWN_NAMES:
        return name
    return "references" if name.startswith("image") else "options" if name else ""


def _last(place: object) -> str:
    return str(place[-1]) if isinstance(place, list) and place else ""
