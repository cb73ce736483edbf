"""Vendors' lists of models, read anew: from a connection's settings, and from the generate form."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from gallery import offers, vendors
from gallery.models import ConnectionProfile
from gallery.views.fragments import wants_fragment


@require_POST
def read(request, public_id):
    """Ask the vendor for its models, and show them in the connection's settings."""
    profile = _own(request, public_id)
    known = vendors.refresh(profile)
    if wants_fragment(request):
        return render(request, "settings/connection.html#models", {"profile": profile, "known": known})
    count = len(known.living)
    read_well = ngettext("{n} model can be chosen.", "{n} models can be chosen.", count).format(n=count)
    (messages.warning if known.note else messages.success)(request, known.note or read_well)
    return redirect("connection", public_id)


@require_POST
def offered(request, public_id):
    """Ask the vendor for its models, and offer them in the generate form. What is chosen stays chosen."""
    profile = _own(request, public_id)
    known = vendors.refresh(profile)
    groups = offers.offer_groups(request.user)
    group = next((group for group in groups if group.profile == profile), None)
    if group is None:
        raise Http404
    context = {"group": group, "offer": offers.chosen(groups, request.POST), "note": known.note}
    return render(request, "gallery/add/_model_group.html", context)


def _own(request, public_id) -> ConnectionProfile:
    return get_object_or_404(ConnectionProfile.objects.owned_by(request.user), public_id=public_id)
