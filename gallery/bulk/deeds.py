"""What each action does to some pictures, and how that is put back. Call these in a transaction.

A deed returns what its undo needs, fit for JSON; that is also what it really changed. What somebody has
changed otherwise since is left alone by the undo.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gallery import tagging
from gallery.models import BulkAction, Image, ImageTag, Tag

type Before = list[list[Any]]  # [value, [keys of pictures]], what the value is depends on the action

Action = BulkAction.Action
FIELDS = {Action.RATE: "rating", Action.FAVORITE: "favorite", Action.SENSITIVE: "sensitive"}


@dataclass(frozen=True, kw_only=True)
class Deed:
    do: Callable[[BulkAction, list[int]], Before]
    undo: Callable[[BulkAction, Before], None]


def do(action: BulkAction, keys: list[int]) -> tuple[Before, int]:
    """Returns what undo needs, and how many pictures were changed. Raises `tagging.TagError`."""
    before = DEEDS[action.action].do(action, keys)
    return before, len({key for _, changed in before for key in changed})


def undo(action: BulkAction, before: Before) -> None:
    """Put back what `do` changed. Raises `tagging.TagError`."""
    DEEDS[action.action].undo(action, before)


def _images(action: BulkAction, keys: Iterable[int]) -> list[Image]:
    rows = Image.objects.filter(owner_id=action.owner_id, pk__in=keys)
    return list(rows.only("owner_id", "sha256", "trashed_at"))


def _grouped(pairs: Iterable[tuple[Any, int]]) -> Before:
    groups: dict[Any, list[int]] = defaultdict(list)
    for value, key in pairs:
        groups[value].append(key)
    return [[value, sorted(keys)] for value, keys in groups.items()]


# --- Tags ---------------------------------------------------------------------------------------


def _tag(action: BulkAction, keys: list[int]) -> Before:
    return _grouped(tagging.attach(action.owner_id, keys, _tags(action)))


def _untag(action: BulkAction, keys: list[int]) -> Before:
    return _grouped(tagging.detach(action.owner_id, keys, _tags(action)))


def _tags(action: BulkAction) -> list[Tag]:
    return list(Tag.objects.filter(owner_id=action.owner_id, pk__in=action.params["tags"]))


def _take_off(action: BulkAction, before: Before) -> None:
    tagging.detach_pairs(action.owner_id, _pairs(before))


def _put_on(action: BulkAction, before: Before) -> None:
    tagging.attach_pairs(action.owner_id, _pairs(before), ImageTag.Origin.PERSON)


def _pairs(before: Before) -> list[tuple[int, int]]:
    return [(tag, key) for tag, keys in before for key in keys]


# --- Rating, favourite, sensitive -----------------------------------------------------------------


def _set(action: BulkAction, keys: list[int]) -> Before:
    field, value = FIELDS[Action(action.action)], action.params["value"]
    rows = Image.objects.filter(owner_id=action.owner_id, pk__in=keys).exclude(**{field: value})
    before = _grouped(rows.values_list(field, "pk"))
    rows.update(**{field: value})
    return before


def _set_back(action: BulkAction, before: Before) -> None:
    field, value = FIELDS[Action(action.action)], action.params["value"]
    for old, keys in before:
        rows = Image.objects.filter(owner_id=action.owner_id, pk__in=keys)
        rows.filter(**{field: value}).update(**{field: old})


# --- The trash ------------------------------------------------------------------------------------


def _trash(action: BulkAction, keys: list[int]) -> Before:
    live = [image for image in _images(action, keys) if not image.trashed_at]
    tagging.trash(live)
    return [[None, [image.pk for image in live]]]


def _restore(action: BulkAction, keys: list[int]) -> Before:
    restored = tagging.restore(_images(action, keys))
    return [[None, [image.pk for image in restored.images]]]


def _bring_back(action: BulkAction, before: Before) -> None:
    _restore(action, [key for _, keys in before for key in keys])


def _throw_away(action: BulkAction, before: Before) -> None:
    _trash(action, [key for _, keys in before for key in keys])


DEEDS: dict[str, Deed] = {
    Action.TAG: Deed(do=_tag, undo=_take_off),
    Action.UNTAG: Deed(do=_untag, undo=_put_on),
    Action.RATE: Deed(do=_set, undo=_set_back),
    Action.FAVORITE: Deed(do=_set, undo=_set_back),
    Action.SENSITIVE: Deed(do=_set, undo=_set_back),
    Action.TRASH: Deed(do=_trash, undo=_bring_back),
    Action.RESTORE: Deed(do=_restore, undo=_throw_away),
}
