from django.core.management.base import CommandError

from gallery import seeding
from gallery.management.people import OwnerCommand, find_user

DRAWN = 240  # pictures that all others share
MOST = 10_000_000


class Command(OwnerCommand):
    help = (
        "Fills a library with made-up pictures, tags, words, costs and dates, to try and to measure how"
        " Vignette works at that size. Run again, it goes on where it stopped."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--images", type=int, required=True, help="how many the library is to have")
        parser.add_argument("--tags", type=int, help="how many tags; a hundredth of the pictures by default")
        parser.add_argument("--rows-only", action="store_true", help="leave out the files")

    def handle(self, *, user, images, tags, rows_only, **options):
        if not 1 <= images <= MOST:
            raise CommandError(f"--images takes a number from 1 to {MOST:,}.")
        tags = min(max(25, images // 100), 5000) if tags is None else tags
        if not 25 <= tags <= 100_000:
            raise CommandError("--tags takes a number from 25 to 100,000.")
        owner, drawn = find_user(user), min(DRAWN, max(3, images // 50))
        added = seeding.fill(owner, images, tags=tags, drawn=drawn, progress=self.show, files=not rows_only)
        self.report(options["json"], {"added": added}, f"{added:,} pictures added.")

    def show(self, what: str, done: int, of: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"{what}: {done:,} of {of:,}", ending="\n" if done >= of else "\r")
