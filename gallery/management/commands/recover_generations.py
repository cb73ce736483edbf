from django.core.management.base import BaseCommand

from gallery.generations import recovery
from gallery.models import Generation


class Command(BaseCommand):
    help = "Take up generations that a stopped worker left. Nothing is ever sent a second time."

    def handle(self, **options):
        before = Generation.objects.active().count()
        recovery.recover()
        after = Generation.objects.active().count()
        self.stdout.write(f"{before} generations were under way, {after} go on.")
