"""What OpenRouter says about money: the cost of an answer, and what is left of a key's limit."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers import chat, pricing
from providers.vocabulary import CheckResult, TextModel, Usage


def dollars(usage: object) -> Decimal | None:
    """What a usage says that it cost, in US dollars, and with one's own key what its vendor takes as well."""
    usage = usage if isinstance(usage, dict) else {}
    cost = _amount(usage.get("cost"))
    if cost is None or usage.get("is_byok") is not True:
        return cost
    details = usage.get("cost_details")
    upstream = _amount(details.get("upstream_inference_cost")) if isinstance(details, dict) else None
    return cost + (upstream or 0)


def bill_text(usage: object, model: TextModel) -> Usage:
    """What a text cost: as reported, else by its tokens."""
    cost = dollars(usage)
    if cost is None or not isinstance(usage, dict):
        return chat.bill_tokens(usage, model)
    return pricing.reported(usage, cost, pricing.TEXT_CEILING)


def verdict(facts: Mapping[str, Any]) -> CheckResult:
    """What the facts about a key mean for its use."""
    left = facts.get("limit_remaining")
    if facts.get("is_management_key") or facts.get("is_provisioning_key"):
        why = "This key manages other keys and makes no pictures. Enter an ordinary key."
        return CheckResult(ok=False, code="permission", message=why)
    if not isinstance(left, int | float) or isinstance(left, bool):
        return CheckResult(ok=True, code="ok", message="OpenRouter accepted the key.")
    if left <= 0:
        why = "OpenRouter accepted the key, but its limit is used up. Raise the limit there."
        return CheckResult(ok=False, code="billing", message=why)
    return CheckResult(
        ok=True, code="ok", message=f"OpenRouter accepted the key. ${left:,.2f} of its limit are left."
    )


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value))
