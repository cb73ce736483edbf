from dataclasses import dataclass

GROWTH = 0  # the number of rows that say what more of something costs


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    number: int  # of the goal it belongs to, as in docs/performance.md
    work: str
    measured: str  # ours, with unit
    against: str = ""  # what it is compared with, measured in the same run
    ratio: str = ""
    goal: str = ""
    met: bool = True

    @property
    def verdict(self) -> str:
        return ("yes" if self.met else "no") if self.goal else ""

    @property
    def cells(self) -> tuple[str, ...]:
        return self.work, self.measured, self.against, self.ratio, self.goal, self.verdict
