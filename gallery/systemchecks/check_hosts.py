"""System checks of ALLOWED_PRIVATE_HOSTS: each entry can be read, and none says more than it should."""

from ipaddress import ip_network

from django.conf import settings
from django.core.checks import CheckMessage, register

from gallery.systemchecks.checks import error, warning
from providers.addresses import METADATA, AllowList, InvalidAddress

EVERYTHING = {ip_network("0.0.0.0/0"), ip_network("::/0")}


@register()
def check_private_hosts(app_configs, **kwargs):
    """The private hosts that providers and imports may reach."""
    return [problem for entry in settings.ALLOWED_PRIVATE_HOSTS for problem in _problems(entry)]


def _problems(entry: str) -> list[CheckMessage]:
    try:
        allowed = AllowList.of([entry])
    except InvalidAddress as exc:
        how = "Write a host, host:port or a network such as 192.168.1.0/24"
        return [error(f"ALLOWED_PRIVATE_HOSTS has “{entry}”, which cannot be read ({exc}) {how}.", "E020")]
    if EVERYTHING.intersection(allowed.networks):
        return [
            warning(f"ALLOWED_PRIVATE_HOSTS has “{entry}”, which opens every machine: name hosts.", "W020")
        ]
    if {host for host, _ in allowed.hosts_with_port} | allowed.hosts <= {str(ip) for ip in METADATA}:
        return _useless(entry) if allowed.hosts or allowed.hosts_with_port else []
    return []


def _useless(entry: str) -> list[CheckMessage]:
    reason = "clouds hand out their keys there, so it stays blocked. Take it out"
    return [warning(f"ALLOWED_PRIVATE_HOSTS has “{entry}”, which has no effect: {reason}.", "W021")]
