"""The audit log: who came in, and who touched keys, tokens and other people's rows.

Labels name things: a connection, a token, a page of the admin. Keys, prompts and what strangers typed stay
out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from ipaddress import ip_address

from django.http import HttpRequest
from django.utils import timezone

from gallery.models import AuditEntry, ConnectionProfile, User

Verb = AuditEntry.Verb
KEPT = timedelta(days=400)
ONCE_A_DAY = timedelta(days=1)
_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


@contextmanager
def during(request: HttpRequest) -> Iterator[None]:
    """What is noted in the block was asked for by `request`."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def note(verb: Verb, owner_id: int | None = None, label: str = "", *, actor: User | None = None) -> None:
    """Write one line. Without a request and an `actor`, it was done on the command line or by a worker."""
    AuditEntry.objects.create(
        owner_id=owner_id, actor=actor or _actor(), verb=verb, label=label[:120], address=_address()
    )


def note_once_a_day(verb: Verb, owner_id: int, label: str) -> None:
    """For what would be noted at every look."""
    recent = AuditEntry.objects.filter(owner=owner_id, created_at__gt=timezone.now() - ONCE_A_DAY)
    if not recent.filter(verb=verb, label=label[:120]).exists():
        note(verb, owner_id, label)


def note_key(profile: ConnectionProfile, before: str = "") -> None:
    """Say what became of the key of a connection, which was `before`, sealed."""
    if profile.sealed_key == before:
        return
    verb = Verb.KEY_CHANGED if before and profile.sealed_key else Verb.KEY_ADDED
    note(verb if profile.sealed_key else Verb.KEY_REMOVED, profile.owner_id, profile.name)


def forget_old() -> None:
    """Asked every few seconds, so it looks at the oldest alone unless there is something to do."""
    oldest, limit = AuditEntry.objects.order_by("pk").first(), timezone.now() - KEPT
    if oldest and oldest.created_at < limit:
        AuditEntry.objects.filter(created_at__lt=limit).delete()


def _actor() -> User | None:
    user = getattr(_request.get(), "user", None)
    return user if user is not None and user.is_authenticated else None


def _address() -> str | None:
    request = _request.get()
    text = request.META.get("REMOTE_ADDR", "") if request else ""
    try:
        return str(ip_address(text))
    except ValueError:
        return None
