"""Masks: a picture beside the one that is edited, white where that one is to be painted anew.

They come from a browser's canvas, from programs or from the gallery. What is kept is a clean grey PNG, which
the decode process makes of them, so that nothing of the foreign bytes goes on to a vendor.
"""

import base64
import binascii
import re
import struct
import tempfile
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext

from gallery import decode
from gallery.files import storage
from gallery.models import Image
from providers.errors import InvalidRequest

LONGEST_DATA_URL = 16_000_000  # characters; three quarters of them are bytes
DATA_URL = re.compile(r"data:image/(?:png|jpeg|webp);base64,", re.ASCII)
TOLERANCE = 0.02  # by which the shapes of mask and picture may differ
SIZE = slice(16, 24)  # where a PNG says how large it is


def wrong(message: str) -> InvalidRequest:
    return InvalidRequest(message, field="mask")


def bytes_of(data_url: str) -> bytes:
    """The bytes in a `data:` URL. Raises `InvalidRequest`."""
    head = DATA_URL.match(data_url)
    if not head:
        raise wrong(
            gettext("Send the mask as the id of a picture or as a data URL of a PNG, JPEG or WebP picture.")
        )
    if len(data_url) > LONGEST_DATA_URL:
        raise wrong(gettext("The mask is too large. Save it as a PNG with few colours, or make it smaller."))
    try:
        return base64.b64decode(data_url[head.end() :], validate=True)
    except (binascii.Error, ValueError) as exc:
        raise wrong(gettext("The data URL of the mask is cut off or damaged. Make it again.")) from exc


def stored_bytes_of(image: Image) -> bytes:
    """The bytes of a picture in the gallery that serves as a mask. Raises `InvalidRequest`."""
    try:
        with storage.open(image.storage_key) as file:
            return file.read()
    except FileNotFoundError as exc:
        raise wrong(gettext("The picture of the mask is missing from storage. Choose another one.")) from exc


def clean(data: bytes, picture: Image) -> bytes:
    """The mask for `picture` in `data`, as a grey PNG. Raises `InvalidRequest` for what cannot be one."""
    settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=settings.SPOOL_DIR, prefix="incoming-") as file:
        file.write(data)
        file.flush()
        try:
            mask = decode.as_mask(Path(file.name), decode.Limits(max_pixels=settings.MAX_IMAGE_PIXELS))
        except decode.DecodeError as exc:
            raise wrong(gettext("The mask cannot be used. {message}").format(message=exc.message)) from exc
    _check_shape(mask, picture)
    return mask


def _check_shape(mask: bytes, picture: Image) -> None:
    width, height = struct.unpack(">II", mask[SIZE])
    if abs(width * picture.height / (height * picture.width) - 1) > TOLERANCE:
        raise wrong(
            gettext(
                "The mask is {width} × {height} and the picture {other_width} × {other_height}. Both "
                "must have the same shape."
            ).format(width=width, height=height, other_width=picture.width, other_height=picture.height)
        )
