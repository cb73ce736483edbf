"""The faces of tags: which part of which picture is shown, in a frame of what shape."""

from dataclasses import dataclass

from gallery.files.media import thumbnail_url
from gallery.models import Tag
from gallery.tagging.faces import WHOLE

SQUARE, PORTRAIT = 1.0, 3 / 4  # width to height of the frame


@dataclass(frozen=True, kw_only=True)
class Face:
    url: str  # of a thumbnail
    box: str = ""  # "left top width height" of the part that is shown; empty: the whole picture
    width: int = 0  # of the picture, in the units of `box`: thousandths of its shorter side
    height: int = 0


def of(tag: Tag, size: int = 320, shape: float = SQUARE) -> Face | None:
    """The avatar of `tag`, which is read with it, for a frame of this shape; None without an avatar."""
    image = tag.avatar
    if image is None:
        return None
    if not tag.avatar_crop:
        return Face(url=thumbnail_url(image.public_id, tag.owner_id, size))
    width, height = measure(image.width, image.height)
    box = window(tag.avatar_crop, (width, height), shape)
    sharp = size if shape == SQUARE and box[2] > WHOLE / 2 else 1280  # a small part needs the large rendition
    url = thumbnail_url(image.public_id, tag.owner_id, sharp)
    return Face(url=url, box=" ".join(map(str, box)), width=width, height=height)


def measure(width: int, height: int) -> tuple[int, int]:
    """Width and height in thousandths of the shorter side."""
    shorter = min(width, height)
    return width * WHOLE // shorter, height * WHOLE // shorter


def window(crop: list[int], picture: tuple[int, int], shape: float) -> tuple[int, int, int, int]:
    """Returns left, top, width and height of the frame of this shape around the middle of a square `crop`.

    It is as wide as the square where the picture is high enough, and never leaves the picture.
    """
    left, top, side = crop
    height = min(round(side / shape), picture[1])
    width = min(round(height * shape), picture[0])
    x, y = left + (side - width) // 2, top + (side - height) // 2
    return max(0, min(x, picture[0] - width)), max(0, min(y, picture[1] - height)), width, height
