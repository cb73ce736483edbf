"""Which pictures an action is about: some by their ids, or all that a search finds."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import batched
from uuid import UUID

from django.utils.translation import gettext

from gallery.language.numerals import thousands
from gallery.models import Image, User
from gallery.search import Search, bitmaps, search
from gallery.search.keys import newest

MAX_IDS = 20_000
IDS_AT_ONCE = 500  # in one IN list


class BulkError(ValueError):
    """An action that was not begun. Its text says why, to the person who asked; `field` is what to change."""

    def __init__(self, field: str, message: str):
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Pictures of one owner, as they were when somebody pressed the button."""

    owner: User
    keys: list[int]
    query: str = ""  # the search all of whose pictures these are; empty: picked by hand

    def __len__(self) -> int:
        return len(self.keys)


def by_ids(owner: User, ids: Iterable[UUID]) -> Selection:
    """Those of `ids` that are pictures of `owner`, in that order, in the trash or not. Raises `BulkError`."""
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > MAX_IDS:
        raise BulkError(
            "ids",
            gettext("These are {n} ids. Send at most {max_ids}, or a search.").format(
                n=thousands(len(wanted)), max_ids=thousands(MAX_IDS)
            ),
        )
    found: dict[UUID, int] = {}
    for some in batched(wanted, IDS_AT_ONCE):
        rows = Image.objects.owned_by(owner).filter(public_id__in=some)
        found |= dict(rows.values_list("public_id", "pk"))
    return Selection(owner=owner, keys=[found[each] for each in wanted if each in found])


def with_stacks(selection: Selection, firsts: Iterable[UUID], text: str = "") -> Selection:
    """Add to `selection` what lies below `firsts`, those of its pictures that were shown as folded stacks.

    That is what the grid counts there: pictures of the stack that the search `text` finds.
    """
    mine, found = Image.objects.owned_by(selection.owner).live(), search(selection.owner, text)
    keys = dict.fromkeys(selection.keys)
    for some in batched(firsts, IDS_AT_ONCE):
        stacks = mine.filter(public_id__in=some).exclude(stack=None).values_list("stack", flat=True)
        keys |= dict.fromkeys(found.images.filter(stack__in=list(stacks)).values_list("pk", flat=True))
    return replace(selection, keys=list(keys))


def by_query(owner: User, text: str, *, trashed: bool = False) -> Selection:
    """All pictures that the search finds, in the library or, with `trashed`, in the trash.

    Raises `BulkError` unless all of the search was understood: what is left out of one finds more.
    """
    found = search(owner, text, trashed=trashed)
    if found.problems:
        raise BulkError(
            "q", gettext("{n} Nothing was changed; correct the search first.").format(n=found.problems[0])
        )
    if text and not found.text:
        raise BulkError("q", gettext("This search shows no letter. Leave it empty to mean all pictures."))
    return Selection(owner=owner, keys=_keys(found, trashed), query=found.unsorted)


def _keys(found: Search, trashed: bool) -> list[int]:
    if trashed:
        return list(found.images.values_list("pk", flat=True))
    if found.only_tag is not None:  # hundreds of thousands at once, as they are kept
        return list(bitmaps.of_tags([found.only_tag])[found.only_tag])[::-1]
    return newest(found, sys.maxsize)
