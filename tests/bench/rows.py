from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    work: str
    measured: str  # ours, with unit
    against: str = ""  # what it is compared with, measured in the same run
    ratio: str = ""
    goal: str = ""
    met: bool = True

    @property
    def verdict(self) -> str:
        return ("yes" if self.met else "no") if self.goal else ""
