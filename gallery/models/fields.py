"""Provider keys at rest: Fernet tokens, bound to the row they were made for."""

import json
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class UnreadableSecret(Exception):
    """The stored key cannot be decrypted: the key ring changed, or the value was moved between rows."""


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def key_ring() -> MultiFernet:
    """The ring of FIELD_ENCRYPTION_KEYS, newest first; every key reads, the newest writes."""
    _notice_a_new_ring()
    return _ring(tuple(settings.FIELD_ENCRYPTION_KEYS))


def _notice_a_new_ring() -> None:
    """`rotate_keys` changes the file while web server and worker run; they go on with the new ring."""
    if not settings.KEY_RING_IN_FILE:
        return
    path = settings.KEY_RING_FILE
    stamp = _stamp_of(path)
    if stamp and _seen.setdefault(path, stamp) != stamp:
        settings.FIELD_ENCRYPTION_KEYS = path.read_text().strip().split(",")
        _seen[path] = stamp


def _stamp_of(path: Path) -> tuple[int, ...]:
    try:
        facts = path.stat()
    except OSError:
        return ()  # the ring that was read at the start is still good
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


_seen: dict[Path, tuple[int, ...]] = {}


def seal(secret: str, *context: object) -> str:
    """Encrypt `secret` for one `context` (owner, provider …); any other context cannot open it."""
    return key_ring().encrypt(json.dumps([secret, *map(str, context)]).encode()).decode()


def unseal(token: str, *context: object) -> str:
    try:
        secret, *bound = json.loads(key_ring().decrypt(token.encode()))
    except (InvalidToken, ValueError, TypeError) as exc:
        raise UnreadableSecret from exc
    if bound != [str(part) for part in context] or not isinstance(secret, str):
        raise UnreadableSecret
    return secret


class SealedField(models.TextField):
    """A column of sealed text. It can be compared with empty and with nothing else."""

    def get_lookup(self, lookup_name):
        if lookup_name in {"isnull", "exact"}:
            return super().get_lookup(lookup_name)
        return None


if settings.KEY_RING_IN_FILE:
    _seen[settings.KEY_RING_FILE] = _stamp_of(settings.KEY_RING_FILE)
