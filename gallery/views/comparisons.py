"""One prompt on several models: sent, followed column by column, and one of them kept."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery.forms.pictures import parse_id
from gallery.generations import comparisons
from gallery.models import Comparison, Generation
from gallery.screens import columns
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
    context = {"section": "comparisons", "page": page, "lines": columns.lines(page)}
    return render(request, "comparisons/index.html", context)


@require_safe
def page(request, public_id):
    """A column for each model, live while something is drawn."""
    rows = Comparison.objects.owned_by(request.user)
    rows = rows.prefetch_related(*columns.READ, "columns__generations__calls")
    comparison = get_object_or_404(rows, public_id=public_id)
    shown = columns.read(comparison)
    drawn = [column.card for column in shown if column.card]
    context = {
        "section": "comparisons",
        "comparison": comparison,
        "columns": shown,
        "bill": columns.bill(comparison),
        "live": jobs.poller(drawn, "comparison"),
        "again": next((column.generation for column in shown if column.generation), None),
    }
    return render(request, "comparisons/page.html", context)


@require_POST
def keep(request, public_id):
    """Keep what the generation of one column made; `undo` takes it back."""
    comparison = get_object_or_404(Comparison.objects.owned_by(request.user), public_id=public_id)
    if "undo" in request.POST:
        comparisons.keep_none(comparison)
        notify(request, gettext("None is kept now. The images lie where they were before."))
        return _back(request, comparison)
    rows = Generation.objects.filter(column__comparison=comparison).prefetch_related("results__image")
    wanted = parse_id(request.POST.get("generation"))
    chosen = rows.filter(public_id=wanted).first() if wanted else None
    try:
        if chosen is None:
            warn(request, gettext("Choose the column whose image is to be kept."))
        else:
            comparisons.keep(comparison, chosen)
            notify(request, gettext("Kept. The images of the other models lie below it."), undo=request.path)
    except ProviderError as exc:
        warn(request, exc.message)
    return _back(request, comparison)


def _back(request, comparison):
    """The page anew; it is read once more where only its toast asked."""
    if wants_fragment(request):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return redirect(comparison)
