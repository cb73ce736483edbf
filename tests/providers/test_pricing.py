from datetime import date
from decimal import Decimal

import pytest

from providers import catalog, pricing
from providers.base import ImageRequest

PUBLISHED = {
    ("gpt-image-2", "low"): ".006 .005 .0036 .0047 .0119 .0062 .0111",
    ("gpt-image-2", "medium"): ".053 .041 .0323 .0424 .1070 .0553 .1001",
    ("gpt-image-2", "high"): ".211 .165 .1294 .1695 .4282 .2211 .4003",
    ("gpt-image-2.5-flare", "low"): ".0059 .0047 .0036 .0047 .0119 .0062 .0111",
    ("gpt-image-2.5-flare", "medium"): ".0132 .0103 .0084 .0110 .0268 .0143 .0260",
    ("gpt-image-2.5-flare", "high"): ".0527 .0412 .0323 .0424 .1070 .0553 .1001",
    ("gpt-image-2.5-flare", "xhigh"): ".0937 .0738 .0575 .0753 .1903 .0983 .1779",
    ("gpt-image-2.5-flare", "max"): ".2107 .1646 .1294 .1695 .4282 .2211 .4003",
}
SIZES = "1024x1024 1536x1024 1536x864 2048x1152 2048x2048 2560x1440 3840x2160".split()  # noqa: SIM905


def estimate(model, **kwargs):
    return pricing.estimate(ImageRequest(prompt="", model=model, **kwargs), catalog.find("openai", model))


@pytest.mark.parametrize(("model", "quality"), PUBLISHED)
def test_estimates_are_the_published_prices(model, quality):
    for size, price in zip(SIZES, PUBLISHED[model, quality].split(), strict=True):
        assert abs(estimate(model, size=size, quality=quality).usd - Decimal(price)) < Decimal("0.0005")


def test_estimate_counts_every_picture_and_names_its_source():
    one, four = (estimate("gpt-image-2", quality="high", n=n) for n in (1, 4))
    assert four.usd == 4 * one.usd
    assert one.basis == "price list of 22 November 2026"


def test_newest_models_cost_four_times_as_much_in_low_and_medium():
    for quality in ("low", "medium"):
        assert estimate("gpt-image-2.6-flare", quality=quality).usd == 4 * (
            estimate("gpt-image-2.5-flare", quality=quality).usd
        )


def test_references_and_words_are_counted():
    plain = estimate("gpt-image-2")
    long = ImageRequest(prompt="x" * 4000, model="gpt-image-2", references=(None, None))
    with_all = pricing.estimate(long, catalog.find("openai", "gpt-image-2"))
    assert with_all.usd - plain.usd == Decimal("0.025")


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"input_tokens": 1000, "output_tokens": 1000}, "0.035"),
        (
            {
                "input_tokens": 3000,
                "input_tokens_details": {"text_tokens": 1000, "image_tokens": 2000},
                "output_tokens": 1000,
                "output_tokens_details": {"image_tokens": 1000, "text_tokens": 0},
            },
            "0.051",
        ),
    ],
)
def test_bill_is_tokens_times_prices(usage, cost):
    billed = pricing.bill(usage, catalog.find("openai", "gpt-image-2"), 1)
    assert (billed.cost_usd, billed.cost_source, billed.raw) == (Decimal(cost), "computed", usage)


@pytest.mark.parametrize(
    "usage",
    [{}, {"output_tokens": 0}, {"output_tokens": "many"}, {"output_tokens": -5}, {"output_tokens": 10**8}],
)
def test_bill_that_cannot_be_is_not_believed(usage):
    billed = pricing.bill(usage, catalog.find("openai", "gpt-image-2"), 1)
    assert (billed.cost_usd, billed.cost_source, billed.raw) == (None, "unknown", usage)


def test_price_list_is_of_the_day_it_was_read():
    assert catalog.find("openai", "gpt-image-2").prices_read_on == date(2026, 11, 22)
