"""`/api/`: the REST API and, for every other address, a problem document instead of a page."""

from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from gallery.api import problems
from gallery.api.v1 import api


def hallway(view):
    """Wrap an endpoint: no log-in page, no bare 405."""

    @wraps(view)
    def answer(request, *args, **kwargs):
        response = view(request, *args, **kwargs)
        if response.status_code == 405:
            return problems.not_allowed(request.method, response.headers["Allow"])
        return response

    return login_not_required(answer)


def open_to_programs(urls):
    """Ninja's addresses, each behind `hallway`."""
    patterns, app, namespace = urls
    for pattern in patterns:
        pattern.callback = hallway(pattern.callback)
    return patterns, app, namespace


urlpatterns = [
    path("v1/", open_to_programs(api.urls)),
    re_path("", login_not_required(csrf_exempt(problems.not_found))),
]
