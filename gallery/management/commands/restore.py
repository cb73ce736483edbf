from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from gallery import audit
from gallery.backups import restoring
from gallery.backups.backup import BackupError
from gallery.files.storage import StorageError
from gallery.management.people import print_report


class Command(BaseCommand):
    help = "Bring a backup into an empty installation: rows, originals, and thumbnails made again."

    def add_arguments(self, parser):
        parser.add_argument("source", type=Path, metavar="IN", help="what `backup` wrote")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *, source, json, **options):
        call_command("migrate", verbosity=0, interactive=False)  # a new database has no tables yet
        try:
            result = restoring.restore(source, self.show)
            audit.note(audit.Verb.RESTORED, label=source.name)
            unreadable = restoring.make_thumbnails()
        except (BackupError, StorageError) as exc:
            raise CommandError(str(exc)) from exc
        facts = {
            "rows": result.manifest.rows,
            "files": result.manifest.files,
            "damaged": result.damaged,
            "locked_keys": result.locked_keys,
        }
        print_report(self.stdout, json, facts, self.sentence(result))
        for key in (*result.manifest.missing, *result.damaged):
            self.stderr.write(f"{key}: not whole in the backup")
        if unreadable or result.damaged:
            raise CommandError(f"Pictures that have no readable original: {unreadable}. All others are back.")

    def sentence(self, result: restoring.Restored) -> str:
        done = f"Restored {result.manifest.files:,} files and {sum(result.manifest.rows.values()):,} rows."
        if not result.locked_keys:
            return done
        names = ", ".join(result.locked_keys)
        return (
            f"{done} Bring the backed-up FIELD_ENCRYPTION_KEYS, or enter the provider keys again of: {names}."
        )

    def show(self, done, total):
        if self.stderr.isatty():
            self.stderr.write(f"\r{done:,} of {total:,} files", ending="\n" if done == total else "")
