"""Many pictures of one prompt: what they will cost, the grid that they fill, and the list of such grids."""

import uuid

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery import batches, offers
from gallery.forms.many import ManyForm
from gallery.generations.generation import IdempotencyConflict
from gallery.language.wording import gettext_lazy
from gallery.models import Batch, BatchCell
from gallery.screens import matrix
from gallery.screens.toasts import notify
from gallery.views.fragments import wants_fragment
from providers.errors import ProviderError

SHOWN = 60  # of the list
CHOOSE = gettext_lazy("That model is no longer offered here. Go back and choose another one.")
BEGUN = gettext_lazy(
    "This page has begun these pictures already, with other settings. Press again to begin others."
)
OURS = {"words", "each", "in_shapes", "looks", "seen", "batch_key", "prompt", "csrfmiddlewaretoken"}
DEEDS = {
    "pause": (batches.pause, gettext_lazy("Paused. What was sent already comes to its end.")),
    "resume": (batches.resume, gettext_lazy("It goes on.")),
    "cancel": (batches.cancel, gettext_lazy("Stopped. What arrived is kept.")),
}


@require_http_methods(["GET", "HEAD", "POST"])
def index(request):
    """The grids that were begun, newest first; a POST begins another one."""
    if request.method == "POST":
        return _begin(request)
    done = Count("cells", filter=Q(cells__state=BatchCell.State.SUBMITTED))
    rows = Batch.objects.owned_by(request.user).select_related("profile").annotate(sent=done)[:SHOWN]
    return render(request, "gallery/batches/index.html", {"section": "queue", "rows": rows})


@require_POST
def new(request):
    """How many pictures what was typed stands for, and what they will cost. Nothing is sent."""
    form = _form(request)
    return _answer(request, form) if form else _gone(request)


def _begin(request):
    form = _form(request)
    if form is None:
        return _gone(request)
    if form.is_valid():
        try:
            batch = form.begin(request.user)
        except ProviderError as exc:
            form.blame(exc)
        except IdempotencyConflict:
            form.add_error(None, BEGUN)
        else:
            address = batch.get_absolute_url()
            if wants_fragment(request):
                return HttpResponse(headers={"HX-Redirect": address})
            return redirect(address)
    return _answer(request, form)


def _form(request) -> ManyForm | None:
    """The form as it was sent; None when its model is not offered any more."""
    offer = offers.chosen(offers.offer_groups(request.user), request.POST)
    if offer is None:
        return None
    offer.profile.owner = request.user  # read already
    return ManyForm(request.POST, offer=offer)


def _answer(request, form: ManyForm):
    wrong = bool(form.errors)
    laid = form.anew(request.POST).layout() if wrong else form.layout()
    context = {
        "section": "add",
        "form": form,
        "offer": form.offer,
        "laid": laid,
        "key": uuid.uuid4().hex,
        "kept": [(name, values) for name, values in request.POST.lists() if name not in OURS],
    }
    template = "gallery/batches/new.html" + ("#answer" if wants_fragment(request) else "")
    return render(request, template, context, status=422 if form.errors else 200)


def _gone(request):
    context = {"section": "add", "gone": CHOOSE}
    template = "gallery/batches/new.html" + ("#answer" if wants_fragment(request) else "")
    return render(request, template, context, status=422)


@require_safe
def detail(request, public_id):
    """The grid, and what can be done with it."""
    batch = _own(request, public_id)
    grid = matrix.grid_of(batch, matrix.cells_of(batch))
    runs = batch.state == Batch.State.RUNNING or bool(grid.counts.get("active"))
    return render(
        request, "gallery/batches/page.html", {"section": "queue", "batch": batch, "grid": grid, "runs": runs}
    )


@require_POST
def act(request, public_id, deed):
    """Pause, continue or stop."""
    batch = _own(request, public_id)
    do, sentence = DEEDS[deed]
    do(batch)
    notify(request, sentence)
    return redirect(batch)


@require_POST
def retry(request, public_id):
    """Send those again that went wrong, or with `unsure` those that may have been charged."""
    batch = _own(request, public_id)
    n = batches.retry(batch, unsure="unsure" in request.POST)
    notify(
        request,
        gettext("{n} will be tried again.").format(n=n) if n else gettext("There is nothing to try again."),
    )
    return redirect(batch)


def _own(request, public_id) -> Batch:
    rows = Batch.objects.owned_by(request.user).select_related("profile")
    return get_object_or_404(rows, public_id=public_id)
