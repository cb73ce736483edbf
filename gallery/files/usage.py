"""How much is kept, of all people together: measured once a day by a worker, for it takes reading every row.

What was found is a small file in the store, for the admin.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Count, Sum
from django.utils import timezone

from gallery import tasks
from gallery.files import storage
from gallery.models import Image

KEY = "reports/usage.json"
TURN = "usage-measured"
EVERY = timedelta(days=1)
AGAIN = timedelta(minutes=50)  # after a worker was asked and nothing came of it; `wake` comes by each hour
MOST_OWNERS = 10  # that are named, those with the most bytes


@dataclass(frozen=True, kw_only=True)
class Weight:
    n: int = 0  # files
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Usage:
    measured_at: datetime
    sources: dict[str, Weight] = field(default_factory=dict)  # originals outside the trash, by `Image.Source`
    trash: Weight = Weight()
    thumbnails: Weight = Weight()
    owners: dict[int, Weight] = field(default_factory=dict)  # by key, the trash among it

    @property
    def originals(self) -> Weight:
        return _sum(self.sources.values())


def wake() -> None:
    """Have one worker of all measure, once a day; and each hour while that fails."""
    if cache.add(TURN, True, AGAIN.total_seconds()):
        tasks.measure_usage.enqueue()


def measure() -> Usage:
    """Add up what is kept, and write it down. Raises `StorageError`."""
    usage = Usage(
        measured_at=timezone.now(),
        sources=_weights(Image.objects.live(), "source"),
        trash=_sum(_weights(Image.objects.trashed(), "source").values()),
        thumbnails=_stored("thumbnails"),
        owners=_largest(_weights(Image.objects.all(), "owner")),
    )
    facts = asdict(usage) | {"measured_at": usage.measured_at.isoformat()}
    storage.put(KEY, json.dumps(facts).encode(), "application/json")
    cache.set(TURN, True, EVERY.total_seconds())
    return usage


def latest() -> Usage | None:
    """What was measured last; None when nothing was, or the store is away."""
    try:
        with storage.open(KEY) as file:
            return _read(json.loads(file.read()))
    except (FileNotFoundError, storage.StorageError, ValueError, TypeError, KeyError):
        return None


def _read(facts: dict) -> Usage:
    return Usage(
        measured_at=datetime.fromisoformat(facts["measured_at"]),
        sources={source: Weight(**weight) for source, weight in facts["sources"].items()},
        trash=Weight(**facts["trash"]),
        thumbnails=Weight(**facts["thumbnails"]),
        owners={int(key): Weight(**weight) for key, weight in facts["owners"].items()},
    )


def _weights(images, key: str) -> dict:
    rows = images.order_by().values_list(key).annotate(n=Count("pk"), bytes=Sum("bytes"))
    return {value: Weight(n=n, bytes=size) for value, n, size in rows}


def _largest(owners: dict[int, Weight]) -> dict[int, Weight]:
    by_size = sorted(owners.items(), key=lambda item: item[1].bytes, reverse=True)
    return dict(by_size[:MOST_OWNERS])


def _stored(folder: str) -> Weight:
    return _sum(Weight(n=1, bytes=file.bytes) for file in storage.files(folder))


def _sum(weights) -> Weight:
    n = size = 0
    for weight in weights:
        n, size = n + weight.n, size + weight.bytes
    return Weight(n=n, bytes=size)
