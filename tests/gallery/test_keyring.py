"""Changing the key ring: provider keys stay readable at every step."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from gallery.models import ConnectionProfile

KEY = "sk-CANARY-0123456789"


@pytest.fixture
def ring(settings, tmp_path):
    """A ring of one key, in a file."""
    settings.KEY_RING_FILE, settings.KEY_RING_IN_FILE = tmp_path / "ring", True
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    settings.KEY_RING_FILE.write_text(settings.FIELD_ENCRYPTION_KEYS[0])
    return settings


@pytest.fixture
def profile(owner, ring):
    profile = ConnectionProfile(owner=owner, name="Main", provider="openai")
    profile.api_key = KEY
    profile.save()
    return profile


def rotate(**options):
    said = io.StringIO()
    call_command("rotate_keys", stdout=said, **options)
    return said.getvalue()


def test_key_is_changed_in_two_steps(profile, ring):
    (old,) = ring.FIELD_ENCRYPTION_KEYS
    assert "Restart" in rotate(new_key=True)
    assert ring.KEY_RING_FILE.read_text().split(",") == ring.FIELD_ENCRYPTION_KEYS
    assert ring.FIELD_ENCRYPTION_KEYS[1] == old
    assert ring.KEY_RING_FILE.stat().st_mode & 0o077 == 0
    assert ConnectionProfile.objects.get().api_key == KEY
    assert "newest key: 1. Older keys removed: 1." in rotate(forget_old=True)
    assert old not in ring.KEY_RING_FILE.read_text()
    assert [ring.KEY_RING_FILE.read_text()] == ring.FIELD_ENCRYPTION_KEYS
    assert ConnectionProfile.objects.get().api_key == KEY


def test_ring_of_the_environment_is_changed_there(profile, ring):
    (old,) = ring.FIELD_ENCRYPTION_KEYS
    ring.KEY_RING_IN_FILE, ring.FIELD_ENCRYPTION_KEYS = False, [Fernet.generate_key().decode(), old]
    before = ring.KEY_RING_FILE.read_text()
    for option in ("new_key", "forget_old"):
        with pytest.raises(CommandError, match="Change that variable"):
            rotate(**{option: True})
    assert "newest key: 1." in rotate()
    ring.FIELD_ENCRYPTION_KEYS = ring.FIELD_ENCRYPTION_KEYS[:1]
    assert ConnectionProfile.objects.get().api_key == KEY
    assert ring.KEY_RING_FILE.read_text() == before


def test_key_that_nothing_opens_is_named_and_no_key_is_forgotten(profile, ring, other):
    ring.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    readable = ConnectionProfile(owner=other, name="Theirs", provider="xai")
    readable.api_key = KEY
    readable.save()
    before = ring.KEY_RING_FILE.read_text()
    with pytest.raises(CommandError, match=r"Main \(owner\).*Encrypted anew: 1"):
        rotate(forget_old=True)
    assert ring.KEY_RING_FILE.read_text() == before
