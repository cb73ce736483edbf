from django.core.management.base import BaseCommand, CommandError

from gallery import keyring
from gallery.management.people import print_report


class Command(BaseCommand):
    help = (
        "Encrypts every provider key with the newest key of the ring. For a ring in DATA_DIR: --new-key, "
        "then --forget-old; the application may run meanwhile."
    )

    def add_arguments(self, parser):
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--new-key", action="store_true", help="only put a new key in front of the ring")
        way.add_argument("--forget-old", action="store_true", help="afterwards keep the newest key alone")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *, new_key, forget_old, json, **options):
        try:
            report = self.add() if new_key else self.rotate(forget_old)
        except keyring.KeyRingError as exc:
            raise CommandError(str(exc)) from exc
        print_report(self.stdout, json, *report)

    def add(self):
        keyring.add_key()
        return {"added": 1}, "A new key was added, and what runs takes it up. Go on with --forget-old."

    def rotate(self, forget_old):
        n, locked = keyring.reseal()
        if locked:
            raise CommandError(
                f"No key of the ring opens the provider key of: {', '.join(locked)}. Enter it again, "
                f"or bring the missing key back. Encrypted anew: {n}."
            )
        forgotten = keyring.forget_older_keys() if forget_old else 0
        facts = {"resealed": n, "forgotten": forgotten}
        return facts, f"Provider keys encrypted with the newest key: {n}. Older keys removed: {forgotten}."
