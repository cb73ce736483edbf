"""Numbers as the language of the page writes them."""

from django.utils.formats import get_format
from django.utils.translation import ngettext


def local(figures: str) -> str:
    """Turn the point and the commas of an English number into those of the page's language."""
    point = get_format("DECIMAL_SEPARATOR")
    return figures if point == "." else figures.translate(str.maketrans({".": point, ",": "."}))


def thousands(number: int) -> str:
    """`number` with its thousands set apart: "2,318", in German "2.318"."""
    return local(f"{number:,}")


def images(number: int) -> str:
    """`number` with its noun: "2,318 images"."""
    return ngettext("{n} image", "{n} images", number).format(n=thousands(number))
