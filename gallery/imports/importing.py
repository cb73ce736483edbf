"""Imports: a list of addresses, or an archive, brought in as a job that survives its worker.

Each entry ends in one transaction: picture, tags, the entry's state and the job's progress. A worker that is
killed leaves the entry waiting, and the next one takes it up; nothing comes in twice.
"""

import logging
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from django.db import DatabaseError, connections, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from gallery import ingest, tasks
from gallery.files import filenames
from gallery.generations import admission
from gallery.imports import archives, import_sources
from gallery.imports.archives import ArchiveError
from gallery.imports.import_sources import Bring
from gallery.ingest import IngestError
from gallery.models import Image, ImageTag, Import, ImportEntry, QueuedTask, Tag, User
from gallery.work import leases, occupation
from providers.egress import EgressError

log = logging.getLogger(__name__)

MAX_ADDRESSES = 500
MAX_ADDRESS = 2000  # characters
AT_ONCE = 4  # addresses fetched side by side
RETRY_AFTER = timedelta(minutes=1)  # when the disk was full, or the store away
SET_ASIDE = (
    "This import stopped the server three times, so it was set aside. What had come in is kept. "
    "Import the rest in smaller parts, and tell the people who run this server."
)
WAKE_AFTER = timedelta(seconds=10)  # a job that nobody took up until then has lost its wake-up

# Entries that are refused with these are no pictures, whatever they are called.
NO_PICTURES = {"unsupported_type", "svg_not_supported", "not_a_picture", "entry_skipped", "empty_file"}

Status, State = Import.Status, ImportEntry.State


class ImportRefused(Exception):
    """An import that was not begun. The message says why, to the person who asked."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


class Superseded(Exception):
    """The job is not this worker's any more: it was stopped, or somebody else has taken it up."""


# --- Beginning and stopping -----------------------------------------------------------------------


def create_from_urls(owner: User, urls: Iterable[str], tags: Iterable[Tag] = ()) -> Import:
    """Make a job of `urls` and queue it. Blank ones and repetitions are dropped. Raises `ImportRefused`."""
    addresses = list(dict.fromkeys(address for url in urls if (address := _clean(url))))
    if not addresses:
        raise ImportRefused("no_addresses", "Give at least one address, one on each line.")
    if len(addresses) > MAX_ADDRESSES:
        raise ImportRefused(
            "too_many_addresses",
            f"These are {len(addresses):,} addresses. At most {MAX_ADDRESSES} can be imported at once.",
        )
    if long := next((address for address in addresses if len(address) > MAX_ADDRESS), None):
        raise ImportRefused(
            "invalid_address",
            f"“{long[:60]}…” is too long. An address has at most {MAX_ADDRESS:,} characters.",
        )
    return _create(owner, [ImportEntry(name=address) for address in addresses], tags)


def create_from_archive(owner: User, file: BinaryIO, name: str, tags: Iterable[Tag] = ()) -> Import:
    """Make a job of the ZIP or CHARX in `file` and queue it. Raises `ImportRefused`; then nothing is kept."""
    with ExitStack() as undo:
        try:
            path = import_sources.spool(file)
            undo.callback(import_sources.drop, path.name)
            with archives.open_archive(path) as archive:
                entries = [_entry_row(entry) for entry in archive.entries]
            import_sources.share(path)
        except (ArchiveError, IngestError) as exc:
            raise ImportRefused(exc.code, exc.message) from exc
        job = _create(owner, entries, tags, archive_name=filenames.last_part(name), archive_spool=path.name)
        undo.pop_all()
    return job


def cancel(job: Import) -> None:
    """Stop `job` before its next entry. What has come in stays."""
    Import.objects.filter(pk=job.pk, status=Status.RUNNING).update(cancel_requested=True)
    waiting = Import.objects.filter(pk=job.pk, status=Status.QUEUED)  # nobody works on it
    if waiting.update(status=Status.CANCELLED, cancel_requested=True, finished_at=timezone.now()):
        import_sources.drop_archive(job)


