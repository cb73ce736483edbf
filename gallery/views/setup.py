"""The first account, by a one-time link."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from gallery import connections
from gallery.accounts import AlreadySetUp, create_owner, is_setup_token
from gallery.forms.account import OwnerForm
from gallery.views.fragments import posted

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@login_not_required
@never_cache
@sensitive_post_parameters("password", "password_again")
def owner(request, token):
    """Make the owner account and open its gallery. A used or wrong link leads nowhere."""
    if not is_setup_token(token):
        raise Http404
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
        return redirect("index")
    return render(request, "setup/owner.html", {"form": form}, status=422 if form.is_bound else 200)
