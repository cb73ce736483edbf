"""Searching beside the result itself: help, suggestions, and searches that are kept."""

from dataclasses import asdict
from itertools import groupby

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery.models import SavedSearch
from gallery.screens.toasts import notify, warn
from gallery.search import savedsearches
from gallery.search.hints import HEADINGS, hints
from gallery.search.manual import CHAPTERS
from gallery.search.savedsearches import SavedSearchError


@require_safe
def help_(request):
    """How to search."""
    return render(request, "gallery/search_help.html", {"section": "gallery", "chapters": CHAPTERS})


@require_safe
def suggest(request):
    """What may be meant by `q`, in which one types at `caret`: groups of options."""
    text, caret = request.GET.get("q", "")[:500], request.GET.get("caret", "")
    at = int(caret) if caret.isascii() and caret.isdecimal() and len(caret) < 6 else len(text)
    found = groupby(hints(request.user, text, at), key=lambda hint: hint.kind)
    groups = [{"label": HEADINGS[kind], "options": [asdict(hint) for hint in some]} for kind, some in found]
    return JsonResponse({"groups": groups})


@require_POST
def remember(request):
    """Note what was searched for; an empty search forgets all of them."""
    if request.POST.get("q"):
        savedsearches.remember(request.user, request.POST["q"])
        return HttpResponse(status=204)
    savedsearches.forget(request.user)
    notify(request, gettext("Your recent searches are forgotten."))
    return redirect("searches")


@require_http_methods(["GET", "HEAD", "POST"])
def index(request):
    """All saved searches; a POST saves one."""
    if request.method == "POST":
        return _save(request)
    context = {
        "section": "searches",
        "saved": SavedSearch.objects.owned_by(request.user).order_by("folded"),
        "recent": savedsearches.recent(request.user, limit=savedsearches.REMEMBERED),
    }
    return render(request, "gallery/searches.html", context)


def _save(request):
    asked = {name: request.POST.get(name, "") for name in ("name", "query", "sort")}
    try:
        saved = savedsearches.create(request.user, **asked)
    except SavedSearchError as error:
        warn(request, error.message)
        there = SavedSearch(query=asked["query"], sort=asked["sort"][:10]).get_absolute_url()
        return redirect(there)
    notify(
        request,
        gettext("“{name}” is saved, and pinned to the side bar.").format(name=saved.name),
        undo=_address("delete", saved),
    )
    return redirect(saved)


@require_POST
def change(request, public_id):
    """Rename a saved search, or pin it."""
    saved = _find(request, public_id)
    wanted = {"name": request.POST["name"]} if "name" in request.POST else {}
    if "pinned" in request.POST:
        wanted["pinned"] = request.POST["pinned"] == "yes"
    try:
        savedsearches.change(saved, **wanted)
    except SavedSearchError as error:
        warn(request, error.message)
    return redirect("searches")


@require_POST
def delete(request, public_id):
    """Delete a saved search; its pictures stay."""
    saved = _find(request, public_id)
    saved.delete()
    notify(request, gettext("“{name}” is no longer saved.").format(name=saved.name))
    return redirect("searches")


def _find(request, public_id):
    return get_object_or_404(SavedSearch.objects.owned_by(request.user), public_id=public_id)


def _address(deed: str, saved: SavedSearch) -> str:
    return reverse(f"saved-search-{deed}", args=[saved.public_id])
