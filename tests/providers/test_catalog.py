"""Every model of every provider keeps the promises that forms, checks and estimates rely on."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from providers import catalog, registry
from providers.base import Connection, ImageRequest
from providers.catalog import CHOICES

# Their vendors announced the end of these and named no day.
UNDATED = {
    "grok-2-image",
    "grok-2-image-1212",
    "gemini-3.1-flash-image",
    "google/gemini-3.1-flash-image",
    "openai/gpt-5-image",
}
MODELS = [(slug, model) for slug, _ in registry.provider_choices() for model in catalog.models(slug)]
every_model = pytest.mark.parametrize(("slug", "model"), MODELS, ids=[f"{s}:{m.id}" for s, m in MODELS])


@every_model
def test_defaults_are_among_the_values(slug, model):
    able = model.capabilities
    choices = [getattr(able, name) for name in CHOICES] + list(able.options.values())
    for choice in filter(None, choices):
        assert choice.values or (choice.minimum is not None and choice.maximum is not None)
        assert choice.default is None or choice.problem(choice.default) is None
    if able.size:
        assert able.size.default in able.size.values


@every_model
def test_listed_sizes_keep_the_models_own_rules(slug, model):
    rules = model.capabilities.size
    if rules and rules.free:
        sizes = [size for size in rules.values if size != "auto"]
        assert [problem for size in sizes if (problem := replace(rules, values=()).problem(size))] == []


@every_model
def test_calls_bring_no_more_than_generations(slug, model):
    able = model.capabilities
    assert 1 <= able.max_n_per_call <= able.max_n
    assert able.max_references or not able.mask
    assert "edit" not in able.modes or able.max_references


@every_model
def test_prices_have_a_unit_a_day_and_a_ceiling_above_every_estimate(slug, model):
    if not model.prices:  # a server of one's own: nobody knows what it takes
        assert registry.provider_class(slug).needs_base_url
        return
    assert model.prices["unit"] in ("image", "token")
    assert model.prices_read_on
    provider = registry.connect(slug, Connection(api_key="sk-x"))
    able = model.capabilities
    sizes = values_of(able.size), values_of(able.resolution), values_of(able.quality)
    for size, resolution, quality in product(*sizes):
        if size and resolution:
            continue  # one or the other
        request = ImageRequest(prompt="x", model=model.id, size=size, resolution=resolution, quality=quality)
        assert provider.estimate(request).usd is not None
        assert provider.estimate(request).usd <= model.prices["ceiling_usd"]


def values_of(choice):
    return (None, *choice.values) if choice else (None,)


@every_model
def test_ended_model_has_a_day_and_a_living_successor(slug, model):
    if model.status != "current":
        assert model.retires_on or model.id in UNDATED
        assert catalog.find(slug, model.successor).status == "current"


@pytest.mark.parametrize("slug", [slug for slug, _ in registry.provider_choices()])
def test_default_model_is_a_current_one(slug):
    assert catalog.find(slug, catalog.default_model(slug)).status == "current"


@pytest.mark.parametrize(
    ("today", "status"), [(date(2026, 11, 30), "deprecated"), (date(2026, 12, 1), "retired")]
)
def test_deprecated_model_retires_on_its_day(today, status):
    model = catalog.load("openai").models["gpt-image-1.5"]
    assert catalog.as_of(model, today).status == status


def test_snapshot_is_what_its_model_is():
    snapshot = catalog.find("openai", "gpt-image-2.5-flare-2026-09-08")
    assert (snapshot.id, snapshot.label) == ("gpt-image-2.5-flare-2026-09-08",) * 2
    assert snapshot.capabilities == catalog.find("openai", "gpt-image-2.5-flare").capabilities


def test_unknown_model_gets_its_id_as_label_and_few_abilities():
    model = catalog.find("openai", "gpt-image-7-nova")
    assert (model.label, model.status) == ("gpt-image-7-nova", "current")
    assert (model.capabilities.max_n, model.capabilities.quality) == (1, None)


def test_amounts_are_exact():
    assert catalog.find("openai", "dall-e-3").prices["table"]["1024x1024/hd"] == Decimal("0.08")
