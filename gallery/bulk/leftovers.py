"""Tags that an action has made: undone, it leaves none of them behind, unless somebody has a use for one."""

from collections.abc import Iterable

from django.db import transaction

from gallery.models import BulkAction, Generation, ImageTag, Import, SavedSearch, Tag
from gallery.tagging.counts import lock

Status = BulkAction.Status
RELATED = ("aliases", "looks", "fragments", "implications", "implied_by")


def made(tags: Iterable[Tag]) -> dict[str, list[int]]:
    """What an action keeps in mind: the keys of those of `tags`, and of their characters, that are new."""
    family = (each for tag in tags for each in (tag, tag.parent) if each)
    new = {each.pk for each in family if each.just_made}
    return {"made": sorted(new)} if new else {}


@transaction.atomic
def clear(action: BulkAction) -> None:
    """Delete the tags that `action` made, as far as nobody has a use for them. Call it once it is undone."""
    lock(action.owner_id)
    tags = Tag.objects.filter(owner_id=action.owner_id, pk__in=action.params.get("made", ()))
    wanted = _wanted_elsewhere(action) if tags else set()
    for tag in tags.order_by("-pk"):  # a look goes before the character that came with it
        if tag.pk not in wanted and _is_bare(tag):
            tag.delete()


def _wanted_elsewhere(action: BulkAction) -> set[int]:
    """Tags that other actions can put back on pictures, or take off them."""
    others = BulkAction.objects.owned_by(action.owner_id).exclude(pk=action.pk).exclude(status=Status.UNDONE)
    others = others.exclude(status=Status.DONE, changed=0)
    named = others.filter(action__in=(BulkAction.Action.TAG, BulkAction.Action.UNTAG))
    return {key for params in named.values_list("params", flat=True) for key in params.get("tags", ())}


def _is_bare(tag: Tag) -> bool:
    """Whether no picture has it or will get it, those in the trash included, and nothing was said of it."""
    said = tag.description or tag.color or tag.pinned or tag.avatar_id or tag.alias_of_id
    users = (
        ImageTag.objects.filter(tag=tag),
        Generation.objects.filter(tags=tag),
        Import.objects.filter(tags=tag),
        SavedSearch.objects.owned_by(tag.owner_id).filter(query__icontains=tag.name),
        *(getattr(tag, name).all() for name in RELATED),
    )
    return not said and not any(rows.exists() for rows in users)
