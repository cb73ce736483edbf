"""Whether files and rows agree: what is missing, altered or belongs to nobody, and mending what can be.

Nothing is ever deleted that cannot be made again. An original without a row is set aside below `orphaned/`,
and from there, or from another account's copy, a missing or altered original is put back.
"""

import hashlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import batched
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.utils import timezone

from gallery import decode, renditions, storage
from gallery.decode import THUMBNAIL_SIZES, sniff
from gallery.models import Image

ASIDE = "orphaned"
AT_ONCE = 500
CHUNK = 1 << 20
GRACE = timedelta(hours=1)  # a younger file may belong to a picture that is being taken in just now
THUMBNAIL = re.compile(r"thumbnails/(\d+)/([0-9a-f]{32})-(\d+)\.webp")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `what` is one of WORDS."""

    what: str
    key: str
    mended: bool = False


WORDS = {
    "missing": "original is missing",
    "altered": "original is not what was stored",
    "orphaned": "original without a picture",
    "thumbnail_missing": "thumbnail is missing",
    "thumbnail_orphaned": "thumbnail without a picture",
}


@dataclass
class Report:
    pictures: int = 0
    files: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def open(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.mended]


def check(*, repair: bool = False, quick: bool = False) -> Report:
    """Compare every row with the store and every file with the rows. Raises `StorageError`.

    `quick` compares sizes where otherwise every original is read. Run with `repair` a second time, it finds
    nothing but what cannot be mended: originals of which there is no other copy.
    """
    report = Report()
    report.findings += _orphans(report, repair)  # first: what is set aside may be what is missing
    for image in Image.objects.order_by("pk").iterator(chunk_size=AT_ONCE):
        report.pictures += 1
        report.findings += _check_original(image, repair, quick)
        report.findings += _check_thumbnails(image, repair)
    return report


# --- From rows to files ---------------------------------------------------------------------------


def _check_original(image: Image, repair: bool, quick: bool) -> Iterator[Finding]:
    if what := _fault(image, quick):
        yield Finding(what, image.storage_key, mended=repair and _put_back(image))


def _fault(image: Image, quick: bool) -> str:
    try:
        right = storage.size(image.storage_key) == image.bytes
        right = right and (quick or _sha256(image.storage_key) == image.sha256)
    except FileNotFoundError:
        still_there = Image.objects.filter(pk=image.pk, storage_key=image.storage_key).exists()
        return "missing" if still_there else ""
    return "" if right else "altered"


def _check_thumbnails(image: Image, repair: bool) -> Iterator[Finding]:
    missing = [key for size in THUMBNAIL_SIZES if not _holds_something(key := image.thumbnail_key(size))]
    if missing and Image.objects.filter(pk=image.pk).exists():
        mended = repair and _rebuild(image)
        yield from (Finding("thumbnail_missing", key, mended) for key in missing)


def _holds_something(key: str) -> bool:
    try:
        return storage.size(key) > 0
    except FileNotFoundError:
        return False


def _rebuild(image: Image) -> bool:
    try:
        renditions.rebuild(image)
    except (FileNotFoundError, decode.DecodeError):
        return False
    return True


def _put_back(image: Image) -> bool:
    """Store the original of `image` again from another copy of the same bytes. False: there is none."""
    others = Image.objects.filter(sha256=image.sha256).exclude(pk=image.pk)
    for key in [f"{ASIDE}/{image.storage_key}", *others.values_list("storage_key", flat=True)]:
        try:
            if _sha256(key) == image.sha256:
                _replace(key, image.storage_key, image.mime_type, image.sha256)
                return True
        except FileNotFoundError:
            continue
    return False


# --- From files to rows ---------------------------------------------------------------------------


def _orphans(report: Report, repair: bool) -> Iterator[Finding]:
    for folder in storage.FOLDERS.values():
        for files in batched(_old_files(folder, report), AT_ONCE):
            known = Image.objects.filter(storage_key__in=files).values_list("storage_key", flat=True)
            for key in sorted(set(files) - set(known)):
                yield Finding("orphaned", key, mended=repair and _set_aside(key))
    for files in batched(_old_files("thumbnails", report), AT_ONCE):
        for key in _without_picture(files):
            if repair:
                storage.delete(key)
            yield Finding("thumbnail_orphaned", key, mended=repair)


def _old_files(folder: str, report: Report) -> Iterator[str]:
    before = timezone.now() - GRACE
    for file in storage.files(folder):
        report.files += 1
        if file.modified < before:
            yield file.key


def _without_picture(keys: tuple[str, ...]) -> list[str]:
    named = {key: match for key in keys if (match := THUMBNAIL.fullmatch(key))}
    pictures = {uuid.UUID(hex=match[2]) for match in named.values()}
    rows = Image.objects.filter(public_id__in=pictures).values_list("public_id", "owner_id")
    belonging = {(public_id.hex, owner_id) for public_id, owner_id in rows}
    return [key for key in keys if key not in named or (named[key][2], int(named[key][1])) not in belonging]


def _set_aside(key: str) -> bool:
    _replace(key, f"{ASIDE}/{key}", _mime_type(key), _sha256(key))
    storage.delete(key)
    return True


def _mime_type(key: str) -> str:
    return sniff.MIME_TYPES.get(PurePosixPath(key).suffix.lstrip("."), "application/octet-stream")


# --- Bytes ----------------------------------------------------------------------------------------


def _sha256(key: str) -> str:
    digest = hashlib.sha256()
    with storage.open(key) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _replace(source: str, target: str, mime_type: str, sha256: str) -> None:
    """Copy within the store, by way of the spool; whatever was at `target` before is gone then."""
    settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        storage.open(source) as original,
        NamedTemporaryFile(dir=settings.SPOOL_DIR, prefix="incoming-") as copy,
    ):
        while chunk := original.read(CHUNK):
            copy.write(chunk)
        copy.flush()
        storage.delete(target)  # S3 writes an original once
        storage.put(target, Path(copy.name), mime_type, sha256)
