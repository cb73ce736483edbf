"""The server of `manage.py serve` in this process, around a small WSGI application, for hostile callers."""

import asyncio
import hashlib
import socket
import threading
import time
from contextlib import contextmanager

import uvicorn

from config.bridge import Bridge
from config.connections import Protocol
from config.shell import Shell

BIG = 32 << 20  # bytes of /big: more than both ends of a connection keep


class App:
    """Answers `/`, tells what came to `/echo`, sends much from `/big`; `/add/upload/` and `/wait` wait."""

    def __init__(self):
        self.calls, self.released, self.reached = [], threading.Event(), threading.Semaphore(0)

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.calls.append(path)
        if path in ("/wait", "/add/upload/"):
            self.reached.release()
            self.released.wait(60)
        body = environ["wsgi.input"].read() if path == "/echo" else b"ok"
        if path == "/echo":
            body = f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode()
        pieces = [bytes(1 << 20)] * (BIG >> 20) if path == "/big" else [body]
        start_response("200 OK", [("Content-Length", str(sum(map(len, pieces))))])
        return pieces


class Server:
    def __init__(self):
        self.app = App()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        shell = Shell(Bridge(self.app))
        config = uvicorn.Config(
            shell, http=Protocol, ws="none", log_config=None, timeout_graceful_shutdown=1, server_header=False
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        asyncio.run(self.server.serve(sockets=[self.socket]))

    @property
    def open_connections(self) -> int:
        return len(self.server.server_state.connections)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.socket.getsockname(), timeout=20)

    def ask(self, request: bytes) -> bytes:
        """Send bytes, and return all that comes until the server hangs up."""
        with self.connect() as caller:
            caller.sendall(request)
            return read_all(caller)

    def get(self, path: str = "/") -> bytes:
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())


@contextmanager
def serving():
    server = Server()
    server.thread.start()
    try:
        until(lambda: server.server.started)
        yield server
    finally:
        server.app.released.set()
        server.server.should_exit = True
        server.thread.join(30)


def read_all(caller: socket.socket) -> bytes:
    """Everything that comes until the other side hangs up. A reset is an end like any other."""
    received = bytearray()
    try:
        while piece := caller.recv(1 << 16):
            received += piece
    except ConnectionResetError:
        pass
    return bytes(received)


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
