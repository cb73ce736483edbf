"""Changing the keys that provider keys are encrypted with."""

import os
from pathlib import Path

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import transaction

from gallery.files import storage
from gallery.models import ConnectionProfile, User, fields
from gallery.models.fields import UnreadableSecret, seal
from providers import redaction


class KeyRingError(Exception):
    """The ring cannot be changed here; the message is for the operator."""


def add_key() -> None:
    """Put a new key in front of the ring in DATA_DIR. Processes that run take it up by themselves."""
    _must_be_in_file()
    new = Fernet.generate_key().decode()
    redaction.remember(new)
    ring = [new, *settings.FIELD_ENCRYPTION_KEYS]
    _write(settings.KEY_RING_FILE, ",".join(ring))
    settings.FIELD_ENCRYPTION_KEYS = ring


def forget_older_keys() -> int:
    """Keep the newest key of the ring in DATA_DIR alone; returns how many went. Raises `KeyRingError`."""
    _must_be_in_file()
    ring = settings.FIELD_ENCRYPTION_KEYS
    _write(settings.KEY_RING_FILE, ring[0])
    _reseal_with(ring)  # what was saved with an older one in the meantime
    settings.FIELD_ENCRYPTION_KEYS = ring[:1]
    return len(ring) - 1


def _reseal_with(ring: list[str]) -> None:
    fields.key_ring()  # takes note of the file, so that the next line stands
    settings.FIELD_ENCRYPTION_KEYS = ring
    reseal()


def reseal() -> tuple[int, list[str]]:
    """Encrypt every provider key with the newest key. Returns how many, and whose none opens."""
    n, locked = 0, []
    for owner in User.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            # Whoever saves a key of theirs has this lock until it is saved.
            if User.objects.select_for_update().filter(pk=owner).first() is None:
                continue  # deleted in the meantime
            for profile in ConnectionProfile.objects.filter(owner=owner).exclude(sealed_key=""):
                try:
                    profile.sealed_key = seal(profile.api_key, profile.owner_id, profile.provider)
                except UnreadableSecret:
                    locked.append(f"{profile.name} ({profile.owner})")
                    continue
                profile.save(update_fields=["sealed_key"])
                n += 1
    return n, locked


def _must_be_in_file() -> None:
    if not settings.KEY_RING_IN_FILE:
        raise KeyRingError(
            "The key ring comes from FIELD_ENCRYPTION_KEYS. Change that variable, newest key first, "
            "and run rotate_keys."
        )


def _write(path: Path, secret: str) -> None:
    """Whatever happens, the file holds the old ring or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    storage.sync_folder(path.parent)
