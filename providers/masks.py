"""Masks: here white is repainted; for a vendor that wants holes, what is to be repainted is transparent."""

import io
from pathlib import Path

from PIL import Image, ImageOps

from providers.errors import InvalidRequest

FORMATS = ("PNG", "WEBP", "JPEG")
MOST_PIXELS = 36_000_000  # of a picture with a mask: 6000 × 6000


def with_holes(mask: Path, picture: Path) -> bytes:
    """A PNG as large as `picture`, transparent where `mask` is white. Raises `InvalidRequest` or OSError."""
    with Image.open(picture, formats=(*FORMATS, "GIF", "AVIF")) as original:
        size = original.size
    if size[0] * size[1] > MOST_PIXELS:
        raise InvalidRequest("The picture is too large for a mask. Use a smaller copy of it.", field="mask")
    with Image.open(mask, formats=FORMATS) as image:
        white = image.convert("L").resize(size)
    holes = Image.new("RGBA", size, "black")
    holes.putalpha(ImageOps.invert(white))
    file = io.BytesIO()
    holes.save(file, "PNG")
    return file.getvalue()
