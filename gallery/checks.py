"""System checks: settings that would lose or leak something are named before the first request."""

import os
from typing import Any, cast

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import Error, register


@register()
def check_key_ring(app_configs, **kwargs):
    """The keys that provider keys are encrypted with."""
    if not settings.FIELD_ENCRYPTION_KEYS:
        return [_error("FIELD_ENCRYPTION_KEYS is empty. Leave it out, or name at least one key.", "E001")]
    if settings.SECRET_KEY in settings.FIELD_ENCRYPTION_KEYS:
        return [_error("FIELD_ENCRYPTION_KEYS must not contain SECRET_KEY: they are changed apart.", "E002")]
    return [
        _error(f"Key {number} of FIELD_ENCRYPTION_KEYS is no Fernet key: 32 bytes, URL-safe base64.", "E003")
        for number, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, 1)
        if not _is_fernet_key(key)
    ]


@register()
def check_words(app_configs, **kwargs):
    """Settings that take one word of a few."""
    known = {"MEDIA_STORAGE": ("local", "s3"), "LOG_FORMAT": ("console", "json")}
    return [
        _error(f"{name} is {getattr(settings, name)!r}; it can be {' or '.join(words)}.", "E004")
        for name, words in known.items()
        if getattr(settings, name) not in words
    ]


@register()
def check_data_folder(app_configs, **kwargs):
    """Where everything is written."""
    folder = settings.DATA_DIR
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return []
    return [_error(f"The data folder {folder} cannot be written. Make it writable or set DATA_DIR.", "E005")]


@register()
def check_private_store(app_configs, **kwargs):
    """A store whose addresses are public would show private pictures to everybody."""
    store = cast(dict[str, Any], settings.STORAGES["default"])
    options = store.get("OPTIONS", {})
    if options.get("custom_domain") or options.get("querystring_auth") is False:
        return [_error("The picture store must sign its addresses: remove custom_domain.", "E006")]
    return []


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _error(message: str, number: str) -> Error:
    return Error(message, id=f"gallery.{number}")
