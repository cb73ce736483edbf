"""What a web process costs before anybody asks for a page, against one that imports its vendors' SDKs."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.bench.machine import cpu_seconds
from tests.bench.rows import Row
from tests.soak.run import Place
from tests.soak.watching import look

ROUNDS = 5
CPU, MEMORY = 1.5, 90  # seconds, MiB
SDKS = ("openai", "anthropic", "google.genai", "litellm", "replicate", "boto3")
USUAL = ("openai", "anthropic", "google.genai")  # that a page of settings could well import
CHILD = """
import json, resource, sys
import django
django.setup()
from django.urls import get_resolver
from config import asgi
get_resolver().url_patterns
for name in sys.argv[2:]:
    __import__(name)
used = resource.getrusage(resource.RUSAGE_SELF)
status = open("/proc/self/status").read()
print(json.dumps({
    "cpu": used.ru_utime + used.ru_stime,
    "memory": int(status.split("VmRSS:")[1].split()[0]) / 1024,
    "there": [name for name in sys.argv[1].split(",") if name in sys.modules],
}))
"""


def measure() -> list[Row]:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_imported())
        theirs.append(_imported(*USUAL))
    cpu, memory = _of(ours, "cpu"), _of(ours, "memory")
    other_cpu, other_memory = _of(theirs, "cpu"), _of(theirs, "memory")
    there = ours[0]["there"]
    return [
        Row(
            number=12, work="a web process with all addresses, CPU", measured=f"{cpu:.2f} s",
            against=f"the same with {', '.join(USUAL)}: {other_cpu:.2f} s",
            ratio=f"{other_cpu / cpu:.1f}×", goal=f"≤ {CPU:g} s", met=cpu <= CPU,
        ),
        Row(
            number=12, work="a web process with all addresses, memory", measured=f"{memory:.0f} MiB",
            against=f"the same with {', '.join(USUAL)}: {other_memory:.0f} MiB",
            ratio=f"{other_memory / memory:.1f}×", goal=f"≤ {MEMORY} MiB", met=memory <= MEMORY,
        ),
        Row(
            number=12, work="SDKs of vendors in it", measured=", ".join(there) or "none", goal="none",
            met=not there,
        ),
        _served(),
    ]  # fmt: skip


def _imported(*more: str) -> dict:
    words = [sys.executable, "-c", CHILD, ",".join(SDKS), *more]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def _of(runs: list[dict], name: str) -> float:
    return median(run[name] for run in runs)


def _served() -> Row:
    """The whole of `manage.py serve` up to its first answer; static files were collected before."""
    with tempfile.TemporaryDirectory(prefix="vignette-start-") as folder:
        place = Place(Path(folder), "", "")
        place.manage("migrate", "--verbosity", "0")
        try:
            place.start()
            place.stop()
            place.start()
            pid = place.process.pid
            cpu, memory = cpu_seconds(pid), look(pid).memory
        finally:
            place.end()
    return Row(
        number=12, work="`manage.py serve` up to its first answer, web process",
        measured=f"{cpu:.2f} s CPU, {memory:.0f} MiB",
    )  # fmt: skip
