"""Names and numbers: what a name leads to, asked once, and what this machine itself is called."""

import queue
import re
import socket
import threading
import time
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

from providers.addresses import IPAddress
from providers.pinned import EgressError

DNS_SECONDS = 5.0
INTERFACES = Path("/proc/net")  # where Linux lists its addresses


class UnknownName(EgressError):
    """The name service knows no such host, or does not answer."""


def resolve(host: str, port: int, is_local: bool, until: float) -> list[IPAddress]:
    """Every address of a name, asked once. Only local names may be completed by the system's search list."""
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()
    name = host if is_local else f"{host}."
    threading.Thread(target=_look_up, args=(name, port, answers), name="resolver", daemon=True).start()
    unknown = UnknownName(
        "unreachable", "The server's name is not known. Check the address for typing errors."
    )
    try:
        found = answers.get(timeout=max(0.01, min(DNS_SECONDS, until - time.monotonic())))
    except queue.Empty as exc:
        raise unknown from exc
    if isinstance(found, Exception):
        raise unknown from found
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _look_up(name: str, port: int, answers: "queue.SimpleQueue[list[Any] | Exception]") -> None:
    try:
        answers.put(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as exc:
        answers.put(exc)


def own_addresses() -> set[IPAddress]:
    """This machine's own addresses, as far as its interfaces and its ways out tell; they may change."""
    found = _on_interfaces()
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:  # connecting UDP sends nothing
                probe.connect((far, 9))
                found.add(ip_address(probe.getsockname()[0]))
        except OSError:
            continue  # no such network here, so no address in it
    return found


def _on_interfaces() -> set[IPAddress]:
    """Every address of every interface where the system lists them, which not every system does."""
    try:
        four = re.findall(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL", (INTERFACES / "fib_trie").read_text())
        six = re.findall(r"^[0-9a-f]{32}", (INTERFACES / "if_inet6").read_text(), re.MULTILINE)
    except OSError:
        return set()
    return {ip_address(number) for number in four} | {IPv6Address(int(number, 16)) for number in six}
