"""Arrows point one way: config → gallery → providers; and there is one door out."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for folder in ("config", "gallery", "providers") for path in (ROOT / folder).rglob("*.py")
)
NETWORK = {
    "_socket", "_ssl", "aiohttp", "anthropic", "boto3", "botocore", "django.core.mail", "ftplib", "google",
    "grpc", "http.client", "http.server", "httpcore", "httpx", "imaplib", "multiprocessing.connection",
    "nntplib", "openai", "poplib", "requests", "sentry_sdk", "smtplib", "socket", "socketserver", "ssl",
    "telnetlib", "urllib.request", "urllib3", "webbrowser", "websockets", "xmlrpc",
}  # fmt: skip
# What opens a connection without any of these being imported.
OPENERS = {
    "create_connection", "create_datagram_endpoint", "create_unix_connection", "open_connection",
    "open_unix_connection", "sock_connect", "urlopen",
}  # fmt: skip
# Who may touch the network, and with what.
DOORS = {
    "providers/egress.py": {"requests"},
    "providers/pinned.py": {"create_connection", "http.client", "requests", "socket", "ssl", "urllib3"},
    "providers/resolving.py": {"socket"},  # asks for names
    "gallery/management/commands/serve.py": {"socket"},  # listens, never calls
    "gallery/work/wakeups.py": {"socket"},  # knocks at a socket in the data folder
    "config/sentry.py": {"sentry_sdk"},  # to the operator's own server, by their setting
    "gallery/work/runner.py": {"socket"},  # the machine's name
    "gallery/decode/child.py": {"socket"},  # a pair of sockets between parent and child, as in the next two
    "gallery/decode/pool.py": {"socket"},
    "gallery/files/s3.py": {"botocore"},  # names its errors; django-storages speaks with the store
    "gallery/decode/wire.py": {"socket"},
}


def imported(tree: ast.AST) -> set[str]:
    """Every module that the code names in an import, wherever it stands, also as the text of a call."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__", "import_string"):
            names |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return names


def called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def network_in(code: str) -> set[str]:
    """What the code has with which it could reach other machines."""
    tree = ast.parse(code)
    names = imported(tree)
    used = {package for package in NETWORK for name in names if is_below(name, package)}
    return used | {called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)} & OPENERS


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def odd(look, paths=SOURCES) -> dict[str, object]:
    """What `look` finds in each of the files, where it finds anything. One test for hundreds of files."""
    found = {str(path.relative_to(ROOT)): look(path) for path in paths}
    return {name: what for name, what in found.items() if what}


def test_providers_know_nothing_of_the_gallery():
    above = ("django", "gallery", "config", "ninja", "allauth")

    def look(path):
        names = imported(ast.parse(path.read_text()))
        return [name for name in names if any(is_below(name, package) for package in above)]

    own = [path for path in SOURCES if path.is_relative_to(ROOT / "providers")]
    assert odd(look, own) == {}
    assert len(own) > 40


def test_only_the_door_opens_connections():
    assert (
        odd(lambda path: network_in(path.read_text()) - DOORS.get(str(path.relative_to(ROOT)), set())) == {}
    )
    assert len(SOURCES) > 200


def test_no_certificate_is_left_unchecked():
    unchecked = re.compile(r"verify\s*=\s*False|CERT_NONE|_unverified_|check_hostname\s*=")
    assert odd(lambda path: unchecked.findall(path.read_text())) == {}


@pytest.mark.parametrize(
    "line",
    [
        "import socket",
        "import urllib.request as web",
        "from urllib import request",
        "from http import client",
        "from requests.adapters import HTTPAdapter",
        "from django.core.mail import send_mail",
        "def f():\n    import boto3",
        "importlib.import_module('httpx')",
        "__import__('socket')",
        "asyncio.open_connection('x', 80)",
        "await_me = loop.create_connection(P, 'x', 80)",
    ],
)
def test_another_door_would_be_seen(line):
    assert network_in(line)


def test_words_about_the_network_are_no_door():
    assert not network_in("from urllib.parse import urljoin\nimport http, asyncio\nx = 'import socket'")
