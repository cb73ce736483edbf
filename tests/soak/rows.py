"""What a soak needs of the database, in a process of its own: `python -m tests.soak.rows WORD …`."""

import json
import os
import sys
import time

LIBRARIES, PICTURES = 4, 250  # libraries that are browsed, and how large they are


def prepare(vendor: str) -> dict:
    """Make people with libraries, sessions, tokens and a connection to the vendor."""
    from django.core.management import call_command

    from gallery.models import ApiToken, ConnectionProfile, User

    readers = [User.objects.create_user(f"reader-{number}") for number in range(LIBRARIES)]
    for reader in readers:
        call_command("seed_library", reader.username, images=PICTURES, verbosity=0)
    writers = [User.objects.create_user(f"writer-{number}") for number in range(11)]
    for writer in writers:
        profile = ConnectionProfile(
            owner=writer, name="Vendor", provider="openai", base_url=vendor, is_default=True
        )
        profile.api_key = "sk-soak-0123456789abcdef"
        profile.save()
    return {
        "sessions": [_session(user) for user in readers],
        "tokens": [ApiToken.issue(user, "soak")[1] for user in writers],
        "writers": [_session(user) for user in writers],
    }


def _session(user) -> str:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session["begun"] = time.time()
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session.session_key


def count() -> dict:
    """How many jobs are under way, and how those that ended did so."""
    from django.db.models import Count

    from gallery.models import Generation, Image, Import, QueuedTask

    ours = Generation.objects.filter(profile__name="Vendor")
    ends = dict(ours.order_by().values_list("status").annotate(Count("pk")))
    imports = dict(Import.objects.order_by().values_list("status").annotate(Count("pk")))
    return {
        "generations": ends,
        "imports": imports,
        "under_way": Generation.objects.active().count()
        + Import.objects.filter(status__in=Import.ACTIVE).count(),
        "tasks": QueuedTask.objects.filter(
            path__in=["gallery.tasks.run_call", "gallery.tasks.run_import"]
        ).count(),
        "images": Image.objects.count(),
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    word, *arguments = sys.argv[1:]
    print("\n" + json.dumps({"prepare": prepare, "count": count}[word](*arguments)))
