"""Libraries of several sizes on SQLite, and on PostgreSQL where BENCH_DATABASE_URL names a database there.

BENCH_SIZES says how many pictures, "10000,50000" when it is not set; "10000,100000,1000000" takes half an
hour the first time. Libraries are kept below var/bench/, and in databases of the given name and a size.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.bench.rows import Row

ROOT = Path(__file__).resolve().parents[3]
SIZES = sorted(int(size) for size in os.environ.get("BENCH_SIZES", "10000,50000").split(","))
SERVER = os.environ.get("BENCH_DATABASE_URL", "")
GROWTH: dict[str, float | None] = {  # how much longer in the largest library than in the smallest one
    "newest of one tag": None,
    "first page": 1.5,
    "deep page": 1.5,
    "one tag": 1.5,
    "tiles of one tag": 1.5,
    "a middling tag": 2,
    "best rated": None,
    "random": None,
    "two popular tags": 2,
    "popular and middling": 2,
    "popular, not middling": 2,
    "large tags that hardly meet": None,
    "count of two popular tags": None,
    "a month": None,
    "a word": None,
    "a tag and a word": None,
    "facets of everything": None,
    "facets of a popular tag": None,
    "tags by two letters": None,
    "whole page": 1.5,
    "next 120 tiles": 1.5,
    "whole page of a tag": 1.5,
}
MOST = {  # milliseconds in the largest library
    "tiles of one tag": 3,
    "large tags that hardly meet": 25,
    "facets of everything": 25,
    "facets of a popular tag": 25,
    "tags by two letters": 15,
}
FASTER = {
    "next 120 tiles": 4,
    "whole page": 4,
    "whole page of a tag": 4,
}  # times than the default, without a cache
NUMBERS = {  # of the goal; the others are alike and belong to the third
    1: ("newest of one tag", "tiles of one tag", "a middling tag"),
    2: ("first page", "deep page", "one tag", "best rated", "random"),
    4: ("facets of everything", "facets of a popular tag"),
    5: ("whole page", "next 120 tiles", "whole page of a tag"),
}
NUMBER = {name: number for number, names in NUMBERS.items() for name in names}
FASTER_ON_SQLITE = {"newest of one tag": 80} if SIZES[-1] >= 1_000_000 else {}

type Times = dict[str, float]  # milliseconds by name of the work


def measure() -> list[Row]:
    rows: list[Row] = []
    for database in ("SQLite", "PostgreSQL") if SERVER else ("SQLite",):
        times = [_side(database, size) for size in SIZES]
        faster = FASTER | (FASTER_ON_SQLITE if database == "SQLite" else {})
        rows += (_row(database, name, times, faster.get(name)) for name in GROWTH)
        rows += _facts(database, times[-1])
    return rows


def _row(database: str, name: str, times: list[Times], faster: float | None) -> Row:
    first, last = times[0][name], times[-1][name]
    default = next((key for key in times[-1] if key.startswith(f"{name}, ")), "")
    gain = times[-1][default] / last if default else 0
    growth, most = GROWTH[name], MOST.get(name)
    goals = [
        (f"≤ {growth}× from first to last", last / first <= (growth or 0)) if growth else None,
        (f"≤ {most} ms", last <= (most or 0)) if most else None,
        (f"≥ {faster}× the default", gain >= (faster or 0)) if faster else None,
    ]
    known = [goal for goal in goals if goal]
    return Row(
        number=NUMBER.get(name, 3), work=f"{database}: {name}",
        measured=" / ".join(f"{each[name]:.1f}" for each in times) + " ms",
        against=f"{default.rpartition(', ')[2]}: {' / '.join(f'{each[default]:.1f}' for each in times)} ms"
        if default else "",
        ratio=f"{last / first:.2f}× larger" + (f", {gain:.1f}× faster" if default else ""),
        goal=", ".join(text for text, _ in known), met=all(met for _, met in known),
    )  # fmt: skip


def _facts(database: str, facts: Times) -> Iterator[Row]:
    size, memory = facts["page, KiB gzipped"], facts["memory of 100 pages, MiB"]
    yield Row(
        number=5,
        work=f"{database}: HTML of a page",
        measured=f"{size:.1f} KiB gzipped",
        goal="≤ 40",
        met=size <= 40,
    )
    yield Row(
        number=5, work=f"{database}: memory after 100 more pages", measured=f"{memory:+.1f} MiB",
        goal="≤ 4", met=memory <= 4,
    )  # fmt: skip


def _side(database: str, size: int) -> Times:
    folder = ROOT / "var" / "bench" / f"{database.lower()}-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    address = {"DATABASE_URL": _database(size)} if database == "PostgreSQL" else {}
    print(f"  {database}, {size:,} pictures", flush=True)
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench.library.side", str(size)], cwd=ROOT, check=True,
        env=os.environ | {"DATA_DIR": str(folder)} | address, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return json.loads(answer.stdout)


def _database(size: int) -> str:
    address = f"{SERVER}_{size}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        name = address.rpartition("/")[2]
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            server.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return address
