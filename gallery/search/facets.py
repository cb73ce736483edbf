"""What the pictures of a search have in common: how many are of each character, model, month …

Looking at all of them would take longer the more there are, so the newest ones speak for the others.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import Count
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from gallery.language.wording import gettext_lazy
from gallery.models import Image, ImageTag, Tag
from gallery.search.keys import newest
from gallery.search.language import Group
from gallery.search.matching import Search

SAMPLE = 2_000  # pictures that are looked at
SHOWN = 8  # choices of one facet
WEIGHED = 300  # tags among which the most frequent of each kind are looked for
TITLES = {
    Tag.Kind.CHARACTER: gettext_lazy("Characters"),
    Tag.Kind.LOOK: gettext_lazy("Looks"),
    Tag.Kind.PERSONA: gettext_lazy("Personas"),
    Tag.Kind.CHAT: gettext_lazy("Chats"),
    Tag.Kind.TAG: gettext_lazy("Tags"),
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    label: str
    query: str  # the search with this added
    n: int  # pictures, of those that were looked at


@dataclass(frozen=True, kw_only=True)
class Facet:
    name: str
    kind: str  # of tags, for their icon; else empty
    choices: tuple[Choice, ...]  # the most frequent first


@dataclass(frozen=True, kw_only=True)
class Facets:
    facets: tuple[Facet, ...]
    looked_at: int
    is_exact: bool  # all pictures of the search were looked at


def read(found: Search) -> Facets:
    """Count what the newest pictures of `found` have. The cost does not depend on how many there are."""
    keys = newest(found, SAMPLE + 1)
    looked_at = keys[:SAMPLE]
    is_exact = len(keys) <= SAMPLE
    facets = chain(_tags(found, looked_at), _facts(found, looked_at, with_months=is_exact)) if keys else ()
    return Facets(
        facets=tuple(facet for facet in facets if facet.choices),
        looked_at=len(looked_at),
        is_exact=is_exact,
    )


def with_term(found: Search, term: str) -> str:
    """The search `found` with `term` added to all that it asks for."""
    is_choice = len(found.terms) == 1 and isinstance(found.terms[0], Group) and found.terms[0].op == "or"
    asked = f"({found.unsorted})" if is_choice else found.unsorted
    return f"{asked} {term}".strip()


def _tags(found: Search, keys: list[int]) -> Iterator[Facet]:
    rows = ImageTag.objects.filter(image_id__in=_listed(keys)).order_by().values_list("tag_id")
    counts = Counter(dict(rows.annotate(n=Count("image_id"))))
    for tag in set().union(*found.tag_sets):
        del counts[tag]  # the pictures have it anyway
    weighed = [tag for tag, _ in counts.most_common(WEIGHED)]
    kinds = dict(Tag.objects.filter(pk__in=_listed(weighed)).values_list("pk", "kind"))
    by_kind = {kind: [tag for tag in weighed if kinds.get(tag) == kind][:SHOWN] for kind in TITLES}
    tags = Tag.objects.select_related("parent").in_bulk(list(chain(*by_kind.values())))
    for kind, shown in by_kind.items():
        choices = (
            Choice(label=tags[key].full_name, query=with_term(found, tags[key].spec), n=counts[key])
            for key in shown
        )
        yield Facet(name=TITLES[kind], kind=kind, choices=tuple(choices))


def _facts(found: Search, keys: list[int], *, with_months: bool) -> Iterator[Facet]:
    rows = Image.objects.filter(pk__in=_listed(keys)).order_by()
    models, sources, ratings = Counter[str](), Counter[str](), Counter[int]()
    for model, source, rating, n in rows.values_list("model", "source", "rating").annotate(n=Count("pk")):
        models[model] += n
        sources[source] += n
        ratings[rating] += n
    yield _facet(found, gettext("Models"), models, lambda model: f'model:"{model}"', str)
    yield _facet(
        found, gettext("Came by"), sources, "source:{}".format, lambda source: Image.Source(source).label
    )
    yield _facet(found, gettext("Rating"), ratings, "rating:{}".format, _stars)
    if with_months:
        months = Counter(_month(moment) for moment in rows.values_list("created_at", flat=True))
        yield _facet(
            found, gettext("Month"), months, "date:{:%Y-%m}".format, lambda month: date_format(month, "F Y")
        )


def _stars(n: int) -> str:
    return ngettext("{n} star", "{n} stars", n).format(n=n) if n else gettext("Not rated")


def _facet(
    found: Search, name: str, counts: Counter[Any], term: Callable[[Any], str], label: Callable[[Any], str]
) -> Facet:
    """Without choices where there is nothing to choose: all have the same, or nothing."""
    shown = counts.most_common(SHOWN) if len(counts) > 1 else []
    choices = (
        Choice(label=label(value), query=with_term(found, term(value)), n=n)
        for value, n in shown
        if value != ""
    )
    return Facet(name=name, kind="", choices=tuple(choices))


def _month(moment: datetime) -> date:
    return timezone.localdate(moment).replace(day=1)


def _listed(keys: Iterable[int]) -> RawSQL:
    """`keys` as one parameter; as one each, they take longer to hand over than to look up."""
    if connection.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(keys))])
    return RawSQL("SELECT unnest(%s::bigint[])", [list(keys)])
