"""The only door out: every request to a vendor and every import by address goes through here.

An address is read strictly, its name resolved once, every answer checked, and the connection made to the
address that was checked while Host header and certificate keep the name. No proxies or passwords from the
environment, no cookies, no redirects but those `fetch` checks, one deadline from start to last byte.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urljoin

import requests

from providers import encodings
from providers.addresses import (
    CONTROL,
    WEB_PORTS,
    Address,
    AllowList,
    InvalidAddress,
    IPAddress,
    permits,
    read_address,
)
from providers.pinned import CONNECT_SECONDS, Door, EgressError, PinnedAdapter
from providers.resolving import UnknownName, own_addresses, resolve
from providers.watchdog import watchdog

__all__ = ["EgressError", "Fetched", "Response", "UnknownName", "fetch", "join", "request"]

PIECE = 256 * 1024  # bytes read at a time; each answer that is coming holds one piece
MAX_REDIRECTS = 3
MOST_DIGITS = 18  # of a length; one that has more is none that could be kept
REDIRECTS = {301, 302, 303, 307, 308}

BLOCKED = "This address is on your own network, so it is blocked. Allow it in ALLOWED_PRIVATE_HOSTS."
# Of a name that nobody knows and of one that leads home, so that nobody learns which names there are at home.
NOT_ON_THE_INTERNET = (
    "This address cannot be used: no server on the internet has this name. Check it for typing errors."
    " If the server is on your own network, allow it in ALLOWED_PRIVATE_HOSTS."
)
BLOCKED_PORT = (
    "This address cannot be used: pictures are fetched from ports 80 and 443 only."
    " Allow it as host:port in ALLOWED_PRIVATE_HOSTS."
)
UNREADABLE = "The server named an address that cannot be read."
BLOCKED_PLAIN = "This address cannot be used: it is without encryption, and not the server's own."
BLOCKED_DOWNGRADE = "This address cannot be used: it leads from https to an address without encryption."


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A file that was brought in."""

    url: str  # where it was found in the end
    content_type: str  # as the server says; empty: not said
    size: int  # bytes


