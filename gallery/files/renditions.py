"""Thumbnails: small pictures that are made from an original and can always be made again."""

import tempfile
import uuid
from pathlib import Path

from django.conf import settings

from gallery import decode
from gallery.decode import THUMBNAIL_SIZES
from gallery.files import storage
from gallery.models import Image

MIME_TYPE = "image/webp"


def put(owner_id: int, public_id: uuid.UUID, thumbnails: dict[int, bytes]) -> None:
    """Store `thumbnails` (longest side in pixels → WebP). Raises `StorageError`."""
    for size, data in thumbnails.items():
        storage.put(storage.thumbnail_key(owner_id, public_id.hex, size), data, MIME_TYPE)


def keys(owner_id: int, public_id: uuid.UUID) -> list[str]:
    """The keys of all thumbnails of a picture."""
    return [storage.thumbnail_key(owner_id, public_id.hex, size) for size in THUMBNAIL_SIZES]


def delete(owner_id: int, public_id: uuid.UUID) -> None:
    for key in keys(owner_id, public_id):
        storage.delete(key)


def delete_files(image: Image) -> None:
    """Delete all that is stored of `image`. Call it after the transaction that deleted the row."""
    storage.delete(image.storage_key)
    delete(image.owner_id, image.public_id)


def missing(image: Image) -> bool:
    return not all(storage.exists(image.thumbnail_key(size)) for size in THUMBNAIL_SIZES)


def rebuild(image: Image) -> None:
    """Make the thumbnails of `image` again from its original.

    Raises `FileNotFoundError` when the original is gone, `StorageError` and `DecodeError`.
    """
    settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        storage.open(image.storage_key) as original,
        tempfile.NamedTemporaryFile(dir=settings.SPOOL_DIR, prefix="incoming-") as copy,
    ):
        while chunk := original.read(1 << 20):
            copy.write(chunk)
        copy.flush()
        limits = decode.Limits(max_pixels=max(settings.MAX_IMAGE_PIXELS, image.width * image.height))
        decoded = decode.inspect(Path(copy.name), limits)
    put(image.owner_id, image.public_id, decoded.thumbnails)
