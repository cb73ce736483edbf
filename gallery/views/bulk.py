"""Many pictures at once: what is done to a selection, and the history of it."""

import json

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery import bulk
from gallery.bulk import BulkError
from gallery.bulk.words import images, sentence
from gallery.files import downloads
from gallery.forms.bulk import BulkForm, SelectionForm
from gallery.generations.admission import TooMany
from gallery.models import BulkAction, Download
from gallery.screens.toasts import notify, warn
from gallery.tagging.tagspec import TagError
from gallery.views.fragments import wants_fragment

HISTORY = 200  # entries of the history that are shown


# --- Doing ----------------------------------------------------------------------------------------


@require_POST
def act(request):
    """Do something to the selected pictures; a great many go to the trash only when that is confirmed."""
    form = BulkForm(request.user, request.POST)
    if not form.is_valid():
        return _refuse(request, form, form.problem)
    try:
        if form.wants_archive:
            return _download(request, downloads.create(form.selection))
        if form.must_ask:
            return _ask(request, form)
        return _answer(request, form, form.begin())
    except (BulkError, TagError, TooMany) as error:
        return _refuse(request, form, error.message)


@require_http_methods(["GET", "HEAD", "POST"])
def tags(request):
    """The tags of the selected pictures, each with how many carry it. A POST takes long selections."""
    form = SelectionForm(request.user, request.POST or request.GET)
    form.is_valid()
    try:
        context = _tags(form)
    except BulkError as error:
        return _refuse(request, form, error.message)
    if wants_fragment(request):
        return _trigger(render(request, "bulk/tags.html#tags", context), "bulk:tags")
    return render(request, "bulk/tags.html", context)


def _tags(form) -> dict:
    rows = bulk.count_tags(form.selection)
    n = len(form.selection)
    return {
        "kept": form.kept,
        "kind": form.cleaned_data.get("kind", ""),
        "way_back": form.way_back,
        "rows": rows,
        "images": images(n),
        "many": n > bulk.COUNTED,
    }


def _refuse(request, form, text):
    warn(request, text)
    if wants_fragment(request):
        return render(request, "_toasts.html", status=422)
    return redirect(_way_back(form))


def _way_back(form) -> str:
    return (form.way_back if form.is_valid() else "") or reverse("index")


def _download(request, archive):
    if not wants_fragment(request):
        return redirect(archive)
    return HttpResponse(headers={"HX-Redirect": archive.get_absolute_url()})


@login_not_required
@require_safe
def download(request, public_id):
    """Send an archive, or the part of it that is asked for. To strangers there is none."""
    if not request.user.is_authenticated:
        raise Http404
    archive = get_object_or_404(Download.objects.owned_by(request.user), public_id=public_id)
    return downloads.respond(request, archive)


def _ask(request, form):
    context = {
        "kept": form.kept,
        "images": images(len(form.selection)),
        "way_back": _way_back(form),
    }
    if wants_fragment(request):
        return _trigger(render(request, "bulk/ask.html#ask", context), "bulk:ask")
    return render(request, "bulk/ask.html", context)


def _answer(request, form, action):
    if not action.is_active:
        notify(request, sentence(action), undo=_undo_address(action))
    if not wants_fragment(request):
        return redirect(action) if action.is_active else redirect(_way_back(form))
    context = {"action": action, "text": sentence(action)}
    if action.action in (BulkAction.Action.TAG, BulkAction.Action.UNTAG) and not action.is_active:
        context |= _tags(form) | {"typed": form.cleaned_data["tags"]}
    return _tell(render(request, "bulk/_answer.html", context), action)


def _undo_address(action) -> str:
    return reverse("bulk-undo", args=[action.public_id]) if action.can_be_undone else ""


def _tell(response, action, **more):
    """Let the page's script know what has become of the pictures, or that a job runs now."""
    if action.is_active:
        return _trigger(response, "jobs:begun", bulk=True)
    undone = action.status == BulkAction.Status.UNDONE
    detail = {"id": str(action.public_id), "action": action.action, "value": action.params.get("value")}
    return _trigger(response, "bulk:undone" if undone else "bulk:done", **detail, **more)


def _trigger(response, event, **detail):
    response["HX-Trigger"] = json.dumps({event: {"target": "body", **detail}})
    return response


# --- The history ----------------------------------------------------------------------------------


@require_safe
def history(request):
    """What was done to many pictures, newest first, each with the way back."""
    rows = [_row(action) for action in BulkAction.objects.owned_by(request.user)[:HISTORY]]
    runs = any(row["action"].is_active for row in rows)
    return render(request, "bulk/history.html", {"section": "queue", "rows": rows, "runs": runs})


def _row(action) -> dict:
    return {"action": action, "text": sentence(action)}


@require_safe
def detail(request, public_id):
    """How far an action is; htmx gets the message that follows it."""
    action = _action(request, public_id)
    context = {"section": "queue", "action": action, "text": sentence(action), "row": _row(action)}
    if not wants_fragment(request):
        return render(request, "bulk/action.html", context)
    response = render(request, "bulk/_running.html#news", context)
    return response if action.is_active else _tell(response, action, later=True)


@require_POST
def undo(request, public_id):
    """Put back what an action has changed."""
    action = _action(request, public_id)
    bulk.undo(action)
    return _told(request, action)


@require_POST
def stop(request, public_id):
    """Stop an action; what it has done stays."""
    action = _action(request, public_id)
    bulk.stop(action)
    return _told(request, action)


def _told(request, action):
    if not action.is_active:
        notify(request, sentence(action))
    if wants_fragment(request):
        context = {"action": action, "text": sentence(action)}
        return _tell(render(request, "bulk/_answer.html", context), action)
    return redirect("history")


def _action(request, public_id) -> BulkAction:
    return get_object_or_404(BulkAction.objects.owned_by(request.user), public_id=public_id)
