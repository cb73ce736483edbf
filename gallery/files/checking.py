"""Whether files and rows agree: what is missing, altered or belongs to nobody, and mending what can be.

Nothing is ever deleted that cannot be made again. An original without a row is set aside below `orphaned/`,
and from there, or from another account's copy, a missing or altered original is put back.
"""

import hashlib
import logging
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import batched
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.utils import timezone

from gallery import decode
from gallery.decode import THUMBNAIL_SIZES, sniff
from gallery.files import leftovers, renditions, storage
from gallery.generations import inputs
from gallery.models import Image

log = logging.getLogger(__name__)

ASIDE = "orphaned"
MASKS = "masks"
AT_ONCE = 500
CHUNK = 1 << 20
GRACE = timedelta(hours=1)  # a younger file may belong to a picture that is being taken in just now
THUMBNAIL = re.compile(r"thumbnails/(\d+)/([0-9a-f]{32})-(\d+)\.webp")
TEMPORARY = re.compile(r"\..*\.part")  # a file that never got its name
RIFF = re.compile(rb"RIFF(.{4})WEBP", re.DOTALL)  # how a WebP begins: its length without these first 8 bytes


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `what` is one of WORDS."""

    what: str
    key: str
    mended: bool = False


WORDS = {
    "missing": "original is missing",
    "altered": "original is not what was stored",
    "unreadable": "original cannot be read",
    "measured": "the row has another size than the file",
    "orphaned": "original without a picture",
    "mask_missing": "mask of a generation is missing or altered",
    "mask_orphaned": "mask without a generation",
    "thumbnail_missing": "thumbnail is missing",
    "thumbnail_broken": "thumbnail is no whole picture",
    "thumbnail_orphaned": "thumbnail without a picture",
    "temporary": "left behind by a process that was stopped",
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
    report.findings += _temporary_in_spool(repair)
    report.findings += _orphans(report, repair)  # before rows: what is set aside may be what is missing
    for image in Image.objects.order_by("pk").iterator(chunk_size=AT_ONCE):
        report.pictures += 1
        report.findings += check_picture(image, repair, quick)
    report.findings += _check_masks(repair)
    return report


def check_picture(image: Image, repair: bool = False, quick: bool = False) -> Iterator[Finding]:
    """What is wrong with the files of one picture. Raises `StorageError` when the whole store is away."""
    yield from _check_original(image, repair, quick)
    yield from _check_thumbnails(image, repair, quick)


def look_at(image: Image) -> Iterator[Finding]:
    """The same, with lost thumbnails made again at once and everything else left as it is."""
    yield from _check_original(image, repair=False, quick=False)
    yield from _check_thumbnails(image, repair=True, quick=False)


# --- From rows to files ---------------------------------------------------------------------------


def _check_original(image: Image, repair: bool, quick: bool) -> Iterator[Finding]:
    what = _fault(image, quick)
    if what == "measured":
        yield Finding(what, image.storage_key, mended=repair and _measure(image))
    elif what:
        yield Finding(what, image.storage_key, mended=repair and _put_back(image))


def _fault(image: Image, quick: bool) -> str:
    try:
        size = storage.size(image.storage_key)
        if quick and size == image.bytes:
            return ""
        if _sha256(image.storage_key) != image.sha256:
            return "altered"
        return "" if size == image.bytes else "measured"
    except FileNotFoundError:
        still_there = Image.objects.filter(pk=image.pk, storage_key=image.storage_key).exists()
        return "missing" if still_there else ""
    except (OSError, storage.StorageError) as exc:
        if not _is_of_one_file(exc):
            raise
        log.warning("%s cannot be read: %s", image.storage_key, exc.__cause__ or exc)
        return "unreadable"


def _is_of_one_file(exc: Exception) -> bool:
    """A disk has bad places, and is there all the same; a server that does not answer is away."""
    return isinstance(exc, OSError) or isinstance(exc.__cause__, OSError)


def _measure(image: Image) -> bool:
    Image.objects.filter(pk=image.pk).update(bytes=storage.size(image.storage_key))
    return True


def _check_thumbnails(image: Image, repair: bool, quick: bool) -> Iterator[Finding]:
    keys = [image.thumbnail_key(size) for size in THUMBNAIL_SIZES]
    faults = [(what, key) for key in keys if (what := _thumbnail_fault(key, quick))]
    if faults and Image.objects.filter(pk=image.pk).exists():
        mended = repair and _rebuild(image)
        yield from (Finding(what, key, mended) for what, key in faults)


def _thumbnail_fault(key: str, quick: bool) -> str:
    try:
        size = storage.size(key)
        if size and quick:
            return ""
        with storage.open(key) as file:
            begins = RIFF.fullmatch(file.read(12))
        is_whole = begins and int.from_bytes(begins[1], "little") + 8 == size
        return "" if is_whole else "thumbnail_broken"
    except FileNotFoundError:
        return "thumbnail_missing"
    except (OSError, storage.StorageError) as exc:
        if not _is_of_one_file(exc):
            raise
        return "thumbnail_broken"


def _rebuild(image: Image) -> bool:
    try:
        renditions.rebuild(image)
    except (OSError, decode.DecodeError):
        return False
    return True


def _put_back(image: Image) -> bool:
    """Store the original of `image` again from another copy of the same bytes. False: there is none."""
    others = Image.objects.filter(sha256=image.sha256).exclude(pk=image.pk)
    for key in [f"{ASIDE}/{image.storage_key}", *others.values_list("storage_key", flat=True)]:
        if _digest(key) == image.sha256:
            _replace(key, image.storage_key, image.mime_type)
            return True
    return False


def _check_masks(repair: bool) -> Iterator[Finding]:
    """Masks are called by their checksum."""
    for key in inputs.mask_keys():
        if _digest(key) != PurePosixPath(key).stem:
            yield Finding("mask_missing", key, mended=repair and _bring_mask(key))


def _bring_mask(key: str) -> bool:
    aside = f"{ASIDE}/{key}"
    if _digest(aside) != PurePosixPath(key).stem:
        return False
    _replace(aside, key, _mime_type(key))
    return True


# --- From files to rows ---------------------------------------------------------------------------


def _orphans(report: Report, repair: bool) -> Iterator[Finding]:
    for folder in storage.FOLDERS.values():
        for files in batched(_old_files(folder, report), AT_ONCE):
            known = Image.objects.filter(storage_key__in=files).values_list("storage_key", flat=True)
            yield from _belong_to_nobody(set(files) - set(known), "orphaned", repair)
    for files in batched(_old_files(MASKS, report), AT_ONCE):
        yield from _belong_to_nobody(set(files) - inputs.masks_among(files), "mask_orphaned", repair)
    for files in batched(_old_files("thumbnails", report), AT_ONCE):
        for key in _without_picture(files):
            if repair:
                storage.delete(key)
            yield Finding("thumbnail_orphaned", key, mended=repair)


def _belong_to_nobody(keys: Iterable[str], what: str, repair: bool) -> Iterator[Finding]:
    for key in sorted(keys):
        if TEMPORARY.fullmatch(PurePosixPath(key).name):
            if repair:
                storage.delete(key)
            yield Finding("temporary", key, mended=repair)
        else:
            yield Finding(what, key, mended=repair and _set_aside(key))


def _temporary_in_spool(repair: bool) -> list[Finding]:
    found = [Finding("temporary", f"spool/{path.name}", mended=repair) for path in leftovers.old_temporary()]
    if repair:
        leftovers.sweep_spool()
    return found


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
    """Move the file below `orphaned/`. False: it cannot be read, or is not the same there."""
    if not (digest := _digest(key)):
        return False
    _replace(key, f"{ASIDE}/{key}", _mime_type(key))
    if _digest(f"{ASIDE}/{key}") != digest:
        return False
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


def _digest(key: str) -> str:
    """The checksum of a file, or "" for one that is not there or cannot be read."""
    try:
        return _sha256(key)
    except (OSError, storage.StorageError) as exc:
        if not _is_of_one_file(exc):
            raise
        return ""


def _replace(source: str, target: str, mime_type: str) -> None:
    """Copy within the store, by way of the spool; what was at `target` before is gone once it is there."""
    settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        storage.open(source) as original,
        NamedTemporaryFile(dir=settings.SPOOL_DIR, prefix=storage.SPOOL_PREFIX) as copy,
    ):
        while chunk := original.read(CHUNK):
            copy.write(chunk)
        copy.flush()
        storage.put(target, Path(copy.name), mime_type)
