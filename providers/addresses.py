"""Which web addresses may be used at all: one strict reading of an address, and the rules for its host.

Nothing here touches the network. Whatever two programs could read differently is refused, because the
program that checks must mean the same host as the program that connects.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import idna

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

LONGEST = 8 * 1024  # characters
WEB_PORTS = {"http": 80, "https": 443}
SHAPE = re.compile(r"(https?)://([^/?#]+)([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\ufffd]")  # the last stands for one that was not kept
# Space, what programs disagree about, percent signs, marks that turn the writing direction.
ODD = re.compile(r"[\s\\{}|^<>\"`%\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u3002\uff0e\uff61]")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMERIC = re.compile(r"\d+|0x[0-9a-f]*")

HOME_NAMES = re.compile(
    r"localhost|localhost\.localdomain|.+\.(?:localhost|localdomain|local|internal|lan|intranet|home\.arpa|onion)"
)
# What `is_global` lets through although it leads to this machine, its network or nowhere.
NOT_PUBLIC: tuple[IPNetwork, ...] = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96",
        "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16", "3fff::/20", "5f00::/16",
        "fec0::/10",
    )
)  # fmt: skip
# Where clouds hand out keys: never, whatever an administrator allows.
METADATA: frozenset[IPAddress] = frozenset(
    ip_address(address)
    for address in (
        "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "169.254.0.23",
        "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
        "fd00:42::42",
    )
)  # fmt: skip


class InvalidAddress(ValueError):
    """The text is no web address that all programs read alike."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """A web address, read once and for all."""

    scheme: str  # "https"
    host: str  # ASCII, lower case, without brackets: "xn--fa-hia.test", "2606:4700::1"
    port: int
    rest: str  # path and query: "/a.png?b=c"
    ip: IPAddress | None  # where the host is written as a number

    @property
    def url(self) -> str:
        """The address written the one way that everything after this reads."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == WEB_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.rest}"

    @property
    def is_home_name(self) -> bool:
        """Whether the name, whatever it resolves to, means something on the own network."""
        return self.ip is None and ("." not in self.host or bool(HOME_NAMES.fullmatch(self.host)))


def read_address(text: str) -> Address:
    """Read a web address strictly. Raises `InvalidAddress`."""
    text = text.strip()
    if len(text) > LONGEST or CONTROL.search(text):
        raise InvalidAddress("The address is too long or has control characters in it.")
    match = SHAPE.fullmatch(text)
    if not match:
        raise InvalidAddress("The address must start with http:// or https:// and name a host.")
    scheme, authority, rest = match[1].lower(), match[2], match[3]
    if "@" in authority or ODD.search(authority):
        raise InvalidAddress("The address must not have a user name, spaces or odd characters in its host.")
    host, port = _host_and_port(authority, WEB_PORTS[scheme])
    ip = _number(host)
    rest = rest if rest.startswith("/") else f"/{rest}"
    return Address(scheme=scheme, host=str(ip) if ip else _name(host), port=port, rest=rest, ip=ip)


def is_public(ip: IPAddress) -> bool:
    """Whether an address is out on the internet, by an explicit list on top of Python's."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        return False
    odd = ip.is_multicast or ip.is_reserved or ip.is_unspecified or any(ip in net for net in NOT_PUBLIC)
    return ip.is_global and not odd


def is_metadata(ip: IPAddress) -> bool:
    """Whether an address, or one that it may stand for, is where a cloud hands out keys."""
    return ip in METADATA or not METADATA.isdisjoint(_embedded(ip))


@dataclass(frozen=True, kw_only=True)
class AllowList:
    """The private hosts that an administrator opened."""

    hosts: frozenset[str]  # "comfy.lan", "127.0.0.1"
    hosts_with_port: frozenset[tuple[str, int]]
    networks: tuple[IPNetwork, ...]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "AllowList":
        """Read entries "host", "host:port" or CIDR. Raises `InvalidAddress` for anything else."""
        hosts, with_port, networks = set(), set(), []
        for entry in filter(None, (entry.strip().lower() for entry in entries)):
            if "/" in entry:
                networks.append(_network(entry))
                continue
            host, port = _host_and_port(entry if entry.count(":") < 2 or "[" in entry else f"[{entry}]", 0)
            host = str(_number(host) or _name(host))
            if port:
                with_port.add((host, port))
            else:
                hosts.add(host)
        return cls(hosts=frozenset(hosts), hosts_with_port=frozenset(with_port), networks=tuple(networks))

    def names(self, address: Address) -> bool:
        """Whether the host itself is on the list, for this port."""
        return address.host in self.hosts or self.names_port(address)

    def names_port(self, address: Address) -> bool:
        return (address.host, address.port) in self.hosts_with_port

    def opens(self, address: Address, ip: IPAddress) -> bool:
        """Whether `address` may lead to the private `ip`. Metadata addresses are never open."""
        if is_metadata(ip):
            return False
        mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
        return self.names(address) or any((mapped or ip) in network for network in self.networks)


def permits(address: Address, ips: Sequence[IPAddress], allowed: AllowList) -> bool:
    """Whether every one of the addresses that a host resolved to may be connected to."""
    return bool(ips) and all(
        (is_public(ip) and not address.is_home_name) or allowed.opens(address, ip) for ip in ips
    )


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[^\[\]%]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", authority)
    if not match:
        raise InvalidAddress("The host or port of the address cannot be read.")
    port = default if match[2] is None else int(match[2])
    if match[2] is not None and not 1 <= port <= 65535:
        raise InvalidAddress("The port of the address must be from 1 to 65535.")
    return match[1], port


def _number(host: str) -> IPAddress | None:
    """The host as an address, written in full: four decimal numbers, or IPv6 in brackets without a zone."""
    try:
        if host.startswith("["):
            return IPv6Address(host[1:-1])
        return IPv4Address(host) if re.fullmatch(r"[0-9.]+[0-9]", host) else None
    except ValueError as exc:
        raise InvalidAddress("The host of the address is no complete number.") from exc


def _name(host: str) -> str:
    """The host as an ASCII name in lower case, without its final dot."""
    labels = host.lower().removesuffix(".").split(".")
    try:
        labels = [_label(label) for label in labels]
    except (idna.IDNAError, UnicodeError) as exc:
        raise InvalidAddress("The host of the address is no valid name.") from exc
    name = ".".join(labels)
    if (
        len(name) > 253
        or NUMERIC.fullmatch(labels[-1])
        or not all(LABEL.fullmatch(label) for label in labels)
    ):
        raise InvalidAddress("The host of the address is no valid name.")
    return name


def _label(label: str) -> str:
    if label.startswith("xn--"):
        idna.ulabel(label)  # raises for what encodes nothing
        return label
    return label if label.isascii() else idna.alabel(label).decode()


def _network(entry: str) -> IPNetwork:
    try:
        return ip_network(entry, strict=False)
    except ValueError as exc:
        raise InvalidAddress(f"“{entry}” is no network such as 10.0.0.0/8.") from exc


def _embedded(ip: IPAddress) -> set[IPv4Address]:
    """The IPv4 addresses that gateways read in an IPv6 address: mapped, translated, NAT64, 6to4, Teredo."""
    if not isinstance(ip, IPv6Address):
        return set()
    number = int(ip)
    nat64 = (number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF  # below a prefix of 48 bits, RFC 6052
    inner = {IPv4Address(number & 0xFFFFFFFF), IPv4Address(nat64)}
    return inner | {address for address in (ip.sixtofour, *(ip.teredo or ())) if address}
