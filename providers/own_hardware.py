"""What programs on one's own computer have in common: no vendor, no bill, the models in a folder."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from PIL import Image

from providers import catalog, errors, faults, http
from providers.base import Estimate, ImageRequest, InputImage, ModelInfo, Provider, Usage

SERVER_DEFAULT = "server-default"  # the model of a request that names none
FREE = Usage(cost_usd=Decimal(0), cost_source="table")
AT_HOME = Estimate(usd=Decimal(0), basis="your own computer")
MULTIPLE = 8  # pixels; what latent pictures are made of
MOST_PIXELS = 1024 * 1024  # of a picture that is drawn over, unless a size is asked for
SHORTEST = 64  # pixels
ON_ITS_SIDE = {5, 6, 7, 8}  # EXIF orientations
ORIENTATION = 0x0112  # EXIF tag


class OwnHardware(Provider):
    """A program at an address of its own. The models are its checkpoints, known to nobody else."""

    needs_key: ClassVar[bool] = False
    needs_base_url: ClassVar[bool] = True
    request_deadline: ClassVar[float] = 1800  # seconds; jobs of others go first
    is_free = True

    def model_info(self, model_id: str) -> ModelInfo:
        known, own = super().model_info(model_id), catalog.find(self.slug, SERVER_DEFAULT)
        return replace(known, prices=own.prices, prices_read_on=own.prices_read_on)

    def estimate(self, request: ImageRequest) -> Estimate:
        return AT_HOME

    def problems(self, request: ImageRequest) -> Iterator[errors.ProviderError]:
        yield from super().problems(request)
        if "strength" in request.options and not request.references:
            yield errors.InvalidRequest("A strength needs a picture to work from.", field="options")

    def split(self, request: ImageRequest) -> list[ImageRequest]:
        """The calls; with a seed, each goes on counting where the one before ended."""
        seeded: list[ImageRequest] = []
        for part in super().split(request):
            drawn = sum(earlier.n for earlier in seeded)
            seeded.append(part if part.seed is None else replace(part, seed=part.seed + drawn))
        return seeded

    def auth(self) -> dict[str, str]:
        """The header for `user:password`, or for the token of a proxy in front."""
        key = self.api_key
        if ":" in key:
            return {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}
        return {"Authorization": f"Bearer {key}"} if key else {}

    def url(self, path: str) -> str:
        return f"{self.base_url}{path}"

    def ask(self, path: str) -> Any:
        """The JSON at `path`, by a free GET. Raises what its failure means."""
        wire = http.WireRequest(url=self.url(path), headers=self.auth())
        with http.get(wire, allowed_private_hosts=self.connection.allowed_private_hosts) as answer:
            if answer.status != 200:
                raise self.failure(answer)
            data = faults.json_of(answer)
        if data is None:
            raise errors.NotUnderstood(f"The address answers, but it is no {self.label}. Check it.")
        return data


def size_of(request: ImageRequest) -> tuple[int, int] | None:
    """Width and height: as asked, or of the picture to work from, made to fit. None: as the program likes.

    Raises `OSError` when that picture cannot be read.
    """
    if request.size:
        width, height = request.size.split("x")
        return int(width), int(height)
    return fitting(request.references[0]) if request.references else None


def fitting(picture: InputImage) -> tuple[int, int]:
    """The picture's size in multiples of eight, made smaller where it is a strain."""
    with Image.open(picture.path) as image:
        width, height = image.size
        if image.getexif().get(ORIENTATION) in ON_ITS_SIDE:
            width, height = height, width
    scale = min(1, (MOST_PIXELS / (width * height)) ** 0.5)
    return _rounded(width * scale), _rounded(height * scale)


def number(value: object) -> int | float:
    """A whole number stays whole, because some programs look."""
    exact = float(str(value))
    return int(exact) if exact.is_integer() else exact


def with_values(model: ModelInfo, **lists: Iterable[str]) -> ModelInfo:
    """The model with the names that the program listed for its options, where there are any."""
    options = dict(model.capabilities.options)
    for name, values in lists.items():
        found = tuple(dict.fromkeys(values))
        if found:
            default = options[name].default
            options[name] = replace(
                options[name], values=found, default=default if default in found else None
            )
    return replace(model, capabilities=replace(model.capabilities, options=options))


def _rounded(side: float) -> int:
    return max(SHORTEST, round(side / MULTIPLE) * MULTIPLE)
