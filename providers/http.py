"""Requests to vendors: a paid POST whose answer goes to the spool, small paid POSTs, and small free GETs."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from providers import egress, errors, redaction, spooling, streams
from providers.multipart import Form
from providers.vocabulary import Answer

LARGEST_ANSWER = 1024**3  # bytes; ten 4K pictures in base64 are a third of it
LARGEST_LIST = 8 * 1024**2
LARGEST_TEXT = 8 * 1024**2
LIST_SECONDS = 30.0
LARGE_SECONDS = 120.0
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, kw_only=True)
class WireRequest:
    """A request as it goes over the wire."""

    url: str = field(repr=False)  # some vendors want the key in it
    headers: Mapping[str, str] = field(repr=False)
    json: Mapping[str, Any] | None = field(default=None, repr=False)  # the body, or …
    form: Form | None = field(default=None, repr=False)  # … the body with files

    def body(self) -> bytes | Form | None:
        return json.dumps(self.json).encode() if self.json is not None else self.form

    def secrets(self) -> tuple[bytes, ...]:
        """The keys in it, as an answer may repeat them."""
        return redaction.used_in([self.url, *self.headers.values()])

    def all_headers(self) -> dict[str, str]:
        own = dict(self.headers)
        if self.json is not None:
            own["Content-Type"] = "application/json"
        elif self.form:
            own["Content-Type"] = self.form.content_type
        return own


def post(
    wire: WireRequest,
    spool: Path,
    *,
    deadline: float,
    allowed_private_hosts: Iterable[str] = (),
    follower: streams.Follower | None = None,
) -> Answer:
    """Send `wire` once and write the answer, whatever its status, to `spool`.

    A `follower` watches it come, if it is a stream of events.

    Raises `NetworkError` or `CertificateRefused` when nothing was sent, `ConnectionLost`, `DeadlineExceeded`
    or `BadResponse` when the request may have been carried out, and `OSError` when the disk is full.
    """
    with _sent("POST", wire, deadline, allowed_private_hosts) as response:
        is_plain = response.headers.get("content-encoding", "identity").lower() == "identity"
        if not (is_plain and streams.is_stream(response.status, response.headers)):
            follower = None
        return _spool(response, wire, spool, LARGEST_ANSWER, follower)


@contextmanager
def ask(wire: WireRequest, *, deadline: float, allowed_private_hosts: Iterable[str] = ()) -> Iterator[Answer]:
    """Send a small paid `wire` once; its answer, for as long as the block lasts. Raises like `post`."""
    with tempfile.TemporaryDirectory() as folder:
        with _sent("POST", wire, deadline, allowed_private_hosts) as response:
            answer = _spool(response, wire, Path(folder) / "answer", LARGEST_TEXT)
        yield answer


@contextmanager
def get(wire: WireRequest, *, allowed_private_hosts: Iterable[str] = ()) -> Iterator[Answer]:
    """The answer to a small free request, for as long as the block lasts."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            with _sent("GET", wire, LIST_SECONDS, allowed_private_hosts) as response:
                answer = _spool(response, wire, Path(folder) / "answer", LARGEST_LIST)
            yield answer
    except errors.ProviderError as exc:
        exc.may_have_been_charged = False  # whatever the answer says: asking costs nothing
        raise


@contextmanager
def get_large(
    wire: WireRequest, folder: Path, *, allowed_private_hosts: Iterable[str] = ()
) -> Iterator[Answer]:
    """The answer to a free request that may hold pictures: below `folder`, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="reply-") as own:
        with _sent("GET", wire, LARGE_SECONDS, allowed_private_hosts) as response:
            answer = _spool(response, wire, Path(own) / "answer", LARGEST_ANSWER)
        yield answer


@contextmanager
def _sent(
    method: str, wire: WireRequest, deadline: float, allowed_private_hosts: Iterable[str]
) -> Iterator[egress.Response]:
    """The one request, with its failures told as provider errors; only a POST costs money."""
    with (
        _explained(wire.url, is_paid=method == "POST"),
        egress.request(
            method,
            wire.url,
            headers=wire.all_headers(),
            body=wire.body() if method == "POST" else None,
            deadline=deadline,
            allowed_private_hosts=allowed_private_hosts,
        ) as response,
    ):
        yield response


def _spool(
    response: egress.Response,
    wire: WireRequest,
    spool: Path,
    limit: int,
    watcher: spooling.Watcher | None = None,
) -> Answer:
    """Keep the answer as it came, but for the key: some servers repeat what they were sent."""
    secrets = wire.secrets()
    return spooling.write_answer(
        spool,
        status=response.status,
        headers={name: redaction.masked_text(value, secrets) for name, value in response.headers.items()},
        url=wire.url,
        body=redaction.masked(_limited(response.pieces(), limit), secrets),
        watcher=watcher,
    )


def _limited(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise errors.BadResponse(f"The answer is larger than {limit // 1024**2} MB, so it was not kept.")
        yield piece


@contextmanager
def _explained(url: str, *, is_paid: bool) -> Iterator[None]:
    """Turn `EgressError` into the provider error that says whether money may be gone."""
    try:
        yield
    except egress.EgressError as exc:
        raise _meaning(exc, url, is_paid) from exc


def _meaning(exc: egress.EgressError, url: str, is_paid: bool) -> errors.ProviderError:
    if exc.code in ("invalid_address", "blocked_address"):
        return errors.InvalidRequest(exc.message, field="base_url")
    if exc.code == "certificate":
        return errors.CertificateRefused(exc.message)
    if exc.code == "unreachable" and not exc.sent:
        return errors.NetworkError(_silence(urlsplit(url)))
    if not (exc.sent and is_paid):
        return errors.NetworkError(exc.message)
    if exc.code == "timeout":
        return errors.DeadlineExceeded("No complete answer came in time.")
    if exc.code == "bad_answer":
        return errors.BadResponse("The answer cannot be understood.")
    return errors.ConnectionLost("The connection broke before the answer was complete.")


def _silence(address: SplitResult) -> str:
    """That nobody answers at `address`, and what to look at."""
    where = f"{address.netloc.rpartition('@')[2]} did not answer. Check the address"
    if address.hostname not in LOOPBACK:
        return f"{where} and try again."
    return (
        f"{where}, and that the server runs. Inside a container, {address.hostname} is the container itself."
    )
