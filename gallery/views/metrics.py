"""Numbers for Prometheus, for staff and for the tokens of staff."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from gallery.api import auth
from gallery.models import User
from gallery.monitoring import exposition
from gallery.monitoring import metrics as numbers

NOT_FOR_YOU = "Nothing here without a token of a staff account: “Authorization: Bearer …”.\n"
PLAIN = "text/plain; charset=utf-8"


@login_not_required
@require_safe
def metrics(request):
    user = _who_asks(request)
    if user is None or not user.is_staff:
        return HttpResponse(NOT_FOR_YOU, status=404, content_type=PLAIN)
    return HttpResponse(numbers.text(), content_type=exposition.CONTENT_TYPE)


def _who_asks(request) -> User | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        row = auth.find_token(token)
        if row is None:
            return None
        auth.stamp(row)
        return row.owner
    return request.user if request.user.is_authenticated else None
