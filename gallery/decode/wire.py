"""Messages between the server and the decode child: a JSON object and, after it, raw bytes."""

import json
import socket
import struct
import time

LENGTH = struct.Struct(">I")
MAX_HEADER = 64 * 1024
MAX_BODY = 1024 * 1024 * 1024


class Broken(Exception):
    """The other side is gone, or does not keep to the protocol."""


def send(sock: socket.socket, message: dict) -> None:
    data = json.dumps(message).encode()
    sock.sendall(LENGTH.pack(len(data)) + data)


def receive(sock: socket.socket, deadline: float | None = None) -> dict:
    """Read one message. `deadline` counts on the monotonic clock; passing it raises `TimeoutError`."""
    (length,) = LENGTH.unpack(receive_bytes(sock, LENGTH.size, deadline))
    if length > MAX_HEADER:
        raise Broken("header too long")
    try:
        message = json.loads(bytes(receive_bytes(sock, length, deadline)))
    except ValueError as exc:
        raise Broken("header is not JSON") from exc
    if not isinstance(message, dict):
        raise Broken("header is not an object")
    return message


def receive_bytes(sock: socket.socket, length: int, deadline: float | None = None) -> bytearray:
    if not 0 <= length <= MAX_BODY:
        raise Broken("body too long")
    data = bytearray(length)
    view, filled = memoryview(data), 0
    while filled < length:
        if deadline is not None:
            sock.settimeout(remaining(deadline))
        got = sock.recv_into(view[filled:])
        if not got:
            raise Broken("closed")
        filled += got
    return data


def remaining(deadline: float) -> float:
    """Seconds until `deadline`; raises `TimeoutError` when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
