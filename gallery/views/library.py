"""Prompts: what was sent, and what is kept by name."""

import json
from uuid import UUID

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery.forms.generate import LABELS
from gallery.forms.presets import SavedPromptForm, parameters_in
from gallery.models import Generation, Preset, SavedPrompt
from gallery.prompting import presets, prompthistory, savedprompts
from gallery.prompting.presets import PresetError
from gallery.prompting.savedprompts import SavedPromptError
from gallery.screens.toasts import notify, warn
from gallery.views.errors import bad_request
from gallery.views.fragments import posted, wants_fragment

PAGE = 100
FEW = 8  # of each kind in the generate form
LONGEST_SEARCH = 500


@require_safe
def history(request):
    """What was sent, each prompt once, the newest first."""
    try:
        after = _place(request)
    except Http404:
        return bad_request(request, gettext("This place in the list is not known. Open the list again."))
    text = _text(request)
    context = {
        "section": "prompts",
        "tab": "history",
        "q": text,
        "is_first": after is None,
        "page": prompthistory.page(request.user, text, after),
    }
    part = "#list" if wants_fragment(request) else ""
    return render(request, f"gallery/prompts/history.html{part}", context)


def _place(request) -> Generation | None:
    """The generation of `?after=`."""
    if "after" not in request.GET:
        return None
    try:
        wanted = UUID(request.GET["after"])
    except ValueError as exc:
        raise Http404(gettext("This is the id of nothing.")) from exc
    return get_object_or_404(Generation.objects.owned_by(request.user), public_id=wanted)


def _text(request) -> str:
    return request.GET.get("q", "")[:LONGEST_SEARCH].replace("\0", "").strip()


@require_safe
def library(request):
    """The prompts that are kept, by folder."""
    text = _text(request)
    pages = Paginator(savedprompts.matching(request.user, text), PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {"section": "prompts", "tab": "library", "q": text, "page": page}
    part = "#list" if wants_fragment(request) else ""
    return render(request, f"gallery/prompts/library.html{part}", context)


@require_safe
def shelf(request):
    """A few prompts to go on from, inside the generate form."""
    text = _text(request)
    context = {
        "q": text,
        "saved": savedprompts.matching(request.user, text)[:FEW],
        "recent": prompthistory.page(request.user, text, limit=FEW).entries,
    }
    return render(request, "gallery/add/_shelf_rows.html", context)


# --- Kept prompts -------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def new(request):
    """Write a prompt that is to be kept."""
    return _edit(request, SavedPromptForm(posted(request)), None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, public_id):
    """Change a kept prompt, its name or its folder."""
    saved = _find(request, public_id)
    initial = {name: getattr(saved, name) for name in ("name", "folder", "text", "negative_text")}
    initial["recipe"] = json.dumps(saved.recipe)
    return _edit(request, SavedPromptForm(posted(request), initial=initial), saved)


def _edit(request, form, saved):
    if form.is_bound and form.is_valid() and (kept := form.save(request.user, saved)):
        notify(request, gettext("“{name}” is saved.").format(name=kept.name))
        return redirect("prompt-library")
    if saved and form.errors:
        saved.refresh_from_db()
    return _show(request, form, saved)


def _show(request, form, saved=None):
    context = {
        "section": "prompts",
        "form": form,
        "saved": saved,
        "settings": _settings(form["recipe"].value()),
    }
    return render(request, "gallery/prompts/edit.html", context, status=422 if form.errors else 200)


def _settings(recipe: str | None) -> list[tuple[str, str]]:
    """What a recipe sets, in words."""
    try:
        values = json.loads(recipe or "{}")
    except ValueError:
        return []
    names = {"model": gettext("Model"), "n": gettext("Images"), **LABELS, "size": gettext("Size")}
    return [(names[name], values[name]) for name in names if isinstance(values, dict) and values.get(name)]


@require_POST
def delete(request, public_id):
    """Delete a kept prompt; `undo` brings it back."""
    mine = SavedPrompt.objects.owned_by(request.user)
    if "undo" in request.POST:
        return _restore(request, get_object_or_404(mine, public_id=public_id))
    saved = get_object_or_404(mine.kept(), public_id=public_id)
    savedprompts.delete(saved)
    notify(
        request,
        gettext("“{name}” was deleted.").format(name=saved.name),
        undo=reverse("saved-prompt-delete", args=[public_id]),
    )
    return redirect("prompt-library")


def _restore(request, saved):
    try:
        savedprompts.restore(saved)
    except SavedPromptError as error:
        warn(request, error.message)
    there = reverse("prompt-library")
    return HttpResponse(headers={"HX-Redirect": there}) if wants_fragment(request) else redirect(there)


def _find(request, public_id) -> SavedPrompt:
    return get_object_or_404(SavedPrompt.objects.owned_by(request.user).kept(), public_id=public_id)


# --- From the generate form ---------------------------------------------------------------------


@require_POST
def keep(request):
    """Keep what the generate form was sent with; without a name, ask for one first."""
    typed = {name: request.POST.get(name, "") for name in ("name", "folder")}
    if "name" not in request.POST:
        return _ask_for_a_name(request)
    try:
        said = _kept(request, **typed)
    except (SavedPromptError, PresetError) as error:
        problem = error.message
    else:
        notify(request, said)
        problem, typed = "", {"folder": typed["folder"]}
    if not wants_fragment(request):
        if problem:
            warn(request, problem)
        return redirect("add-generate")
    context = {"typed": typed, "problem": problem}
    return render(request, "gallery/add/_keep_answer.html", context, status=422 if problem else 200)


def _kept(request, name: str, folder: str) -> str:
    """Keep it, and tell what was kept."""
    settings = parameters_in(request.POST)
    negative = request.POST.get("negative_prompt", "")
    what = request.POST.get("as", "prompt")
    if what == "preset":
        values = presets.clean_parameters(settings | {"negative_prompt": negative})
        presets.create(request.user, name=name, kind=Preset.Kind.PARAMETERS, values=values)
        return gettext("The settings are kept as “{name}”.").format(name=name.strip())
    text = request.POST.get("prompt", "")
    recipe = settings if what == "both" else {}
    savedprompts.create(
        request.user, name=name, folder=folder, text=text, negative_text=negative, recipe=recipe
    )
    return gettext("“{name}” is in your prompt library.").format(name=name.strip())


def _ask_for_a_name(request):
    initial = {
        "text": request.POST.get("prompt", ""),
        "negative_text": request.POST.get("negative_prompt", ""),
    }
    return _show(request, SavedPromptForm(initial=initial))
