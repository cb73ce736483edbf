"""The raw answer to a call: a file in the spool of the machine that sent the call, for seven days."""

from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils import timezone

from gallery.files import places
from gallery.models import GenerationCall
from providers import spooling
from providers.errors import BadResponse

SPOOL_LIFE = timedelta(days=7)


def spool_of(call: GenerationCall) -> Path:
    return settings.SPOOL_DIR / f"{call.public_id.hex}.answer"


def raw_path(call: GenerationCall) -> Path | None:
    """Where the vendor's raw answer lies, or what came of it; None where nothing is kept."""
    paths = (spool_of(call), spool_of(call).with_suffix(".cut"))
    return next((path for path in paths if path.exists()), None)


def lie_elsewhere(call: GenerationCall) -> bool:
    """Whether what the vendor sent, if it sent anything, is kept in a spool that is not seen from here."""
    if call.place in ("", places.here()) or raw_path(call):
        return False
    return call.finished_at is not None and call.finished_at > timezone.now() - SPOOL_LIFE


def open_raw(call: GenerationCall) -> BinaryIO | None:
    """The raw body of an answer without its pictures in rows, for who paid for it.

    Of answers that are errors, none: servers repeat keys in them.
    """
    path = raw_path(call)
    if path is None:
        return None
    try:
        answer = spooling.open_answer(path)
    except (BadResponse, FileNotFoundError):
        return None
    if not 200 <= answer.status < 300:
        return None
    body = path.open("rb")
    body.seek(answer.body_offset)
    return body
