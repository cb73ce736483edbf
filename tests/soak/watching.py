"""What the processes of the server hold while people use it: memory, descriptors, threads."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

EVERY = 1.0  # seconds
MIB = 1024


@dataclass(frozen=True, kw_only=True)
class Sample:
    memory: float  # MiB, resident
    files: int
    threads: int


class Watch:
    """Samples the web process and the worker until it is ended."""

    def __init__(self, processes: Callable[[], dict[str, int | None]]):
        self.processes, self.over = processes, threading.Event()
        self.samples: dict[str, list[Sample]] = {"web": [], "worker": []}
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def end(self) -> None:
        self.over.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.over.wait(EVERY):
            for name, pid in self.processes().items():
                if pid and (sample := look(pid)):
                    self.samples[name].append(sample)

    def growth(self, name: str, field: str) -> tuple[float, float]:
        """The median of the second quarter, when all is warm, and that of the last."""
        values = [getattr(sample, field) for sample in self.samples[name]]
        quarter = max(1, len(values) // 4)
        return median(values[quarter : 2 * quarter] or values), median(values[-quarter:])

    def peak(self, name: str, field: str) -> float:
        return max((getattr(sample, field) for sample in self.samples[name]), default=0)


def look(pid: int) -> Sample | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return None
    facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    if "VmRSS" not in facts:
        return None
    return Sample(memory=int(facts["VmRSS"].split()[0]) / MIB, files=files, threads=int(facts["Threads"]))


def worker_of(web: int) -> int | None:
    """The process id of the worker that the web process started."""
    for child in children_of(web):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"worker" in words:
            return int(child)
    return None


def children_of(pid: int) -> list[str]:
    children: list[str] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children += task.read_text().split()
        except OSError:
            continue  # that thread has just ended
    return children


def cpu_seconds() -> tuple[float, float]:
    """Busy and all seconds of this machine's cores so far."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    ticks = os.sysconf("SC_CLK_TCK")
    return (sum(fields) - fields[3] - fields[4]) / ticks, sum(fields) / ticks


def wait_for(condition, seconds: float, pause: float = 0.5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(pause)
    return False
