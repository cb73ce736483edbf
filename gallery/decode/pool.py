"""The server's side of the decode children: start them, hand them one file each, end them on time."""

import atexit
import logging
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from gallery.decode import THUMBNAIL_SIZES, Decoded, Limits, errors, sniff, wire

logger = logging.getLogger(__name__)

CHILDREN = 2
JOB_SECONDS = 20  # by the clock; the child has 15 of its own work (child.CPU_SECONDS)
START_SECONDS = 30
QUEUE_SECONDS = 120  # how long a caller waits for a free child
JOBS_PER_CHILD = 500  # then a fresh one, in case a library leaks
MAX_THUMBNAIL_BYTES = 8 * 1024 * 1024
NUMBERS = ("width", "height", "frames", "phash")
TINT = re.compile(r"[0-3][0-9a-f][0-3][0-9a-f]")
ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from gallery.decode.child import main; main()"
# What the end of a process says about its file. GLib ends it by SIGTRAP when it gets no memory.
ENDS: dict[int | None, Callable[[], errors.DecodeError]] = {
    -signal.SIGXCPU: errors.timeout,
    -signal.SIGTRAP: errors.too_much_memory,
    -signal.SIGKILL: errors.too_much_memory,
}


class Ended(Exception):
    """The process is gone. `error` says what that means for its file, if it was because of its file."""

    def __init__(self, status: int | None, error: errors.DecodeError, *, was_new: bool):
        super().__init__(status)
        self.error = error
        # The kernel kills when memory runs out, whoever took it; and earlier files may have done the harm.
        self.is_doubtful = status == -signal.SIGKILL or (status != -signal.SIGXCPU and not was_new)


