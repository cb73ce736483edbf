"""Ways from many pictures to fewer: what they have in common, and the months they came in."""

from itertools import groupby

from django.shortcuts import render
from django.views.decorators.http import require_safe

from gallery.screens import feed
from gallery.search import facets as common
from gallery.search import months, search
from gallery.views.fragments import wants_fragment


@require_safe
def facets(request):
    """What the pictures of a search have in common; htmx gets the list alone."""
    found = search(request.user, request.GET.get("q", ""), sort=request.GET.get("sort", ""))
    context = {
        "section": "gallery",
        "q": found.query,
        "found": common.read(found),
        "sort": feed.sort_of(found),
    }
    return _render(request, "gallery/facets.html", context)


@require_safe
def by_month(request):
    """The months that have pictures, by years; htmx gets the list alone."""
    counted = months.counts(request.user)
    years = [(year, list(group)) for year, group in groupby(counted, key=lambda month: month.first.year)]
    return _render(request, "gallery/months.html", {"section": "gallery", "years": years})


def _render(request, template: str, context: dict):
    return render(request, f"{template}#list" if wants_fragment(request) else template, context)
