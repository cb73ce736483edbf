"""What the cells of a batch share, as it is kept, and how it becomes a wish again."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from gallery.generations import inputs
from gallery.generations.generation import PARAMETERS, Wish
from gallery.models import Batch, BatchCell, Generation, Image, Preset, Tag
from providers.errors import InvalidRequest

NO_TURN = "The turn that this goes on from was deleted. Begin anew from another picture."
NO_LOOK = "A look that this was begun with was deleted, or its character was. Begin anew without it."
NO_PROFILE = "The connection this was begun with was deleted. Begin anew with another one."


def recipe_of(wish: Wish) -> dict[str, Any]:
    """Everything of `wish` but its connection and prompt, as JSON. Its mask goes to the store."""
    return {
        "model": wish.model,
        "n": wish.n,
        "mode": wish.mode,
        "expand": wish.expand,
        "params": {name: getattr(wish, name) for name in PARAMETERS if getattr(wish, name)}
        | ({"seed": 0} if wish.seed == 0 else {}),
        "references": [image.pk for image in wish.references],
        "tags": [tag.pk for tag in wish.tags],
        "persona": wish.persona and wish.persona.pk,
        "chat": wish.chat and wish.chat.pk,
        "preset": wish.preset and wish.preset.pk,
        "notes": list(wish.notes),
        "follows": wish.follows and wish.follows.pk,
    } | ({"mask": inputs.keep_mask(wish.profile.owner, wish.mask)} if wish.mask else {})


def wish_of(cell: BatchCell, batch: Batch) -> Wish:
    """What `cell` asks for. Raises `InvalidRequest` when a part of it was deleted since."""
    if batch.profile is None:
        raise InvalidRequest(NO_PROFILE, field="profile")
    recipe = batch.recipe
    _see_that_looks_are_there(recipe.get("looks", ()))
    tags = _tags({*recipe["tags"], recipe["persona"], recipe["chat"]} - {None})
    wish = Wish(
        profile=batch.profile,
        prompt=cell.prompt,
        model=recipe["model"],
        n=recipe["n"],
        mode=recipe["mode"],
        expand=recipe["expand"],
        references=_references(recipe["references"]),
        tags=tuple(dict.fromkeys(tags[key] for key in recipe["tags"] if key in tags)),
        persona=tags.get(recipe["persona"]),
        chat=tags.get(recipe["chat"]),
        preset=_preset(recipe["preset"]),
        notes=tuple(recipe.get("notes", ())),
        follows=_turn(recipe.get("follows")),
        mask=inputs.read_mask(recipe.get("mask", "")),
        **recipe["params"],
    )
    return shaped(wish, cell.params)


def shaped(wish: Wish, shape: dict[str, str]) -> Wish:
    """The wish in another shape: {"aspect_ratio": "1:1"} or {"size": "1024x1024"}."""
    if not shape:
        return wish
    return replace(wish, aspect_ratio=shape.get("aspect_ratio"), size=shape.get("size"))


def _tags(keys: set[int]) -> dict[int, Tag]:
    """The tags of these keys; one that was merged since is the one it became."""
    rows = Tag.objects.filter(pk__in=keys).with_canonical() if keys else ()
    return {tag.pk: tag.alias_of or tag for tag in rows}


def _see_that_looks_are_there(keys: Collection[int]) -> None:
    """Without one, its name would go out as it is written in the prompt."""
    if keys and Tag.objects.filter(pk__in=keys).count() < len(set(keys)):
        raise InvalidRequest(NO_LOOK, field="looks")


def _preset(key: int | None) -> Preset | None:
    found = Preset.objects.filter(pk=key).first() if key else None
    if key and found is None:
        raise InvalidRequest("The style that this was begun with was deleted.", field="preset")
    return found


def _turn(key: int | None) -> Generation | None:
    found = Generation.objects.filter(pk=key).first() if key else None
    if key and found is None:
        raise InvalidRequest(NO_TURN, field="follows")
    return found


def _references(keys: list[int]) -> tuple[Image, ...]:
    found = Image.objects.live().in_bulk(keys) if keys else {}
    if len(found) < len(set(keys)):
        raise InvalidRequest(inputs.DELETED, field="references")
    return tuple(found[key] for key in keys)
