"""Moving the pictures to another store while the application runs: every file is copied and read again.

What is there already, under its key and with its size, was copied before: a store shows a file when it is
complete and not sooner. So a run that was stopped is simply run again, and one that had ended does nothing.
Rows say what there is to copy, and nothing is deleted anywhere.
"""

import hashlib
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.utils.module_loading import import_string

from gallery.files import renditions, storage
from gallery.files.storage import StorageError, Store
from gallery.generations import inputs
from gallery.models import Image

CHUNK = 1 << 20
AT_ONCE = 200  # pictures that are read from the database together
HANDS = 8  # files that are copied side by side
LATE = 1_000  # keys before the last: a picture may be saved after one with a higher key
OTHER = {"local": "s3", "s3": "local"}

type OnStep = Callable[[int, int], None]  # pictures done, pictures in all


class MovingError(Exception):
    """Nothing can be moved as things are; the message is for the operator."""


class Damaged(Exception):
    """The bytes are not those that were once stored."""


@dataclass(frozen=True, kw_only=True)
class File:
    key: str
    mime_type: str
    sha256: str = ""  # empty: nobody has written it down
    image: int | None = None  # whose it is
    can_be_made_again: bool = False


@dataclass
class Report:
    pictures: int = 0
    copied: int = 0
    bytes: int = 0  # of what was copied
    there: int = 0  # files that had been copied before
    without: int = 0  # thumbnails that are nowhere; `rebuild_thumbnails` makes them
    failures: list[tuple[str, str]] = field(default_factory=list)  # key, what is wrong

    def take(self, file: File, outcome: int | Exception | None) -> None:
        """Note what became of a file: bytes copied, None for one that was there, or why it was not."""
        if outcome is None:
            self.there += 1
        elif isinstance(outcome, int):
            self.copied, self.bytes = self.copied + 1, self.bytes + outcome
        elif file.can_be_made_again and isinstance(outcome, FileNotFoundError):
            self.without += 1
        else:
            self.failures.append((file.key, _words(outcome)))


def _words(problem: Exception) -> str:
    if isinstance(problem, Damaged):
        return "is not what was stored"
    return "is missing" if isinstance(problem, FileNotFoundError) else "cannot be read or written"


def stores(to: str) -> tuple[Store, Store]:
    """The store to copy from, and the one to copy to. Raises `MovingError`."""
    if settings.MEDIA_STORES["s3"] is None:
        raise MovingError("Name the bucket first: set AWS_STORAGE_BUCKET_NAME and the other AWS_ variables.")
    return _made(OTHER[to]), _made(to)


def _made(name: str) -> Store:
    recipe = cast(dict[str, Any], settings.MEDIA_STORES[name])
    return import_string(recipe["BACKEND"])(**recipe["OPTIONS"])


def copy_all(source: Store, target: Store, on_step: OnStep = lambda done, total: None) -> Report:
    """Copy what `target` lacks, also what comes in meanwhile. Raises `StorageError` when a store is away."""
    settings.SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.probe()
    report, total = Report(), Image.objects.count()
    with ThreadPoolExecutor(HANDS, thread_name_prefix="moving") as hands:
        for images in _pictures():
            _copy_some([file for image in images for file in _files_of(image)], source, target, report, hands)
            report.pictures += len(images)
            on_step(report.pictures, max(report.pictures, total))
        for keys in batched(inputs.mask_keys(), AT_ONCE):
            _copy_some([_mask(key) for key in keys], source, target, report, hands)
    return report


# --- What there is --------------------------------------------------------------------------------


def _pictures() -> Iterator[list[Image]]:
    """All pictures, the trash too, in the order of their keys, and then those that came late."""
    last, seen = 0, deque[int](maxlen=LATE)
    while some := list(_after(last)):
        last = some[-1].pk
        seen.extend(image.pk for image in some)
        yield some
    newest = Image.objects.filter(pk__gt=max(0, last - LATE)).order_by("pk")
    if late := [image for image in newest if image.pk not in seen]:
        yield late


def _after(key: int) -> Iterable[Image]:
    needed = ("pk", "owner_id", "public_id", "storage_key", "sha256", "mime_type")
    return Image.objects.filter(pk__gt=key).order_by("pk").only(*needed)[:AT_ONCE]


def _files_of(image: Image) -> list[File]:
    original = File(key=image.storage_key, mime_type=image.mime_type, sha256=image.sha256, image=image.pk)
    thumbnails = renditions.keys(image.owner_id, image.public_id)
    return [original, *(_thumbnail(key, image.pk) for key in thumbnails)]


def _thumbnail(key: str, image: int) -> File:
    return File(key=key, mime_type=renditions.MIME_TYPE, image=image, can_be_made_again=True)


def _mask(key: str) -> File:
    """Masks are called by their checksum."""
    return File(key=key, mime_type=inputs.MASK_TYPE, sha256=PurePosixPath(key).stem)


# --- Copying --------------------------------------------------------------------------------------


def _copy_some(
    files: list[File], source: Store, target: Store, report: Report, hands: ThreadPoolExecutor
) -> None:
    outcomes = list(hands.map(lambda file: _try(file, source, target), files))
    pictures = {file.image for file in files if file.image is not None}
    alive = set(Image.objects.filter(pk__in=pictures).values_list("pk", flat=True))
    for file, outcome in zip(files, outcomes, strict=True):
        if file.image is None or file.image in alive:
            report.take(file, outcome)
        elif isinstance(outcome, int):
            target.delete(file.key)  # somebody has just deleted the picture for good


def _try(file: File, source: Store, target: Store) -> int | Exception | None:
    """Copy one file. `StorageError` is raised when a whole store does not answer or is full."""
    try:
        return _copy(file, source, target)
    except (FileNotFoundError, Damaged) as exc:
        return exc
    except StorageError as exc:
        if exc.code == "storage" and isinstance(exc.__cause__, OSError):
            return exc.__cause__  # a bad place on a disk that is there all the same
        raise


def _copy(file: File, source: Store, target: Store) -> int | None:
    """Copy the file unless it is there, and read it again. Returns its bytes, or None."""
    there = _size(target, file.key)
    try:
        if there is not None and there == source.size(file.key):
            return None
        opened = source.open_to_read(file.key)
    except FileNotFoundError:
        if there is not None:
            return None  # it came in after the stores were exchanged
        raise
    with tempfile.NamedTemporaryFile(dir=settings.SPOOL_DIR, prefix=storage.SPOOL_PREFIX) as copy:
        with opened:
            digest, size = _hash(opened, copy)
        if file.sha256 and digest != file.sha256:
            raise Damaged
        copy.flush()
        target.put(file.key, Path(copy.name), file.mime_type)  # not once only: what is there may be half
    with target.open_to_read(file.key) as written:
        if _hash(written)[0] != digest:
            raise Damaged
    return size


def _size(store: Store, key: str) -> int | None:
    try:
        return store.size(key)
    except FileNotFoundError:
        return None


def _hash(file: BinaryIO, copy: IO[bytes] | None = None) -> tuple[str, int]:
    """SHA-256 and length of the rest of `file`, which goes into `copy` as well."""
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if copy:
            copy.write(chunk)
    return digest.hexdigest(), size
