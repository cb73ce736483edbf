from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from gallery import audit
from gallery.backups import backup
from gallery.files.storage import StorageError
from gallery.management.people import print_report

KEYS = "Keep DATA_DIR/keys, or SECRET_KEY and FIELD_ENCRYPTION_KEYS, in another place: they are not inside."


class Command(BaseCommand):
    help = "Write all rows and originals to one ZIP, while the application runs. Secret keys are not inside."

    def add_arguments(self, parser):
        parser.add_argument("out", type=Path, metavar="OUT", help="the file to make, such as vignette.zip")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *, out, json, **options):
        try:
            manifest = backup.write(out, self.show)
        except (backup.BackupError, StorageError) as exc:
            raise CommandError(str(exc)) from exc
        audit.note(audit.Verb.BACKED_UP, label=out.name)
        sentence = f"Backed up {manifest.files:,} files, {filesizeformat(manifest.bytes)}, to {out}. {KEYS}"
        for key in manifest.missing:
            self.stderr.write(f"{key}: not there, or not what was stored")
        print_report(self.stdout, json, vars(manifest), sentence)
        if manifest.missing:
            raise CommandError(
                f"Originals that are not whole: {len(manifest.missing)}. The backup has all others. "
                "Run check_storage --repair."
            )

    def show(self, done, total):
        if self.stderr.isatty():
            self.stderr.write(f"\r{done:,} of {total:,} files", ending="\n" if done == total else "")
