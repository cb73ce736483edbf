import time
from datetime import timedelta

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from gallery import tagging, vendors
from gallery.generations import calls
from gallery.generations import generation as generations
from gallery.management.people import OwnerCommand, find_user
from gallery.models import ConnectionProfile, Generation, GenerationCall, Worker
from gallery.models.generation import Status
from providers.errors import ProviderError

POLL_EVERY = 0.5  # seconds
PATIENCE = 5.0  # seconds that workers behind a broker get to take it up; they have no heartbeat here
WORKER_IS_ALIVE = timedelta(seconds=20)  # since its last heartbeat


class Command(OwnerCommand):
    help = "Generate pictures. With --wait, stay until they are there."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("prompt")
        parser.add_argument("--profile", default="", help="name of a connection; left out: the default one")
        parser.add_argument("--model", default="")
        parser.add_argument(
            "--tag", action="append", default=[], dest="tags", metavar="T", help="character:Mirel"
        )
        parser.add_argument("--n", type=int, default=1, help="how many pictures")
        parser.add_argument("--wait", action="store_true")

    def handle(self, *, user, prompt, profile, model, tags, n, wait, **options):
        owner = find_user(user)
        vendors.learn_of(choose(owner, profile), model)
        asked = {"profile": choose(owner, profile), "prompt": prompt, "model": model, "n": n}
        try:
            with transaction.atomic():  # a wish that is refused leaves no tags behind
                wish = generations.Wish(tags=tuple(tagging.resolve(owner, tags)), **asked)
                generation = generations.submit(owner, wish)
        except (ProviderError, tagging.TagError) as exc:
            raise CommandError(exc.message) from exc
        if wait:
            generation = self.await_end(generation)
        self.report(options["json"], facts_of(generation), sentence_of(generation))
        if wait and generation.status != Status.DONE:
            raise CommandError(generation.error_message or "Not all pictures arrived.")

    def await_end(self, generation: Generation) -> Generation:
        """Watch a worker do it; where none takes it up, do it here."""
        patience = PATIENCE if settings.BROKER_URL else 0
        end_of_patience = time.monotonic() + patience
        while generation.is_active:
            if time.monotonic() >= end_of_patience and not a_worker_is_alive():
                work_off(generation)
            generation.refresh_from_db()
            self.show_progress(generation)
            time.sleep(POLL_EVERY if generation.is_active else 0)
        return generation

    def show_progress(self, generation: Generation) -> None:
        if self.stderr.isatty():
            end = "\r" if generation.is_active else "\n"
            self.stderr.write(f"{generation.results.count()} of {generation.n} pictures", ending=end)


def choose(owner, name: str) -> ConnectionProfile:
    mine = ConnectionProfile.objects.owned_by(owner)
    chosen = mine.filter(name__iexact=name).first() if name else mine.filter(is_default=True).first()
    if chosen is None:
        what = f"no connection called “{name}”" if name else "no default connection"
        raise CommandError(f"{owner} has {what}. Add one with add_profile.")
    return chosen


def a_worker_is_alive() -> bool:
    return Worker.objects.filter(seen_at__gt=timezone.now() - WORKER_IS_ALIVE).exists()


def work_off(generation: Generation) -> None:
    """Bring the calls that are due as far as they go, in this process."""
    states = GenerationCall.State
    due = generation.calls.filter(state__in=[states.QUEUED, states.ANSWERED], run_after__lte=timezone.now())
    for key in due.values_list("pk", flat=True):
        calls.run(key)


def facts_of(generation: Generation) -> dict:
    images = generation.results.order_by("index").values_list("image__public_id", flat=True)
    return {
        "id": generation.public_id,
        "status": generation.status,
        "images": list(images),
        "cost_usd": generation.cost_usd,
        "error_code": generation.error_code or None,
        "message": generation.error_message or None,
    }


def sentence_of(generation: Generation) -> str:
    if generation.is_active:
        return f"Queued as {generation.public_id}."
    arrived = generation.results.count()
    return f"{generation.get_status_display()}: {arrived} of {generation.n} pictures. {generation.public_id}"
