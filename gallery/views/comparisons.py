"""One prompt on several models: sent, followed column by column, and one of them kept."""

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery.bulk import BulkError
from gallery.bulk.words import sentence
from gallery.forms.pictures import parse_id
from gallery.generations import comparisons
from gallery.models import Comparison, Generation
from gallery.screens import columns
from gallery.screens import compared as compared_screen
from gallery.screens.toasts import notify, warn
from gallery.views.add import generate
from gallery.views.fragments import wants_fragment
from gallery.work import jobs
from providers.errors import ProviderError

SHOWN = 20  # on a page of the list


@require_http_methods(["GET", "HEAD", "POST"])
def index(request):
    """The comparisons so far; a POST of the generate form begins another one."""
    if request.method == "POST":
        return generate(request, compares=True)
    rows = Comparison.objects.owned_by(request.user).prefetch_related(*columns.READ)
    page = Paginator(rows, SHOWN).get_page(request.GET.get("page"))
    context = {"section": "queue", "page": page, "lines": columns.lines(page)}
    return render(request, "comparisons/index.html", context)


@require_safe
def page(request, public_id):
    """A column for each model, live while something is drawn. htmx gets the columns alone."""
    compared = compared_screen.of(request.user, _find(request, public_id))
    context = {
        "section": "queue",
        "compared": compared,
        "live": jobs.poller(compared.cards, "comparison"),
    }
    part = "comparisons/_columns.html" if wants_fragment(request) else "comparisons/page.html"
    return render(request, part, context)


@require_POST
def keep(request, public_id):
    """Keep what the generation of one column made, or move it to the trash; `undo` keeps none."""
    comparison = _find(request, public_id)
    try:
        _do(request, comparison)
    except (ProviderError, BulkError) as exc:
        warn(request, exc.message)
    if not wants_fragment(request):
        return redirect(comparison)
    compared = compared_screen.of(request.user, _find(request, public_id))
    return render(request, "comparisons/_answer.html", {"compared": compared})


def _do(request, comparison) -> None:
    """What the button says that was pressed. Raises `ProviderError` or `BulkError`."""
    if "undo" in request.POST:
        comparisons.keep_none(comparison)
        notify(request, gettext("None is kept now. The images lie where they were before."))
    elif chosen := _chosen(comparison, request.POST.get("discard")):
        action = comparisons.discard(comparison, chosen)
        undo = reverse("bulk-undo", args=[action.public_id]) if action.can_be_undone else ""
        notify(request, sentence(action), undo=undo)
    elif chosen := _chosen(comparison, request.POST.get("generation")):
        comparisons.keep(comparison, chosen)
        notify(request, gettext("Kept. The images of the other models lie below it."), undo=request.path)
    else:
        warn(request, gettext("Choose the column whose image is to be kept."))


def _chosen(comparison, wanted: str | None) -> Generation | None:
    rows = Generation.objects.filter(column__comparison=comparison).prefetch_related("results__image")
    key = parse_id(wanted) if wanted else None
    return rows.filter(public_id=key).first() if key else None


def _find(request, public_id) -> Comparison:
    rows = Comparison.objects.owned_by(request.user).prefetch_related(*compared_screen.READ)
    return get_object_or_404(rows, public_id=public_id)
