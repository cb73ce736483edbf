"""For whom a proxy asks. Its word counts when its address is in TRUSTED_PROXIES; nobody else's does.

Names with an underscore go too: a WSGI environment cannot tell `X_Forwarded_For` from `X-Forwarded-For`.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

type Networks = tuple[IPv4Network | IPv6Network, ...]

SAYS_FOR_WHOM = (b"x-forwarded-", b"x-real-ip", b"forwarded")


@lru_cache(maxsize=8)
def networks(trusted: tuple[str, ...]) -> Networks:
    """Raises `ValueError` for what is no address and no network."""
    return tuple(ip_network(text, strict=False) for text in trusted)


def settle(scope: dict, trusted: Iterable[str]) -> dict:
    """The client and scheme are those that a trusted proxy tells; what anybody may claim is left out."""
    headers = scope["headers"]
    kept = [pair for pair in headers if b"_" not in pair[0] and not pair[0].lower().startswith(SAYS_FOR_WHOM)]
    if len(kept) == len(headers):
        return scope
    settled, known = scope | {"headers": kept}, networks(tuple(trusted))
    if _is_known(_peer(scope), known):
        settled |= _told(headers, known)
    return settled


def _told(headers: list[tuple[bytes, bytes]], known: Networks) -> dict:
    """The scheme, and of the addresses that the proxies noted the last that is none of theirs."""
    told: dict = {}
    scheme = _value(headers, b"x-forwarded-proto").strip()
    if scheme in ("http", "https"):
        told["scheme"] = scheme
    chain = [hop.strip() for hop in _value(headers, b"x-forwarded-for").split(",")]
    for hop in reversed(chain):
        if not _is_address(hop):
            break
        told["client"] = (hop, 0)
        if not _is_known(hop, known):
            break
    return told


def _value(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in headers if key.lower() == name)


def _peer(scope: dict) -> str:
    return (scope.get("client") or ("", 0))[0]


def _is_known(text: str, known: Networks) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in known)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
