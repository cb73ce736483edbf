"""One thread that ends whatever is not over in time.

Socket timeouts count from byte to byte, so a server that sends one byte a second is never late for them.
"""

import heapq
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


class Watch:
    """Something that must be over by `until`, a moment of the monotonic clock."""

    def __init__(self, until: float, end: Callable[[], None]):
        self.until = until
        self.end: Callable[[], None] | None = end


class Watchdog:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watches: list[tuple[float, int, Watch]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, until: float, end: Callable[[], None]) -> Iterator[None]:
        """Call `end`, from the watchdog's thread, if the block is not over by the moment `until`."""
        watch = Watch(until, end)
        with self._changed:
            heapq.heappush(self._watches, (until, next(self._numbers), watch))
            self._start()
            self._changed.notify()
        try:
            yield
        finally:
            watch.end = None

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            end = self._next().end
            try:
                if end:
                    end()
            except Exception:
                log.exception("Something that was not over in time could not be ended")  # the others can

    def _next(self) -> Watch:
        """Wait for the next moment. Watches that are over are passed on too; there is nothing to end then."""
        with self._changed:
            while not self._watches or self._watches[0][0] > time.monotonic():
                wait = self._watches[0][0] - time.monotonic() if self._watches else None
                self._changed.wait(wait if wait is None else max(0, wait))
            return heapq.heappop(self._watches)[2]


watchdog = Watchdog()
# A forked worker has the parent's lock but not its thread.
os.register_at_fork(after_in_child=watchdog.__init__)  # type: ignore[misc]
