from django.core.management.base import BaseCommand, CommandError

from gallery.files import checking, scrubbing
from gallery.files.storage import StorageError
from gallery.management.people import print_report


class Command(BaseCommand):
    help = (
        "Compares pictures and files: what is missing, altered, or belongs to nobody. With --repair it "
        "makes thumbnails again, puts originals back of which there is another copy, and sets aside, below "
        "orphaned/, originals without a picture."
    )

    def add_arguments(self, parser):
        parser.add_argument("--repair", action="store_true", help="mend what can be mended")
        parser.add_argument("--quick", action="store_true", help="compare sizes only, do not read originals")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *, repair, quick, json, **options):
        try:
            report = checking.check(repair=repair, quick=quick)
            if not quick:
                scrubbing.note_complete(report)
        except StorageError as exc:
            raise CommandError(exc.message) from exc
        if not json:
            for finding in report.findings:
                mended = " (mended)" if finding.mended else ""
                self.stdout.write(f"{finding.key}: {checking.WORDS[finding.what]}{mended}")
        print_report(self.stdout, json, _facts(report), _sentence(report))
        if report.open:
            raise CommandError(_advice(len(report.open), repair))


def _facts(report: checking.Report) -> dict:
    findings = [vars(finding) for finding in report.findings]
    return {"pictures": report.pictures, "files": report.files, "findings": findings}


def _sentence(report: checking.Report) -> str:
    found = f"findings: {len(report.findings):,}" if report.findings else "all is well"
    return f"Checked {report.pictures:,} pictures and {report.files:,} files: {found}."


def _advice(number: int, repair: bool) -> str:
    if repair:
        return f"{number} could not be mended: there is no other copy. Restore those files from a backup."
    return f"{number} to mend. Run check_storage --repair."
