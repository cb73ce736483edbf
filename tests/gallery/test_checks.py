from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

pytestmark = pytest.mark.django_db


def found():
    return {problem.id for problem in run_checks() if problem.id.startswith("gallery.")}


def test_the_shipped_settings_have_no_problem():
    assert found() == set()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("FIELD_ENCRYPTION_KEYS", [], "gallery.E001"),
        ("FIELD_ENCRYPTION_KEYS", ["not a key"], "gallery.E003"),
        ("FIELD_ENCRYPTION_KEYS", [Fernet.generate_key().decode(), "x"], "gallery.E003"),
        ("MEDIA_STORAGE", "ftp", "gallery.E004"),
        ("LOG_FORMAT", "xml", "gallery.E004"),
        ("DATA_DIR", Path("/nonexistent"), "gallery.E005"),
    ],
)
def test_a_dangerous_setting_is_named(settings, name, value, problem):
    setattr(settings, name, value)
    assert found() == {problem}


def test_a_key_ring_made_of_the_secret_key_is_named(settings):
    settings.SECRET_KEY = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [settings.SECRET_KEY]
    assert found() == {"gallery.E002"}


@pytest.mark.parametrize("option", [{"custom_domain": "cdn.example"}, {"querystring_auth": False}])
def test_a_store_with_public_addresses_is_named(settings, option):
    store = {"BACKEND": "gallery.s3.PrivateS3Storage", "OPTIONS": {"bucket_name": "b"} | option}
    settings.STORAGES = settings.STORAGES | {"default": store}
    assert found() == {"gallery.E006"}
