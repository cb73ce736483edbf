"""Saved searches keep finding the same pictures when a tag gets another name."""

import re
from collections.abc import Mapping

from gallery.models import SavedSearch, Tag
from gallery.models.tag import fold

# A phrase is passed over as a whole, so that a filter inside it stays a word.
FILTER = re.compile(
    rf'"[^"]*"?|(?<![\w:])(?P<kind>{"|".join(Tag.Kind.values)}):(?P<values>(?:"[^"]*"?|[^\s"()])+)', re.I
)
VALUE = re.compile(r'(?:"[^"]*"?|[^,"])+')

type Called = tuple[str, str]  # kind, folded value of a filter


def names_of(tag: Tag) -> dict[int, Called]:
    """Returns what searches call `tag` and its looks, by their keys."""
    return {each.pk: (each.kind, fold(each.value)) for each in _family(tag)}


def _family(tag: Tag) -> list[Tag]:
    return [tag, *Tag.objects.filter(parent=tag, alias_of=None).select_related("parent")]


def rewrite(tag: Tag, before: Mapping[int, Called]) -> None:
    """Write anew the owner's saved searches that name `tag` or its looks as they were called `before`."""
    now = {each.pk: each for each in _family(tag)}
    replace(tag.owner_id, {called: now[key] for key, called in before.items() if key in now})


def replace(owner_id: int, tags: Mapping[Called, Tag]) -> None:
    """Name these tags in the owner's saved searches where others stood."""
    for saved in SavedSearch.objects.filter(owner=owner_id).only("query"):
        query = FILTER.sub(lambda match: _renamed(match, tags), saved.query)
        if query != saved.query:
            SavedSearch.objects.filter(pk=saved.pk).update(query=query)


def _renamed(match: re.Match[str], tags: Mapping[Called, Tag]) -> str:
    if not match["kind"]:
        return match[0]
    kind = match["kind"].lower()
    values = VALUE.findall(match["values"])
    meant = [tags.get((kind, fold(value.replace('"', "")))) for value in values]
    if not any(meant):
        return match[0]
    specs = [tag.spec if tag else f"{kind}:{value}" for tag, value in zip(meant, values, strict=True)]
    if {spec.partition(":")[0] for spec in specs} == {kind}:
        return f"{kind}:{','.join(spec.partition(':')[2] for spec in specs)}"
    return specs[0] if len(specs) == 1 else f"({' OR '.join(specs)})"
