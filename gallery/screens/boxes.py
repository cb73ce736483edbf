"""The places of a job's pictures on a page: filled, or holding their shape until the picture is there."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext

from gallery.files.media import thumbnail_url
from gallery.generations import partials
from gallery.models import Generation, GenerationCall, Image
from gallery.screens.grid import ratio_step
from gallery.screens.shapes import ratio_of


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A picture as it looked on its way."""

    id: str  # of its element
    url: str


@dataclass(frozen=True, kw_only=True)
class Box:
    """The place of one picture: filled, or holding its shape until the picture is there."""

    shape: str  # class of its ratio
    url: str = ""  # of the picture's page
    thumb: str = ""  # 320 pixels
    full: str = ""  # 1280 pixels
    tints: str = ""  # classes of its colours
    alt: str = ""
    width: int = 0
    height: int = 0
    previews: tuple[Preview, ...] = ()  # while it is drawn: the newest last, over the one before


def of_generation(row: Generation) -> Iterable[Box]:
    """A box for each picture, in its own place while the job runs; afterwards only those that came."""
    found = {result.index: result.image for result in row.results.all()}
    shape = ratio_class(*_asked_shape(row))
    previews = _previews(row)
    for index in range(max([row.n - 1, *found]) + 1):
        image = found.get(index)
        if image and image.trashed_at is None:
            yield of_picture(image)
        elif row.is_active and not image and index < row.n:
            yield Box(shape=shape, previews=previews.get(index, ()))


def of_wish(row: Generation) -> Iterable[Box]:
    """Boxes for the pictures of a generation that is not saved yet."""
    return [Box(shape=ratio_class(*_asked_shape(row)))] * row.n


def _previews(row: Generation) -> dict[int, tuple[Preview, ...]]:
    """What can be seen of pictures that are being drawn, by their place."""
    drawing = [call for call in row.calls.all() if call.state == GenerationCall.State.SENT]
    return {
        call.first_image: tuple(_preview(row, call, number) for number in partials.numbers_of(call.public_id))
        for call in drawing
    }


def _preview(row: Generation, call: GenerationCall, number: int) -> Preview:
    url = reverse("generation-preview", args=[row.public_id, call.first_image, number])
    return Preview(id=f"preview-{call.public_id.hex}-{number}", url=url)


def of_picture(image: Image) -> Box:
    """A picture in its place."""
    return Box(
        shape=ratio_class(image.width, image.height),
        tints=f"t{image.tint[:2]} b{image.tint[2:]}",
        url=image.get_absolute_url(),
        thumb=thumbnail_url(image.public_id, image.owner_id, 320),
        full=thumbnail_url(image.public_id, image.owner_id, 1280),
        alt=image.title or gettext("Image {n}").format(n=image.public_id.hex[:4]),
        width=image.width,
        height=image.height,
    )


def ratio_class(width: int, height: int) -> str:
    return f"r{ratio_step(width, height):02d}"


def _asked_shape(row: Generation) -> tuple[int, int]:
    ratio = ratio_of(row.params.get("aspect_ratio") or row.params.get("size") or "") or 1
    return round(ratio * 1000), 1000
