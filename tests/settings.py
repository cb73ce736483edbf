"""The product's own settings, on a data folder that lasts as long as the tests."""

import os
import tempfile
from pathlib import Path

_data = Path(os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="vignette-tests-")))
# A developer's own .env and variables must not reach the tests.
for _name in (
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "DEBUG",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "BROKER_URL",
    "CACHE_URL",
    "TRUSTED_PROXIES",
    "MEDIA_STORAGE",
    "X_ACCEL_PREFIX",
    "ALLOWED_PRIVATE_HOSTS",
    "SIGNUP_ENABLED",
    "SENTRY_DSN",
):
    os.environ.pop(_name, None)
os.environ.setdefault("DJANGO_READ_DOT_ENV", "false")

from config.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file: threads of a test cannot share a database that lives in the memory of one connection.
    DATABASES["default"]["TEST"] = {"NAME": str(_data / "test.sqlite3")}  # noqa: F405
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, so that threads and processes meet real locks; not synced, for nothing of it must last.
    DATABASES["default"]["TEST"] = {"NAME": str(_data / "test.sqlite3")}  # noqa: F405
    _options = DATABASES["default"]["OPTIONS"]  # noqa: F405
    _options["init_command"] = _options["init_command"].replace("synchronous=FULL", "synchronous=OFF")
