"""Settings for presets: make, change, put in order, delete."""

from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gallery import offers
from gallery.forms.presets import PresetForm
from gallery.language.wording import gettext_lazy
from gallery.models import Preset
from gallery.prompting import presets
from gallery.screens.toasts import notify
from gallery.views.fragments import posted

FRAME = {"section": "settings", "tab": "presets"}
NAMES = {Preset.Kind.PARAMETERS: gettext_lazy("New settings"), Preset.Kind.STYLE: gettext_lazy("New style")}


@require_safe
def index(request):
    """All presets, in their order."""
    rows = Preset.objects.owned_by(request.user)
    return render(request, "settings/presets.html", FRAME | {"presets": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request):
    """Make a preset of the kind that `kind` names."""
    asked = request.POST.get("kind") or request.GET.get("kind", "")
    kind = asked if asked in Preset.Kind.values else Preset.Kind.PARAMETERS
    return _edit(request, PresetForm(posted(request), kind=kind, groups=_groups(request, kind)))


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, public_id):
    """Change a preset. Pictures that were made with it keep what was sent."""
    preset = _find(request, public_id)
    groups = _groups(request, preset.kind)
    return _edit(request, PresetForm(posted(request), kind=preset.kind, groups=groups, preset=preset))


def _groups(request, kind):
    return [] if kind == Preset.Kind.STYLE else offers.offer_groups(request.user)


def _edit(request, form):
    heading = form.preset.name if form.preset else NAMES[form.kind]
    if form.is_bound and form.is_valid() and form.save(request.user):
        notify(request, gettext("“{n}” is saved.").format(n=form.cleaned_data["name"]))
        return redirect("presets")
    context = FRAME | {"form": form, "preset": form.preset, "heading": heading}
    return render(request, "settings/preset.html", context, status=422 if form.errors else 200)


@require_POST
def move(request, public_id):
    """Send a preset up or down."""
    presets.move(_find(request, public_id), by=-1 if request.POST.get("to") == "front" else 1)
    return redirect(f"{reverse('presets')}#preset-{public_id}")


@require_POST
def delete(request, public_id):
    """Delete a preset. Pictures that were made with it stay as they are."""
    preset = _find(request, public_id)
    preset.delete()
    notify(request, gettext("“{name}” was deleted.").format(name=preset.name))
    return redirect("presets")


def _find(request, public_id) -> Preset:
    return get_object_or_404(Preset.objects.owned_by(request.user), public_id=public_id)
