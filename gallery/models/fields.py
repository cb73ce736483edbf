"""Provider keys at rest: Fernet tokens, bound to the row they were made for."""

import json
from functools import lru_cache

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
    return _ring(tuple(settings.FIELD_ENCRYPTION_KEYS))


def seal(secret: str, *context: object) -> str:
    """Encrypt `secret` for one `context` (owner, provider …); any other context cannot open it."""
    return key_ring().encrypt(json.dumps([secret, *map(str, context)]).encode()).decode()


def unseal(token: str, *context: object) -> str:
    try:
        secret, *bound = json.loads(key_ring().decrypt(token.encode()))
    except (InvalidToken, ValueError) as exc:
        raise UnreadableSecret from exc
    if bound != [str(part) for part in context]:
        raise UnreadableSecret
    return secret


class SealedField(models.TextField):
    """A column of sealed text. It can be compared with empty and with nothing else."""

    def get_lookup(self, lookup_name):
        if lookup_name in {"isnull", "exact"}:
            return super().get_lookup(lookup_name)
        return None
