"""A connection's own settings as people and programs enter them, compared with what its provider has."""

import json
from collections.abc import Mapping
from typing import Any

from providers.errors import InvalidRequest
from providers.vocabulary import Switch

LONGEST_TEXT = 2_000  # characters
LONGEST_JSON = 1_000_000  # bytes; a large workflow has a tenth of that


def clean(given: Mapping[str, Any], known: Mapping[str, Switch], label: str) -> dict[str, Any]:
    """What is kept of `given`. Raises `InvalidRequest` whose `field` is the option that is wrong."""
    for name in given:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise InvalidRequest(f"{label} has no option “{name}”; {has}.", field=name)
    cleaned = {name: _cleaned(name, known[name], value) for name, value in given.items()}
    return {name: value for name, value in cleaned.items() if value not in ("", {})}


def _cleaned(name: str, switch: Switch, value: object) -> Any:
    if value is None:
        return ""
    if switch.is_json:
        return _table(name, switch, value)
    word = _word(value)
    if word is None:
        raise InvalidRequest(f"{switch.label}: write text.", field=name)
    if switch.values and word and word not in switch.values:
        raise InvalidRequest(f"{switch.label}: choose one of {', '.join(switch.values)}.", field=name)
    if len(word) > LONGEST_TEXT or not word.isprintable():
        raise InvalidRequest(f"{switch.label}: write one line of {LONGEST_TEXT:,} characters.", field=name)
    if switch.is_header and not word.isascii():
        raise InvalidRequest(f"{switch.label}: use plain letters and digits, without accents.", field=name)
    return word


def _word(value: object) -> str | None:
    """A text; lists become texts with commas, and truths the words that stand for them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(item.strip() for item in value)
    return str(value).strip() if isinstance(value, str | int) else None


def _table(name: str, switch: Switch, value: object) -> Any:
    if isinstance(value, str):
        value = _parsed(name, switch, value)
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{switch.label}: write a JSON object, in curly brackets.", field=name)
    if not _can_be_kept(value):
        raise InvalidRequest(f"{switch.label}: it is too long, or has NUL or NaN in it.", field=name)
    return dict(value)


def _can_be_kept(value: Mapping[str, Any]) -> bool:
    """Whether every database keeps it: some refuse NUL, NaN and halves of surrogate pairs."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return len(text.encode()) <= LONGEST_JSON and r"\u0000" not in text
    except (ValueError, RecursionError):
        return False


def _parsed(name: str, switch: Switch, text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as exc:
        where = f"line {exc.lineno}, column {exc.colno}"
        raise InvalidRequest(f"{switch.label}: this is not JSON ({exc.msg}, {where}).", field=name) from exc
    except RecursionError as exc:
        raise InvalidRequest(f"{switch.label}: the JSON is nested too deeply.", field=name) from exc
