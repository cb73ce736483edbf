"""The queue as a whole: its pause, its order, and stopping several jobs at once."""

from django.http import HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from gallery.forms.pictures import parse_id
from gallery.generations import generation, lines
from gallery.models import Generation
from gallery.screens.toasts import notify, warn
from gallery.views.fragments import wants_fragment
from gallery.views.generations import begun, own, queue_of

MOST = 500  # jobs that are stopped at once


@require_POST
def pause(request):
    """Send nothing more, or with `continue` go on."""
    goes_on = "continue" in request.POST
    (lines.resume if goes_on else lines.pause)(request.user)
    request.user.refresh_from_db(fields=["queue_paused"])
    return _answer(request)


@require_POST
def move(request, public_id):
    """Let a waiting job go first, or change places with its neighbour."""
    row = own(request, public_id)
    where = request.POST.get("where")
    if where not in lines.MOVES:
        return HttpResponseBadRequest(gettext("Say where it goes: first, up or down."))
    lines.move(row, where)
    return _answer(request)


@require_POST
def stop_several(request):
    """Stop the jobs that were ticked."""
    keys = [key for key in map(parse_id, request.POST.getlist("job")[:MOST]) if key]
    found = list(Generation.objects.owned_by(request.user).active().filter(public_id__in=keys))
    for row in found:
        generation.cancel(row)
    if found:
        notify(request, gettext("Stopped: {n}.").format(n=len(found)))
    else:
        warn(request, gettext("Nothing was chosen that still waits. Tick what should be stopped."))
    return _answer(request)


def _answer(request):
    """The queue anew; to htmx its sections, and word to the other pages that follow jobs."""
    if not wants_fragment(request):
        return redirect("queue")
    return begun(render(request, "queue/_sections.html", queue_of(request.user)))
