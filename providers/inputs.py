"""Pictures that go along inside JSON."""

import base64
import io
from collections.abc import Sequence

from PIL import Image, ImageOps

from providers.errors import InvalidRequest
from providers.vocabulary import InputImage

SMALL = 2048  # pixels of the longest side of a copy; vendors look at no more
READABLE = ("PNG", "JPEG", "WEBP")
TOO_LARGE = "The pictures that go along are too large together. Use fewer of them, or smaller copies."


def base64_of(picture: InputImage) -> str:
    """The bytes of a picture, in base64. Raises `OSError` when the file is gone."""
    return base64.b64encode(picture.path.read_bytes()).decode()


def data_url(picture: InputImage) -> str:
    """The picture as a `data:` URL. Raises `OSError` when the file is gone."""
    return f"data:{picture.mime_type};base64,{base64_of(picture)}"


def within(pictures: Sequence[InputImage], limit: int) -> list[tuple[str, bytes]]:
    """Type and bytes of each picture; above `limit` bytes for all, smaller copies of the large ones.

    Raises `InvalidRequest` when that does not help, and `OSError` when a file is gone.
    """
    contents = [(picture.mime_type, picture.path.read_bytes()) for picture in pictures]
    if _size(contents) <= limit:
        return contents
    share = limit // len(contents)
    contents = [_copy(data) if len(data) > share else (kind, data) for kind, data in contents]
    if _size(contents) > limit:
        raise InvalidRequest(TOO_LARGE, field="references")
    return contents


def _size(contents: list[tuple[str, bytes]]) -> int:
    return sum(len(data) for _, data in contents)


def _copy(data: bytes) -> tuple[str, bytes]:
    """A smaller copy; one with transparent places keeps them."""
    try:
        with Image.open(io.BytesIO(data), formats=READABLE) as original:
            image = ImageOps.exif_transpose(original)
    except (OSError, Image.DecompressionBombError) as exc:
        raise InvalidRequest(TOO_LARGE, field="references") from exc
    image.thumbnail((SMALL, SMALL))
    kind = "webp" if image.has_transparency_data else "jpeg"
    file = io.BytesIO()
    image.convert("RGBA" if kind == "webp" else "RGB").save(file, kind, quality=92)
    return f"image/{kind}", file.getvalue()
