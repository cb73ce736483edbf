"""A TCP proxy that does what networks do: refuse, reset, swallow, delay, and lose answers on the way."""

import contextlib
import socket
import struct
import threading
import time

MODES = ("pass", "refuse", "reset", "swallow", "unavailable", "slow", "lose answers")
UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n"
)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class Proxy:
    """Listens on a port of 127.0.0.1 for the server at `target` (host, port), in one of MODES."""

    def __init__(self, target: tuple[str, int], delay: float = 5.0):
        self.target, self.delay, self.mode = target, delay, "pass"
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.seen = 0  # connections
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def become(self, mode: str) -> None:
        """From now on; connections that are kept open are cut, as they would be in such a moment."""
        assert mode in MODES
        self.mode = mode
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.become("refuse")
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            threading.Thread(target=self._serve, args=(connection, self.mode), daemon=True).start()

    def _serve(self, connection: socket.socket, mode: str) -> None:
        with self._kept(connection), contextlib.suppress(OSError):
            if mode in ("refuse", "reset"):
                if mode == "reset":
                    connection.recv(1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            elif mode == "unavailable":
                connection.recv(1 << 16)
                connection.sendall(UNAVAILABLE)
            elif mode == "swallow":
                while connection.recv(1 << 16):
                    pass
            else:
                self._relay(connection, mode)

    def _relay(self, connection: socket.socket, mode: str) -> None:
        with socket.create_connection(self.target, timeout=60) as server, self._kept(server):
            threading.Thread(target=pump, args=(connection, server), daemon=True).start()
            while data := server.recv(1 << 16):
                if mode == "slow":
                    time.sleep(self.delay)
                if mode == "lose answers":
                    if b"100 Continue" in data[:40]:
                        connection.sendall(data)
                        continue
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    return
                connection.sendall(data)

    @contextlib.contextmanager
    def _kept(self, connection: socket.socket):
        with self.lock:
            self.open.add(connection)
        try:
            yield
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()


def pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
