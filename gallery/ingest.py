"""The only way in: bytes → spooled, hashed, decoded in a limited child, stored, one row with its tags.

`prepare` does what is slow and needs no transaction; `commit` makes the row, inside the caller's;
`store` does both. Whatever stops them, there is a complete picture or none, and at most a file without a row.
"""

import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.utils import timezone
from django.utils.translation import gettext

from gallery import decode, tagging
from gallery.files import filenames, leftovers, quotas, renditions, storage
from gallery.files.receiving import IngestError, from_storage, receive
from gallery.models import ConnectionProfile, Generation, Image, ImageText, Tag, User
from gallery.models.base import uuid7

__all__ = ["Facts", "IngestError", "Prepared", "Stored", "commit", "discard", "prepare", "settle", "store"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """How a picture was made."""

    prompt: str = ""  # as typed
    prompt_sent: str = ""
    revised_prompt: str = ""
    negative_prompt: str = ""
    provider: str = ""
    profile: ConnectionProfile | None = None
    model: str = ""
    seed: int | None = None
    params: dict[str, Any] = field(default_factory=dict)
    cost_usd: Decimal | None = None
    cost_source: str = Image.CostSource.UNKNOWN
    generation: Generation | None = None
    parent: Image | None = None
    created_at: datetime | None = None  # None: now


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A picture whose files are stored and which is no row yet.

    Use it in `commit` and then, when that transaction is over, in `settle`; or `discard` it.
    """

    owner: User
    source: str
    file_name: str
    sha256: str
    crc32: int
    bytes: int
    public_id: uuid.UUID
    storage_key: str = ""  # empty: a live picture of the owner has these bytes, and nothing was stored
    decoded: decode.Decoded | None = None
    note: leftovers.Note | None = None  # of what is stored


@dataclass(frozen=True, kw_only=True)
class Stored:
    image: Image
    duplicate: bool  # it was there already, and got the tags


def store(
    owner: User,
    stream: BinaryIO | Path | bytes,
    *,
    source: str,
    file_name: str = "",
    title: str = "",
    source_url: str = "",
    tags: Iterable[Tag] = (),
    tag_origin: str = "person",
    facts: Facts | None = None,
) -> Stored:
    """Take one picture in. Raises `IngestError`; then nothing was kept."""
    prepared = prepare(owner, stream, source=source, file_name=file_name)
    with ExitStack() as undo:
        undo.callback(discard, prepared)
        with transaction.atomic():
            stored = commit(
                prepared, title=title, source_url=source_url, tags=tags, tag_origin=tag_origin, facts=facts
            )
        undo.pop_all()
    settle(prepared)
    return stored


def prepare(
    owner: User,
    stream: BinaryIO | Path | bytes,
    *,
    source: str,
    file_name: str = "",
    tolerant: bool = False,
) -> Prepared:
    """Spool, decode and store the bytes. Raises `IngestError`; then nothing was kept.

    With `tolerant`, a damaged picture is taken in as long as part of it can be seen.
    """
    with ExitStack() as clean_up:
        path, facts = receive(stream, clean_up)
        prepared = Prepared(
            owner=owner, source=source, file_name=filenames.last_part(file_name), public_id=uuid7(), **facts
        )
        if _live_twin(prepared):
            return prepared
        if source != Image.Source.GENERATED:  # what was paid for is kept in any case
            _see_that_there_is_room(owner, prepared.bytes)
        _ask_store()
        try:
            decoded = _decode(path, tolerant)
        except IngestError as exc:
            raise _svg(exc, prepared.file_name) from exc
        return _keep(prepared, path, decoded)


def commit(
    prepared: Prepared,
    *,
    title: str = "",
    source_url: str = "",
    tags: Iterable[Tag] = (),
    tag_origin: str = "person",
    facts: Facts | None = None,
) -> Stored:
    """Make the row, in the caller's transaction. Bytes the owner has already get the tags instead.

    Raises `IngestError` when the picture that was there while preparing has gone since.
    """
    image, duplicate = _row_or_twin(prepared, title, source_url, facts or Facts())
    tags = tuple(tags)
    if tags:
        tagging.add([image], tags, tag_origin)
    if not duplicate:
        ImageText.refresh(image)
    return Stored(image=image, duplicate=duplicate)


def settle(prepared: Prepared) -> None:
    """The transaction with the row is committed: the picture is complete."""
    if prepared.note:
        prepared.note.drop()


def discard(prepared: Prepared) -> None:
    """Delete the files of a picture that became no row. One that did become a row is left alone.

    What cannot be deleted now, or not be known to have no row, housekeeping deletes later.
    """
    if prepared.note is None:
        return
    try:
        _delete_files(prepared)
    except (storage.StorageError, DatabaseError, InterfaceError):
        prepared.note.leave()
    else:
        prepared.note.drop()


def _delete_files(prepared: Prepared) -> None:
    if not Image.objects.filter(storage_key=prepared.storage_key).exists():
        storage.delete(prepared.storage_key)
    if not Image.objects.filter(public_id=prepared.public_id).exists():
        renditions.delete(prepared.owner.pk, prepared.public_id)


def _clean(text: str) -> str:
    """`text` without what databases refuse: NUL and half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


# --- Decoding and storing -------------------------------------------------------------------------


def _decode(path: Path, tolerant: bool) -> decode.Decoded:
    limits = decode.Limits(max_pixels=settings.MAX_IMAGE_PIXELS, tolerant=tolerant)
    try:
        return decode.inspect(path, limits)
    except decode.DecodeError as exc:
        raise IngestError(exc.code, exc.message) from exc


def _svg(exc: IngestError, file_name: str) -> IngestError:
    """Whoever adds an .svg means one, whatever it is packed or written in."""
    if exc.code == "unsupported_type" and file_name.lower().endswith((".svg", ".svgz")):
        return IngestError("svg_not_supported", decode.errors.unsupported("SVG").message)
    return exc


def _keep(prepared: Prepared, path: Path, decoded: decode.Decoded) -> Prepared:
    """Store the original and its thumbnails, or neither."""
    key = storage.original_key(
        prepared.source, prepared.owner.pk, timezone.now(), prepared.sha256, decoded.extension
    )
    kept = replace(
        prepared, storage_key=key, decoded=replace(decoded, thumbnails={}), note=_note(prepared, key)
    )
    with ExitStack() as undo:
        undo.callback(discard, kept)
        try:
            storage.put(key, path, decoded.mime_type, prepared.sha256)
            renditions.put(prepared.owner.pk, prepared.public_id, decoded.thumbnails)
        except storage.StorageError as exc:
            raise from_storage(exc) from exc
        undo.pop_all()
    return kept


def _ask_store() -> None:
    """A store that is away is better known before the picture was decoded."""
    try:
        storage.probe()
    except storage.StorageError as exc:
        raise from_storage(exc) from exc


def _note(prepared: Prepared, key: str) -> leftovers.Note:
    keys = [key, *renditions.keys(prepared.owner.pk, prepared.public_id)]
    try:
        return leftovers.Note(prepared.public_id, keys)
    except OSError as exc:
        raise from_storage(storage.from_os_error(exc)) from exc


# --- The row --------------------------------------------------------------------------------------


def _see_that_there_is_room(owner: User, size: int) -> None:
    try:
        quotas.check(owner, size)
    except quotas.QuotaExceeded as exc:
        raise IngestError(exc.code, exc.message) from exc
    if not quotas.is_room_on_disk():
        raise from_storage(storage.storage_full())


def _live_twin(prepared: Prepared) -> Image | None:
    return Image.objects.owned_by(prepared.owner).live().filter(sha256=prepared.sha256).first()


def _row_or_twin(prepared: Prepared, title: str, source_url: str, facts: Facts) -> tuple[Image, bool]:
    if twin := _live_twin(prepared):
        discard(prepared)
        return twin, True
    if prepared.decoded is None:
        raise IngestError(
            "storage", gettext("The picture that was here already has just been removed. Add it again.")
        )
    try:
        with transaction.atomic():
            return _make_row(prepared, prepared.decoded, title, source_url, facts), False
    except IntegrityError:
        twin = _live_twin(prepared)  # somebody else was faster
        if twin is None:
            raise
        discard(prepared)
        return twin, True


def _make_row(
    prepared: Prepared, decoded: decode.Decoded, title: str, source_url: str, facts: Facts
) -> Image:
    made = {name: value for name, value in vars(facts).items() if name != "created_at"}
    made |= {name: _clean(value) for name, value in made.items() if isinstance(value, str)}
    image = Image.objects.create(
        owner=prepared.owner,
        public_id=prepared.public_id,
        source=prepared.source,
        file_name=prepared.file_name,
        sha256=prepared.sha256,
        crc32=prepared.crc32,
        bytes=prepared.bytes,
        storage_key=prepared.storage_key,
        title=_clean(title)[:200],
        source_url=_clean(source_url)[:2000],
        **_measured(decoded),
        **made,
    )
    if facts.created_at:  # the field itself always says now
        Image.objects.filter(pk=image.pk).update(created_at=facts.created_at)
        image.created_at = facts.created_at
    return image


def _measured(decoded: decode.Decoded) -> dict:
    names = ("mime_type", "width", "height", "frames", "tint", "thumbhash", "phash")
    return {name: getattr(decoded, name) for name in names}
