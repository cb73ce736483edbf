"""A connection's privacy and routing settings: which of the vendors behind OpenRouter may serve it.

Documentation: https://openrouter.ai/docs/guides/routing/provider-selection, read on 22 November 2026.
"""

from collections.abc import Mapping
from typing import Any

from providers.vocabulary import Switch

LISTS = ("only", "order", "ignore")
FOR_PICTURES = {*LISTS, "sort", "allow_fallbacks", "options"}  # what the Image API takes of the routing
SWITCHES = {
    "data_collection": Switch(
        label="Who may keep prompts",
        help="Deny: only those who do not store or train on what is sent.",
        values=("allow", "deny"),
    ),
    "zdr": Switch(
        label="Zero retention only",
        help="Only those who keep nothing at all may serve.",
        values=("false", "true"),
    ),
    "only": Switch(label="Only these providers", help="Their short names, with commas between them."),
    "order": Switch(label="These providers first", help="Their short names, with commas between them."),
    "ignore": Switch(label="Never these providers", help="Their short names, with commas between them."),
    "sort": Switch(
        label="Choose providers by",
        values=("OpenRouter's choice", "price", "throughput", "latency", "exacto"),
    ),
    "allow_fallbacks": Switch(
        label="Fall back on others",
        help="No: only the first of the providers that can serve it.",
        values=("true", "false"),
    ),
    "routing": Switch(
        label="Other routing settings", help='JSON, such as {"max_price": {"image": "0.1"}}.', is_json=True
    ),
    "referer": Switch(
        label="Your address", help="Told to OpenRouter with each request; empty: nothing is.", is_header=True
    ),
    "title": Switch(
        label="Your name for this program", help="Told to OpenRouter; empty: nothing is.", is_header=True
    ),
}


def settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The `provider` object of a request; empty where all is left to OpenRouter."""
    own: dict[str, Any] = {name: _names(options.get(name)) for name in LISTS if _names(options.get(name))}
    if options.get("sort") in SWITCHES["sort"].values[1:]:
        own["sort"] = options["sort"]
    if _word(options.get("allow_fallbacks")) == "false":
        own["allow_fallbacks"] = False
    if _word(options.get("data_collection")) == "deny":
        own["data_collection"] = "deny"
    if _word(options.get("zdr")) == "true":
        own["zdr"] = True
    others = options.get("routing")
    return own | (others if isinstance(others, dict) else {})


def _names(value: object) -> list[str]:
    """Providers' names, written as a list or with commas between them."""
    names = value if isinstance(value, list) else str(value or "").split(",")
    return [str(name).strip() for name in names if str(name).strip()]


def _word(value: object) -> str:
    return str(value).strip().lower()
