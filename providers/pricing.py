"""What pictures cost: an estimate beforehand, the bill afterwards from what the vendor counted.

Prices stand in the catalogue, in US dollars, with their `unit`:

    "image"  one price per picture: `usd`, or `table` by "size/quality" or by size alone, where a resolution
             is a size too; `reference_usd` for each picture that goes along
    "token"  per million tokens: `text_in`, `image_in`, `image_out`, `text_out`; `grid` and `factor`
             by quality feed the estimate; for a model that writes, `cached_in` as well
"""

import logging
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.vocabulary import Estimate, ImageRequest, ModelInfo, TextModel, TextRequest, Usage

MILLION = Decimal(1_000_000)
MICRO = Decimal("0.000001")
CHARACTERS_PER_TOKEN = 4  # English prose; for the estimate only
USUAL_PREVIEWS = 2  # of a streamed picture
SEEN_TOKENS = 2500  # of a picture that a model looks at; for the estimate only
TEXT_CEILING = Decimal(5)  # US dollars for one text; a bill above it is not believed
UNKNOWN_CEILING = Decimal(5)  # US dollars for one picture of a model without a price
CALL_CEILING = Decimal(50)  # US dollars for one call, where it failed

log = logging.getLogger(__name__)


def estimate(request: ImageRequest, model: ModelInfo) -> Estimate:
    """The price of all n pictures, or None where the list does not tell."""
    each = _price_of_one(request, model)
    if each is None:
        return Estimate(usd=None)
    return Estimate(usd=(each * request.n).quantize(MICRO), basis=_basis(model))


def estimate_text(request: TextRequest, model: TextModel) -> Estimate:
    """The most that a text may cost: an answer as long as it may be."""
    if "text_in" not in model.prices:
        return Estimate(usd=None)
    letters = len(request.prompt) + len(request.instructions) + len(str(request.schema or ""))
    going_in = letters // CHARACTERS_PER_TOKEN + (SEEN_TOKENS if request.image else 0)
    cost = _text_cost(model, going_in, 0, request.max_tokens)
    return Estimate(usd=cost, basis=f"at most; {_basis(model)}")


def bill_text(
    usage: Mapping[str, Any], model: TextModel, *, going_in: Any, coming_out: Any, cached: Any = 0
) -> Usage:
    """What a text cost. `going_in`: all tokens that went in, the `cached` among them."""
    counts = (going_in, cached, coming_out)
    if "text_in" not in model.prices or not all(isinstance(count, int) for count in counts):
        return Usage(raw=usage)
    cost = _text_cost(model, *counts)
    if not 0 <= cost <= TEXT_CEILING:
        log.warning("%s: counted tokens cost %s USD, above the ceiling of %s", model.id, cost, TEXT_CEILING)
        return Usage(raw=usage)
    return Usage(raw=usage, cost_usd=cost, cost_source="computed")


def bill(usage: Mapping[str, Any], model: ModelInfo, pictures: int) -> Usage:
    """What the counted tokens cost. Absurd sums, above the catalogue's ceiling, are not believed."""
    cost = _cost_of_tokens(usage, model.prices)
    if cost is None:
        return Usage(raw=usage)
    ceiling = model.prices["ceiling_usd"] * max(1, pictures)
    if not 0 <= cost <= ceiling:
        log.warning("%s: counted tokens cost %s USD, above the ceiling of %s", model.id, cost, ceiling)
        return Usage(raw=usage)
    return Usage(raw=usage, cost_usd=cost, cost_source="computed")


def reported(usage: Mapping[str, Any], cost: Decimal, ceiling: Decimal) -> Usage:
    """What the vendor says that it took. Absurd sums, above `ceiling` US dollars, are not believed."""
    known = believed(cost, ceiling)
    return Usage(raw=usage) if known is None else Usage(raw=usage, cost_usd=known, cost_source="reported")


def believed(cost: Decimal | None, ceiling: Decimal = CALL_CEILING) -> Decimal | None:
    """A reported cost in whole micro-dollars, or None for an absurd one and for none."""
    if cost is None or 0 <= cost <= ceiling:
        return cost and cost.quantize(MICRO)
    log.warning("A vendor reported a cost of %s USD, above the ceiling of %s", cost, ceiling)
    return None


