"""A vendor's list of models is the same after it was kept."""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from providers import listing, registry
from providers.base import Capabilities, Choice, Connection, ImageRequest, ModelInfo
from tests.fake_vendors.openrouter import FakeOpenRouter

SLUGS = [slug for slug, _ in registry.provider_choices()]
ENDS = date(2026, 12, 1)


def kept(models):
    return listing.read(json.loads(json.dumps(listing.write(models))))


@pytest.mark.parametrize("slug", SLUGS)
def test_every_model_of_the_catalogue_comes_back_as_it_was(slug):
    models = registry.connect(slug, Connection()).models()
    assert kept(models) == models


def test_a_live_list_comes_back_as_it_was():
    with FakeOpenRouter() as vendor:
        connection = Connection(base_url=vendor.url, api_key="k", allowed_private_hosts=vendor.allowed)
        models = registry.connect("openrouter", connection).live_models()
    assert {"example/retouch", "recraft/recraft-v4-vector"} <= {model.id for model in models}
    assert kept(models) == models


def test_prices_keep_every_digit():
    model = ModelInfo(id="m", label="M", prices={"unit": "image", "table": {"1K": Decimal("0.0370")}})
    assert str(kept([model])[0].prices["table"]["1K"]) == "0.0370"


def test_what_is_at_its_default_takes_no_room():
    assert listing.write([ModelInfo(id="m", label="M")]) == [{"id": "m", "label": "M"}]


def test_a_list_of_another_version_can_be_read():
    raw = {"id": "m", "label": "M", "flavour": "x", "capabilities": {"max_n": 2, "smell": True}}
    assert listing.read([raw]) == (ModelInfo(id="m", label="M", capabilities=Capabilities(max_n=2)),)


def listed(*models, slug="openai"):
    return registry.connect(slug, Connection(listed=kept(models)))


def test_a_listed_model_has_the_abilities_of_the_list():
    own = ModelInfo(id="x/new", label="New", capabilities=Capabilities(quality=Choice(values=("fine",))))
    provider = listed(own, slug="openrouter")
    assert provider.offered() == (own,)
    assert provider.model_info("x/new") == own
    provider.check(ImageRequest(prompt="a fox", model="x/new", quality="fine"))


def test_a_model_whose_day_has_come_is_retired_whenever_the_list_was_read():
    over = date.today() - timedelta(days=1)
    provider = listed(ModelInfo(id="m", label="M", status="deprecated", retires_on=over))
    assert provider.model_info("m").status == "retired"
    assert provider.offered()[0].status == "retired"


def test_without_a_list_the_catalogue_is_offered():
    provider = listed()
    assert provider.offered() == provider.models()


@pytest.mark.parametrize(
    ("slug", "model", "known"),
    [
        ("openai", "gpt-image-2", True),
        ("openai", "gpt-image-2-2026-04-21", True),
        ("openai", "gpt-image-99", False),
        ("openai_compatible", "dall-e-3", True),
        ("openai_compatible", "flux", False),
    ],
)
def test_a_provider_says_whether_it_knows_a_model(slug, model, known):
    assert listed(slug=slug).knows(model) is known


@pytest.mark.parametrize("slug", SLUGS)
def test_only_vendors_that_can_be_asked_have_a_live_list(slug):
    assert registry.provider_class(slug).has_live_list() is (slug not in ("demo", "anthropic"))
