"""Pictures on their way: the previews that a vendor sends while it draws.

Two of each call are kept as WebP, made in the decode process: the newest, and the one that it fades in over.
They lie in the spool, or, with a database server, which web servers of other machines reach as well, in rows.
They stay a minute longer than the call, so that nobody who follows it misses one.
"""

import logging
import os
import shutil
import tempfile
import threading
import uuid
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from gallery import decode
from gallery.models import CallPreview, Generation, GenerationCall
from providers.base import PartialImage

log = logging.getLogger(__name__)

KEPT = 2  # previews of a call
STAY = timedelta(minutes=1)
PATIENCE = 2.0  # seconds; a preview that has to wait longer is left out
SIZE = 1280  # pixels, longest side
State = GenerationCall.State
# One preview is decoded at a time, so that pictures which were paid for find a free decode process.
TURN = threading.Lock()


def folder_of(call_id: uuid.UUID) -> Path:
    return settings.SPOOL_DIR / "partials" / call_id.hex


def keep(call: GenerationCall, partial: PartialImage) -> None:
    """Keep one preview of `call`, and let its pages know. One that cannot be read now is left out."""
    folder = folder_of(call.public_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not TURN.acquire(timeout=PATIENCE):
        return
    try:
        data = _small(partial.data, folder)
    except decode.DecodeError as exc:
        log.info("A preview of call %s cannot be shown: %s", call.public_id, exc.message)
        return
    finally:
        TURN.release()
    known = numbers_of(call.public_id)
    _write(call, known[-1] + 1 if known else 0, data)
    for number in known[: 1 - KEPT]:
        _drop(call, number)
    Generation.objects.filter(pk=call.generation_id).update(revision=F("revision") + 1)


def numbers_of(call_id: uuid.UUID) -> list[int]:
    """The numbers of the previews that are there, oldest first."""
    if are_rows():
        return list(_rows(call_id).order_by("number").values_list("number", flat=True))
    try:
        names = os.listdir(folder_of(call_id))
    except FileNotFoundError:
        return []
    return sorted(int(stem) for stem, _, end in (name.partition(".") for name in names) if end == "webp")


def read(call_id: uuid.UUID, number: int) -> bytes | None:
    """One preview as WebP, or None when it is gone."""
    if are_rows():
        data = _rows(call_id).filter(number=number).values_list("data", flat=True).first()
        return None if data is None else bytes(data)
    try:
        return _path(folder_of(call_id), number).read_bytes()
    except FileNotFoundError:
        return None


def sweep() -> None:
    """Delete the previews of calls that ended a while ago."""
    if are_rows():
        CallPreview.objects.exclude(call__in=GenerationCall.objects.filter(_recent())).delete()
    ids = [uuid.UUID(hex=path.name) for path in (settings.SPOOL_DIR / "partials").glob("*")]
    if not ids:
        return
    calls = GenerationCall.objects.filter(_recent(), public_id__in=ids)
    wanted = set(calls.values_list("public_id", flat=True))
    for call_id in set(ids) - wanted:
        shutil.rmtree(folder_of(call_id), ignore_errors=True)


def are_rows() -> bool:
    """Whether there may be web servers that do not see this spool."""
    return connection.vendor != "sqlite"


def _rows(call_id: uuid.UUID) -> QuerySet[CallPreview]:
    return CallPreview.objects.filter(call__public_id=call_id)


def _recent() -> Q:
    return Q(state__in=[State.SENT, State.ANSWERED]) | Q(finished_at__gt=timezone.now() - STAY)


def _small(data: bytes, folder: Path) -> bytes:
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(data)
        file.flush()
        limits = decode.Limits(max_pixels=settings.MAX_IMAGE_PIXELS)
        return decode.inspect(Path(file.name), limits).thumbnails[SIZE]


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number}.webp"


def _drop(call: GenerationCall, number: int) -> None:
    if are_rows():
        call.previews.filter(number=number).delete()
    else:
        _path(folder_of(call.public_id), number).unlink(missing_ok=True)


def _write(call: GenerationCall, number: int, data: bytes) -> None:
    """Write beside it and rename, so that no reader sees half a picture."""
    if are_rows():
        call.previews.create(number=number, data=data)
        return
    folder = folder_of(call.public_id)
    part = folder / f"{number}.part"
    part.write_bytes(data)
    part.rename(_path(folder, number))
