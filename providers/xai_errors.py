"""What xAI's errors mean and what they cost: it bills some answers that hold no picture.

`error` is mostly a text, with a `code` beside it that was a sentence until autumn 2026 and is a word since,
so the status and the words count. A bad key is a 400.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from providers import errors, faults, pricing
from providers.errors import InvalidRequest, ProviderError
from providers.vocabulary import Answer

LABEL = "xAI"
TICKS = 10**10  # in one US dollar
NAMED = re.compile(r"\b(aspect_ratio|resolution|quality|size|style|prompt)\b")
FAILURES = {
    "permission_denied": 403,
    "service_unavailable": 503,
    "internal_error": 500,
}  # of deferred pictures
SPENT = "The account at xAI has no credit left, or its monthly limit is reached. Change that there."
DECLINED = "xAI's safety filter declined this. Change the prompt and try again."


def from_answer(answer: Answer) -> ProviderError:
    """The error of an answer whose HTTP status says that it is one."""
    data = faults.json_of(answer)
    return _explained(answer, data if isinstance(data, dict) else {})


def without_pictures(answer: Answer, data: Mapping[str, Any]) -> ProviderError:
    """The error for an answer that has status 200 and no list of pictures."""
    failure = data.get("error")
    if not failure:
        why = "xAI answered without pictures. The raw answer is kept."
        return faults.explain(errors.NoPicture, why, answer)
    code = str(failure.get("code")) if isinstance(failure, dict) else ""
    error = _explained(replace(answer, status=FAILURES.get(code, 400)), data)
    if isinstance(error, errors.ServerError):
        error.sentence = f"{LABEL} could not make this picture. Try again later."
    error.is_settled = True
    return error


def refused(answer: Answer, data: Mapping[str, Any], words: str = "") -> errors.Refused:
    """The error for what the safety filter held back; it is billed, whether the answer says so or not."""
    error = faults.explain(errors.Refused, DECLINED, answer, words)
    error.may_have_been_charged = True
    return _with_cost(error, data)


def dollars(data: Mapping[str, Any]) -> Decimal | None:
    """What an answer says that it cost, in US dollars, or None."""
    usage = data.get("usage")
    ticks = usage.get("cost_in_usd_ticks") if isinstance(usage, dict) else None
    if not isinstance(ticks, int) or isinstance(ticks, bool):
        return None
    return Decimal(ticks) / TICKS


def _explained(answer: Answer, data: Mapping[str, Any]) -> ProviderError:
    inner = data.get("error")
    code = data.get("code") or (inner.get("code") if isinstance(inner, dict) else "")
    words = _words(answer, inner)
    said = words.lower()
    if answer.status == 400 and ("content-moderated" in str(code).lower() or "content moderation" in said):
        return refused(answer, data, words)
    return _with_cost(_meaning(answer, words, said), data)


def _meaning(answer: Answer, words: str, said: str) -> ProviderError:
    status = answer.status
    if status == 400 and "api key" in said:
        return faults.from_status(replace(answer, status=401), LABEL, words)
    if status in (403, 429) and ("credit" in said or "spending limit" in said):
        return faults.explain(errors.BillingError, SPENT, answer, words)
    if status == 404:
        why = "xAI does not offer this model to your account. Choose another one."
        return faults.explain(errors.ModelUnavailable, why, answer, words, field="model")
    if status >= 500:
        # None of these is documented as "come back", so the request may have been carried out.
        why = f"xAI had an error of its own ({status})."
        return faults.explain(errors.ServerError, why, answer, words)
    error = faults.from_status(answer, LABEL, words)
    if isinstance(error, InvalidRequest) and (named := NAMED.search(words)):
        error.field = named[1]
        error.sentence = f"{LABEL} did not accept the request ({named[1].replace('_', ' ')})."
    return error


def _with_cost[E: ProviderError](error: E, data: Mapping[str, Any]) -> E:
    """The error with what the answer says that it cost."""
    cost = pricing.believed(dollars(data))
    if cost is not None:
        error.cost_usd, error.may_have_been_charged = cost, cost > 0
    return error


def _words(answer: Answer, inner: object) -> str:
    """xAI's own words: its `error` is a text, or an object with a message."""
    if isinstance(inner, dict):
        return str(inner.get("message") or "")
    return inner if isinstance(inner, str) else faults.words_of(answer)