def _create(owner: User, entries: list[ImportEntry], tags: Iterable[Tag], **fields: str) -> Import:
    done = sum(entry.state != State.WAITING for entry in entries)
    with transaction.atomic():
        try:
            admission.admit_import(owner)
        except admission.TooMany as exc:
            raise ImportRefused("too_many", exc.message) from exc
        job = Import.objects.create(owner=owner, total=len(entries), done=done, **fields)
        job.tags.set(tags)
        for index, entry in enumerate(entries):
            entry.job, entry.index = job, index if not job.archive_spool else entry.index
        ImportEntry.objects.bulk_create(entries, batch_size=500)
        transaction.on_commit(partial(tasks.run_import.enqueue, job.pk))
    return job


def _entry_row(entry: archives.Entry) -> ImportEntry:
    if entry.refusal is None:
        return ImportEntry(index=entry.index, name=entry.name)
    return ImportEntry(
        index=entry.index,
        name=entry.name,
        state=State.FAILED,
        error_code=entry.refusal.code,
        error_message=entry.refusal.message,
    )


def _clean(url: str) -> str:
    """The address without what surrounds it; what cannot be shown in its midst is marked, and refused later.

    Taking it out would make another address of it than the one that was given.
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in url).strip(" \ufffd")


# --- Running --------------------------------------------------------------------------------------


def run(import_id: int) -> None:
    """Bring in what still waits, unless somebody else is at it."""
    free = Import.objects.filter(pk=import_id, status__in=Import.ACTIVE)
    token = leases.claim(free, status=Status.RUNNING, error_message="")
    if token is None:
        return
    job = Import.objects.select_related("owner").get(pk=import_id)
    occupation.note(import_id=job.public_id, user_id=job.owner_id)
    with leases.hold(job, token):
        try:
            _take_all(job, token)
        except IngestError as exc:  # the disk is full or the store away: the rest waits
            _pause(job, token, exc.message)
        except ArchiveError as exc:
            _finish(job, token, failure=exc.message)
        except Superseded:
            _finish(job, token)
        else:
            _finish(job, token)


def give_up(import_id: int) -> None:
    """End a job that stopped its worker again and again."""
    token = leases.claim(Import.objects.filter(pk=import_id, status__in=Import.ACTIVE))
    if token:
        _finish(Import.objects.get(pk=import_id), token, failure=SET_ASIDE)


def recover() -> None:
    """Wake a worker for every job that none is at."""
    now = timezone.now()
    unclaimed = Q(lease_until=None, created_at__lt=now - WAKE_AFTER)
    left = Import.objects.filter(unclaimed | Q(lease_until__lt=Now()), status__in=Import.ACTIVE)
    for pk in left.values_list("pk", flat=True):
        if not QueuedTask.objects.filter(path=tasks.run_import.module_path, args=[pk]).exists():
            tasks.run_import.enqueue(pk)


def _take_all(job: Import, token: uuid.UUID) -> None:
    waiting = list(job.entries.filter(state=State.WAITING))
    tags = list(job.tags.all())
    with import_sources.opened(job) as bring:
        take = partial(_take, job, token, tags, bring)
        if job.archive_spool:
            for entry in waiting:
                take(entry)
        else:
            _side_by_side(take, waiting)


def _side_by_side(take: Callable[[ImportEntry], None], entries: list[ImportEntry]) -> None:
    def take_and_hang_up(entry: ImportEntry) -> None:
        try:
            take(entry)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="import") as pool:
        for _ in pool.map(take_and_hang_up, entries):  # the first error stops those that have not begun
            pass


def _take(job: Import, token: uuid.UUID, tags: list[Tag], bring: Bring, entry: ImportEntry) -> None:
    """Bring one entry in, or write down why not.

    Raises `Superseded`, and `IngestError` when this and all others have to wait.
    """
    if not Import.objects.filter(pk=job.pk, attempt_token=token, cancel_requested=False).exists():
        raise Superseded
    try:
        with bring(entry) as stream:
            name = entry.name if job.archive_spool else unquote(urlsplit(entry.name).path)
            prepared = ingest.prepare(job.owner, stream, source=Image.Source.IMPORT, file_name=name)
        _keep(job, token, tags, entry, prepared)
    except (ArchiveError, EgressError) as exc:
        _fail(job, token, entry, exc.code, exc.message)
    except IngestError as exc:
        if exc.retryable:
            raise
        _fail(job, token, entry, exc.code, exc.message)
    except (Superseded, DatabaseError):
        raise
    except Exception:  # one odd file must not stop the others
        log.exception("Entry %s of import %s failed", entry.index, job.pk)
        _fail(job, token, entry, "internal", "Something went wrong with this one. The log says what.")


def _keep(
    job: Import, token: uuid.UUID, tags: list[Tag], entry: ImportEntry, prepared: ingest.Prepared
) -> None:
    address = "" if job.archive_spool else entry.name
    with ExitStack() as undo:
        undo.callback(ingest.discard, prepared)
        with transaction.atomic():
            _still_ours(job, token)
            stored = ingest.commit(prepared, source_url=address, tags=tags, tag_origin=ImageTag.Origin.IMPORT)
            state = State.DUPLICATE if stored.duplicate else State.ADDED
            _settle(job, entry, state=state, image=stored.image)
        undo.pop_all()
    ingest.settle(prepared)


@transaction.atomic
def _fail(job: Import, token: uuid.UUID, entry: ImportEntry, code: str, message: str) -> None:
    _still_ours(job, token)
    _settle(job, entry, state=State.FAILED, error_code=code[:30], error_message=message)


def _still_ours(job: Import, token: uuid.UUID) -> None:
    """Lock the job for this transaction. Raises `Superseded` when another worker has it."""
    if not Import.objects.select_for_update(no_key=True).filter(pk=job.pk, attempt_token=token):
        raise Superseded


def _settle(job: Import, entry: ImportEntry, **outcome: Any) -> None:
    ImportEntry.objects.filter(pk=entry.pk).update(**outcome)
    Import.objects.filter(pk=job.pk).update(done=F("done") + 1)


# --- The end --------------------------------------------------------------------------------------


def _finish(job: Import, token: uuid.UUID, failure: str = "") -> None:
    """Write down how the job ended, unless another worker has taken it up."""
    with transaction.atomic():
        ours = Import.objects.select_for_update(no_key=True).filter(pk=job.pk, attempt_token=token).first()
        if ours is None:
            return
        came_in = ours.entries.filter(state__in=[State.ADDED, State.DUPLICATE]).exists()
        if ours.cancel_requested and ours.done < ours.total:
            ours.status = Status.CANCELLED
        elif failure or not came_in:
            ours.status, ours.error_message = Status.FAILED, failure or _why_nothing(ours)
        else:
            ours.status = Status.DONE
        ours.lease_until, ours.attempt_token, ours.finished_at = None, None, timezone.now()
        ours.save(update_fields=["status", "error_message", "lease_until", "attempt_token", "finished_at"])
    import_sources.drop_archive(ours)


def _why_nothing(job: Import) -> str:
    failed = list(job.entries.filter(state=State.FAILED)[:2])
    if len(failed) == 1:
        return failed[0].error_message
    return f"None of these {job.total:,} could be imported. The list says why."


def failure_code(job: Import) -> str:
    """Why nothing came in at all, in one word; "" for a job that is not done or brought something in."""
    if job.status != Status.FAILED:
        return ""
    codes = set(job.entries.filter(state=State.FAILED).values_list("error_code", flat=True).distinct())
    if job.archive_name and codes and codes <= NO_PICTURES:
        return "no_images_in_archive"
    return min(codes - NO_PICTURES or codes, default="archive_gone")


def _pause(job: Import, token: uuid.UUID, message: str) -> None:
    """Let the job wait; `recover` wakes it again."""
    Import.objects.filter(pk=job.pk, attempt_token=token).update(
        status=Status.QUEUED,
        lease_until=timezone.now() + RETRY_AFTER,
        attempt_token=None,
        error_message=message,
    )