class Child:
    """One decode process, started when it is first needed and again after it ended."""

    def __init__(self):
        self.process: subprocess.Popen | None = None
        self.sock: socket.socket | None = None
        self.jobs = 0

    def run[Result](self, path: Path, kind: str, limits: Limits, exchange: "Exchange[Result]") -> Result:
        """Have `path` decoded. Raises `DecodeError`; after a crash or a time-out the process is gone."""
        try:
            return self._run_once(path, kind, limits, exchange)
        except Ended as exc:
            if not exc.is_doubtful:
                raise exc.error from exc
        try:
            return self._run_once(path, kind, limits, exchange)
        except Ended as exc:
            raise exc.error from exc

    def _run_once[Result](
        self, path: Path, kind: str, limits: Limits, exchange: "Exchange[Result]"
    ) -> Result:
        sock = self._ready()
        self.jobs += 1
        try:
            return exchange(sock, path, kind, limits)
        except TimeoutError as exc:
            self.stop()
            raise errors.timeout() from exc
        except (wire.Broken, OSError, ValueError, TypeError, KeyError) as exc:
            was_new, status = self.jobs == 1, self.stop()
            logger.warning("A decode process ended with status %s.", status)
            raise Ended(status, ENDS.get(status, errors.damaged)(), was_new=was_new) from exc

    def _ready(self) -> socket.socket:
        """Return the socket of a live process that has not done its share yet."""
        alive = self.process is not None and self.process.poll() is None
        if self.sock is None or not alive or self.jobs >= JOBS_PER_CHILD:
            self.stop()
            self.sock, self.jobs = self._start(), 0
        return self.sock

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", PROGRAM, str(ROOT)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={"VIPS_CONCURRENCY": "1"},  # two files at a time are enough work for a small server
                cwd="/",
                start_new_session=True,
            )
        try:
            wire.receive(ours, time.monotonic() + START_SECONDS)
        except (wire.Broken, OSError) as exc:
            ours.close()
            logger.error("The decode process did not start: status %s. Its own words are above.", self.stop())
            raise errors.not_started() from exc
        return ours

    def stop(self) -> int | None:
        """End the process; return its status, negative for a signal."""
        process, self.process = self.process, None
        self.forget()
        if process is None:
            return None
        try:
            return process.wait(timeout=0.5)  # it ends by itself when the socket closes
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def forget(self) -> None:
        """Close our end of the socket; in a forked process it belongs to the parent."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None


type Exchange[Result] = Callable[[socket.socket, Path, str, Limits], Result]


def examine(sock: socket.socket, path: Path, kind: str, limits: Limits) -> Decoded:
    """Hand one file over and wait for what is in it."""
    answer, thumbnails = ask(sock, path, {"kind": kind, "limits": asdict(limits)})
    answer["thumbhash"] = bytes.fromhex(answer["thumbhash"])[:32]
    if not all(type(answer[name]) is int for name in NUMBERS) or not TINT.fullmatch(answer["tint"]):
        raise wire.Broken("a child that was taken over could say anything")
    return Decoded(mime_type=sniff.MIME_TYPES[kind], extension=kind, thumbnails=thumbnails, **answer)


def jpeg(sock: socket.socket, path: Path, kind: str, limits: Limits) -> bytes:
    """Hand one file over and wait for the JPEG that is made of it."""
    _, copies = ask(sock, path, {"kind": kind, "limits": asdict(limits), "copy": "jpeg"})
    return copies[max(THUMBNAIL_SIZES)]


def mask(sock: socket.socket, path: Path, kind: str, limits: Limits) -> bytes:
    """Hand one file over and wait for the mask that is made of it."""
    _, copies = ask(sock, path, {"kind": kind, "limits": asdict(limits), "copy": "mask"})
    return copies[max(THUMBNAIL_SIZES)]


def ask(sock: socket.socket, path: Path, job: dict) -> tuple[dict, dict[int, bytes]]:
    """Send a job with its file; return the answer and the pictures that come with it, by size."""
    deadline = time.monotonic() + JOB_SECONDS
    sock.settimeout(JOB_SECONDS)
    with path.open("rb") as file:
        wire.send(sock, job | {"size": os.fstat(file.fileno()).st_size})
        sock.sendfile(file)
    answer = wire.receive(sock, deadline)
    if "code" in answer:
        raise errors.DecodeError(str(answer["code"])[:30], str(answer["message"])[:500])
    thumbnails = {}
    for longest, length in answer.pop("thumbnails"):
        if longest not in THUMBNAIL_SIZES or length > MAX_THUMBNAIL_BYTES:
            raise wire.Broken("not one of the thumbnails")
        thumbnails[longest] = bytes(wire.receive_bytes(sock, length, deadline))
    return answer, thumbnails


class Pool:
    """Decode children that callers from any thread share. The one used last is used next."""

    def __init__(self, size: int = CHILDREN):
        self.children = [Child() for _ in range(size)]
        self.free: queue.LifoQueue[Child] = queue.LifoQueue()
        for one in self.children:
            self.free.put(one)

    def inspect(self, path: Path, limits: Limits) -> Decoded:
        return self._run(path, limits, examine)

    def as_jpeg(self, path: Path, limits: Limits) -> bytes:
        return self._run(path, limits, jpeg)

    def as_mask(self, path: Path, limits: Limits) -> bytes:
        return self._run(path, limits, mask)

    def _run[Result](self, path: Path, limits: Limits, exchange: "Exchange[Result]") -> Result:
        with path.open("rb") as file:
            kind = sniff.picture_type(file.read(sniff.HEAD_BYTES))
        try:
            one = self.free.get(timeout=QUEUE_SECONDS)
        except queue.Empty as exc:
            raise errors.busy() from exc
        try:
            return one.run(path, kind, limits, exchange)
        finally:
            self.free.put(one)

    def close(self) -> None:
        for one in self.children:
            one.stop()

    def forget(self) -> None:
        for one in self.children:
            one.forget()


_pool: Pool | None = None
_lock = threading.Lock()


def shared_pool() -> Pool:
    global _pool
    with _lock:
        if _pool is None:
            _pool = Pool()
            atexit.register(_pool.close)
        return _pool


def _after_fork() -> None:
    """A forked process must not talk to its parent's children: let it start its own."""
    global _pool, _lock
    _lock = threading.Lock()
    if _pool is not None:
        atexit.unregister(_pool.close)
        _pool.forget()
        _pool = None


os.register_at_fork(after_in_child=_after_fork)
