"""Server-sent events, found piece by piece while they come; their data stays where it is.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html. One line may hold a picture of many
megabytes, so a line is never put together: an event only knows where in the stream its data is.
"""

from dataclasses import dataclass

from providers.errors import BadResponse

HEAD = 256  # bytes of a line that are looked at
LARGEST_LINE = 128 * 1024**2  # bytes
MOST_LINES = 1000  # of data in one event
BOM = b"\xef\xbb\xbf"
TOO_LARGE = "An event in the answer is too large, so the answer was not kept."


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event, of one or more lines of data."""

    name: str  # empty where the server gives none
    ranges: tuple[tuple[int, int], ...]  # from and to of each line's data, bytes into the stream


class Scanner:
    """Finds the events in a stream that comes in pieces of any size."""

    def __init__(self) -> None:
        self._place = 0  # bytes of the stream that were seen
        self._ended_in_cr = False
        self._name = ""
        self._ranges: list[tuple[int, int]] = []
        self._start = self._end = 0  # of the current line, without what ends it
        self._head = self._last = b""  # its first bytes and its last one

    def feed(self, piece: bytes) -> list[Event]:
        """The events that end in this piece."""
        if self._ended_in_cr and piece.startswith(b"\n"):  # the other half of a line's end
            self._place += 1
            self._reset_line()
            piece = piece[1:]
        if piece:
            self._ended_in_cr = piece.endswith(b"\r")
        events = [self._take(part) for part in piece.splitlines(keepends=True)]
        return [event for event in events if event]

    def end(self) -> list[Event]:
        """The last event, where the stream ended without its empty line; one that was cut off is none."""
        if self._place > self._start:
            if self._last != b"}":
                return []
            self._end_line()
        event = self._end_event()
        return [event] if event else []

    def _take(self, part: bytes) -> Event | None:
        content = part.rstrip(b"\r\n")
        self._head += content[: HEAD - len(self._head)]
        self._last = content[-1:] or self._last
        self._place += len(part)
        self._end = self._place - (len(part) - len(content))
        if self._place - self._start > LARGEST_LINE:
            raise BadResponse(TOO_LARGE)
        if len(content) == len(part):
            return None  # the line goes on
        event = None
        if self._end > self._start:
            self._end_line()
        else:
            event = self._end_event()
        self._reset_line()
        return event

    def _end_line(self) -> None:
        start, head = self._start, self._head
        if start == 0 and head.startswith(BOM):
            start, head = len(BOM), head[len(BOM) :]
        if head.startswith(b"data:"):
            self._ranges.append((start + 5 + (head[5:6] == b" "), self._end))
        elif head.startswith(b"event:"):
            self._name = head[6:].decode(errors="replace").strip()
        if len(self._ranges) > MOST_LINES:
            raise BadResponse(TOO_LARGE)

    def _end_event(self) -> Event | None:
        event = Event(name=self._name, ranges=tuple(self._ranges)) if self._ranges else None
        self._name, self._ranges = "", []
        return event

    def _reset_line(self) -> None:
        self._start = self._end = self._place
        self._head = self._last = b""
