"""What must hold after a worker was killed and another one has taken up what it left."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from gallery.decode import THUMBNAIL_SIZES
from gallery.files import checking, places, storage
from gallery.generations import answers
from gallery.models import Generation, GenerationCall, Image
from providers import spooling
from tests.crash.stage import PICTURES

State = GenerationCall.State


@dataclass(frozen=True, kw_only=True)
class Wreck:
    """How a killed worker left a call."""

    state: str
    is_answered: bool  # the whole answer is on the disk
    posts: int


def examine(call: GenerationCall, posts: int) -> Wreck:
    call.refresh_from_db()
    return Wreck(state=call.state, is_answered=answers.spool_of(call).exists(), posts=posts)


def violations(asked: Generation, wreck: Wreck, posts: int) -> Iterator[str]:
    """Each promise that was broken, as a sentence."""
    asked.refresh_from_db()
    yield from _double(wreck, posts)
    yield from _lost(asked, wreck, posts)
    if asked.status == "done":
        yield from complete(asked)
    elif asked.results.exists():
        yield f"It is {asked.status} and has pictures."
    yield from litter()


def _double(wreck: Wreck, posts: int) -> Iterator[str]:
    if posts > 1:
        yield f"The vendor got {posts} POSTs."
    if wreck.state == State.QUEUED and wreck.posts:
        yield "The request went out before the row said so."
    if wreck.state != State.QUEUED and posts > wreck.posts:
        yield "It was sent after the worker had been killed."


def _lost(asked: Generation, wreck: Wreck, posts: int) -> Iterator[str]:
    may_be_unknown = wreck.state == State.SENT and not wreck.is_answered
    if asked.status not in ("done", "unknown"):
        yield f"It ended as {asked.status}: {asked.error_message}"
    if asked.status == "unknown" and not may_be_unknown:
        yield f"A call that was {wreck.state} became unknown; its answer was there: {wreck.is_answered}."
    if asked.status == "unknown" and not (asked.may_have_been_charged and asked.error_message):
        yield "Nobody says that it may have been charged."
    if asked.status == "done" and posts != 1:
        yield f"It is done with {posts} POSTs."


def complete(asked: Generation) -> Iterator[str]:
    """What is wrong with the pictures of a generation that is done."""
    results = list(asked.results.select_related("image"))
    if [result.index for result in results] != list(range(PICTURES)):
        yield f"Its pictures are numbered {[result.index for result in results]}."
    if len({result.image_id for result in results}) != len(results):
        yield "One picture stands twice."
    if Image.objects.filter(generation=asked).count() != PICTURES:
        yield "It has made another number of pictures than it shows."
    for result, paid in zip(results, answered(asked), strict=False):
        with storage.open(result.image.storage_key) as file:
            if not paid == result.image.sha256 == hashlib.sha256(file.read()).hexdigest():
                yield f"Picture {result.index} is not what the vendor sent."
        if not all(storage.exists(result.image.thumbnail_key(size)) for size in THUMBNAIL_SIZES):
            yield f"Picture {result.index} has no thumbnail."


def answered(asked: Generation) -> list[str]:
    """The checksums of the pictures in the vendor's answer."""
    spool = answers.spool_of(asked.calls.get())
    body = json.loads(spool.read_bytes()[spooling.open_answer(spool).body_offset :])
    return [hashlib.sha256(base64.b64decode(item["b64_json"])).hexdigest() for item in body["data"]]


def disagreements() -> list[str]:
    """What `check_storage` finds, of all pictures and files."""
    checking.GRACE = timedelta(0)
    return [f"check_storage: {finding.key} {finding.what}" for finding in checking.check().findings]


def litter() -> Iterator[str]:
    """Files that belong to nothing. What came of an answer that was cut off may stay with its call."""
    known = set(Image.objects.values_list("storage_key", flat=True)) | {
        image.thumbnail_key(size) for image in Image.objects.all() for size in THUMBNAIL_SIZES
    }
    for path in _files(settings.MEDIA_ROOT):
        if path.is_relative_to(settings.MEDIA_ROOT / "reports"):
            continue  # what the weekly look at the originals has found
        if path.relative_to(settings.MEDIA_ROOT).as_posix() not in known:
            yield f"Left in the store: {path.relative_to(settings.MEDIA_ROOT)}"
    cut = {answers.spool_of(call).with_suffix(".part") for call in unsure()}
    for path in _files(settings.SPOOL_DIR):
        if path.suffix != ".answer" and path.name != places.NAME and path not in cut:
            yield f"Left in the spool: {path.relative_to(settings.SPOOL_DIR)}"
    for path in settings.SPOOL_DIR.iterdir():
        if path.is_dir() and path.name != "partials":
            yield f"Left in the spool: {path.name}/"


def unsure():
    return GenerationCall.objects.filter(state=State.UNKNOWN)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
