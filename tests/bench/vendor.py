"""What a vendor's answer costs here: CPU and memory of a large one, and of many that are waited for."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from gallery.generations import generation
from gallery.models import ConnectionProfile, Generation, GenerationCall, User
from tests.bench.queue import worker
from tests.bench.rows import Row

WAITING = 500


def measure() -> list[Row]:
    return [*_large_answers(), _many_waiting()]


def _large_answers() -> list[Row]:
    with _server("large") as address:
        ours = _run("ours", address)
        plain = _run("plain", address)
    ratio = ours["cpu"] / plain["cpu"]
    return [
        Row(
            number=8, work="one answer of 20 MB, received, spooled and decoded",
            measured=f"{ours['cpu'] * 1000:.0f} ms CPU",
            against=f"requests + json + base64: {plain['cpu'] * 1000:.0f} ms", ratio=f"{ratio:.2f}×",
            goal="≤ 0.4×", met=ratio <= 0.4,
        ),
        Row(
            number=8, work="memory for it", measured=f"+{ours['memory']:.1f} MiB",
            against=f"requests + json + base64: +{plain['memory']:.1f} MiB",
            goal="≤ 8 MiB", met=ours["memory"] <= 8,
        ),
    ]  # fmt: skip


def _run(side: str, address: str) -> dict:
    """Measure one side in a process of its own, so that neither pays for the other's imports."""
    command = [sys.executable, "-m", "tests.bench.vendor_sides", side, address]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _many_waiting() -> Row:
    owner = User.objects.create_user("bench-vendor")
    with _server("slow") as address:
        os.environ["ALLOWED_PRIVATE_HOSTS"] = address.removeprefix("http://").partition("/")[0]
        profile = ConnectionProfile(owner=owner, name="Slow", provider="openai", base_url=address)
        profile.api_key = "sk-bench-0123456789abcdef"
        profile.save()
        with worker() as process:
            base = _resident(process.pid)
            asked = [
                generation.submit(owner, generation.Wish(profile=profile, prompt=f"many {number}"))
                for number in range(WAITING)
            ]
            peak, most = base, 0
            while Generation.objects.filter(pk__in=[one.pk for one in asked]).active().exists():
                peak = max(peak, _resident(process.pid))
                most = max(most, GenerationCall.objects.filter(state=GenerationCall.State.SENT).count())
                time.sleep(0.5)
    added = peak - base
    return Row(
        number=8, work=f"{WAITING} generations asked for, one worker", measured=f"{most} in flight, +{added:.0f} MiB",
        goal=f"{WAITING} in flight, ≤ 100 MiB", met=most >= WAITING * 0.98 and added <= 100,
    )  # fmt: skip


def _resident(pid: int) -> float:
    """MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def _server(kind: str):
    """A vendor in a process of its own. Its address."""
    command = [sys.executable, "-m", "tests.bench.vendor_sides", "serve", kind]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.terminate()
        process.wait()
