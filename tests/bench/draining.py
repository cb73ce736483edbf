"""Workers and a queue in a process of their own: `python -m tests.bench.draining WORKERS JOBS MOST DELAY`.

WORKERS worker processes wait until JOBS come into the queue, fifty in a commit. Each takes up to MOST of them
at once, from a vendor that needs DELAY seconds for a picture of 1024 pixels, and files it. Prints JSON.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import batched

from tests.bench.machine import cpu_seconds
from tests.soak.watching import children_of, look

PATIENCE = 600  # seconds
TOGETHER = 50  # jobs of one commit; SQLite lets nobody else write meanwhile
VENDOR = """
import sys, threading
from tests.soak.things import Vendor
print(Vendor(float(sys.argv[1])).address, flush=True)
threading.Event().wait()
"""


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What came of it."""

    seconds: float  # from the first request until the last picture was filed
    sending: float  # seconds from the first request to the last one
    most: int  # requests under way at one moment
    waiting: float  # MiB that a worker took, over what it takes idle, before the first answer came
    peak: float  # the same afterwards
    cpu: float  # seconds of all workers together, per job


def drain(*, workers: int, jobs: int, most: int, delay: float, environment: dict[str, str]) -> Drained:
    """Run this module in an empty database. `environment` names it and the data folder."""
    words = [sys.executable, "-m", "tests.bench.draining", *map(str, (workers, jobs, most, delay))]
    answer = subprocess.run(
        words, env=os.environ | environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return Drained(**json.loads(answer.stdout.splitlines()[-1]))


def main(workers: int, jobs: int, most: int, delay: float) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with ExitStack() as stack:
        profile = _profile(stack.enter_context(_vendor(delay)))
        pids = [stack.enter_context(_worker(most)) for _ in range(workers)]
        _wait_for_workers(workers)
        base, before = _largest(pids), _used(pids)
        asked = _ask(profile, jobs)
        memory = _watch(pids, asked)
        cpu = (_used(pids) - before) / jobs
    print(json.dumps(asdict(_drained(asked, [(at, size - base) for at, size in memory], cpu))))


@contextmanager
def _vendor(delay: float):
    process = subprocess.Popen([sys.executable, "-c", VENDOR, str(delay)], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def _profile(address: str):
    from gallery.models import ConnectionProfile, User

    os.environ["ALLOWED_PRIVATE_HOSTS"] = address.removeprefix("http://").partition("/")[0]
    owner = User.objects.create_user("bench")
    profile = ConnectionProfile(owner=owner, name="Vendor", provider="openai", base_url=address)
    profile.api_key = "sk-bench-0123456789abcdef"
    profile.save()
    return profile


def _ask(profile, jobs: int) -> list[int]:
    from django.db import transaction

    from gallery.generations import generation

    wishes = (generation.Wish(profile=profile, prompt=f"a lighthouse {number}") for number in range(jobs))
    asked: list[int] = []
    for some in batched(wishes, TOGETHER):
        with transaction.atomic():
            asked += (generation.submit(profile.owner, wish).pk for wish in some)
    return asked


@contextmanager
def _worker(most: int):
    process = subprocess.Popen([sys.executable, "manage.py", "worker", "--concurrency", str(most)])
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for_workers(n: int) -> None:
    from gallery.models import Worker

    while Worker.objects.count() < n:
        time.sleep(0.1)
    time.sleep(2)


def _watch(pids: list[int], asked: list[int]) -> list[tuple[float, float]]:
    """Until all is filed: moments, and the memory of the largest worker then."""
    from gallery.models import Generation

    memory, end = [], time.monotonic() + PATIENCE
    while Generation.objects.filter(pk__in=asked).active().exists():
        assert time.monotonic() < end, "The queue was not drained."
        memory.append((time.time(), _largest(pids)))
        time.sleep(0.25)
    return memory


def _largest(pids: list[int]) -> float:
    return max(sample.memory for pid in pids if (sample := look(pid)))


def _used(pids: list[int]) -> float:
    """CPU seconds of the workers, and of the processes in which they decode."""
    return sum(
        cpu_seconds(pid) for pid in [*pids, *(int(child) for pid in pids for child in children_of(pid))]
    )


def _drained(asked: list[int], memory: list[tuple[float, float]], cpu: float) -> Drained:
    from gallery.models import Generation, GenerationCall

    ended = Generation.objects.filter(pk__in=asked)
    assert set(ended.values_list("status", flat=True)) == {"done"}, "A generation failed."
    calls = GenerationCall.objects.filter(generation__in=asked).values_list("sent_at", "finished_at")
    spans = [(sent.timestamp(), finished.timestamp()) for sent, finished in calls]
    first, last = min(sent for sent, _ in spans), max(finished for _, finished in spans)
    answered = min(finished for _, finished in spans)
    return Drained(
        seconds=last - first, sending=max(sent for sent, _ in spans) - first, most=_most(spans),
        waiting=max((size for moment, size in memory if moment < answered), default=0.0),
        peak=max(size for _, size in memory), cpu=cpu,
    )  # fmt: skip


def _most(spans: list[tuple[float, float]]) -> int:
    return max(sum(sent <= moment < finished for sent, finished in spans) for moment, _ in spans)


if __name__ == "__main__":
    workers, jobs, most = map(int, sys.argv[1:4])
    main(workers, jobs, most, float(sys.argv[4]))
