"""What OpenRouter's errors mean: its own, and those that it passes on from a model's provider.

The kind of an error stands in `metadata.error_type`, `availability.code` or `error_type`, and where it does
not, the status tells. The same shape comes inside answers whose HTTP status is 200.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from providers import errors, faults
from providers.errors import ProviderError
from providers.vocabulary import Answer

LABEL = "OpenRouter"
POLICY = re.compile(r"safety|moderat|prohibited|content.?(?:policy|filter)|blocklist|recitation", re.I)
WAITING = (429, 503, 529)  # the documented ways to say "come back"
REFUSED = "The model's safety filter declined this{}. Change the prompt and try again."
GONE = "OpenRouter has nobody who serves this model with what was asked. Choose another model."
PRIVATE = "Nobody serves this model under this connection's privacy settings. Change one or the other."
NARROW = "Nobody serves this model under this connection's routing settings. Change one or the other."
PICTURE = "A reference picture cannot be used by this model. Choose another one."

UNAVAILABLE = {
    "model_not_found": GONE,
    "wrong_endpoint": GONE,
    "no_endpoints": GONE,
    "model_deprecated": GONE,
    "model_unavailable_upstream": GONE,
    "free_variant_ended": GONE,
    "privacy_restricted": PRIVATE,
    "constraint_filtered": NARROW,
}
REFUSALS = {"content_policy_violation", "refusal"}
PICTURES = {
    "invalid_image",
    "image_too_large",
    "image_too_small",
    "unsupported_image_format",
    "image_download_failed",
    "image_not_found",
}
STATUSES = {
    "authentication": 401,
    "payment_required": 402,
    "permission_denied": 403,
    "region_restricted": 403,
    "payload_too_large": 413,
    "unprocessable": 422,
    "rate_limit_exceeded": 429,
    "capacity_exhausted": 429,
    "server": 500,
    "provider_unavailable": 502,
    "provider_overloaded": 503,
    "temporarily_unavailable": 503,
    "timeout": 504,
    "overloaded": 529,
}


def from_answer(answer: Answer) -> ProviderError:
    """The error of an answer whose HTTP status says that it is one."""
    data = faults.json_of(answer)
    error = data.get("error") if isinstance(data, dict) else None
    return explain(answer, error if isinstance(error, dict) else {})


def from_inside(answer: Answer, error: Mapping[str, Any]) -> ProviderError:
    """The error that an answer with status 200 holds. It is never sent again by itself.

    OpenRouter does not bill a picture that failed; where it did all the same, its usage says so.
    """
    code = error.get("code")
    known = str(code) if str(code).isdecimal() else STATUSES.get(_kind(error) or str(code), 500)
    status = int(known) if 400 <= int(known) < 600 else 500
    told = explain(replace(answer, status=status), error)
    if isinstance(told, errors.RateLimited | errors.Overloaded):
        why = f"The model's provider was too busy, and {LABEL} did not wait. Try again later."
        told = faults.explain(errors.ServerError, why, answer, told.provider_message)
    told.may_have_been_charged, told.is_settled = False, True
    return told


def explain(answer: Answer, error: Mapping[str, Any]) -> ProviderError:
    """The error for `error`, by its kind and the status of `answer`."""
    kind, words, about = _kind(error), _words(answer, error), _metadata(error)
    if kind in REFUSALS or _is_moderated(answer.status, about):
        return faults.explain(errors.Refused, REFUSED.format(_reasons(about)), answer, words)
    if kind in UNAVAILABLE:
        return faults.explain(errors.ModelUnavailable, UNAVAILABLE[kind], answer, words, field="model")
    if kind in PICTURES:
        return faults.explain(errors.InvalidRequest, PICTURE, answer, words, field="references")
    if kind == "invalid_prompt":
        why = "OpenRouter did not accept the prompt. Change it and try again."
        return faults.explain(errors.InvalidRequest, why, answer, words, field="prompt")
    if answer.status == 400 and "not a valid model" in words:
        return faults.explain(errors.ModelUnavailable, GONE, answer, words, field="model")
    return _by_status(answer, error, words)


def _by_status(answer: Answer, error: Mapping[str, Any], words: str) -> ProviderError:
    if answer.status == 404:
        return faults.explain(errors.ModelUnavailable, GONE, answer, words, field="model")
    if answer.status == 502:
        why = f"The model's provider failed, {LABEL} says."
        return faults.explain(errors.ServerError, why, answer, words)
    if answer.status in (503, 529):
        told: ProviderError = faults.explain(
            errors.Overloaded, f"{LABEL} is overloaded at the moment.", answer, words
        )
    else:
        told = faults.from_status(answer, LABEL, words)
    if answer.status in WAITING and told.retry_after is None:
        told.retry_after = _wait(error)
    return told


def _is_moderated(status: int, about: Mapping[str, Any]) -> bool:
    """Whether a filter is behind it: OpenRouter's own, or the provider's, in its words."""
    if status == 403 and (about.get("reasons") or about.get("flagged_input")):
        return True
    return status in (400, 502) and bool(POLICY.search(str(about.get("raw") or "")))


def _reasons(about: Mapping[str, Any]) -> str:
    reasons = about.get("reasons")
    return f" ({', '.join(map(str, reasons))})" if isinstance(reasons, list) and reasons else ""


def _kind(error: Mapping[str, Any]) -> str:
    available = error.get("availability")
    available = available if isinstance(available, dict) else {}
    named = (
        _metadata(error).get("error_type"),
        available.get("code"),
        available.get("error_type"),
        error.get("error_type"),
    )
    return next((name for name in named if isinstance(name, str)), "")


def _wait(error: Mapping[str, Any]) -> timedelta | None:
    available = error.get("availability")
    seconds = available.get("retry_after") if isinstance(available, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return min(max(timedelta(seconds=min(seconds, 10**6)), faults.SHORTEST), faults.LONGEST)


def _words(answer: Answer, error: Mapping[str, Any]) -> str:
    """OpenRouter's words and, behind them, those of the model's provider."""
    said = error.get("message")
    said = said if isinstance(said, str) else faults.words_of(answer)
    raw = _metadata(error).get("raw")
    return f"{said}: {raw}" if isinstance(raw, str) and raw and raw not in said else said


def _metadata(error: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = error.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
