"""What a soak needs of the database, in a process of its own: `python -m tests.soak.rows WORD …`."""

import json
import os
import sys
import time

LIBRARIES = 4  # that are browsed


def prepare(vendor: str, pictures: str) -> dict:
    """Make people with libraries, sessions, tokens and a connection to the vendor."""
    from django.core.management import call_command

    from gallery.models import ApiToken, ConnectionProfile, User

    readers = [User.objects.create_user(f"reader-{number}") for number in range(LIBRARIES)]
    for reader in readers:
        call_command("seed_library", reader.username, images=int(pictures), verbosity=0)
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


def wait(seconds: str) -> dict:
    """Until nothing is under way any more. Returns how things stand then."""
    end = time.monotonic() + float(seconds)
    while True:
        counts = count()
        if not (counts["under_way"] or counts["tasks"]) or time.monotonic() > end:
            return counts
        time.sleep(0.5)


def ledger() -> dict:
    """Each picture and each generation of those who write, for comparison with what they were told."""
    from gallery.models import Generation, Image

    images = Image.objects.filter(owner__username__startswith="writer-").order_by("pk")
    generations = Generation.objects.filter(profile__name="Vendor").prefetch_related(
        "calls", "results__image"
    )
    return {
        "images": list(images.values_list("owner__username", "sha256")),
        "generations": [_entry(row) for row in generations],
    }


def _entry(row) -> dict:
    calls = row.calls.all()
    return {
        "id": str(row.public_id),
        "prompt": row.prompt,
        "status": row.status,
        "created_at": row.created_at.timestamp(),
        "finished_at": _moment(row.finished_at),
        "images": sorted(result.image.sha256 for result in row.results.all()),
        "calls": [
            {"place": call.place, "sent_at": _moment(call.sent_at), "finished_at": _moment(call.finished_at)}
            for call in calls
        ],
    }


def _moment(moment) -> float:
    return moment.timestamp() if moment else 0.0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    word, *arguments = sys.argv[1:]
    print(
        "\n"
        + json.dumps({"prepare": prepare, "count": count, "wait": wait, "ledger": ledger}[word](*arguments))
    )
