"""Whether the database was within reach all the time, as this process's heartbeat felt it.

While nobody can write, the leases of all run out, and nobody is seen. Who has just found the database again,
or has just come, must not take the others for dead before they had a chance to say otherwise.
"""

import threading
import time

MISSED = 15.0  # seconds without a heartbeat, which comes every five: the database was away
CHANCE = 20.0  # seconds in which the others are heard again: time to connect, and a heartbeat


class Pulse:
    """Times are this process's own. One that has no heartbeat, as a command, judges at once."""

    def __init__(self):
        self.begun: float | None = None
        self.last = self.since = 0.0  # of the latest heartbeat; since when they come without a gap
        self.lock = threading.Lock()

    def begin(self) -> None:
        with self.lock:
            self.begun = self.last = self.since = time.monotonic()

    def felt(self) -> None:
        """A heartbeat was written."""
        now = time.monotonic()
        with self.lock:
            if now - self.last > MISSED:
                self.since = now
            self.last = now

    def is_sure_of_this_place(self) -> bool:
        """Whether a lease that ran out here means that its worker is gone."""
        with self.lock:
            return self._is_steady(since_its_start=False)

    def is_sure_of_others(self) -> bool:
        """Whether a place that is silent is deserted."""
        with self.lock:
            return self._is_steady(since_its_start=True)

    def _is_steady(self, *, since_its_start: bool) -> bool:
        if self.begun is None:
            return True
        now = time.monotonic()
        is_first = self.since == self.begun and not since_its_start
        return now - self.last <= MISSED and (is_first or now - self.since >= CHANCE)


pulse = Pulse()
