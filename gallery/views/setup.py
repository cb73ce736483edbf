"""The set-up in three short pages: the first account by a one-time link, the store, and a provider."""

from functools import wraps

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from gallery import connections, vendors
from gallery.accounts import AlreadySetUp, create_owner, is_setup_token
from gallery.forms.account import OwnerForm
from gallery.forms.profiles import ConnectionForm
from gallery.models import ConnectionProfile
from gallery.screens.introductions import image_makers
from gallery.systemchecks import groundwork
from gallery.views.fragments import posted
from gallery.views.profiles import free_name

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@login_not_required
@never_cache
@sensitive_post_parameters("password", "password_again")
def owner(request, token):
    """Make the owner account. A used or wrong link leads nowhere, and nothing goes on where it is unsafe."""
    if not is_setup_token(token):
        raise Http404
    if dangers := groundwork.dangers():
        return render(request, "setup/unsafe.html", {"dangers": dangers}, status=403)
    form = OwnerForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            user = create_owner(form.cleaned_data["username"], form.cleaned_data["password"])
        except AlreadySetUp as exc:
            raise Http404 from exc
        connections.create(
            user, name="Demo", provider="demo"
        )  # so that Generate works at once, without a key
        login(request, user, backend=BACKEND)
        return redirect("setup-storage")
    return render(request, "setup/owner.html", {"form": form}, status=422 if form.is_bound else 200)


def for_the_owner(view):
    """The other pages are for an administrator: they tell where files are."""

    @wraps(view)
    def guarded(request):
        if not request.user.is_superuser:
            raise Http404
        return view(request)

    return guarded


@require_safe
@for_the_owner
def storage(request):
    context = {"place": groundwork.place(), "problem": groundwork.try_writing()}
    return render(request, "setup/storage.html", context)


@sensitive_post_parameters("api_key")
@for_the_owner
def provider(request):
    """Connect a provider and test it at once, free of charge. One that does not work is not kept."""
    offered = image_makers()
    slugs = {each.slug: each.label for each in offered}
    asked = request.POST.get("provider") or request.GET.get("provider")
    slug = asked if asked in slugs else offered[0].slug
    initial = {"provider": slug, "name": free_name(request.user, slugs[slug])}
    form = ConnectionForm(posted(request), instance=ConnectionProfile(owner=request.user), initial=initial)
    result = _connect(form) if request.method == "POST" and form.is_valid() else None
    made = bool(result and result.ok)
    context = {"providers": offered, "provider": slug, "form": form, "result": result, "made": made}
    is_refused = form.is_bound and not made
    return render(request, "setup/provider.html", context, status=422 if is_refused else 200)


def _connect(form):
    """Save what was typed and ask the vendor whether it works. What works is used from now on."""
    profile = form.save()
    result = vendors.check_profile(profile)
    if result.ok:
        connections.make_default(profile)
    else:
        connections.remove(profile)
    return result
