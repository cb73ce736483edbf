from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from gallery.management.people import find_user, print_report
from gallery.models import User
from gallery.pictures import trashing


class Command(BaseCommand):
    help = "Delete for good what lies in the trash for longer than its owner wants, or than --days."

    def add_arguments(self, parser):
        parser.add_argument("--user", help="only this account's trash")
        parser.add_argument("--days", type=int, help="instead of what each owner has set; 0: all of it")
        parser.add_argument("--dry-run", action="store_true", help="only say how much it would be")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, user, days, dry_run, json, **options):
        if days is not None and not 0 <= days <= 36_500:
            raise CommandError("--days is a number of days, 0 or more, and at most a hundred years.")
        owners = [find_user(user)] if user else User.objects.all()
        n = freed = 0
        for owner in owners:
            part = self._purge(trashing.overdue(owner, days), dry_run)
            n, freed = n + part.n, freed + part.bytes
        done = "would be deleted" if dry_run else "deleted for good"
        sentence = f"Pictures {done}: {n:,}, {filesizeformat(freed)}."
        print_report(self.stdout, json, {"images": n, "bytes": freed, "dry_run": dry_run}, sentence)

    def _purge(self, images, dry_run: bool) -> trashing.Deleted:
        return trashing.weigh(images) if dry_run else trashing.delete_for_good(images)
