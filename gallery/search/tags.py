"""From the names of tags in a query to the tags of its owner."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from gallery.models import ImageTag, Tag, User
from gallery.models.tag import fold
from gallery.search.language import TAG_KINDS, Group, Node, Term
from gallery.tagging.autocomplete import suggest

NOTHING = Q(pk__in=[])

COLUMNS = ("pk", "kind", "folded", "parent_id", "alias_of_id")  # of tags, to tell which is meant

type Name = tuple[str, str]  # kind, folded name


class Names:
    """The tags that are named somewhere in a query, read at once."""

    def __init__(self, owner: User, nodes: Iterable[Node]):
        self.owner = owner
        names = {name for node in nodes for name in _names(node)}
        rows = Tag.objects.owned_by(owner).filter(folded__in={folded for _, folded in names}).order_by()
        self._tags = list(rows.values_list(*COLUMNS, named=True)) if names else []

    def keys(self, term: Term) -> frozenset[int]:
        """Keys of the tags that `term` names, never of an alias."""
        return frozenset(
            tag.alias_of_id or tag.pk
            for value in term.values
            for tag in self._tags
            if self._fits(tag, term, value)
        )

    def _fits(self, tag: Any, term: Term, value: str) -> bool:
        if tag.kind != term.kind:
            return False
        if term.kind != Tag.Kind.LOOK or ":" not in value:
            return tag.folded == fold(value)
        character, _, look = value.rpartition(":")
        return tag.folded == fold(look) and tag.parent_id in self._characters(character)

    def _characters(self, name: str) -> set[int]:
        wanted = fold(name)
        mine = (tag for tag in self._tags if tag.kind == Tag.Kind.CHARACTER and tag.folded == wanted)
        return {tag.alias_of_id or tag.pk for tag in mine}

    def unknown(self, term: Term) -> tuple[str, Tag | None]:
        """Say that no tag has this name. Returns the sentence, and the tag that may have been meant."""
        sentence = gettext("There is no {kind} called “{n}”.").format(
            kind=term.kind, n=" or ".join(term.values)[:60]
        )
        name = term.values[0].rpartition(":")[2] if term.kind == Tag.Kind.LOOK else term.values[0]
        near = suggest(self.owner, name, kinds=[term.kind], limit=1) or suggest(self.owner, name, limit=1)
        if not near:
            return sentence, None
        return gettext("{sentence} Did you mean {spec}?").format(
            sentence=sentence, spec=near[0].tag.spec
        ), near[0].tag


def _names(node: Node) -> Iterable[Name]:
    if isinstance(node, Group):
        for part in node.parts:
            yield from _names(part)
    elif node.kind in TAG_KINDS:
        for value in node.values:
            yield from _names_of(node.kind, value)


def _names_of(kind: str, value: str) -> Iterable[Name]:
    character, colon, look = value.rpartition(":")
    if kind == Tag.Kind.LOOK and colon:
        return (kind, fold(look)), (str(Tag.Kind.CHARACTER), fold(character))
    return ((kind, fold(value)),)


def carrying(owner: User, tags: Iterable[int]) -> Q:
    """The picture has one of `tags`; without tags nothing fits."""
    some = list(tags)
    if not some:
        return NOTHING
    which = {"tag_id": some[0]} if len(some) == 1 else {"tag_id__in": some}
    return Q(Exists(ImageTag.objects.filter(owner=owner, image_id=OuterRef("pk"), **which)))
