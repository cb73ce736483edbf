"""Places: what lies in a spool is within reach of the workers that have this spool, and of no others.

A machine is one place, and so are several that share the folder. A call knows where it was sent from: its
answer is filed there, and is lost when nobody lives there any more. A place that comes back brings it along.
"""

import os
import uuid
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from gallery.models import Worker

NAME = "place"
ALIVE = timedelta(seconds=60)  # since a worker there was last seen

_known: dict[Path, str] = {}


def here() -> str:
    """The name of this place, which is made once for a spool."""
    folder = settings.SPOOL_DIR
    if folder not in _known:
        _known[folder] = _read(folder / NAME) or _make(folder / NAME)
    return _known[folder]


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def _make(path: Path) -> str:
    """Give the place a name, unless somebody else is just faster. A reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"incoming-{uuid.uuid4().hex}")
    part.write_text(uuid.uuid4().hex)
    with suppress(FileExistsError):
        os.link(part, path)
    part.unlink()
    return _read(path)


def living() -> set[str]:
    """Places where a worker was seen a moment ago, and this one."""
    seen = Worker.objects.filter(seen_at__gt=Now() - ALIVE).values_list("place", flat=True)
    return {*seen, here()}


def is_near() -> Q:
    """Rows that can be gone on with here."""
    return Q(place__in=["", here()])


def is_orphaned() -> Q:
    """Rows of places where nobody lives."""
    return ~Q(place="") & ~Q(place__in=living())
