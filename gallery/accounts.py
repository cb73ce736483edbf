"""Accounts: who may make one, the first one by a one-time link, and what ends when its password changes."""

import hmac
import time
import unicodedata
from ipaddress import ip_network

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver
from django.utils import timezone
from django.utils.crypto import salted_hmac

from gallery import audit
from gallery.language import languages
from gallery.models import ApiToken, User


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request):
        return settings.SIGNUP_ENABLED

    def get_client_ip(self, request):
        """For limits, the network of the caller: who has one address of it mostly has the others too."""
        address = super().get_client_ip(request)
        return str(ip_network(f"{address}/{64 if ':' in address else 24}", strict=False))

    def _get_login_attempts_cache_key(self, request, **credentials):
        """Failures are counted by account: however its name is written, and by whichever name of the site."""
        return folded(credentials.get("username", ""))

    def post_login(self, request, user, **kwargs):
        response = super().post_login(request, user, **kwargs)
        languages.remember(response, user.language)
        return response

    def authentication_failed(self, request, **credentials):
        """The name is asked for in any case: known and unknown ones must cost the same."""
        known = User.objects.filter(username__iexact=credentials.get("username", ""))
        audit.note(audit.Verb.LOGIN_FAILED, known.values_list("pk", flat=True).first())


def folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


# --- What is noted, and what ends -----------------------------------------------------------------


@receiver(user_logged_in)
def begin_session(sender, request, user, **kwargs):
    request.session["begun"] = time.time()
    audit.note(audit.Verb.LOGIN, user.pk, actor=user)


@receiver(user_logged_out)
def end_session(sender, request, user, **kwargs):
    if user is not None:
        audit.note(audit.Verb.LOGOUT, user.pk, actor=user)


@receiver(pre_save, sender=User)
def notice_password(sender, instance, **kwargs):
    """A hash that is only renewed, as it is at a log-in, leaves `_password` empty."""
    instance.password_is_new = instance._password is not None and not instance._state.adding


@receiver(post_save, sender=User)
def end_what_the_old_password_opened(sender, instance, created, raw, **kwargs):
    """Other sessions end by themselves, for they carry a hash of the password; tokens are revoked here."""
    if created and not raw:
        audit.note(audit.Verb.ACCOUNT_MADE, instance.pk)
    if instance.password_is_new:
        audit.note(audit.Verb.PASSWORD_CHANGED, instance.pk)
        revoke(ApiToken.objects.owned_by(instance))


@receiver(post_save, sender=ApiToken)
def note_token(sender, instance, created, raw, **kwargs):
    if created and not raw:
        audit.note(audit.Verb.TOKEN_CREATED, instance.owner_id, str(instance))


def revoke(tokens: QuerySet[ApiToken]) -> int:
    """Let no program use these tokens any more. Returns how many could until now."""
    n = 0
    for token in tokens.filter(revoked_at=None):
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.note(audit.Verb.TOKEN_REVOKED, token.owner_id, str(token))
        n += 1
    return n


def forget_sessions() -> None:
    """Delete those that have ended; nobody would, for their browsers do not come back."""
    ended = Session.objects.filter(expire_date__lt=timezone.now())
    if ended.exists():  # this is asked every few seconds, and a deletion waits for whoever writes
        ended.delete()


# --- The first account ----------------------------------------------------------------------------


class AlreadySetUp(Exception):
    """Somebody has made the first account already."""


def setup_is_due() -> bool:
    return not User.objects.exists()


def setup_token() -> str:
    """The token of the one-time link: the same at each start, worthless once an account exists."""
    return salted_hmac("gallery.accounts.setup", "owner account", algorithm="sha256").hexdigest()[:40]


def is_setup_token(token: str) -> bool:
    return hmac.compare_digest(setup_token().encode(), token.encode()) and setup_is_due()


@transaction.atomic
def create_owner(username: str, password: str) -> User:
    """Make the first account, an administrator. Raises `AlreadySetUp` when it is not the first."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # two people with the link: one waits here for the other
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('gallery.accounts.setup'))")
    if not setup_is_due():
        raise AlreadySetUp
    return User.objects.create_superuser(username, password=password)
