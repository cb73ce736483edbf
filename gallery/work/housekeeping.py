"""What is done again and again without anybody asking: one list, whoever runs it.

The embedded worker does all of it. With Celery, `beat` sends each duty to one worker of all; the local ones,
which are about the files of one machine, every worker does for itself.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone
from django.utils.module_loading import import_string

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0  # seconds
SOON, HOURLY = 20, 3600  # seconds


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Something to be done every so often. Twice, or in two places at once, does no harm."""

    path: str
    every: int = SOON  # seconds
    is_local: bool = False  # about the files of one machine


DUTIES = (
    Duty(path="gallery.work.parking.park"),
    Duty(path="gallery.generations.recovery.recover_here", is_local=True),
    Duty(path="gallery.generations.recovery.recover_anywhere"),
    Duty(path="gallery.batches.recover"),
    Duty(path="gallery.texts.assists.recover"),
    Duty(path="gallery.imports.importing.recover"),
    Duty(path="gallery.bulk.recover"),
    Duty(path="gallery.bulk.sweep"),
    Duty(path="gallery.files.leftovers.sweep_spool", is_local=True),
    Duty(path="gallery.files.leftovers.sweep_notes", is_local=True),
    Duty(path="gallery.generations.partials.sweep", is_local=True),
    Duty(path="gallery.imports.import_sources.sweep_archives", every=HOURLY, is_local=True),
    Duty(path="gallery.imports.import_sources.sweep_shared", every=HOURLY),
    Duty(path="gallery.monitoring.tallies.fold", every=60),
    Duty(path="gallery.files.scrubbing.wake"),
    Duty(path="gallery.files.usage.wake", every=HOURLY),
    Duty(path="gallery.pictures.trashing.empty_by_itself"),
    Duty(path="gallery.pictures.duplicates.wake"),
    Duty(path="gallery.vendors.wake", every=HOURLY),
    Duty(path="gallery.audit.forget_old", every=HOURLY),
    Duty(path="gallery.accounts.forget_sessions", every=HOURLY),
    Duty(path="gallery.work.housekeeping.forget_dead_workers", every=HOURLY),
)
SHARED = tuple(duty for duty in DUTIES if not duty.is_local)
LOCAL = tuple(duty for duty in DUTIES if duty.is_local)


@dataclass
class Rounds:
    """Does each of `duties` when its time has come; all of them at first."""

    duties: Iterable[Duty]
    done: dict[str, float] = field(default_factory=dict)  # when, by this process's clock

    def do_what_is_due(self) -> None:
        for duty in self.duties:
            now = time.monotonic()
            if duty.path not in self.done or now - self.done[duty.path] >= duty.every:
                self.done[duty.path] = now
                do(duty.path)


def keep_house() -> None:
    """Do everything once: take up what stopped workers left, clear away what nobody needs any more."""
    Rounds(DUTIES).do_what_is_due()


def do(path: str) -> None:
    """Do one duty. That it fails must not keep the others from being done."""
    if path not in {duty.path for duty in DUTIES}:
        log.error("Housekeeping was asked for %.100r, which is none of its duties", path)
        return
    try:
        import_string(path)()
    except Exception:
        log.exception("Housekeeping: %s failed", path.removeprefix("gallery."))


def forget_dead_workers() -> None:
    from gallery.models import Worker

    Worker.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()
