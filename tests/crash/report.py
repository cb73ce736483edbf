"""What a sweep has found, and the table of it."""

from collections import Counter
from dataclasses import dataclass, field

from tests.crash.traps import Call


@dataclass
class Outcome:
    call: Call
    status: str  # "done", "unknown", or what it should not be
    broken: list[str]

    def __str__(self) -> str:
        return " ".join([self.call.name, self.call.target, self.status, *self.broken])


@dataclass
class Sweep:
    outcomes: list[Outcome] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)  # of rows and files, when all is over
    seconds: float = 0

    @property
    def broken(self) -> int:
        return sum(bool(outcome.broken) for outcome in self.outcomes) + len(self.disagreements)


def table(sweep: Sweep) -> str:
    head = ["", "| call | kill points | done | unknown | promises broken |", "|---|---|---|---|---|"]
    names = Counter(outcome.call.name for outcome in sweep.outcomes)
    lines = [
        _line(name, [each for each in sweep.outcomes if each.call.name == name]) for name in sorted(names)
    ]
    total = _line("all", sweep.outcomes)
    return "\n".join([*head, *lines, total, "", *sweep.disagreements, f"{sweep.seconds:.0f} seconds", ""])


def _line(name: str, outcomes: list[Outcome]) -> str:
    ends = Counter(outcome.status for outcome in outcomes)
    broken = sum(bool(outcome.broken) for outcome in outcomes)
    return f"| {name} | {len(outcomes)} | {ends['done']} | {ends['unknown']} | {broken} |"
