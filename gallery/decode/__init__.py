"""Look at foreign bytes: which picture they are, and small pictures of it.

The bytes are decoded in a child process that has no files, no network, no environment and little memory
and time (`child`), so that a hostile file costs its own rejection and nothing else. Nothing in this
package imports Django: the child imports it too.
"""

from dataclasses import dataclass
from pathlib import Path

from gallery.decode.errors import DecodeError

__all__ = ["DecodeError", "Decoded", "Limits", "as_jpeg", "inspect"]

THUMBNAIL_SIZES = (320, 1280)  # longest side, pixels


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a picture may ask for. A file over one of them is refused with the number in the sentence."""

    max_pixels: int = 100_000_000  # of one frame
    max_side: int = 30_000  # pixels
    max_frames: int = 300
    max_total_pixels: int = 400_000_000  # of all frames together
    max_text_bytes: int = 1_000_000  # of one text, profile or EXIF block, unpacked
    tolerant: bool = False  # takes what can be read of a damaged picture, if there is anything


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What is known of a picture once it was decoded."""

    mime_type: str  # by its bytes: "image/jpeg"
    extension: str  # "jpg"
    width: int  # pixels, upright
    height: int
    frames: int  # more than 1: animated
    tint: str  # two pairs of hex digits, top and bottom colour: "1c2a"
    thumbhash: bytes
    phash: int  # 64 bits, signed
    thumbnails: dict[int, bytes]  # longest side in pixels → WebP


def inspect(path: Path, limits: Limits | None = None) -> Decoded:
    """Decode the picture in `path`. Raises `DecodeError` with a code and a sentence, and nothing else."""
    from gallery.decode.pool import shared_pool  # here, since the child imports this package for its limits

    return shared_pool().inspect(path, limits or Limits())


def as_jpeg(path: Path, limits: Limits | None = None) -> bytes:
    """A copy of the picture in `path` for others to look at: JPEG, at most 1280 pixels on its longest side.

    It says nothing but what can be seen: no place, no camera, no texts. Raises `DecodeError`.
    """
    from gallery.decode.pool import shared_pool

    return shared_pool().as_jpeg(path, limits or Limits())


def as_mask(path: Path, limits: Limits | None = None) -> bytes:
    """A grey PNG of the picture in `path`, black where it is transparent, at most 4096 pixels on a side.

    Raises `DecodeError`.
    """
    from gallery.decode.pool import shared_pool

    return shared_pool().as_mask(path, limits or Limits())
