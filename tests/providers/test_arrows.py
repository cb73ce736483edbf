"""Arrows point one way: config → gallery → providers; and there is one door out."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for folder in ("config", "gallery", "providers") for path in (ROOT / folder).rglob("*.py")
)
NETWORK = {
    "aiohttp", "boto3", "ftplib", "http.client", "httpx", "openai", "requests", "smtplib", "socket", "ssl",
    "telnetlib", "urllib.request", "urllib3",
}  # fmt: skip
# Who may touch the network, and with what.
DOORS = {
    "providers/egress.py": {"requests", "socket"},
    "providers/pinned.py": {"requests", "socket", "ssl", "urllib3"},
    "gallery/management/commands/serve.py": {"socket"},  # listens, never calls
    "gallery/worker.py": {"socket"},  # the machine's name
    "gallery/decode/child.py": {"socket"},  # a pair of sockets between parent and child, as in the next two
    "gallery/decode/pool.py": {"socket"},
    "gallery/decode/wire.py": {"socket"},
}


def imported(path: Path) -> set[str]:
    """Every module that the file names in an import, wherever it stands."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.parts[-2] == "providers"], ids=lambda path: path.name
)
def test_providers_know_nothing_of_the_gallery(path):
    above = ("django", "gallery", "config", "ninja", "allauth")
    assert [name for name in imported(path) if any(is_below(name, package) for package in above)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_door_opens_connections(path):
    used = {package for package in NETWORK for name in imported(path) if is_below(name, package)}
    assert used <= DOORS.get(str(path.relative_to(ROOT)), set())
