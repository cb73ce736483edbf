"""A process beside a server that works on its database: a command by itself takes two seconds to start.

It reads lines of JSON, each the words of a command, and answers each with a line.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DELAY = 1.0  # seconds that the demo takes for a picture


class Hands:
    """The process, as seen by a test."""

    def __init__(self, environment: dict[str, str]):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.hands"], cwd=ROOT, text=True,
            env=environment | {"DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def do(self, *words: str) -> str:
        """What the command prints. A command that fails fails the test."""
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        is_done, said = json.loads(self.process.stdout.readline())
        assert is_done, said
        return said

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def serve() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints by the way is no answer
    for line in sys.stdin:
        answers.write(json.dumps(perform(*json.loads(line))) + "\n")


def perform(*words: str) -> tuple[bool, str]:
    from django.core.management import CommandError, call_command
    from django.db import close_old_connections

    out = io.StringIO()
    close_old_connections()
    try:
        with contextlib.redirect_stdout(out):
            DEEDS[words[0]](*words[1:]) if words[0] in DEEDS else call_command(*words)
    except CommandError as exc:
        return False, str(exc)
    return True, out.getvalue()


def welcome(name: str) -> None:
    """Make an account as the set-up does, and print a session of it."""
    from django.conf import settings
    from django.test import Client

    from gallery import connections
    from gallery.models import User

    user = User.objects.create_superuser(name)
    demo = connections.create(user, name="Demo", provider="demo")
    demo.options = {"delay": DELAY}  # which nobody else may set
    demo.save(update_fields=["options"])
    client = Client()
    client.force_login(user)
    sys.stdout.write(client.cookies[settings.SESSION_COOKIE_NAME].value)


def furnish(name: str) -> None:
    """Give the person one of everything, and print the addresses of all pages by their routes."""
    from gallery.models import User
    from tests.e2e import hostile
    from tests.gallery.world import World

    json.dump(hostile.routed(World(User.objects.get(username=name))), sys.stdout)


DEEDS = {"welcome": welcome, "furnish": furnish}


if __name__ == "__main__":
    import django

    django.setup()
    serve()
