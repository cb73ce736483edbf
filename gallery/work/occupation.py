"""What this thread works on, for whoever writes its log lines: a task, a generation, an import."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_facts: ContextVar[dict[str, str] | None] = ContextVar("occupation", default=None)


@contextmanager
def with_task(path: str, args: Sequence[Any]) -> Iterator[None]:
    """Work on a task, "gallery.tasks.run_call" with [17], for as long as the block runs."""
    name = path.rpartition(".")[2]
    before = _facts.set({"job": f"{name}:{args[0]}" if args else name})
    try:
        yield
    finally:
        _facts.reset(before)


def note(**facts: object) -> None:
    """Add what was found out about the task: `generation_id=…`. Outside of one, nothing is kept."""
    known = _facts.get()
    if known is not None:
        known.update({name: str(value) for name, value in facts.items()})


def current() -> Mapping[str, str]:
    """`job`, and what was noted about it; empty in a page or a command."""
    return _facts.get() or {}