def from_table(request: ImageRequest, model: ModelInfo, pictures: int) -> Usage:
    """The list price of `pictures`, for a model whose answer counts nothing."""
    each = _price_of_one(request, model)
    if each is None:
        return Usage()
    return Usage(cost_usd=(each * pictures).quantize(MICRO), cost_source="table")


def image_tokens(width: int, height: int, grid: int) -> int:
    """Tokens of one gpt-image-2 picture: a formula that matches its published prices, for estimates only."""
    long, short = max(width, height), min(width, height)
    return math.ceil(grid * round(grid * short / long) * (2_000_000 + width * height) / 4_000_000)


def _basis(model: ModelInfo | TextModel) -> str:
    read = model.prices_read_on
    return f"price list of {read.day} {read:%B %Y}" if read else ""


def _text_cost(model: TextModel, going_in: int, cached: int, coming_out: int) -> Decimal:
    prices = model.prices
    total = (going_in - cached) * Decimal(prices["text_in"])
    total += cached * Decimal(prices.get("cached_in", prices["text_in"]))
    return ((total + coming_out * Decimal(prices["text_out"])) / MILLION).quantize(MICRO)


def _price_of_one(request: ImageRequest, model: ModelInfo) -> Decimal | None:
    prices = model.prices
    if prices.get("unit") == "token":
        return _tokens_of_one(request, prices)
    price = prices.get("usd")
    if "table" in prices:
        size, quality = _size(request, prices), _quality(request, prices)
        price = prices["table"].get(f"{size}/{quality}", prices["table"].get(size))
    if price is None:
        return None
    return Decimal(price) + Decimal(prices.get("reference_usd", 0)) * _pictures_along(request)


def _tokens_of_one(request: ImageRequest, prices: Mapping[str, Any]) -> Decimal | None:
    size, quality = _size(request, prices), _quality(request, prices)
    table = prices.get("table", {})
    listed = table.get(f"{size}/{quality}", table.get(size))
    if listed is not None:
        drawn = Decimal(listed)
    elif quality in prices.get("grid", {}):
        width, height = (int(side) for side in size.split("x"))
        tokens = image_tokens(width, height, prices["grid"][quality]) * prices.get("factor", {}).get(
            quality, 1
        )
        drawn = tokens * Decimal(prices["image_out"]) / MILLION
    else:
        return None
    words = Decimal(prices["text_in"]) * len(request.prompt) / CHARACTERS_PER_TOKEN / MILLION
    if request.stream:
        previews = int(request.options.get("partial_images", USUAL_PREVIEWS))
        drawn += previews * Decimal(prices.get("preview_tokens", 0)) * Decimal(prices["image_out"]) / MILLION
    return drawn + words + Decimal(prices.get("reference_usd", 0)) * _pictures_along(request)


def _pictures_along(request: ImageRequest) -> int:
    """How many pictures are sent: the references, and those of the chat so far."""
    earlier = sum(len(turn.references) + len(turn.pictures) for turn in request.turns)
    return len(request.references) + earlier


def _size(request: ImageRequest, prices: Mapping[str, Any]) -> str:
    asked = request.size or request.resolution
    return str(prices["usual_size"]) if asked in (None, "auto") else str(asked)


def _quality(request: ImageRequest, prices: Mapping[str, Any]) -> str:
    return str(prices.get("usual_quality", "")) if request.quality in (None, "auto") else str(request.quality)


def _cost_of_tokens(usage: Mapping[str, Any], prices: Mapping[str, Any]) -> Decimal | None:
    """Tokens × prices; tokens without details count as text going in and as picture coming out."""
    if prices.get("unit") != "token" or not usage.get("output_tokens"):
        return None
    going_in, coming_out = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    counted = {
        "text_in": going_in.get("text_tokens", usage.get("input_tokens", 0)),
        "image_in": going_in.get("image_tokens", 0),
        "image_out": coming_out.get("image_tokens", usage["output_tokens"]),
        "text_out": coming_out.get("text_tokens", 0),
    }
    if not all(isinstance(count, int) for count in counted.values()):
        return None
    total = sum((count * Decimal(prices.get(kind, 0)) for kind, count in counted.items()), Decimal(0))
    return (total / MILLION).quantize(MICRO)
