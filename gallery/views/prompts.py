"""Settings for prompts: house style, persona, placeholders."""

from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from gallery.forms.prompts import PlaceholderForm, StyleForm
from gallery.models import Placeholder
from gallery.screens.toasts import notify
from gallery.views.fragments import posted


@require_http_methods(["GET", "HEAD", "POST"])
def index(request):
    """The house style and the list of placeholders."""
    form = StyleForm(posted(request), owner=request.user)
    if form.is_bound and form.is_valid():
        form.save()
        notify(request, gettext("New prompts are put together like this from now on."))
        return redirect("prompts")
    rows = Placeholder.objects.owned_by(request.user)
    context = {"section": "settings", "tab": "prompts", "form": form, "placeholders": rows}
    return render(request, "settings/prompts.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request):
    """Keep another placeholder."""
    return _edit(request, PlaceholderForm(posted(request)), None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, public_id):
    """Change a placeholder."""
    placeholder = _find(request, public_id)
    initial = {"name": placeholder.name, "values": "\n".join(placeholder.values)}
    return _edit(request, PlaceholderForm(posted(request), initial=initial), placeholder)


def _edit(request, form, placeholder):
    if form.is_bound and form.is_valid() and form.save(request.user, placeholder):
        return redirect("prompts")
    context = {"section": "settings", "tab": "prompts", "form": form, "placeholder": placeholder}
    return render(request, "settings/placeholder.html", context, status=422 if form.errors else 200)


@require_POST
def delete(request, public_id):
    """Delete a placeholder; prompts that have it are sent as they are typed."""
    placeholder = _find(request, public_id)
    placeholder.delete()
    notify(request, gettext("{placeholder} was deleted.").format(placeholder=placeholder))
    return redirect("prompts")


def _find(request, public_id) -> Placeholder:
    return get_object_or_404(Placeholder.objects.owned_by(request.user), public_id=public_id)
