"""System checks: settings that would lose or leak something are named before the first request.

`check_places.py` looks at folders and the database; here are keys, the store and the network.
"""

import base64
import hashlib
from typing import Any, cast
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

SHORTEST_SECRET = 32  # characters
LONGEST_SIGNATURE = 300  # seconds that an address of a picture may be good for


@register()
def check_key_ring(app_configs, **kwargs):
    """The keys that provider keys are encrypted with."""
    if not settings.FIELD_ENCRYPTION_KEYS:
        return [error("FIELD_ENCRYPTION_KEYS is empty. Leave it out, or name at least one key.", "E001")]
    if any(_comes_from_secret_key(key) for key in settings.FIELD_ENCRYPTION_KEYS):
        return [error("FIELD_ENCRYPTION_KEYS must not contain SECRET_KEY: they are changed apart.", "E002")]
    return [
        error(f"Key {number} of FIELD_ENCRYPTION_KEYS is no Fernet key: 32 bytes, URL-safe base64.", "E003")
        for number, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, 1)
        if not _is_fernet_key(key)
    ]


@register()
def check_secret_key(app_configs, **kwargs):
    """Whoever guesses it signs sessions and addresses of pictures."""
    key = settings.SECRET_KEY
    if len(key) >= SHORTEST_SECRET and len(set(key)) >= 8 and not key.startswith("django-insecure"):
        return []
    return [
        error(
            "SECRET_KEY can be guessed. Leave it out, and a good one is made; or take 50 random characters.",
            "E010",
        )
    ]


@register()
def check_words(app_configs, **kwargs):
    """Settings that take one word of a few."""
    known = {"MEDIA_STORAGE": ("local", "s3"), "LOG_FORMAT": ("console", "json")}
    return [
        error(f"{name} is {getattr(settings, name)!r}; it can be {' or '.join(words)}.", "E004")
        for name, words in known.items()
        if getattr(settings, name) not in words
    ]


@register()
def check_debug(app_configs, **kwargs):
    """Error pages of Django show code and settings to whoever meets them."""
    if not settings.DEBUG:
        return []
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return [error("DEBUG is for development, and DATABASE_URL names a server: turn DEBUG off.", "E011")]
    return [warning("DEBUG is on. Turn it off where others can reach the site.", "W011")]


@register()
def check_private_store(app_configs, **kwargs):
    """A store whose addresses are public would show private pictures to everybody."""
    store = cast(dict[str, Any], settings.STORAGES["default"])
    options = store.get("OPTIONS", {})
    if options.get("custom_domain") or options.get("querystring_auth") is False:
        return [error("The picture store must sign its addresses: remove custom_domain.", "E006")]
    if str(options.get("default_acl") or "private").startswith("public"):
        return [error("The picture store must not make objects public: remove default_acl.", "E006")]
    lives = settings.SIGNED_ADDRESS_SECONDS, options.get("querystring_expire", 0)
    if max(lives) > LONGEST_SIGNATURE:
        return [error(f"Addresses of pictures may be good for {LONGEST_SIGNATURE} seconds at most.", "E012")]
    if bool(options.get("access_key")) != bool(options.get("secret_key")):
        return [
            error("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together: set both or none.", "E013")
        ]
    return []


@register()
def check_hosts(app_configs, **kwargs):
    """The names that the site answers to."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [warning("ALLOWED_HOSTS is *: name the hosts, or links can be made to lead elsewhere.", "W012")]


@register()
def check_https(app_configs, **kwargs):
    """A site that is reached by https sends its cookies by nothing else."""
    origins = [urlsplit(origin) for origin in settings.CSRF_TRUSTED_ORIGINS]
    secure = [origin for origin in origins if origin.scheme == "https"]
    plain = [origin for origin in origins if origin.scheme == "http" and not _is_loopback(origin.hostname)]
    found: list[CheckMessage] = []
    needed = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
    missing = [name for name in needed if not getattr(settings, name)]
    if secure and missing:
        found.append(
            error(f"The site is reached by https, so these must be on: {', '.join(missing)}.", "E014")
        )
    if plain:
        found.append(
            warning(
                f"{plain[0].geturl()} is without encryption: passwords and pictures can be read on the way. "
                "Put https in front.",
                "W013",
            )
        )
    return found


def _is_loopback(host: str | None) -> bool:
    return host in {"localhost", "127.0.0.1", "::1"}


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return len(set(base64.urlsafe_b64decode(key))) >= 8  # else somebody has typed it


def _comes_from_secret_key(key: str) -> bool:
    """Whether a key of the ring is SECRET_KEY, or made of it in a way that is often advised."""
    secret = settings.SECRET_KEY.encode()
    made = [secret[:32].ljust(32, b"0"), hashlib.sha256(secret).digest()]
    return key == settings.SECRET_KEY or key in [base64.urlsafe_b64encode(raw).decode() for raw in made]


def error(message: str, number: str) -> Error:
    return Error(message, id=f"gallery.{number}")


def warning(message: str, number: str) -> Warning:
    return Warning(message, id=f"gallery.{number}")
