"""From the click to the request, and what a worker costs that has nothing to do."""

import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median

from gallery.generations import generation
from gallery.models import ConnectionProfile, Generation, User, Worker
from tests.bench.machine import cpu_seconds
from tests.bench.rows import Row

CLICKS = 25


def measure() -> list[Row]:
    owner = User.objects.create_user("bench-queue")
    with worker() as process:
        idle = _idle_cpu(process.pid)
        quick = _demo(owner, "Quick", delay=0)
        latencies = [_latency(quick, number) for number in range(CLICKS)]
    return [
        Row(
            number=10, work=f"click to request sent, {CLICKS} clicks, SQLite",
            measured=f"median {median(latencies):.1f} ms",
            against=f"p95 {sorted(latencies)[int(CLICKS * 0.95)]:.1f} ms", goal="median ≤ 20 ms",
            met=median(latencies) <= 20,
        ),
        Row(
            number=10, work="worker doing nothing", measured=f"{idle:.1f} % of one core",
            goal="≤ 1.5 %", met=idle <= 1.5,
        ),
    ]  # fmt: skip


@contextmanager
def worker():
    process = subprocess.Popen([sys.executable, "manage.py", "worker", "--only-worker"])
    try:
        while not Worker.objects.exists():
            time.sleep(0.1)
        time.sleep(1)
        yield process
    finally:
        process.terminate()
        process.wait()


def _demo(owner, name: str, *, delay: float) -> ConnectionProfile:
    return ConnectionProfile.objects.create(owner=owner, name=name, provider="demo", options={"delay": delay})


def _latency(profile, number: int) -> float:
    """Milliseconds from the submitted form to the commit that lets the request go out."""
    begun = time.time()
    asked = generation.submit(
        profile.owner, generation.Wish(profile=profile, prompt=f"a lighthouse {number}")
    )
    while not (call := asked.calls.get()).sent_at:
        time.sleep(0.001)
    _wait_for(asked)
    time.sleep(0.1)
    return (call.sent_at.timestamp() - begun) * 1000


def _wait_for(asked: Generation) -> None:
    while asked.is_active:
        time.sleep(0.05)
        asked.refresh_from_db()
    assert asked.status == "done", asked.error_message


def _idle_cpu(pid: int, seconds: float = 8) -> float:
    """Per cent of one core."""
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / seconds * 100
