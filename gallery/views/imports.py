"""An import: how far it is, what came in, and what did not."""

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from gallery.files.media import thumbnail_url
from gallery.imports import importing
from gallery.models import Import, ImportEntry
from gallery.screens import cards
from gallery.views.fragments import wants_fragment
from gallery.views.generations import begun
from gallery.work import jobs

ENTRIES_ON_A_PAGE = 200


@require_safe
def detail(request, public_id):
    job = _own(request, public_id)
    return render(request, "queue/import.html", _context(request, job))


def _context(request, job) -> dict:
    entries = job.entries.select_related("image")
    states = ImportEntry.State
    counts = {
        state: entries.filter(state=state).count()
        for state in (states.ADDED, states.DUPLICATE, states.FAILED)
    }
    page = Paginator(entries, ENTRIES_ON_A_PAGE).get_page(request.GET.get("page"))
    card = cards.of_import(job)
    return {
        "section": "queue",
        "job": job,
        "card": card,
        "counts": counts,
        "page": page,
        "rows": [_row(entry) for entry in page],
        "live": jobs.poller([card], "imports"),
    }


def _row(entry) -> dict:
    image = entry.image if entry.image and entry.image.trashed_at is None else None
    thumb = thumbnail_url(image.public_id, image.owner_id, 320) if image else ""
    return {"entry": entry, "image": image, "thumb": thumb}


@require_POST
def stop(request, public_id):
    job = _own(request, public_id)
    importing.cancel(job)
    job.refresh_from_db()
    if wants_fragment(request):
        return begun(render(request, "queue/_after.html", {"card": cards.of_import(job)}))
    return redirect("import", job.public_id)


def _own(request, public_id) -> Import:
    return get_object_or_404(Import.objects.owned_by(request.user), public_id=public_id)