class Response:
    """An answer whose head is here and whose body is still coming."""

    def __init__(self, raw: Any, door: "Door"):
        self.status: int = raw.status
        self.headers: dict[str, str] = {name.lower(): value for name, value in raw.headers.items()}
        self._raw = raw
        self._door = door

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes, still compressed if the server compressed it."""
        with self._door.explained():
            if self._raw.chunked or "event-stream" not in self.headers.get("content-type", ""):
                yield from self._raw.stream(PIECE, decode_content=False)
            else:  # what is here at once, however little it is
                yield from iter(lambda: self._raw.read1(PIECE, decode_content=False), b"")
            self._door.check_time()


@contextmanager
def request(
    method: str,
    url: str,
    *,
    deadline: float,
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    allowed_private_hosts: Iterable[str] = (),
    web_ports_only: bool = False,
) -> Iterator[Response]:
    """Make one request; nothing is repeated and no redirect followed. `deadline`: seconds for all of it.

    Raises `EgressError`; its `sent` is false when the server was provably not reached. An iterable body
    that has a length is sent with that length.
    """
    until = time.monotonic() + deadline
    if deadline <= 0:
        raise EgressError("timeout", "The answer did not come in time.")
    address, ips = _checked(url, allowed_private_hosts, web_ports_only, until)
    door = Door(ips, until)
    adapter = PinnedAdapter(address, door)
    send = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Vignette", **(headers or {})}
    answer = None
    try:
        with watchdog.limit(until, door.slam):
            with door.explained():
                prepared = requests.Request(method, address.url, headers=send, data=body).prepare()
                seconds = max(0.01, until - time.monotonic())
                answer = adapter.send(prepared, stream=True, timeout=(min(CONNECT_SECONDS, seconds), seconds))
            yield Response(answer.raw, door)
    finally:
        if answer is not None:
            answer.close()
        adapter.close()
        door.close()


def fetch(
    url: str,
    *,
    sink: BinaryIO,
    max_bytes: int,
    deadline: float = 20,
    allowed_private_hosts: Iterable[str] = (),
    named_by: str | None = None,
) -> Fetched:
    """Write the file at `url` to `sink`, following up to three redirects, each checked like the first.

    `named_by`: address of the server that named this one. Then https is a must and the port the web's, but
    for that server's own host and port.
    """
    until = time.monotonic() + deadline
    for _ in range(MAX_REDIRECTS + 1):
        own = bool(named_by) and _is_same_server(url, str(named_by))
        if named_by is not None and not own and read_or_refuse(url).scheme != "https":
            raise EgressError("blocked_address", BLOCKED_PLAIN)
        left = until - time.monotonic()
        with request(
            "GET", url, deadline=left, allowed_private_hosts=allowed_private_hosts, web_ports_only=not own
        ) as response:
            location = response.headers.get("location")
            if response.status not in REDIRECTS or not location:
                return _save(response, url, sink, max_bytes)
        url = _next_address(url, location)
    raise EgressError(
        "too_many_redirects", "The address leads from one address to the next without end.", sent=True
    )


def _is_same_server(url: str, other: str) -> bool:
    here, there = read_or_refuse(url), read_or_refuse(other)
    return (here.host, here.port) == (there.host, there.port)


def _next_address(url: str, location: str) -> str:
    there = join(read_or_refuse(url).url, _as_sent(location))
    if url.strip().lower().startswith("https:") and not there.lower().startswith("https:"):
        raise EgressError("blocked_address", BLOCKED_DOWNGRADE)
    return there


def join(url: str, other: str) -> str:
    """The address that `other`, which may be relative, means at `url`. What `urljoin` mends is refused."""
    try:
        if CONTROL.search(other):
            raise ValueError("control characters")
        return urljoin(url, other)
    except ValueError as exc:
        raise EgressError("invalid_address", f"This address cannot be used: {UNREADABLE}") from exc


def _as_sent(header: str) -> str:
    """A header with more than ASCII in it, as the server meant it; the standard library reads Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _save(response: Response, url: str, sink: BinaryIO, max_bytes: int) -> Fetched:
    if response.status != 200:
        raise EgressError(
            "http_status",
            f"The server answered {response.status} for this address.",
            sent=True,
            status=response.status,
        )
    too_big = EgressError(
        "too_big", f"The file is larger than the {max_bytes:,} bytes that are allowed.", sent=True
    )
    length = response.headers.get("content-length", "0")
    if not length.isdecimal():
        raise EgressError("bad_answer", "The server says no length that can be read.", sent=True)
    if len(length) > MOST_DIGITS or int(length) > max_bytes:
        raise too_big
    size = 0
    coming = _limited(response.pieces(), max_bytes, too_big)
    try:
        plain = encodings.inflated(coming, response.headers.get("content-encoding", ""))
        for piece in _limited(plain, max_bytes, too_big):
            size += sink.write(piece)
    except encodings.UnusableEncoding as exc:
        raise EgressError("bad_answer", f"The file cannot be used: {exc}.", sent=True) from exc
    return Fetched(url=url.strip(), content_type=response.headers.get("content-type", ""), size=size)


def _limited(pieces: Iterable[bytes], limit: int, error: EgressError) -> Iterator[bytes]:
    """The pieces, for as long as they are not more than `limit` bytes; compressed ones count as they come."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise error
        yield piece


# Where to: reading, resolving, checking


def read_or_refuse(url: str) -> Address:
    """`read_address` with the error of this module."""
    try:
        return read_address(url)
    except InvalidAddress as exc:
        raise EgressError("invalid_address", f"This address cannot be used: {exc}") from exc


def _checked(
    url: str, entries: Iterable[str], web_ports_only: bool, until: float
) -> tuple[Address, list[IPAddress]]:
    """The address and the numbers behind it, all of which may be connected to."""
    address = read_or_refuse(url)
    allowed = _allow_list(entries)
    if web_ports_only and address.port not in WEB_PORTS.values() and not allowed.names_port(address):
        raise EgressError("blocked_address", BLOCKED_PORT)
    named = allowed.names(address)
    if address.is_home_name and not named and not allowed.networks:
        raise EgressError("blocked_address", BLOCKED)
    ips = (
        [address.ip]
        if address.ip
        else resolve(address.host, address.port, named or address.is_home_name, until)
    )
    own = set() if named else own_addresses()
    if not permits(address, ips, allowed) or any(ip in own and not allowed.opens(address, ip) for ip in ips):
        raise EgressError("blocked_address", BLOCKED if address.ip else NOT_ON_THE_INTERNET)
    return address, ips


def _allow_list(entries: Iterable[str]) -> AllowList:
    try:
        return AllowList.of(entries)
    except InvalidAddress as exc:
        raise EgressError("invalid_address", f"ALLOWED_PRIVATE_HOSTS cannot be read: {exc}") from exc
