"""Other spellings of a tag: rows of their own that point to the tag they stand for."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext

from gallery.models import Tag
from gallery.models.tag import fold
from gallery.tagging.counts import lock_tag
from gallery.tagging.tagspec import TagError, TagTaken, clean_name

MAX_ALIASES = 500  # of one tag


@transaction.atomic
def replace(tag: Tag, names: Iterable[str]) -> None:
    """Make `names` the other spellings of `tag`, all of them. Raises `TagError` when another tag has one."""
    lock_tag(tag)
    wanted = {fold(name): name for name in map(clean_name, names)}
    if len(wanted) > MAX_ALIASES:
        raise TagError(
            gettext("A tag has at most {max_aliases} other spellings. Leave some out.").format(
                max_aliases=MAX_ALIASES
            )
        )
    tag.aliases.exclude(folded__in=wanted).delete()
    # What was merged from another kind may be called like the tag itself.
    have = {tag.folded, *tag.aliases.values_list("folded", flat=True)}
    _make(tag, {folded: name for folded, name in wanted.items() if folded not in have})


def _make(tag: Tag, names: dict[str, str]) -> None:
    rows = Tag.objects.filter(owner=tag.owner_id, kind=tag.kind, parent=tag.parent_id)
    if taken := rows.filter(folded__in=names).with_canonical().first():
        raise TagTaken(taken)
    same = {"owner_id": tag.owner_id, "kind": tag.kind, "parent_id": tag.parent_id, "alias_of": tag}
    for name in names.values():
        Tag.objects.create(name=clean_name(name, tag.kind), **same)


@transaction.atomic
def add(tag: Tag, name: str) -> None:
    """Give `tag` one more spelling. Raises `TagError` when another tag has it."""
    replace(tag, [*tag.aliases.values_list("name", flat=True), name])


@transaction.atomic
def remove(tag: Tag, name: str) -> None:
    """Take a spelling away; one that is not there is no mistake."""
    lock_tag(tag)
    tag.aliases.filter(folded=fold(name)).delete()
