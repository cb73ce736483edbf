"""From an answer's status, headers and words to the error that the person reads."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from providers import errors
from providers.cleaning import storable
from providers.errors import ProviderError
from providers.vocabulary import Answer, Usage

WORDS_LIMIT = 256 * 1024  # bytes of an error body that are read
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(minutes=15)  # of waiting for a vendor
IN_TEXT = re.compile(r"(?:try again|retry|wait)\D{0,20}?((?:\d+(?:\.\d+)?\s*(?:ms|h|m|s)[a-z]*\s*)+)", re.I)
AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|h|m|s)", re.I)
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-goog-request-id", "cf-ray")


def from_status(answer: Answer, label: str, words: str | None = None) -> ProviderError:
    """The error that a status means where the vendor says nothing more exact. `words`: the vendor's own."""
    kind, message = _meaning(answer.status, label)
    error = explain(kind, message, answer, words)
    if 300 <= answer.status < 400:
        error.may_have_been_charged = True  # a server may well do its work first, and then point elsewhere
    return error


def explain[E: ProviderError](
    kind: type[E], message: str, answer: Answer, words: str | None = None, *, field: str = ""
) -> E:
    """An error of class `kind` with everything that the answer tells about it."""
    said = words_of(answer) if words is None else words
    waits = issubclass(kind, errors.RateLimited | errors.Overloaded)
    return kind(
        message,
        field=field,
        provider_message=said,
        status=answer.status,
        request_id=request_id(answer),
        retry_after=retry_after(answer, said) if waits else None,
    )


def costing[E: ProviderError](error: E, usage: Usage) -> E:
    """The error with what its answer cost all the same, where that is known."""
    if usage.cost_usd is not None:
        error.cost_usd, error.cost_source = usage.cost_usd, usage.cost_source
        error.may_have_been_charged = usage.cost_usd > 0
    return error


def in_whole(error: ProviderError, label: str) -> ProviderError:
    """An error inside an answer whose status is 200: it is over, and nothing is sent again by itself."""
    if isinstance(error, errors.RateLimited | errors.Overloaded):
        error = errors.ServerError(
            f"{label} was too busy for this. Try again later.",
            provider_message=error.provider_message,
            request_id=error.request_id,
        )
    error.is_settled = True
    return error


def in_stream(error: ProviderError, label: str) -> ProviderError:
    """An error from the middle of a stream: the request was accepted, so nothing is to be repeated."""
    if isinstance(error, errors.Refused):
        error.may_have_been_charged = True
        return error
    return errors.ServerError(
        f"{label} broke off while the picture was drawn.",
        provider_message=error.provider_message,
        status=error.status,
        request_id=error.request_id,
    )


def request_id(answer: Answer) -> str:
    return next((answer.headers[name] for name in REQUEST_ID_HEADERS if answer.headers.get(name)), "")[:200]


def json_of(answer: Answer) -> Any:
    """The JSON of an error body, or None where it is something else."""
    try:
        return storable(json.loads(_body(answer)))
    except (ValueError, RecursionError):
        return None


def words_of(answer: Answer) -> str:
    """The vendor's own words: `error.message` in JSON, nothing of an HTML page, else the text."""
    data = json_of(answer)
    if isinstance(data, dict):
        error = data.get("error", data)
        said = error.get("message") if isinstance(error, dict) else error
        return said if isinstance(said, str) else ""
    if data is not None or answer.status < 400:
        return ""
    text = _body(answer).decode(errors="replace").strip()
    return "" if text.startswith("<") else storable(text[:500])


def retry_after(answer: Answer, words: str = "") -> timedelta | None:
    """How long the vendor asks to wait, from 1 second to 15 minutes; None where it does not say."""
    seconds = _from_headers(answer)
    if seconds is None:
        seconds = _from_words(words)
    if seconds is None or math.isnan(seconds):
        return None
    return timedelta(seconds=min(max(seconds, SHORTEST.total_seconds()), LONGEST.total_seconds()))


def _meaning(status: int, label: str) -> tuple[type[ProviderError], str]:
    if 300 <= status < 400:
        return errors.InvalidRequest, (
            f"{label} answered with a redirect, which was not followed to protect your key."
            " Check the connection's address."
        )
    if status in (408, 409):
        return errors.ServerError, f"{label} broke off the request ({status})."
    if status in (503, 529):  # 529 is the word of Anthropic and xAI for it
        return errors.Overloaded, f"{label} is overloaded at the moment."
    if status >= 500:
        return errors.ServerError, f"{label} had an error of its own ({status})."
    if status < 300:
        return errors.BadResponse, f"{label} answered without a picture ({status})."
    kind, message = _REFUSALS.get(status, (errors.InvalidRequest, "{} did not accept the request ({})."))
    return kind, message.format(label, status)


_REFUSALS: dict[int, tuple[type[ProviderError], str]] = {
    401: (errors.AuthError, "{} did not accept the key. Check it in the connection's settings."),
    402: (errors.BillingError, "The account at {} has no credit left. Add credit there, then try again."),
    403: (
        errors.PermissionDenied,
        "{} does not allow this key to do that. Check the account's rights there.",
    ),
    404: (errors.ModelUnavailable, "{} knows no such model or address. Choose another model."),
    413: (errors.InvalidRequest, "The request is too large for {}. Send fewer or smaller pictures."),
    429: (errors.RateLimited, "{} asks to slow down."),
}


def _body(answer: Answer) -> bytes:
    with answer.path.open("rb") as file:
        file.seek(answer.body_offset)
        return file.read(WORDS_LIMIT)


def _from_headers(answer: Answer) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after`, which holds seconds or a date."""
    try:
        return float(answer.headers["retry-after-ms"]) / 1000
    except (KeyError, ValueError):
        pass  # not said, or not as a number: the standard header may still tell
    said = answer.headers.get("retry-after", "").strip()
    try:
        return float(said)
    except ValueError:
        return _until(said)


def _until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _from_words(words: str) -> float | None:
    """Seconds from words such as "Please try again in 1m12s"."""
    found = IN_TEXT.search(words)
    if not found:
        return None
    return sum(float(number) * UNITS[unit.lower()] for number, unit in AMOUNT.findall(found[1]))
