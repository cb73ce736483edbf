"""Bearer tokens: found by their SHA-256, bound to a scope, useless once revoked, expired or disowned."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from ninja.errors import AuthenticationError, AuthorizationError
from ninja.security import HttpBearer

from gallery.api.problems import Problem
from gallery.models import ApiToken
from gallery.work.patience import can_write_now

READING = {"GET", "HEAD", "OPTIONS"}
STAMP_EVERY = timedelta(minutes=1)


class TokenAuth(HttpBearer):
    """Let in the owner of a usable token, and make them `request.user` whoever the cookies name."""

    def authenticate(self, request, token):
        row = find_token(token)
        if row is None:
            raise AuthenticationError(
                message="This token is not known here, or it was revoked or has expired."
            )
        request.user = row.owner
        if row.scope == ApiToken.Scope.READ and request.method not in READING:
            raise AuthorizationError(message="This token may only read. Make one with the scope “write”.")
        if any("__" in name for name in request.GET):  # how Django spells a look-up into another table
            raise Problem(400, "There is no such parameter. The documentation lists those that exist.")
        stamp(row)
        return row


def find_token(token: str) -> ApiToken | None:
    digest = ApiToken.digest_of(token.strip())
    return ApiToken.objects.usable().select_related("owner").filter(digest=digest).first()


def stamp(row: ApiToken) -> None:
    """Note that the token was used, at most once a minute: reading must not cost a write each time."""
    now = timezone.now()
    if row.last_used_at and row.last_used_at > now - STAMP_EVERY:
        return
    if not can_write_now():
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - STAMP_EVERY)
    ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=now)
