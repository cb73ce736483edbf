"""A connection to addresses that were checked, and to no other; `egress.py` checks them."""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter

from providers.addresses import Address, IPAddress

CONNECT_SECONDS = 10.0
MOST_TRIED = 8  # addresses of a name; whoever names thousands may want others to be knocked at
# OpenSSL's words for a server that speaks only old TLS, or none.
UNSAFE_TLS = {
    "NO_PROTOCOLS_AVAILABLE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "WRONG_VERSION_NUMBER",
}
# What the HTTP libraries raise for an answer that is no HTTP, and among it for one that is not whole.
NONSENSE = (http.client.HTTPException, urllib3.exceptions.InvalidHeader)
CUT_OFF = (ConnectionError, http.client.IncompleteRead)


class EgressError(Exception):
    """A request that could not be made or whose answer did not come whole.

    Codes: invalid_address, blocked_address, unreachable, certificate, timeout, too_big, http_status,
    too_many_redirects, bad_answer.
    """

    def __init__(self, code: str, message: str, *, sent: bool = False, status: int | None = None):
        super().__init__(message)
        self.status = status  # of the HTTP answer, for http_status
        self.code = code
        self.message = message
        self.sent = sent  # whether the request may have reached the server


class Door:
    """One connection to one of the checked addresses, and what became of it."""

    def __init__(self, ips: list[IPAddress], until: float):
        self.ips = ips
        self.until = until
        self.is_connected = False  # TLS included: from here on the request may arrive
        self.is_late = False
        self._line: socket.socket | None = None

    def open(self, port: int) -> socket.socket:
        """Connect to the first address that answers."""
        failure: OSError = OSError("no address")
        for ip in self.ips[:MOST_TRIED]:
            seconds = max(0.01, min(CONNECT_SECONDS, self.until - time.monotonic()))
            try:
                line = socket.create_connection((str(ip), port), timeout=seconds)
            except OSError as exc:
                failure = exc
                continue
            self._line = line.dup()  # TLS takes the socket away; this handle can still cut the line
            if self.is_late:
                line.close()
                raise TimeoutError("late")
            return line
        raise failure

    def slam(self) -> None:
        """Cut the line, from whatever thread, so that a waiting read ends."""
        self.is_late = True
        if self._line:
            try:
                self._line.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the line was gone already

    def close(self) -> None:
        if self._line:
            self._line.close()

    def check_time(self) -> None:
        if self.is_late:
            raise EgressError("timeout", "The answer did not come in time.", sent=self.is_connected)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what the HTTP library raises into `EgressError`."""
        try:
            yield
        except EgressError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as exc:
            raise self._meaning(exc) from exc

    def _meaning(self, exc: Exception) -> EgressError:
        late = self.is_late or time.monotonic() >= self.until
        if not self.is_connected:
            return _not_reached(exc)
        if late:
            return EgressError("timeout", "The answer did not come in time.", sent=True)
        if any(isinstance(cause, NONSENSE) and not isinstance(cause, CUT_OFF) for cause in _causes(exc)):
            return EgressError("bad_answer", "The server's answer cannot be understood.", sent=True)
        return EgressError("unreachable", "The connection broke before the answer was complete.", sent=True)


def _not_reached(exc: BaseException) -> EgressError:
    """What went wrong before anything was sent; `certificate` is for what trying again will not mend."""
    for cause in _causes(exc):
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f"The server's certificate is not valid ({cause.verify_message}), so nothing was sent."
            return EgressError("certificate", why)
        if isinstance(cause, ssl.SSLError) and cause.reason in UNSAFE_TLS:
            return EgressError(
                "certificate", "The server offers no encryption that is safe today, so nothing was sent."
            )
    return EgressError("unreachable", "The server could not be reached. Check the address and try again.")


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """An exception, and what led to it."""
    cause: BaseException | None = exc
    while cause:
        yield cause
        cause = cause.__cause__ or cause.__context__


class _Reading(http.client.HTTPResponse):
    """An answer in which some liberties of the HTTP libraries are not taken."""

    def begin(self) -> None:
        """Read the head. A redirect with stray line breaks would lead where its server may not have meant."""
        super().begin()
        is_odd = self.headers.get_payload() or "\n" in self.headers.get("location", "")
        if 300 <= self.status < 400 and is_odd:
            raise http.client.HTTPException("a redirect with stray line breaks")

    def _read_status(self) -> tuple[str, int, str]:
        """The status that counts; not only 100 may come before it. Without end it ends at the deadline."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200 or status == http.client.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)

    def _safe_read(self, amt: int) -> bytes:
        """A chunk whose length is below zero would be read to the end of the line, into memory."""
        if amt < 0:
            raise http.client.HTTPException("a chunk of less than nothing")
        return super()._safe_read(amt)  # type: ignore[misc,no-any-return]


class _Pinned:
    """A urllib3 connection that goes through a `Door` instead of resolving its host."""

    def __init__(self, *args: Any, door: Door, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._door = door

    def _new_conn(self) -> socket.socket:
        return self._door.open(self.port)  # type: ignore[attr-defined]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._door.is_connected = True


class _PinnedHTTP(_Pinned, urllib3.connection.HTTPConnection):
    response_class = _Reading


class _PinnedHTTPS(_Pinned, urllib3.connection.HTTPSConnection):
    response_class = _Reading


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PinnedHTTP


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _PinnedHTTPS


@cache
def tls_context() -> ssl.SSLContext:
    """Trust what the system trusts and what certifi brings."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class PinnedAdapter(HTTPAdapter):
    """Sends to one address only, whatever the request's URL would resolve to now."""

    def __init__(self, address: Address, door: Door):
        super().__init__(max_retries=0)
        if address.scheme == "https":
            self._pool: Any = _HTTPSPool(address.host, address.port, ssl_context=tls_context(), door=door)
        else:
            self._pool = _HTTPPool(address.host, address.port, door=door)

    def get_connection_with_tls_context(self, request, verify, proxies=None, cert=None):  # type: ignore[no-untyped-def]
        return self._pool

    def cert_verify(self, conn, url, verify, cert) -> None:  # type: ignore[no-untyped-def]
        """Leave the pool its own TLS context, which was read once."""

    def close(self) -> None:
        self._pool.close()
        super().close()
