"""What fits what somebody begins to type in a prompt: `@Mir`, `@Mirel:win`, `{{wea`, `#lan`."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext

from gallery.models import Fragment, Placeholder, Tag, User
from gallery.models.tag import fold
from gallery.prompting.mentions import CAST, ME
from gallery.prompting.placeholders import TAKEN_BY_THE_CAST
from gallery.tagging import autocomplete

LIMIT = 8
AT, BRACES, HASH = "@", "{{", "#"


@dataclass(frozen=True, kw_only=True)
class Completion:
    kind: str  # of the tag, or "placeholder", "fragment"
    name: str
    insert: str  # what replaces what was typed
    count: int = 0  # pictures
    note: str = ""


def complete(owner: User, typed: str) -> list[Completion]:
    """At most eight completions of `typed`, which begins with `@`, `{{` or `#`."""
    if typed.startswith(BRACES):
        return list(_placeholders(owner, fold(typed.removeprefix(BRACES))))[:LIMIT]
    if typed.startswith(HASH):
        found = autocomplete.suggest(owner, typed[1:], [Tag.Kind.TAG], LIMIT)
        return [_of_tag(each, f"#{each.tag.name}") for each in found]
    if not typed.startswith(AT):
        return []
    name, colon, rest = typed[1:].rpartition(":")
    return list(_extras(owner, name, rest))[:LIMIT] if colon else list(_people(owner, typed[1:]))[:LIMIT]


def _of_tag(found: autocomplete.TagSuggestion, insert: str, name: str = "") -> Completion:
    tag = found.tag
    return Completion(kind=tag.kind, name=name or tag.name, insert=insert, count=found.n, note=found.alias)


def _people(owner: User, typed: str) -> Iterator[Completion]:
    if typed and ME.startswith(fold(typed)) and owner.persona:
        yield Completion(kind="persona", name=owner.persona.name, insert=f"@{ME}", note="@me")
    for found in autocomplete.suggest(owner, typed, CAST, LIMIT):
        yield _of_tag(found, f"@{found.tag.name}")


def _extras(owner: User, name: str, typed: str) -> Iterator[Completion]:
    """The looks of somebody, and the fragments that are called by name."""
    named = Tag.objects.owned_by(owner).filter(kind__in=CAST, folded=fold(name.replace('"', " ")))
    tag = next((row.alias_of or row for row in named.with_canonical()), None)
    if tag is None:
        return
    begun = fold(typed)
    looks = tag.looks.filter(alias_of=None, folded__startswith=begun).with_counts()
    for look in looks.order_by("-image_count", "folded")[:LIMIT]:
        insert = f"@{name}:{look.name}"
        yield Completion(kind="look", name=look.name, insert=insert, count=look.image_count)
    for fragment in tag.fragments.filter(use=Fragment.Use.DEMAND):
        if fold(fragment.name).startswith(begun):
            insert = f"@{name}:{fragment.name}"
            yield Completion(kind="fragment", name=fragment.name, insert=insert, note=fragment.text[:60])


def _placeholders(owner: User, begun: str) -> Iterator[Completion]:
    rows = Placeholder.objects.owned_by(owner).filter(folded__startswith=begun)[:LIMIT]
    for row in rows:
        yield _placeholder(row.name, row.values[0][:60])
    for name in TAKEN_BY_THE_CAST:
        if name.startswith(begun):
            yield _placeholder(name, gettext("The character") if name == "char" else gettext("Your persona"))


def _placeholder(name: str, note: str) -> Completion:
    return Completion(kind="placeholder", name=name, insert=f"{{{{{name}}}}}", note=note)
