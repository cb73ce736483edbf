"""The tables: all goals in one, and each below its heading in docs/performance.md."""

import re
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from tests.bench.rows import GROWTH, Row

COLUMNS = ("work", "measured", "against", "ratio", "goal", "met")


def whole(rows: Sequence[Row], machine: str) -> str:
    """Returns every row by the number of its goal."""
    lines = [_line(str(row.number or "growth"), *row.cells) for row in _sorted(rows)]
    return "\n".join([f"{machine}.", "", *_head("#", *COLUMNS), *lines, "", verdict(rows)]) + "\n"


def verdict(rows: Sequence[Row]) -> str:
    judged = [row for row in rows if row.goal]
    missed = [f"{row.number} ({row.work}: {row.measured})" for row in judged if not row.met]
    return f"{len(judged) - len(missed)} of {len(judged)} met." + (
        f" Missed: {'; '.join(missed)}." if missed else ""
    )


def document(path: Path, rows: Sequence[Row], machine: str) -> None:
    """Put each goal's rows between its marks in `path`; goals that were not measured keep theirs."""
    text = path.read_text()
    for number, some in groupby(_sorted(rows), attrgetter("number")):
        table = "\n".join([f"{machine}.", "", *_head(*COLUMNS), *(_line(*row.cells) for row in some)])
        name = number or "growth"
        marks = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text, n = marks.subn(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)
        if n != 1:
            raise SystemExit(f"{path} has no place for goal {name}.")
    path.write_text(text)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.number == GROWTH, row.number))


def _head(*names: str) -> tuple[str, str]:
    return _line(*names), "|---" * len(names) + "|"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
