"""Settings, Connections."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from gallery import connections, vendors
from gallery.forms.profiles import ConnectionForm
from gallery.models import ConnectionProfile
from gallery.screens.introductions import introduction, introductions
from gallery.views.fragments import posted, wants_fragment
from providers import registry

PLACE = {"section": "settings", "tab": "connections"}


@require_safe
def index(request):
    profiles = list(ConnectionProfile.objects.owned_by(request.user))
    spent = connections.spent_this_month(request.user)
    rows = [_row(profile, spent) for profile in profiles]
    return render(
        request, "settings/connections.html", PLACE | {"rows": rows, "fresh": request.GET.get("new", "")}
    )


@sensitive_post_parameters("api_key")
def new(request):
    provider = request.POST.get("provider") or request.GET.get("provider")
    if provider not in dict(registry.provider_choices()):
        return render(request, "settings/connection_new.html", PLACE | {"providers": introductions()})
    introduced = introduction(provider)
    profile = ConnectionProfile(owner=request.user)
    initial = {"provider": provider, "name": free_name(request.user, introduced.label)}
    form = ConnectionForm(posted(request), instance=profile, initial=initial)
    if request.method == "POST" and form.is_valid():
        profile = form.save()
        messages.success(request, gettext("{name} was added.").format(name=profile.name))
        return _to_list(request, profile)
    context = PLACE | {"form": form, "provider": provider, "introduction": introduced}
    return render(request, "settings/connection_new.html", context, status=422 if form.is_bound else 200)


@sensitive_post_parameters("api_key")
def edit(request, public_id):
    profile = _own(request, public_id)
    form = ConnectionForm(posted(request), instance=profile)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, gettext("{name} was saved.").format(name=profile.name))
        if form.key_was_cleared:
            messages.warning(
                request,
                gettext("The provider or its address changed, so the old key was removed. Add the new one."),
            )
        return _to_list(request, saved)
    saved = _own(request, public_id)  # the form may have filled in the other one
    context = PLACE | {"form": form, "profile": saved, "saved_name": saved.name}
    context |= {"introduction": introduction(saved.provider), "known": _models_of(saved)}
    return render(request, "settings/connection.html", context, status=422 if form.is_bound else 200)


@require_POST
def test(request, public_id):
    profile = _own(request, public_id)
    result = vendors.check_profile(profile)
    if not wants_fragment(request):
        (messages.success if result.ok else messages.error)(request, f"{profile.name}: {result.message}")
        return redirect("connections")
    row = _row(profile, connections.spent_this_month(request.user))
    return render(request, "settings/connections.html#row", {"row": row, "result": result})


def _row(profile: ConnectionProfile, spent: dict) -> dict:
    models = len(vendors.models_of(profile).living)
    return {"profile": profile, "spent": spent.get(profile.pk), "models": models}


@require_POST
def make_default(request, public_id):
    profile = _own(request, public_id)
    connections.make_default(profile)
    messages.success(request, gettext("{name} is the default now.").format(name=profile.name))
    return redirect("connections")


@require_POST
def delete(request, public_id):
    profile = _own(request, public_id)
    heir = connections.remove(profile)
    then = gettext(" {name} is the default now.").format(name=heir.name) if heir else ""
    messages.success(
        request, gettext("{name} was deleted. Its pictures stay.{then}").format(name=profile.name, then=then)
    )
    return redirect("connections")


def _own(request, public_id) -> ConnectionProfile:
    return get_object_or_404(ConnectionProfile.objects.owned_by(request.user), public_id=public_id)


def _to_list(request, profile: ConnectionProfile):
    """Go to the list, where a connection that was not tested since it changed is tested by itself."""
    hint = vendors.hint_about_address(profile.provider, profile.base_url)
    if hint:
        messages.info(request, hint)
    return redirect(f"{reverse('connections')}?new={profile.public_id}")


def _models_of(profile: ConnectionProfile) -> vendors.Models | None:
    """The models for pictures; None where the provider makes none."""
    known = vendors.models_of(profile)
    return known if known.models else None


def free_name(owner, label: str) -> str:
    """`label`, or with a number when the person has a connection of that name."""
    taken = {
        name.casefold() for name in ConnectionProfile.objects.owned_by(owner).values_list("name", flat=True)
    }
    names = (label, *(f"{label} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name.casefold() not in taken)
