"""OpenRouter's lists of models: what each of them takes, in this program's words.

`GET /images/models` says for every model of the Image API which parameters it takes; one that is absent is
not taken. `GET /models?output_modalities=image` names models that draw in a chat only, and those that end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from providers.vocabulary import Capabilities, Choice, ModelInfo, ModelStatus, SizeRules, TextModel

MOST_PICTURES = 10
MOST_REFERENCES = 16
ENUMS = ("aspect_ratio", "resolution", "quality", "background", "output_format")
BOTH_WAYS = Choice(values=("images", "chat"), default="images")
CHAT_ONLY = Choice(values=("chat",), default="chat")


def drawer(entry: Mapping[str, Any], known: ModelInfo) -> ModelInfo:
    """A model of the Image API, from its entry in the list and what is `known` of it."""
    able = _abilities(_mapping(entry, "supported_parameters"), entry)
    return _listed(entry, known, able)


def talker(entry: Mapping[str, Any], known: ModelInfo) -> ModelInfo:
    """A model that draws in a chat only, from its entry in the list of all models."""
    able = replace(
        known.capabilities,
        seed="seed" in (entry.get("supported_parameters") or ()),
        stream=False,
        max_n_per_call=1,
        options={"api": CHAT_ONLY},
    )
    return _listed(entry, known, able)


def writer(entry: Mapping[str, Any], known: TextModel) -> TextModel:
    """A model that writes, from its entry in the list of all models, with the prices that stand there."""
    label = str(entry.get("name") or known.id) if known.label == known.id else known.label
    model = replace(known, label=label, vision="image" in _modalities(entry, "input_modalities"))
    asked = _mapping(entry, "pricing")
    going_in, coming_out = _price(asked.get("prompt")), _price(asked.get("completion"))
    if going_in is None or coming_out is None:
        return model
    cached = _price(asked.get("input_cache_read"))
    prices = {"unit": "token", "text_in": going_in, "text_out": coming_out}
    prices |= {} if cached is None else {"cached_in": cached}
    return replace(model, prices=prices, prices_read_on=datetime.now(UTC).date())


def with_end(model: ModelInfo, entry: Mapping[str, Any]) -> ModelInfo:
    """The model with the day of its end, if its entry in the list of all models names one."""
    try:
        ends = date.fromisoformat(str(entry.get("expiration_date"))[:10])
    except ValueError:
        return model
    status: ModelStatus = "deprecated" if ends > datetime.now(UTC).date() else "retired"
    return replace(model, status=status, retires_on=ends)


def entries(data: object) -> list[Mapping[str, Any]] | None:
    """The entries of a list as it came, or None where it is none."""
    listed = data.get("data") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return None
    return [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def _listed(entry: Mapping[str, Any], known: ModelInfo, able: Capabilities) -> ModelInfo:
    label = str(entry.get("name") or known.id) if known.label == known.id else known.label
    facts = dict(known.facts)
    if list(_modalities(entry, "output_modalities")) == ["image"]:
        facts["modalities"] = ["image"]
    return replace(known, label=label, capabilities=able, facts=facts)


def _abilities(takes: Mapping[str, Any], entry: Mapping[str, Any]) -> Capabilities:
    fewest, most = _range(takes.get("input_references"), (0, 0))
    able = Capabilities(
        modes=("edit",) if fewest else ("generate", "edit") if most else ("generate",),
        max_n=MOST_PICTURES,
        max_n_per_call=min(MOST_PICTURES, max(1, _range(takes.get("n"), (1, 1))[1])),
        max_references=min(MOST_REFERENCES, most),
        size=_size(takes.get("size")),
        seed="seed" in takes,
        turns="image" in _modalities(entry, "input_modalities"),
        stream=entry.get("supports_streaming") is True,
        options=_options(takes),
    )
    lists = {name: _values(takes.get(name)) for name in ENUMS}
    choices: dict[str, Any] = {name: Choice(values=values) for name, values in lists.items() if values}
    return replace(able, **choices)


def _options(takes: Mapping[str, Any]) -> dict[str, Choice]:
    options = {"api": BOTH_WAYS}
    if "output_compression" in takes:
        least, most = _range(takes["output_compression"], (0, 100))
        options["output_compression"] = Choice(minimum=least, maximum=most)
    return options


def _price(text: object) -> Decimal | None:
    """A price for a token, written as a decimal, as one for a million of them."""
    try:
        price = Decimal(str(text)) * 1_000_000
    except InvalidOperation:
        return None
    return price if price.is_finite() and price >= 0 else None


def _size(descriptor: object) -> SizeRules | None:
    values = _values(descriptor)
    if values:
        return SizeRules(values=values, default=values[0])
    return None if descriptor is None else SizeRules(free=True)


def _values(descriptor: object) -> tuple[str, ...]:
    values = descriptor.get("values") if isinstance(descriptor, dict) else None
    return tuple(str(value) for value in values) if isinstance(values, list) else ()


def _range(descriptor: object, default: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(descriptor, dict):
        return default
    least, most = descriptor.get("min", default[0]), descriptor.get("max", default[1])
    if not all(isinstance(limit, int | float) for limit in (least, most)):
        return default
    return int(least), int(most)


def _modalities(entry: Mapping[str, Any], name: str) -> Iterable[str]:
    listed = _mapping(entry, "architecture").get(name)
    return listed if isinstance(listed, list) else ()


def _mapping(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = entry.get(name)
    return value if isinstance(value, dict) else {}
