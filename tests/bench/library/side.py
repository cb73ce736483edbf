"""One library of one size in one database, in a process of its own: measures and prints JSON.

CPU time of this process on SQLite, which works inside it; wall time on PostgreSQL. Milliseconds, medians.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "15"))
PAGE = 60


def main(size: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from gallery.models import Image, User

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    owner, _ = User.objects.get_or_create(username="seed")
    if Image.objects.owned_by(owner).count() < size:
        call_command("seed_library", "seed", images=size, rows_only=True, stdout=sys.stderr)
    from tests.bench.library import plain, work

    plain.make()
    prepare(connection)
    clock = time.process_time if connection.vendor == "sqlite" else time.perf_counter
    cases = work.cases(owner)
    print(json.dumps({name: timed(case, clock) for name, case in cases.items()} | work.facts(owner)))


def prepare(connection) -> None:
    """Let PostgreSQL know what it holds, as it would by itself within minutes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def timed(case: Callable[[], object], clock: Callable[[], float]) -> float:
    times = []
    begun = time.perf_counter()
    for _ in range(ROUNDS):
        before = clock()
        case()
        times.append((clock() - before) * 1000)
        if time.perf_counter() - begun > 8 and len(times) >= 3:  # what is slow is slow
            break
    return median(times[1:])


if __name__ == "__main__":
    main(int(sys.argv[1]))
