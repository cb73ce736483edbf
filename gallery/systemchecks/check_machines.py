"""System checks for several machines: what they must have in common."""

from django.conf import settings
from django.core.checks import CheckMessage, register

from gallery.systemchecks.checks import warning


@register()
def check_database_for_many(app_configs, **kwargs) -> list[CheckMessage]:
    """A broker is for several machines, and a file is on one."""
    if not settings.BROKER_URL or not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return []
    return [
        warning(
            "BROKER_URL is for workers on several machines, and SQLite is a file of this one. Name "
            "PostgreSQL in DATABASE_URL, or leave BROKER_URL out: the embedded worker needs no broker.",
            "W016",
        )
    ]


@register(deploy=True)
def check_keys_for_many(app_configs, **kwargs) -> list[CheckMessage]:
    """Each machine would make keys of its own, and could not read what the others have written."""
    if not settings.BROKER_URL or not settings.KEY_RING_IN_FILE:
        return []
    return [
        warning(
            "Machines that do not share DATA_DIR need the same keys: set SECRET_KEY and "
            "FIELD_ENCRYPTION_KEYS.",
            "W017",
        )
    ]


@register(deploy=True)
def check_store_for_many(app_configs, **kwargs) -> list[CheckMessage]:
    """A picture that one machine has stored is looked for by all."""
    if not settings.BROKER_URL or settings.MEDIA_STORAGE != "local":
        return []
    return [
        warning(
            f"With local pictures every machine needs the same folder at {settings.MEDIA_ROOT}: share it, or "
            "set MEDIA_STORAGE=s3.",
            "W018",
        )
    ]
