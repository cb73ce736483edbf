"""Pictures that go along with a request: references and masks, from the store to files for the vendor."""

import hashlib
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from django.db.models.fields.json import KeyTextTransform

from gallery.files import storage
from gallery.language.wording import gettext_lazy
from gallery.models import Batch, Generation, Image, User
from providers.base import InputImage
from providers.errors import InvalidRequest

MASK_TYPE = "image/png"
DELETED = gettext_lazy("A picture that should go along was deleted. Choose another one and ask again.")
MISSING = gettext_lazy("A picture that should go along is missing from storage, so this was not sent.")


def announced(image: Image) -> InputImage:
    """A reference as a plan needs it: its type; the bytes are fetched when the request goes out."""
    return InputImage(path=Path(image.storage_key), mime_type=image.mime_type)


def announced_mask() -> InputImage:
    return InputImage(path=Path("mask.png"), mime_type=MASK_TYPE)


def outgoing[Reference](mode: str | None, references: Sequence[Reference]) -> Sequence[Reference]:
    """The references that the vendor gets: all, but of `again` the first, whose recipe is repeated."""
    return references[1:] if mode == "again" else references


def besides(follows: Generation | None, references: Sequence[Image]) -> tuple[Image, ...]:
    """The references that are no pictures of the turn before, for those are in its history."""
    if follows is None:
        return tuple(references)
    known = set(follows.results.values_list("image_id", flat=True))
    return tuple(image for image in references if image.pk not in known)


def keep_mask(owner: User, mask: bytes) -> str:
    """Store a mask beside the pictures; returns its key. Equal masks are one file."""
    digest = hashlib.sha256(mask).hexdigest()
    key = f"masks/{owner.pk}/{digest}.png"
    storage.put(key, mask, MASK_TYPE, digest)
    return key


def references_of(generation: Generation) -> tuple[Image, ...]:
    """The pictures that went along. Raises `InvalidRequest` when one was deleted since."""
    if not generation.references.exists():  # as mostly, and this stands between a click and its request
        return ()
    rows = generation.references.select_related("image")
    images = tuple(row.image for row in rows if row.image is not None)
    if len(images) < len(rows):
        raise InvalidRequest(DELETED, field="references")
    return images


def mask_of(generation: Generation) -> bytes | None:
    return read_mask(generation.mask_key)


def read_mask(key: str) -> bytes | None:
    """The mask under `key`, "" for none. Raises `InvalidRequest` when its file is missing."""
    if not key:
        return None
    try:
        with storage.open(key) as file:
            return file.read()
    except FileNotFoundError as exc:
        raise InvalidRequest(MISSING, field="mask") from exc


def mask_keys() -> Iterator[str]:
    """Every mask that a generation or a batch has, each once."""
    made = Generation.objects.exclude(mask_key="").order_by().values_list("mask_key", flat=True)
    batches = Batch.objects.filter(recipe__has_key="mask").order_by()
    ordered = batches.values_list(KeyTextTransform("mask", "recipe"), flat=True)
    return made.union(ordered).order_by().iterator()


def masks_among(keys: Collection[str]) -> set[str]:
    """Those of `keys` that some generation or batch has."""
    made = Generation.objects.filter(mask_key__in=keys).values_list("mask_key", flat=True)
    ordered = Batch.objects.filter(recipe__mask__in=keys).values_list("recipe__mask", flat=True)
    return {*made, *ordered}


def fetch(generation: Generation, folder: Path) -> tuple[tuple[InputImage, ...], InputImage | None]:
    """Copy the references and the mask of `generation` into `folder`, as files for one request."""
    images = outgoing(generation.mode, references_of(generation))
    if generation.mode == "generate":
        images = besides(generation.follows, images)
    references = tuple(
        _copy(image.storage_key, folder / f"reference-{position}", image.mime_type)
        for position, image in enumerate(images)
    )
    mask = _copy(generation.mask_key, folder / "mask.png", MASK_TYPE) if generation.mask_key else None
    return references, mask


def copy_of(image: Image, path: Path) -> InputImage:
    """Copy the original of `image` to `path`."""
    return _copy(image.storage_key, path, image.mime_type)


def _copy(key: str, path: Path, mime_type: str) -> InputImage:
    try:
        with storage.open(key) as stored, path.open("wb") as file:
            shutil.copyfileobj(stored, file)
    except FileNotFoundError as exc:
        raise InvalidRequest(MISSING, field="references") from exc
    return InputImage(path=path, mime_type=mime_type)
