"""The tables of the benchmarks, and their places in the documentation."""

import re
from pathlib import Path

import pytest

from tests.bench import report
from tests.bench.rows import GROWTH, Row

PERFORMANCE = Path(__file__).parent.parent / "docs" / "performance.md"
ROWS = [
    Row(number=GROWTH, work="four workers", measured="3.9 ×"),
    Row(number=2, work="first page", measured="3 ms", against="4 ms", ratio="1.3×", goal="≤ 2 ms", met=False),
    Row(number=1, work="one tag", measured="1 ms", goal="≤ 2 ms", met=True),
]


def test_rows_stand_in_the_order_of_the_goals():
    lines = report.whole(ROWS, "A machine").splitlines()
    assert lines[0] == "A machine."
    assert [line.split("|")[1].strip() for line in lines if line.count("|") > 6][2:] == ["1", "2", "growth"]
    assert lines[-1] == "1 of 2 met. Missed: 2 (first page: 3 ms)."


def test_only_what_was_measured_is_replaced(tmp_path):
    text = "".join(f"<!-- measured: {n} -->\nold {n}\n<!-- end of {n} -->\n" for n in (1, 2, 3, "growth"))
    path = tmp_path / "performance.md"
    path.write_text(text)
    report.document(path, ROWS, "A machine")
    after = path.read_text()
    assert re.findall(r"old \S+", after) == ["old 3"]
    assert "<!-- measured: 2 -->\nA machine.\n\n| work |" in after
    assert "| one tag | 1 ms |  |  | ≤ 2 ms | yes |\n<!-- end of 1 -->" in after


def test_a_goal_without_a_place_is_told(tmp_path):
    path = tmp_path / "performance.md"
    path.write_text("")
    with pytest.raises(SystemExit, match="goal 1"):
        report.document(path, ROWS, "A machine")


def test_the_documentation_has_a_place_for_every_goal():
    places = re.findall(
        r"<!-- measured: (\w+) -->\n.*?<!-- end of \1 -->", PERFORMANCE.read_text(), re.DOTALL
    )
    assert places == [*map(str, range(1, 15)), "growth"]
