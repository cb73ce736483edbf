"""What commands share: the person they work for, and reports for people and for programs."""

import json

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from gallery.models import User


class OwnerCommand(BaseCommand):
    """A command that works for one user, named first."""

    def add_arguments(self, parser):
        parser.add_argument("user", help="the account's user name")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def report(self, as_json: bool, facts: dict, sentence: str) -> None:
        print_report(self.stdout, as_json, facts, sentence)


def print_report(out, as_json: bool, facts: dict, sentence: str) -> None:
    out.write(json.dumps(facts, cls=DjangoJSONEncoder) if as_json else sentence)


def find_user(name: str) -> User:
    """The active account of that name. Ends the command with one line when there is none."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no account called “{name}”.")
    if not user.is_active:
        raise CommandError(f"The account “{name}” is disabled. Enable it in the admin first.")
    return user
