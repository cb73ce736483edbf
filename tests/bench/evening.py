"""A minute of `make soak` on SQLite: two web threads, the worker, uploads and an import write to one file."""

import re
import subprocess
import sys

from tests.bench.rows import Row

SECONDS, GRID = 60, 500  # ms of the grid at the 95th per cent
LINE = re.compile(r"^\| grid \| (\d+) \| (\d+) ms \| (\d+) ms \|", re.MULTILINE)


def measure() -> list[Row]:
    words = [sys.executable, "-m", "tests.soak", "--databases", "sqlite", "--requests", "0"]
    done = subprocess.run([*words, "--seconds", str(SECONDS)], stdout=subprocess.PIPE, text=True)
    if not (found := LINE.search(done.stdout)):
        raise RuntimeError(f"The soak said: {done.stdout[-2000:]}")
    number, middle, late = map(int, found.groups())
    wrong = re.findall(r"NOT MET: (.+)", done.stdout)
    locked = sum("locked" in line for line in wrong)
    return [
        Row(
            number=13, work=f"32 people at work for {SECONDS} s, the grid, {number} requests",
            measured=f"median {middle} ms, p95 {late} ms", against=f"“database is locked” {locked} times",
            goal=f"p95 ≤ {GRID} ms, never locked", met=late <= GRID and not locked,
        ),
        Row(
            number=13, work="what else went wrong meanwhile", measured="; ".join(wrong)[:300] or "nothing",
            goal="nothing", met=not wrong,
        ),
    ]  # fmt: skip
