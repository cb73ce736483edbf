"""The built-in model lists: one TOML file per provider in `catalog/`. Model ids are data, not code.

A file names its `default_model`, the day it was `read_on`, sets of capabilities and of prices, and the
models that use them. `[capabilities.unknown]` is what a model gets that the file does not know. Models that
write stand apart, as `[[text_models]]`, with a `default_text_model`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from providers.vocabulary import Capabilities, Choice, ModelInfo, SizeRules, TextModel

FOLDER = Path(__file__).parent / "catalog"
CHOICES = ("aspect_ratio", "resolution", "quality", "style", "background", "output_format")


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """One provider's file, read."""

    default_model: str
    models: Mapping[str, ModelInfo]
    unknown: Capabilities  # of a model that is not in the file
    capabilities: Mapping[str, Capabilities] = field(default_factory=dict)  # every set by its name
    default_text_model: str = ""
    text_models: Mapping[str, TextModel] = field(default_factory=dict)


def models(slug: str) -> tuple[ModelInfo, ...]:
    """Every model of a provider, in the file's order, with the status it has today."""
    return tuple(as_of(model, datetime.now(UTC).date()) for model in load(slug).models.values())


def default_model(slug: str) -> str:
    return load(slug).default_model


def text_models(slug: str) -> tuple[TextModel, ...]:
    """Every model of a provider that writes, with the status it has today."""
    return tuple(as_of(model, datetime.now(UTC).date()) for model in load(slug).text_models.values())


def default_text_model(slug: str) -> str:
    return load(slug).default_text_model


def find(slug: str, model_id: str) -> ModelInfo:
    """A model by its id; a dated snapshot (`gpt-image-2-2026-04-21`) is what its model is."""
    known = load(slug)
    unknown = ModelInfo(id=model_id, label=model_id, capabilities=known.unknown)
    return _find(known.models, model_id) or unknown


def knows(slug: str, model_id: str) -> bool:
    """Whether the file has the model, or the one that it is a dated snapshot of."""
    return _find(load(slug).models, model_id) is not None


def find_text(slug: str, model_id: str) -> TextModel:
    """A model that writes, by its id; one that is not in the file has no price."""
    return _find(load(slug).text_models, model_id) or TextModel(id=model_id, label=model_id)


@cache
def load(slug: str) -> Catalog:
    """Read a provider's file, once."""
    data = tomllib.loads((FOLDER / f"{slug}.toml").read_text(), parse_float=Decimal)
    abilities = {
        name: Capabilities(**_fields(_merged(name, data["capabilities"])))
        for name in data.get("capabilities", {})
    }
    prices = {name: _merged(name, data["prices"]) for name in data.get("prices", {})}
    for raw in (*data.get("models", ()), *data.get("text_models", ())):
        raw["prices"] = prices.get(raw.get("prices", ""), {})
        raw["prices_read_on"] = data["read_on"]
    for raw in data.get("models", ()):
        raw["capabilities"] = abilities[raw["capabilities"]]
    return Catalog(
        default_model=data.get("default_model", ""),
        models={raw["id"]: ModelInfo(**raw) for raw in data.get("models", ())},
        unknown=abilities.get("unknown", Capabilities()),
        capabilities=abilities,
        default_text_model=data.get("default_text_model", ""),
        text_models={raw["id"]: TextModel(**raw) for raw in data.get("text_models", ())},
    )


def as_of[M: (ModelInfo, TextModel)](model: M, today: date) -> M:
    """A deprecated model is retired from the day on that its vendor named."""
    if model.status == "deprecated" and model.retires_on and model.retires_on <= today:
        return replace(model, status="retired")
    return model


def _find[M: (ModelInfo, TextModel)](known: Mapping[str, M], model_id: str) -> M | None:
    today = datetime.now(UTC).date()
    if model_id in known:
        return as_of(known[model_id], today)
    for family in sorted(known, key=len, reverse=True):
        if model_id.startswith(f"{family}-20") and model_id.removeprefix(f"{family}-")[:4].isdecimal():
            return replace(as_of(known[family], today), id=model_id, label=model_id)
    return None


def _merged(name: str, sets: Mapping[str, Any]) -> dict[str, Any]:
    """The set `name` on top of the one it is `like`; `false` takes an ability away."""
    own = dict(sets[name])
    base = own.pop("like", None)
    return {**_merged(base, sets), **own} if base else own


def _fields(raw: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in raw.items() if name not in CHOICES or value}
    if "modes" in fields:
        fields["modes"] = tuple(fields["modes"])
    if "size" in fields:
        fields["size"] = _size(fields["size"])
    for name in CHOICES:
        if name in fields:
            fields[name] = _choice(fields[name])
    fields["options"] = {name: _choice(value) for name, value in fields.get("options", {}).items()}
    return fields


def _size(raw: dict[str, Any]) -> SizeRules:
    return SizeRules(**{**raw, "values": tuple(raw["values"])})


def _choice(raw: dict[str, Any]) -> Choice:
    return Choice(**{**raw, "values": tuple(raw.get("values", ()))})
