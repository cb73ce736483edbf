"""Looking through the originals a little at a time, so that one that spoils on the disk is noticed.

Once an hour a worker reads some of them and compares their checksums. When all were read it rests until a
week after it began. How far it got and what it found is a small file in the store, for all workers and the
admin.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from gallery import tasks
from gallery.files import checking, storage
from gallery.models import Image

log = logging.getLogger(__name__)

KEY = "reports/originals.json"
TURN = "originals-looked-through"
EVERY = timedelta(hours=1)
WEEK = timedelta(days=7)
MOST_NAMED = 200
MOST_LOGGED = 20  # in one round
A_ROUND = {"local": 1 << 28, "s3": 1 << 24}  # bytes read in one round; from S3 they cost money

_asked: datetime | None = None  # when this process last looked whether a round is due


@dataclass(kw_only=True)
class Report:
    """`found` has a line for each file: its key, what is wrong with it, and in which look-through."""

    began: str = ""  # ISO 8601
    finished: str = ""  # empty: under way
    after: int = 0  # key of the last picture that was read
    pictures: int = 0
    number: int = 0  # of this look-through
    found: list[dict] = field(default_factory=list)

    @property
    def finished_at(self) -> datetime | None:
        return datetime.fromisoformat(self.finished) if self.finished else None

    @property
    def words(self) -> list[str]:
        return [f"{line['key']}: {checking.WORDS[line['what']]}" for line in self.found[:MOST_NAMED]]


def wake() -> None:
    """Have one worker of all make a round, at most once an hour."""
    global _asked
    now = timezone.now()
    if _asked and now - _asked < EVERY / 6:
        return
    _asked = now
    if cache.add(TURN, True, EVERY.total_seconds()):
        tasks.look_through_originals.enqueue()


def read() -> Report:
    """What is known. Raises `StorageError`."""
    try:
        with storage.open(KEY) as file:
            return Report(**json.loads(file.read()))
    except (FileNotFoundError, ValueError, TypeError):
        return Report()


def latest() -> Report | None:
    """What is known, for a page: at once, or None when the store is away."""
    try:
        storage.probe()
        return read()
    except storage.StorageError:
        return None


def make_round() -> None:
    """Read the next originals, and write down what is wrong with them. Raises `StorageError`."""
    report, now = read(), timezone.now()
    if report.finished:
        if datetime.fromisoformat(report.began) + WEEK > now:
            return
        report = Report(number=report.number + 1, found=report.found)
    report.began = report.began or now.isoformat()
    _look(report)
    _write(report)


def note_complete(checked: checking.Report) -> None:
    """Somebody had all originals read: that counts as a look-through. Raises `StorageError`."""
    now, number = timezone.now().isoformat(), read().number + 1
    found = [{"key": one.key, "what": one.what, "number": number} for one in checked.open]
    _write(Report(began=now, finished=now, pictures=checked.pictures, number=number, found=found))


def _look(report: Report) -> None:
    left, findings = A_ROUND[settings.MEDIA_STORAGE], 0
    for image in Image.objects.filter(pk__gt=report.after).order_by("pk").iterator(chunk_size=200):
        for finding in checking.look_at(image):
            findings += 1
            if findings <= MOST_LOGGED:
                _log(finding)
            _note(report, finding)
        report.after, report.pictures = image.pk, report.pictures + 1
        left -= image.bytes
        if left <= 0:
            break
    else:
        report.finished = timezone.now().isoformat()
        report.found = [line for line in report.found if line["number"] == report.number]
    if findings > MOST_LOGGED:
        log.error("%d more; check_storage names them all", findings - MOST_LOGGED)


def _log(finding: checking.Finding) -> None:
    """Thumbnails were made again; what is wrong with an original is for people to see to."""
    level: Callable[..., None] = log.info if finding.mended else log.error
    level("%s: %s%s", finding.key, checking.WORDS[finding.what], " (made again)" if finding.mended else "")


def _note(report: Report, finding: checking.Finding) -> None:
    if finding.mended:
        return
    report.found = [line for line in report.found if line["key"] != finding.key]
    report.found.append({"key": finding.key, "what": finding.what, "number": report.number})


def _write(report: Report) -> None:
    storage.put(KEY, json.dumps(asdict(report)).encode(), "application/json")
