"""From the raw answer in the spool to pictures, rows and what they cost. Doing it twice does no harm."""

import logging
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gallery import ingest, vendors
from gallery.files import storage
from gallery.generations import generation as generations
from gallery.generations import outcomes, turns
from gallery.generations.answers import spool_of
from gallery.models import Generation, GenerationCall, GenerationImage, Image
from gallery.pictures import stacks
from providers import registry
from providers.base import Connection, GeneratedImage, GenerationResult, Provider
from providers.errors import AuthError, BadPicture, BadResponse, Overloaded, ProviderError, RateLimited

log = logging.getLogger(__name__)

State = GenerationCall.State
SURE = ("reported", "computed")  # costs that cover what did not arrive as well
DAMAGED = "damaged"
LATE = "You had stopped this, but {} was working on it already. What arrived is kept."
# Why a vendor's picture cannot be kept, by the code of `ingest`; its own sentences are for people who upload.
UNUSABLE = {
    "corrupt_image": "it is damaged",
    "truncated": "its end is missing",
    "empty_file": "it is empty",
    "unsupported_type": "it is no picture of a kind that can be shown",
    "too_big": "it is larger than this server takes",
    "too_many_pixels": "it has more pixels than this server takes",
    "too_many_frames": "it has more frames than this server takes",
    "too_many_frame_pixels": "its frames have more pixels than this server takes",
    "metadata_too_large": "it carries too much text beside the picture",
    "decode_timeout": "it takes too long to read",
}


