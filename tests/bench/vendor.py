"""What a large answer of a vendor costs here, in CPU and memory."""

import json
import subprocess
import sys
from contextlib import contextmanager

from tests.bench.rows import Row


def measure() -> list[Row]:
    with _server() as address:
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


@contextmanager
def _server():
    """A vendor in a process of its own. Its address."""
    command = [sys.executable, "-m", "tests.bench.vendor_sides", "serve", ""]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.terminate()
        process.wait()
