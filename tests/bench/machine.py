"""The machine that a table was measured on, in a sentence; and what a process has used of it."""

import os
import platform
import re
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def facts() -> str:
    now, parts = datetime.now(UTC), [_cores(), platform.system() + " " + platform.release(), *_software()]
    return f"{now.day} {now:%B %Y}: {', '.join(parts)}; load {os.getloadavg()[0]:.1f}"


def _cores() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    model = f" ({found[1]})" if found else f" ({platform.machine()})"
    return f"{os.cpu_count()} cores{model}, {memory:.0f} GiB"


def _software() -> list[str]:
    return [
        f"Python {platform.python_version()}",
        f"Django {version('django')}",
        f"SQLite {sqlite3.sqlite_version}",
        *_postgresql(),
        f"pyvips {version('pyvips')}",
        f"Pillow {version('pillow')}",
    ]


def _postgresql() -> list[str]:
    """Its version, where the bench was told of one."""
    import psycopg

    if not (address := os.environ.get("BENCH_DATABASE_URL")):
        return []
    with psycopg.connect(address) as server:
        number = server.info.server_version
    return [f"PostgreSQL {number // 10_000}.{number % 100}"]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid: int) -> float:
    """MiB that were resident at most."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