@dataclass
class Batch:
    """The pictures of one answer, as far as they can be kept."""

    result: GenerationResult
    ready: list[tuple[int, int, GeneratedImage, ingest.Prepared]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # why each of the others cannot be kept
    damaged: set[int] = field(default_factory=set)  # offsets of those that are not whole

    @property
    def kept(self) -> int:
        """How many are kept, with those that an earlier run has filed."""
        return len(self.result.images) - len(self.problems)

    def settle(self) -> None:
        for *_, ready in self.ready:
            ingest.settle(ready)

    def discard(self) -> None:
        for *_, ready in self.ready:
            ingest.discard(ready)


def file(call: GenerationCall, token: uuid.UUID) -> None:
    """Make pictures and rows of the answer in the spool."""
    mine = Q(state=State.ANSWERED, attempt_token=token)
    provider = reader_of(call)
    try:
        with _folder() as folder:
            _save(call, token, provider, _read(call, provider, folder))
    except (RateLimited, Overloaded) as exc:
        outcomes.come_back(call, mine, exc)
    except ProviderError as exc:
        outcomes.end(call, provider.as_billed(exc), mine)
    except (ingest.IngestError, storage.StorageError) as exc:
        outcomes.file_later(call, mine, exc.message)
    except OSError as exc:
        log.warning("Call %s cannot be filed now: %s", call.public_id, exc)
        outcomes.file_later(call, mine, storage.from_os_error(exc).message)


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for the pictures of one answer."""
    folder = Path(tempfile.mkdtemp(prefix="answer-", dir=settings.SPOOL_DIR))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(call: GenerationCall, provider: Provider, folder: Path) -> GenerationResult:
    try:
        return provider.read(generations.request_for(call), provider.open_answer(spool_of(call)), folder)
    except (ProviderError, OSError):
        raise
    except Exception as exc:
        # An answer that nobody foresaw must end the call: it would be read again and again, for nothing.
        log.exception("The answer to call %s cannot be read", call.public_id)
        raise BadResponse(f"{provider.label}'s answer cannot be read here. The raw answer is kept.") from exc


def reader_of(call: GenerationCall) -> Provider:
    """What reads the answer. Paid pictures are filed although their connection or its key is gone."""
    profile = call.generation.profile
    if profile is None:
        return registry.connect(call.generation.provider, Connection())
    try:
        return vendors.provider_for(profile)
    except AuthError:
        return vendors.declared_by(profile)


def _save(call: GenerationCall, token: uuid.UUID, provider: Provider, result: GenerationResult) -> None:
    batch = Batch(result)
    try:
        _prepare_all(call, batch)
        is_ours = _commit(call, token, provider, batch)
    except BaseException:
        batch.discard()
        raise
    if not is_ours:
        batch.discard()  # somebody else has the call now, and will file it
        return
    batch.settle()
    outcomes.unpause(call)


def _commit(call: GenerationCall, token: uuid.UUID, provider: Provider, batch: Batch) -> bool:
    """Make all rows at once. False: the call is not ours any more."""
    with transaction.atomic():
        # The connection may be gone since the request went out, and the person may have stopped it.
        call.generation.refresh_from_db(fields=["profile", "cancel_requested"])
        if not outcomes.advance(call, token, State.ANSWERED, **_outcome(call, provider, batch)):
            return False
        for position, index, picture, ready in batch.ready:
            _commit_image(call, index, picture, ready, batch.result, position, position in batch.damaged)
    return True


def _prepare_all(call: GenerationCall, batch: Batch) -> None:
    """Store the pictures. Raises `IngestError` when the store cannot take them now."""
    filed = set(call.generation.results.values_list("index", flat=True))
    for offset, picture in enumerate(batch.result.images):
        index = call.place_of(offset)
        if index in filed:
            continue
        try:
            ready = _prepare(call, picture.path, offset, batch)
        except ingest.IngestError as exc:
            if exc.retryable:
                raise
            batch.problems.append(exc.code)
            continue
        batch.ready.append((offset, index, picture, ready))


def _prepare(call: GenerationCall, path: Path, offset: int, batch: Batch) -> ingest.Prepared:
    """One picture, stored. What was paid for is kept although only part of it can be read."""
    owner = call.generation.owner
    try:
        return ingest.prepare(owner, path, source=Image.Source.GENERATED)
    except ingest.IngestError as exc:
        if not exc.is_damage:
            raise
    ready = ingest.prepare(owner, path, source=Image.Source.GENERATED, tolerant=True)
    batch.damaged.add(offset)
    return ready


def _outcome(call: GenerationCall, provider: Provider, batch: Batch) -> dict[str, Any]:
    """The call's columns once its pictures are filed."""
    result, usage = batch.result, batch.result.usage
    refused_all = not result.images and result.refused
    perhaps = not batch.kept or (batch.kept < call.n and usage.cost_source not in SURE)
    is_late = call.generation.cancel_requested
    cost = usage.cost_usd if is_late or not batch.kept else None  # else it stands with the pictures
    message = _message(call, provider, batch)
    told = provider.as_billed(BadPicture(message, may_have_been_charged=perhaps, cost_usd=cost))
    return {
        "state": State.DONE if batch.kept else State.REFUSED if refused_all else State.FAILED,
        "finished_at": timezone.now(),
        "images_received": batch.kept - len(batch.damaged),
        "usage": dict(usage.raw),
        "cost_usd": usage.cost_usd,
        "cost_source": usage.cost_source,
        "request_id": result.request_id,
        "provider_message": "",
        "error_code": _code(call, batch) if told.sentence else "",
        "error_message": told.message if told.sentence else "",
        "retryable": bool(batch.problems or batch.damaged),
        "may_have_been_charged": told.may_have_been_charged,
    }


def _message(call: GenerationCall, provider: Provider, batch: Batch) -> str:
    """What a person has to know beside the pictures; mostly nothing."""
    late = LATE.format(provider.label) if call.generation.cancel_requested and batch.kept else ""
    return " ".join(filter(None, [late, batch.result.message, _problems(batch)]))


def _problems(batch: Batch) -> str:
    whys = dict.fromkeys(UNUSABLE.get(code, "it cannot be read") for code in batch.problems)
    sentences = []
    if batch.damaged:
        count = "One picture" if len(batch.damaged) == 1 else f"{len(batch.damaged)} pictures"
        sentences.append(f"{count} arrived damaged. What can be read of it is kept.")
    if whys:
        sentences.append(f"What arrived cannot be kept: {', and '.join(whys)}. The raw answer is kept.")
    return " ".join(sentences)


def _code(call: GenerationCall, batch: Batch) -> str:
    if batch.result.refused:
        return "refused"
    if batch.problems or batch.damaged or batch.result.message:
        return BadPicture.code
    return "cancelled"


def _commit_image(
    call: GenerationCall,
    index: int,
    picture: GeneratedImage,
    ready: ingest.Prepared,
    result: GenerationResult,
    position: int,
    is_damaged: bool,
) -> None:
    generation = call.generation
    facts = ingest.Facts(
        prompt=generation.prompt,
        prompt_sent=generation.prompt_sent,
        revised_prompt=picture.revised_prompt,
        negative_prompt=generation.params.get("negative_prompt", ""),
        provider=generation.provider,
        profile=generation.profile,
        model=result.model or generation.model,
        seed=picture.seed,
        params=generation.params | turns.without_facts(picture) | ({DAMAGED: True} if is_damaged else {}),
        cost_usd=_share(result, position),
        cost_source=result.usage.cost_source,
        generation=generation,
        parent=_parent_of(generation),
    )
    stored = ingest.commit(ready, tags=tuple(generation.tags.all()), tag_origin="generation", facts=facts)
    GenerationImage.objects.create(
        generation=generation, index=index, image=stored.image, turn=turns.facts_of(picture)
    )
    stacks.join(stored.image)


def _parent_of(generation: Generation) -> Image | None:
    """The picture that this one is an edit of; references of a new picture are not its parents."""
    if generation.follows is not None:
        return turns.picture_before(generation)
    if generation.mode == "generate":
        return None
    first = generation.references.select_related("image").first()
    return first.image if first else None


def _share(result: GenerationResult, position: int) -> Decimal | None:
    """One picture's part of the call's cost, in US dollars; the parts add up to the cost exactly."""
    if result.usage.cost_usd is None:
        return None
    micro = int((result.usage.cost_usd * 1_000_000).to_integral_value())
    part, rest = divmod(micro, len(result.images))
    return Decimal(part + (1 if position < rest else 0)) / 1_000_000
