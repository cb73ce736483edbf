from django.core.management.base import BaseCommand, CommandError

from gallery import vendors
from gallery.management.people import find_user, print_report
from gallery.models import ConnectionProfile


class Command(BaseCommand):
    help = "Read the vendors' lists of models anew, for all connections or for those of one user."

    def add_arguments(self, parser):
        parser.add_argument("user", nargs="?", default="", help="left out: everybody")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, user, **options):
        profiles = ConnectionProfile.objects.select_related("owner").order_by("owner__username", "name")
        profiles = profiles.owned_by(find_user(user)) if user else profiles
        asked = [profile for profile in profiles if profile.has_live_list]
        results = [facts_of(profile, vendors.refresh(profile)) for profile in self.shown(asked)]
        failures = [result for result in results if result["note"]]
        sentence = f"{len(results) - len(failures)} of {len(results)} lists were read."
        print_report(self.stdout, options["json"], {"items": results}, sentence)
        if failures:
            lines = [f"{result['user']}, {result['name']}: {result['note']}" for result in failures]
            raise CommandError("\n".join(lines))

    def shown(self, profiles):
        """Hand on one profile after the other, with the progress on a terminal."""
        for number, profile in enumerate(profiles, 1):
            if self.stderr.isatty():
                self.stderr.write(f"{number} of {len(profiles)}", ending="\r")
            yield profile


def facts_of(profile: ConnectionProfile, known: vendors.Models) -> dict:
    return {
        "user": profile.owner.username,
        "id": profile.public_id,
        "name": profile.name,
        "source": known.source,
        "models": len(known.living),
        "note": known.note,
    }
