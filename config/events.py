"""Streams of events, sent by the shell: those that wait hold no thread, and one look at the rows serves all.

A view lets a reader in by answering with the header `X-Events`, "generation.token" by their keys.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger(__name__)

EVERY = 0.5  # seconds between two looks
HEARTBEAT = 15.0  # seconds of silence after which a comment keeps proxies from hanging up
MOST = 500  # streams in one process
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"private, no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
FULL = b"Too many streams are open here. Ask for the generation every few seconds instead."


class Streams:
    """All open streams of this process."""

    def __init__(self):
        self.open = {}  # follower → queue of what it is to be sent; None ends it
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="events")
        self.poller = None
        self.begun = asyncio.Event()  # somebody began to listen

    async def answer(self, receive, send, named: str):
        """Send events until the generation is done or the reader leaves."""
        from gallery.api.v1.events import Follower  # here, for it needs the whole of Django

        if len(self.open) >= MOST:
            await refuse(send)
            return
        follower = Follower(*map(int, named.split(".")))
        queue = self.open[follower] = asyncio.Queue()
        self._wake()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._pass_on(queue, receive, send)
        finally:
            self.open.pop(follower, None)

    async def _pass_on(self, queue, receive, send):
        leaving = asyncio.ensure_future(until_gone(receive))
        chunk = b"retry: 3000\n\n"
        try:
            while chunk is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                coming = asyncio.ensure_future(queue.get())
                await asyncio.wait({coming, leaving}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                if leaving.done():
                    coming.cancel()
                    return
                chunk = coming.result() if coming.done() else b": still here\n\n"
                coming.cancel()
            await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()

    def end(self):
        """End every stream, for a server that stops. Readers come back to the next one."""
        for queue in self.open.values():
            queue.put_nowait(None)

    def _wake(self):
        if self.poller is None or self.poller.done():
            self.poller = asyncio.ensure_future(self._poll())
        self.begun.set()

    async def _poll(self):
        """Look what is new, for as long as somebody listens; at once when somebody begins to."""
        while self.open:
            self.begun.clear()
            await self._look()
            try:
                await asyncio.wait_for(self.begun.wait(), EVERY)
            except TimeoutError:
                continue

    async def _look(self):
        from gallery.api.v1.events import news_for

        followers = list(self.open)
        try:
            news = await asyncio.get_running_loop().run_in_executor(self.thread, news_for, followers)
        except Exception:
            logger.exception("News of generations could not be read; trying again")
            return
        for follower in followers:
            queue = self.open.get(follower)
            if queue is not None and follower in news:
                queue.put_nowait(news[follower])
            if queue is not None and follower.is_over:
                queue.put_nowait(None)


async def until_gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def refuse(send):
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": FULL})
