from django.core.management.base import BaseCommand

from gallery.work import worker


class Command(BaseCommand):
    help = "Run the embedded worker alone, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser):
        parser.add_argument("--concurrency", type=int, help="Tasks in flight at once.")
        parser.add_argument(
            "--only-worker",
            action="store_true",
            help="Promise that no other worker uses this database: what a stopped one left goes on at once.",
        )

        parser.add_argument(
            "--with-parent", action="store_true", help="Stop when the process that started this one is gone."
        )

    def get_check_kwargs(self, options):
        return {"databases": ["default"]}

    def handle(self, *, concurrency, only_worker, with_parent, **options):
        if only_worker:
            worker.forget_dead_leases()
        worker.run_until_signal(concurrency, with_parent=with_parent)
