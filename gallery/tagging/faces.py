"""The picture that stands for a tag, and the square of it that is shown."""

from django.utils.translation import gettext

from gallery.models import Image, Tag
from gallery.tagging.tagspec import TagError

WHOLE = 1000  # the picture's shorter side; a crop is measured in thousandths of it
SMALLEST = 50  # side of a crop

type Crop = tuple[int, int, int]  # left, top, side


def set_avatar(tag: Tag, image: Image | None, crop: Crop | None = None) -> None:
    """Show `image`, or the square `crop` of it, as the face of `tag`. Raises `TagError`."""
    if image and image.owner_id != tag.owner_id:
        raise TagError(gettext("There is no such picture."))
    if image and crop:
        _check(image, crop)
    tag.avatar, tag.avatar_crop = image, list(crop) if image and crop else None
    tag.save(update_fields=["avatar", "avatar_crop"])


def _check(image: Image, crop: Crop) -> None:
    left, top, side = crop
    width, height = (edge * WHOLE // min(image.width, image.height) for edge in (image.width, image.height))
    if not SMALLEST <= side <= WHOLE:
        raise TagError(
            gettext(
                "The side of the square is {smallest} to {whole} thousandths of the shorter side."
            ).format(smallest=SMALLEST, whole=WHOLE)
        )
    if min(left, top) < 0 or left + side > width or top + side > height:
        raise TagError(gettext("The square lies outside the picture. Move it inside."))
