"""Several processes that write to one SQLite file, as it is set up here and as Django sets it up.

Each does what filing a picture does: it reads, thinks, and writes what depends on it, in one transaction.
`python -m tests.bench.writers ours|plain` is one of them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

from tests.bench.rows import Row

WRITERS, TRANSACTIONS = 4, 100  # two web servers, a worker and an import
THINKING = 0.002  # seconds between reading and writing


def measure() -> list[Row]:
    ours, plain = _evening("ours"), _evening("plain")
    return [
        Row(
            number=13, work=f"{WRITERS} processes, {TRANSACTIONS} transactions each, that read and write",
            measured=f"{ours['locked']} times “database is locked”", against=_words(plain),
            ratio=f"all in {ours['seconds']:.1f} s, median {ours['median']:.0f} ms, p95 {ours['p95']:.0f} ms",
            goal="0", met=ours["locked"] == 0,
        ),
    ]  # fmt: skip


def _words(plain: dict) -> str:
    share = plain["locked"] / (WRITERS * TRANSACTIONS)
    return (
        f"Django's own options: {plain['locked']} times ({share:.0%}), the others in {plain['seconds']:.1f} s"
    )


def _evening(side: str) -> dict:
    """All writers of one side on a file of their own."""
    with tempfile.TemporaryDirectory(prefix="vignette-writers-") as folder:
        environment = os.environ | {"DATA_DIR": folder}
        subprocess.run([sys.executable, "-m", "tests.bench.writers", side, "0"], env=environment, check=True)
        words = [sys.executable, "-m", "tests.bench.writers", side]
        processes = [
            subprocess.Popen([*words, str(number)], env=environment, stdout=subprocess.PIPE, text=True)
            for number in range(1, WRITERS + 1)
        ]
        answers = [json.loads(process.communicate()[0]) for process in processes]
    times = sorted(value for answer in answers for value in answer["times"])
    return {
        "locked": sum(answer["locked"] for answer in answers),
        "seconds": max(answer["end"] for answer in answers) - min(answer["begin"] for answer in answers),
        "median": median(times) * 1000, "p95": times[int(len(times) * 0.95)] * 1000,
    }  # fmt: skip


def write(side: str, number: int) -> None:
    """Make the file, as number 0; or write to it."""
    import django
    from django.conf import settings

    if side == "plain":
        settings.DATABASES["default"] |= {"OPTIONS": {}, "CONN_MAX_AGE": 0}
    django.setup()
    from django.core.management import call_command

    from gallery.models import Tag, User

    if number == 0:
        call_command("migrate", verbosity=0)
        Tag.objects.create(owner=User.objects.create_user("ada"), kind="tag", name="0")
        return
    print(json.dumps(_transactions(number)))


def _transactions(number: int) -> dict:
    from django.db import OperationalError, transaction

    from gallery.models import Tag

    owner, times, locked, begin = Tag.objects.values_list("owner", flat=True)[0], [], 0, time.time()
    for turn in range(TRANSACTIONS):
        before = time.perf_counter()
        try:
            with transaction.atomic():
                n = Tag.objects.filter(owner=owner).count()
                time.sleep(THINKING)
                Tag.objects.create(owner_id=owner, kind="tag", name=f"{number} {turn} {n}")
        except OperationalError as exc:
            if "locked" not in str(exc):
                raise
            locked += 1
        times.append(time.perf_counter() - before)
    return {"times": times, "locked": locked, "begin": begin, "end": time.time()}


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]))
