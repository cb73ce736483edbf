import os
from pathlib import Path

from django.core.management.base import CommandError

from gallery import connections
from gallery.management.people import OwnerCommand, find_user
from providers import registry


class Command(OwnerCommand):
    help = "Add a connection profile to a user's library."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        slugs = [slug for slug, _ in registry.provider_choices()]
        parser.add_argument("name", help="what the connection is called")
        parser.add_argument("--provider", required=True, choices=slugs)
        parser.add_argument("--base-url", default="", help="left out: the vendor's own address")
        parser.add_argument("--model", default="", help="the model that is used when none is chosen")
        parser.add_argument(
            "--api-key-env", default="", metavar="VAR", help="the environment variable that holds the key"
        )
        parser.add_argument(
            "--option",
            action="append",
            default=[],
            dest="options",
            metavar="NAME=VALUE",
            help="a setting of the provider's own; @FILE as the value reads it from a file",
        )
        parser.add_argument("--default", action="store_true", help="use it when no profile is named")

    def handle(self, *, user, name, provider, **options):
        try:
            profile = connections.create(
                find_user(user),
                name=name,
                provider=provider,
                base_url=options["base_url"],
                default_model=options["model"],
                api_key=key_from(options["api_key_env"]),
                is_default=options["default"] or None,
                options=dict(map(read_option, options["options"])),
            )
        except connections.ProfileError as exc:
            raise CommandError(exc.message) from exc
        facts = {"id": profile.public_id, "name": profile.name, "is_default": profile.is_default}
        default = " It is the default." if profile.is_default else ""
        self.report(options["json"], facts, f"Added “{profile.name}”.{default}")


def read_option(text: str) -> tuple[str, str]:
    """The name and the value of `name=value` or `name=@file`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"“{text}” is no option. Write it as name=value.")
    if not value.startswith("@"):
        return name.strip(), value
    try:
        return name.strip(), Path(value[1:]).read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise CommandError(f"The file {value[1:]} cannot be read. Check its name.") from exc


def key_from(variable: str) -> str:
    """A key is never an argument: those can be read in the list of processes."""
    if not variable:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise CommandError(f"The environment variable {variable} is empty. Put the key into it first.")
    return key
