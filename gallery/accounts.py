"""Accounts: sign-up by settings alone, and the first account by a one-time link."""

import hmac

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from gallery.models import User


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request):
        return settings.SIGNUP_ENABLED


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
