"""How much may be kept: by one person, where there is a limit, and by all on this disk. The trash counts."""

import shutil

from django.conf import settings
from django.db.models import Count, Sum
from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.language.wording import gettext_lazy
from gallery.models import Image, User

FREE_SPACE_FLOOR = 200 * 1024 * 1024  # bytes of the disk below which nothing is begun that would fill it


class QuotaExceeded(Exception):
    """There is no room for more of this person's pictures. `message` is for them."""

    code = "quota"

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


def check(owner: User, more_bytes: int = 0) -> None:
    """Raise `QuotaExceeded` when one more picture of that size would not fit.

    Uploads at the same moment may pass it by their own size; what was paid for is kept in any case.
    """
    most_bytes, most_images = settings.MAX_STORED_BYTES_PER_USER, settings.MAX_IMAGES_PER_USER
    if not most_bytes and not most_images:
        return
    kept = Image.objects.owned_by(owner).order_by().aggregate(n=Count("pk"), bytes=Sum("bytes"))
    if most_images and kept["n"] >= most_images:
        raise QuotaExceeded(
            gettext("Your library holds {n} images, the most it may. {help}").format(
                n=thousands(kept["n"]), help=HELP
            )
        )
    if most_bytes and (kept["bytes"] or 0) + more_bytes > most_bytes:
        used = f"{_megabytes(kept['bytes'] or 0)} of {_megabytes(most_bytes)}"
        raise QuotaExceeded(
            gettext("This does not fit: your library uses {used} MB. {help}").format(used=used, help=HELP)
        )


def is_room_on_disk(size: int = 0) -> bool:
    """Whether so many more bytes may be taken in."""
    return shutil.disk_usage(settings.SPOOL_DIR).free - size >= FREE_SPACE_FLOOR


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f}".removesuffix(".0")


HELP = gettext_lazy("Delete images and empty the trash, or ask the people who run this server for more room.")
