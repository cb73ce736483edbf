"""Answers that come as a stream of events, each one JSON: followed while they come, read when they are here.

The raw stream goes to the spool like any other answer. A `Follower` watches it come, hands on the previews in
it, and sees to it that a stream without an end is no answer.
"""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from providers import bodies, sse
from providers.bodies import JsonBody
from providers.errors import BadResponse, ConnectionLost
from providers.vocabulary import Answer, OnPartial, PartialImage

PIECE = 256 * 1024  # bytes
CUT_OFF = "The answer broke off before the picture was complete."

log = logging.getLogger(__name__)


class Streaming(Protocol):
    """What a provider says about the events of its streams."""

    def preview_in(self, event: JsonBody) -> tuple[int, object] | None: ...
    def ends_stream(self, event: JsonBody) -> bool: ...


class Follower:
    """Watches one answer on its way into the spool."""

    def __init__(self, provider: Streaming, on_partial: OnPartial | None):
        self._provider = provider
        self._on_partial = on_partial
        self._scanner = sse.Scanner()
        self._is_complete = False

    def see(self, piece: bytes, file: BinaryIO, offset: int) -> None:
        """Look at a piece that was just written to `file`, where the stream begins at `offset`."""
        self._look(self._scanner.feed(piece), file, offset)

    def finish(self, file: BinaryIO, offset: int) -> None:
        """Raise `ConnectionLost` for a stream that ended without an ending."""
        self._look(self._scanner.end(), file, offset)
        if not self._is_complete:
            raise ConnectionLost(CUT_OFF)

    def _look(self, events: list[sse.Event], file: BinaryIO, offset: int) -> None:
        if events:
            file.flush()
        for event in events:
            try:
                with _json_of(event, file, offset) as body:
                    self._handle(body)
            except BadResponse as exc:
                log.info("An event of a stream cannot be read: %s", exc)

    def _handle(self, body: JsonBody) -> None:
        if self._provider.ends_stream(body):
            self._is_complete = True
            return
        preview = self._provider.preview_in(body) if self._on_partial else None
        if preview is None or self._on_partial is None:
            return
        try:
            self._on_partial(PartialImage(index=preview[0], data=body.bytes_of(preview[1])))
        except BadResponse:
            raise
        except Exception:
            # The picture is paid for: whatever is wrong with its previews must not stop it.
            log.exception("A preview could not be handed on")
            self._on_partial = None


def is_stream(status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer is a stream of events; a server may send plain JSON although it was asked for one."""
    return status == 200 and headers.get("content-type", "").lower().startswith("text/event-stream")


def events(answer: Answer) -> Iterator[JsonBody]:
    """Each event of a stored stream, open until the next is asked for. Raises `BadResponse` for odd ones."""
    scanner = sse.Scanner()
    with bodies.plain(answer) as (file, offset):
        place = offset
        while piece := os.pread(file.fileno(), PIECE, place):
            place += len(piece)
            for event in scanner.feed(piece):
                yield from _opened(event, file, offset)
        for event in scanner.end():
            yield from _opened(event, file, offset)


def image_preview(event: JsonBody) -> tuple[int, object] | None:
    """The preview in an event as OpenAI words it: its index and its base64 string."""
    data = event.data
    if isinstance(data, dict) and str(data.get("type")).endswith(".partial_image"):
        index = data.get("partial_image_index")
        return index if isinstance(index, int) else 0, data.get("b64_json")
    return None


def ends_images(event: JsonBody) -> bool:
    """Whether an event is the picture, or the error, with which OpenAI ends a stream."""
    data = event.data
    return isinstance(data, dict) and bool(data.get("error") or str(data.get("type")).endswith(".completed"))


def _opened(event: sse.Event, file: BinaryIO, offset: int) -> Iterator[JsonBody]:
    if not _is_done(event, file, offset):
        with _json_of(event, file, offset) as body:
            yield body


def _is_done(event: sse.Event, file: BinaryIO, offset: int) -> bool:
    """Whether it is the "[DONE]" with which some servers end a stream."""
    start, end = event.ranges[0]
    return end - start < 16 and os.pread(file.fileno(), 6, offset + start) == b"[DONE]"


@contextmanager
def _json_of(event: sse.Event, file: BinaryIO, offset: int) -> Iterator[JsonBody]:
    if len(event.ranges) == 1:
        start, end = event.ranges[0]
        yield JsonBody(bodies.Text(file, end=offset + end), offset + start)
        return
    with tempfile.TemporaryFile() as joined:  # JSON over several lines: rare
        for start, end in event.ranges:
            for place in range(start, end, PIECE):
                joined.write(os.pread(file.fileno(), min(PIECE, end - place), offset + place))
            joined.write(b"\n")
        joined.flush()
        yield JsonBody(bodies.Text(joined), 0)
