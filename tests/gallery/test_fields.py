import pytest
from cryptography.fernet import Fernet
from django.db import connection

from gallery.models import ConnectionProfile
from gallery.models.fields import UnreadableSecret, seal, unseal


@pytest.fixture
def profile(owner):
    profile = ConnectionProfile(owner=owner, name="Main", provider="openai")
    profile.api_key = "sk-CANARY-0123456789"
    profile.save()
    return profile


def test_the_key_comes_back_for_a_call(profile):
    assert ConnectionProfile.objects.get().api_key == "sk-CANARY-0123456789"


def test_the_database_holds_no_key_in_clear(profile):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM gallery_connectionprofile")
        assert "CANARY" not in str(cursor.fetchall())


def test_a_key_is_bound_to_its_owner_and_provider(profile, other):
    profile.provider = "xai"
    with pytest.raises(UnreadableSecret):
        profile.api_key  # noqa: B018  reading is the act
    profile.provider, profile.owner = "openai", other
    with pytest.raises(UnreadableSecret):
        profile.api_key  # noqa: B018


def test_an_older_key_of_the_ring_still_reads(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [old]
    sealed = seal("secret", 1)
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert unseal(sealed, 1) == "secret"
    settings.FIELD_ENCRYPTION_KEYS = [new]
    with pytest.raises(UnreadableSecret):
        unseal(sealed, 1)


def test_short_keys_show_no_hint(profile):
    assert profile.key_hint == "6789"
    profile.api_key = "short"
    assert profile.key_hint == ""


def test_an_empty_key_is_no_key(profile):
    profile.api_key = ""
    assert not profile.has_api_key
    assert profile.api_key == ""
