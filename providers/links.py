"""Pictures that an answer names by address instead of holding them.

The address comes from the vendor, so it is treated like any stranger's: https, no private networks, a limit
of bytes, no key sent along. Only the vendor's own host may be without https or on another port, because a
server at home has neither. Fetching is free, so it may be repeated; the answer itself is in the spool.
"""

import time
from collections.abc import Iterable
from pathlib import Path

from providers import egress
from providers.errors import BadResponse, LinkBlocked

LARGEST_PICTURE = 100 * 1024**2  # bytes
PAUSES = (0, 1, 4, 15, 60)  # seconds before each of the tries
TRY_SECONDS = 60.0
ALL_SECONDS = 600.0
SETTLED = {"invalid_address", "blocked_address", "too_big"}  # no other try would end otherwise
NO_USE = "The picture's address in the answer cannot be used: {} The raw answer is kept."
GONE = (
    "The picture could not be fetched from the address in the answer, which may have expired."
    " The raw answer is kept."
)


def save(url: str, path: Path, *, base_url: str, allowed_private_hosts: Iterable[str] = ()) -> None:
    """Fetch the picture at `url`, which may be relative to `base_url`, into the file `path`.

    Raises `LinkBlocked` for an address that is never used, `BadResponse` when it brought nothing in five
    tries, and `OSError` when the disk is full.
    """
    url, until = _whole(url, base_url), time.monotonic() + ALL_SECONDS
    failure: egress.EgressError | None = None
    for pause in PAUSES:
        left = until - time.monotonic() - pause
        if left <= 0:
            break
        time.sleep(pause)
        try:
            _fetch(url, path, min(left, TRY_SECONDS), base_url, allowed_private_hosts)
            return
        except egress.EgressError as exc:
            failure = exc
            if exc.code in SETTLED or exc.status == 401:
                raise LinkBlocked(NO_USE.format(exc.message)) from exc
            if exc.status in (403, 410):
                break  # expired, and more so later
    raise BadResponse(GONE) from failure


def _whole(url: str, base_url: str) -> str:
    try:
        return egress.join(f"{base_url}/", url.strip())
    except egress.EgressError as exc:
        raise LinkBlocked(NO_USE.format(exc.message)) from exc


def _fetch(url: str, path: Path, seconds: float, base_url: str, allowed_private_hosts: Iterable[str]) -> None:
    with path.open("wb") as file:
        egress.fetch(
            url,
            sink=file,
            max_bytes=LARGEST_PICTURE,
            deadline=seconds,
            allowed_private_hosts=allowed_private_hosts,
            named_by=base_url,
        )
