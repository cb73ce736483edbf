"""Refining in a chat: the turns so far, as the vendor of the next one needs them.

A generation that `follows` another goes on from it. Vendors that keep a conversation get all turns back,
with their own signatures byte for byte; the others get the last picture as a reference, which is what an
edit is to them. Of several pictures of a turn, the one among the next turn's references is gone on from.
"""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from django.db.models import prefetch_related_objects

from gallery.generations import inputs
from gallery.models import Generation, GenerationImage, Image
from gallery.models.generation import MOST_EXTRA
from providers.base import GeneratedImage, Turn

MOST_TURNS = 12  # earlier ones are left out: vendors charge for every picture that is sent again
FOR_THE_VENDOR = ("turn", "turn_picture")  # facts that go back to the vendor and say nothing to a person


def facts_of(picture: GeneratedImage) -> dict:
    """What of a picture's facts the vendor wants back in the next turn."""
    return {name: picture.facts[name] for name in FOR_THE_VENDOR if name in picture.facts}


def without_facts(picture: GeneratedImage) -> dict:
    """What of a picture's facts is worth showing."""
    return {name: value for name, value in picture.facts.items() if name not in FOR_THE_VENDOR}


def chain(generation: Generation) -> list[Generation]:
    """The turns before `generation`, the oldest first, at most MOST_TURNS."""
    found: list[Generation] = []
    earlier = generation.follows
    while earlier is not None and len(found) < MOST_TURNS:
        found.append(earlier)
        earlier = earlier.follows
    return found[::-1]


def picked(follows: Generation, references: Iterable[Image]) -> Image | None:
    """The picture of `follows` to go on from: the one among the references, else the first that is left."""
    wanted = {image.pk for image in references}
    prefetch_related_objects([follows], "results__image")
    images = [result.image for result in follows.results.all()]
    named = next((image for image in images if image.pk in wanted), None)
    return named or next((image for image in images if image.trashed_at is None), None)


def picture_before(generation: Generation) -> Image | None:
    """The picture that `generation` went on from; None for one that follows nothing."""
    if generation.follows is None:
        return None
    prefetch_related_objects([generation], "references__image")
    return picked(generation.follows, [row.image for row in generation.references.all() if row.image])


def announced(follows: Generation | None) -> tuple[Turn, ...]:
    """The turns up to `follows` as a plan needs them; the bytes are fetched when the request goes out."""
    turns = [*chain(follows), follows] if follows else []
    prefetch_related_objects(turns, "references__image", "results__image")
    return tuple(
        Turn(
            prompt=turn.prompt_sent,
            references=tuple(inputs.announced(row.image) for row in turn.references.all() if row.image),
            pictures=tuple(inputs.announced(result.image) for result in turn.results.all()),
        )
        for turn in turns
    )


def before(generation: Generation, folder: Path) -> tuple[Turn, ...]:
    """The turns before `generation`, with their pictures as files in `folder`. None for a vendor without."""
    if generation.mode != "generate":
        return ()
    said = chain(generation)
    return tuple(
        _turn(earlier, picture_before(later), folder)
        for earlier, later in pairwise([*said, generation])
        if earlier.results.exists()
    )


def _turn(generation: Generation, picture: Image | None, folder: Path) -> Turn:
    own = folder / f"turn-{generation.pk}"
    own.mkdir()
    references, _mask = inputs.fetch(generation, own)
    results = _answer_with(generation, picture)
    pictures = tuple(inputs.copy_of(result.image, own / f"picture-{result.index}") for result in results)
    return Turn(
        prompt=generation.prompt_sent, references=references, pictures=pictures, facts=results[0].turn
    )


def _answer_with(generation: Generation, picture: Image | None) -> list[GenerationImage]:
    """The results of the one call that brought `picture`, for a vendor gets back its whole answer."""
    results = list(generation.results.select_related("image"))
    index = next((result.index for result in results if result.image == picture), results[0].index)
    for call in generation.calls.all():
        places = {call.place_of(offset) for offset in range(MOST_EXTRA)}
        if index in places:
            return [result for result in results if result.index in places]
    return [result for result in results if result.index == index]
