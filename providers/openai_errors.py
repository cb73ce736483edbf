"""What the errors of OpenAI's API mean. `code` tells, then `type`; the words are for people only."""

from collections.abc import Mapping
from typing import Any

from providers import errors, faults
from providers.errors import InvalidRequest, ProviderError
from providers.vocabulary import Answer

BILLING_CODES = {
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
}
OWN_NAMES = {"size", "quality", "style", "background", "output_format", "prompt", "n", "mask", "model"}
FIELDS = {"image": "references", "images": "references"}


def explain(error: Mapping[str, Any], answer: Answer, speaker: str, label: str) -> ProviderError:
    """What the `error` object of an answer means. `speaker`: who is said to have answered, `label`: where."""
    code, param = error.get("code"), error.get("param")
    words = str(error.get("message") or "")
    if code in BILLING_CODES or error.get("type") == "insufficient_quota":
        why = f"The account at {label} has no credit left, or its limit is reached. Change that there."
        return faults.explain(errors.BillingError, why, answer, words)
    if code == "moderation_blocked":
        return _blocked(error, answer, speaker, words)
    if code == "model_not_found" or (answer.status == 400 and param == "model"):
        why = f"{speaker} does not offer this model to your account. Choose another one."
        return faults.explain(errors.ModelUnavailable, why, answer, words, field="model")
    if answer.status == 403 and "verified" in words:
        why = f"{speaker} wants your organisation verified before you can use this model."
        return faults.explain(errors.PermissionDenied, why, answer, words)
    if answer.status == 400:
        why = f"{speaker} did not accept the request" + (f" ({param})." if param else ".")
        return faults.explain(InvalidRequest, why, answer, words, field=_field(param))
    return faults.from_status(answer, speaker, words)


def declined(error: Mapping[str, Any], speaker: str) -> str:
    """The sentence for what a safety filter held back."""
    details = error.get("moderation_details")
    categories = details.get("categories") if isinstance(details, dict) else None
    about = f" ({', '.join(map(str, categories))})" if isinstance(categories, list) and categories else ""
    return f"{speaker}'s safety filter declined this{about}. Change the prompt and try again."


def _blocked(error: Mapping[str, Any], answer: Answer, speaker: str, words: str) -> ProviderError:
    refused = faults.explain(errors.Refused, declined(error, speaker), answer, words)
    details = error.get("moderation_details")
    # What was drawn and held back has cost its tokens, whatever the bill will say of them.
    drawn = isinstance(details, dict) and details.get("moderation_stage") == "output"
    refused.may_have_been_charged = drawn
    return refused


def _field(param: object) -> str:
    """Our name of the vendor's parameter."""
    name = str(param or "").partition("[")[0]
    return name if name in OWN_NAMES else FIELDS.get(name, "options" if name else "")
