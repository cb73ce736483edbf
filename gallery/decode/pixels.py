"""Decode with libvips: upright sRGB thumbnails, and the small grid that fingerprints are taken from.

Imported by the decode child only. Loaders other than the five named are switched off, and the one that is
used is called by its name, so libvips never guesses what a file might be.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyvips

from gallery.decode import THUMBNAIL_SIZES, Limits, errors, fingerprints
from gallery.decode.containers import check_size

LOADERS = {
    "png": "pngload_buffer",
    "jpg": "jpegload_buffer",
    "gif": "gifload_buffer",
    "webp": "webpload_buffer",
    "avif": "heifload_buffer",
}
MASK_SIDE = 4096  # pixels; no vendor's picture is larger
LOADER_CLASSES = ("Png", "Jpeg", "Nsgif", "Webp", "Heif")
# Effort 4 at 1280 costs twice the time of effort 2 for a fifth fewer bytes; at 320 it costs next to nothing.
WEBP = {320: {"Q": 80, "effort": 4}, 1280: {"Q": 83, "effort": 2}}


def lock_down() -> None:
    """Switch off every loader but the five, and keep no decoded picture for later."""
    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in LOADER_CLASSES:
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)


@contextmanager
def explained() -> Iterator[None]:
    """Turn libvips' errors into `DecodeError`."""
    try:
        yield
    except pyvips.Error as exc:
        raise _explain(exc) from exc


def read_header(kind: str, data: bytes | bytearray) -> pyvips.Image:
    with explained():
        return pyvips.Operation.call(LOADERS[kind], data, access="sequential")


def measure(header: pyvips.Image, limits: Limits) -> tuple[int, int, int]:
    """Return upright width and height, and the number of frames. Raises `DecodeError`."""
    check_size(header.width, header.height, limits)
    pages = header.get("n-pages") if header.get_typeof("n-pages") else 1
    if pages > limits.max_frames:
        raise errors.too_many_frames(limits.max_frames)
    turned = header.get_typeof("orientation") and header.get("orientation") in (5, 6, 7, 8)
    size = (header.height, header.width) if turned else (header.width, header.height)
    return *size, pages


def render(
    kind: str, header: pyvips.Image, data: bytes | bytearray, *, is_tolerant: bool = False
) -> tuple[dict[int, bytes], bytes]:
    """Return the thumbnails by size, and the grid of RGBA pixels for `fingerprints`. Raises `DecodeError`.

    With `is_tolerant`, what cannot be read of a damaged picture is left empty.
    """
    with explained():
        return _encode(_shrunk(kind, header, data, fail_on="none" if is_tolerant else "error"))


def render_jpeg(kind: str, header: pyvips.Image, data: bytes | bytearray) -> dict[int, bytes]:
    """Return a JPEG by its longest side, upright, on white where the picture is transparent."""
    with explained():
        image = _plain(_shrunk(kind, header, data))
        if image.hasalpha():
            image = image.flatten(background=[255, 255, 255])
        return {max(THUMBNAIL_SIZES): image.jpegsave_buffer(keep="none", Q=88)}


def render_mask(kind: str, header: pyvips.Image, data: bytes | bytearray) -> dict[int, bytes]:
    """Return a grey PNG where the biggest thumbnail would be, upright, white where is to be painted anew.

    A mask with holes is read as image editors make them: what is transparent is to be painted anew. One
    without any is read by its brightness.
    """
    with explained():
        image = _plain(_shrunk(kind, header, data, longest=MASK_SIDE)).copy_memory()
        if image.hasalpha() and image[image.bands - 1].min() < 255:
            grey = 255 - image[image.bands - 1]
        else:
            grey = (image.flatten() if image.hasalpha() else image).colourspace("b-w")
        return {max(THUMBNAIL_SIZES): grey.cast("uchar").pngsave_buffer(keep="none")}


def _shrunk(kind: str, header, data, longest: int = max(THUMBNAIL_SIZES), fail_on: str = "error"):
    """Decode once, upright and in sRGB, shrinking on the way to `longest` pixels."""
    width, options = longest, {"height": longest, "size": "down"}
    if header.get_typeof("icc-profile-data"):  # asked for without need, it triples the time of a small PNG
        options["output_profile"] = "srgb"
    elif header.interpretation == "cmyk":
        return _mixed(_whole(kind, data, fail_on)).thumbnail_image(width, **options)
    if kind == "avif":  # libvips does not know image sequences by their first bytes
        return _whole(kind, data, fail_on).thumbnail_image(width, **options)
    return pyvips.Image.thumbnail_buffer(data, width, fail_on=fail_on, **options)


def _whole(kind: str, data, fail_on: str):
    return pyvips.Operation.call(LOADERS[kind], data, access="sequential", fail_on=fail_on)


def _mixed(image):
    """CMYK without a profile as browsers show it: light that the ink lets through, and no paper."""
    ink, black = image[:3], image[3]
    light = (255 - ink) * (255 - black) / 255
    return light.cast("uchar").copy(interpretation="srgb")


def _encode(image) -> tuple[dict[int, bytes], bytes]:
    """Encode the thumbnails, the smaller from the bigger one."""
    large, thumbnails = _plain(image).copy_memory(), {}
    for size in sorted(THUMBNAIL_SIZES, reverse=True):
        large = large.thumbnail_image(size, height=size, size="down").copy_memory()
        thumbnails[size] = large.webpsave_buffer(keep="none", **WEBP[size])
    return thumbnails, _grid(large)


def _plain(image):
    """8-bit sRGB with or without alpha: what WebP can hold and every browser shows alike."""
    if image.interpretation != "srgb":
        image = image.colourspace("srgb")
    if image.bands > 4:
        image = image[:4]
    return image.cast("uchar") if image.format != "uchar" else image


def _grid(image) -> bytes:
    side = fingerprints.SIDE
    small = image.thumbnail_image(side, height=side, size="force")
    if not small.hasalpha():
        small = small.addalpha()
    return bytes(small.cast("uchar").write_to_memory())


def _explain(exc: pyvips.Error) -> errors.DecodeError:
    if any(
        words in exc.detail.lower() for words in ("out of memory", "not enough memory", "insufficient memory")
    ):
        return errors.too_much_memory()
    return errors.damaged()
