"""A look, now and then, at a program that draws: for its previews, and to stop it."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from providers.errors import ProviderError
from providers.vocabulary import Cancelled, OnPartial, PartialImage

log = logging.getLogger(__name__)


class Program(Protocol):
    """What can be asked of a program while it draws. Both raise `ProviderError`."""

    def progress(self, *, with_picture: bool) -> tuple[dict[str, Any], bytes]: ...
    def interrupt(self) -> None: ...


class Watch:
    """Looks at a program while it draws: for previews, and to stop it. Never touches the jobs of others."""

    def __init__(self, program: Program, on_partial: OnPartial | None, cancelled: Cancelled | None):
        self._program = program
        self._on_partial = on_partial
        self._cancelled = cancelled
        self._shown = b""
        self._count = 0
        self.has_stopped = False
        self._others = self._job_of(self._ask(with_picture=False)[0]) if on_partial or cancelled else ""

    def look(self) -> None:
        if self.has_stopped:
            return
        must_stop = bool(self._cancelled and self._cancelled())
        if not must_stop and not self._on_partial:
            return
        state, picture = self._ask(with_picture=not must_stop)
        job = self._job_of(state)
        if not job or job == self._others:
            return  # ours has not begun
        if must_stop:
            self._stop()
        elif picture and picture != self._shown:
            self._show(picture)

    def _ask(self, *, with_picture: bool) -> tuple[dict[str, Any], bytes]:
        try:
            return self._program.progress(with_picture=with_picture)
        except ProviderError as exc:
            log.info("The program does not tell how far it is: %s", exc)
            return {}, b""

    def _job_of(self, progress: Mapping[str, Any]) -> str:
        """A mark of the job that is going on; empty when there is none."""
        state = progress.get("state")
        state = state if isinstance(state, dict) else {}
        if not (progress.get("progress") or state.get("job") or state.get("job_count")):
            return ""
        return str(state.get("job_timestamp") or "now")

    def _stop(self) -> None:
        try:
            self._program.interrupt()
            self.has_stopped = True
        except ProviderError as exc:
            log.info("The program cannot be stopped, so its pictures are waited for: %s", exc)

    def _show(self, picture: bytes) -> None:
        self._shown = picture
        try:
            if self._on_partial:
                self._on_partial(PartialImage(index=self._count, data=picture))
        except Exception:
            # The picture itself matters more than whatever is wrong with its previews.
            log.exception("A preview could not be handed on")
            self._on_partial = None
        self._count += 1
