"""What a new installation stands on: whether it is safe to make an account here, and where pictures go."""

import shutil
from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils.translation import gettext

from gallery.files import storage
from gallery.systemchecks import checks

USUAL_PICTURE = 2_500_000  # bytes, with its previews


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where originals and previews are kept."""

    folder: str  # empty when they are in a bucket
    bucket: str
    free: int  # bytes on this server's disk

    @property
    def pictures(self) -> int:
        """How many the disk has room for, roughly: one figure that counts."""
        n = self.free // USUAL_PICTURE
        return n - n % 10 ** (len(str(n)) - 1)


def place() -> Place:
    is_s3 = settings.MEDIA_STORAGE == "s3"
    return Place(
        folder="" if is_s3 else str(settings.MEDIA_ROOT),
        bucket=getattr(default_storage, "bucket_name", "") if is_s3 else "",
        free=shutil.disk_usage(settings.DATA_DIR).free,
    )


def try_writing() -> str:
    """Write a few bytes to the store. Returns what stood in the way; empty when nothing did."""
    try:
        storage.probe()
    except storage.StorageError as exc:
        return exc.message
    return ""


def dangers() -> list[str]:
    """Settings with which the first account would not be its owner's alone, in words."""
    words = {
        gettext(
            "DEBUG is on: whoever meets an error sees code and settings. Take DEBUG out of the environment."
        ): settings.DEBUG,
        gettext(
            "SECRET_KEY can be guessed, and with it every log-in. Leave it out, and a good one is made."
        ): bool(checks.check_secret_key(None)),
        gettext(
            "Anybody can sign up. Take SIGNUP_ENABLED out until your own account is made."
        ): settings.SIGNUP_ENABLED,
    }
    return [sentence for sentence, is_so in words.items() if is_so]
