from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from gallery.files import moving
from gallery.files.storage import StorageError
from gallery.management.people import print_report

STOPPED = "{} What was copied stays; run this again, and it goes on from there."
SWITCH = "Now set MEDIA_STORAGE={to}, restart, and run this once more for what came in meanwhile."
DONE = "Run check_storage to compare everything; the old store may be emptied after that."
REBUILD = "Thumbnails that were not there: {}. Run rebuild_thumbnails after the change."


class Command(BaseCommand):
    help = (
        "Copies all pictures, thumbnails and masks to the other store, while the application runs. Each file "
        "is read again there and compared. What was copied before is not copied again."
    )

    def add_arguments(self, parser):
        parser.add_argument("--to", required=True, choices=["local", "s3"], help="the store to copy to")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *, to, json, **options):
        try:
            report = moving.copy_all(*moving.stores(to), self.show)
        except moving.MovingError as exc:
            raise CommandError(str(exc)) from exc
        except StorageError as exc:
            raise CommandError(STOPPED.format(exc.message)) from exc
        for key, what in report.failures:
            self.stderr.write(f"{key}: {what}")
        print_report(self.stdout, json, vars(report) | {"to": to}, _sentences(report, to))
        if report.failures:
            raise CommandError(
                f"Files that were not copied: {len(report.failures)}. Run check_storage --repair, then this."
            )

    def show(self, done, total):
        if self.stderr.isatty():
            self.stderr.write(f"\r{done:,} of {total:,} pictures", ending="\n" if done == total else "")


def _sentences(report: moving.Report, to: str) -> str:
    said = [
        f"Pictures: {report.pictures:,}. Files copied and compared: {report.copied:,}, "
        f"{filesizeformat(report.bytes)}; there before: {report.there:,}."
    ]
    if report.without:
        said.append(REBUILD.format(f"{report.without:,}"))
    said.append(DONE if to == settings.MEDIA_STORAGE else SWITCH.format(to=to))
    return "\n".join(said)
