"""A vendor's list of models as JSON and back, so that it can be kept from one reading to the next.

What is at its default is left out; prices keep every digit, as `{"decimal": "0.037"}`. What a later or an
earlier version of this program wrote and this one does not know is passed over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from providers.catalog import CHOICES
from providers.vocabulary import Capabilities, Choice, ModelInfo, SizeRules

DECIMAL = "decimal"
DATES = ("retires_on", "prices_read_on")


def write(models: Iterable[ModelInfo]) -> list[dict[str, Any]]:
    """The models as values that JSON knows."""
    return [_plain(model) for model in models]


def read(kept: Iterable[Mapping[str, Any]]) -> tuple[ModelInfo, ...]:
    """The models of a list that `write` made."""
    return tuple(_model(_revived(raw)) for raw in kept)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        values = {item.name: (getattr(value, item.name), _default(item)) for item in fields(value)}
        return {name: _plain(own) for name, (own, usual) in values.items() if own != usual}
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return {DECIMAL: str(value)}
    return value.isoformat() if isinstance(value, date) else value


def _default(item: "Field[Any]") -> Any:
    return item.default_factory() if item.default_factory is not MISSING else item.default


def _revived(value: Any) -> Any:
    """The value with its decimals."""
    if isinstance(value, list):
        return [_revived(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {DECIMAL}:
        return Decimal(value[DECIMAL])
    return {name: _revived(inner) for name, inner in value.items()}


def _model(raw: Mapping[str, Any]) -> ModelInfo:
    known = _known(ModelInfo, raw)
    known |= {name: date.fromisoformat(known[name]) for name in DATES if known.get(name)}
    return ModelInfo(**known | {"capabilities": _capabilities(raw.get("capabilities", {}))})


def _capabilities(raw: Mapping[str, Any]) -> Capabilities:
    known = _known(Capabilities, raw)
    known |= {name: _values(Choice, known[name]) for name in CHOICES if known.get(name)}
    if known.get("size"):
        known["size"] = _values(SizeRules, known["size"])
    if "modes" in known:
        known["modes"] = tuple(known["modes"])
    options = {name: _values(Choice, choice) for name, choice in known.get("options", {}).items()}
    return Capabilities(**known | {"options": options})


def _values[T: (Choice, SizeRules)](kind: type[T], raw: Mapping[str, Any]) -> T:
    return kind(**_known(kind, raw) | {"values": tuple(raw.get("values", ()))})


def _known(kind: type, raw: Mapping[str, Any]) -> dict[str, Any]:
    names = {item.name for item in fields(kind)}
    return {name: value for name, value in raw.items() if name in names}
