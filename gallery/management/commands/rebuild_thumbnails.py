from django.core.management.base import BaseCommand, CommandError

from gallery.decode import DecodeError
from gallery.files import renditions
from gallery.files.storage import StorageError
from gallery.models import Image


class Command(BaseCommand):
    help = "Makes missing thumbnails again from the originals; with --all, every thumbnail."

    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true", help="also those that are there")

    def handle(self, *, all, **options):
        made = failed = 0
        for image in Image.objects.order_by("id").iterator(chunk_size=200):
            if not all and not renditions.missing(image):
                continue
            try:
                renditions.rebuild(image)
                made += 1
            except (FileNotFoundError, DecodeError, StorageError) as exc:
                failed += 1
                self.stderr.write(f"{image.public_id}: {exc}")
        self.stdout.write(f"Pictures with new thumbnails: {made}.")
        if failed:
            raise CommandError(f"Pictures that could not be read: {failed}. They are named above.")
