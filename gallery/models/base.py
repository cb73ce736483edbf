"""What every object that people can name has: a random public id, and an owner who alone sees it."""

import os
import time
import uuid

from django.conf import settings
from django.db import models


def uuid7() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, 74 random bits; sorts by time."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class OwnedQuerySet(models.QuerySet):
    def owned_by(self, user):
        """The one way to objects: only those of `user`. Foreign ones look as if they did not exist."""
        return self.filter(owner=user)


class Owned(models.Model):
    """An object with a public id and an owner. Rows keep an integer key for joins and cursors."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    # db_index=False: each model has a composite index that begins with owner.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta:
        abstract = True
