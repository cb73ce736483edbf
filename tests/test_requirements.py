"""What is installed: floors, and a lock file in which everything has a hash."""

import re
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PINNED = re.compile(r"(?m)^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,_-]+\])?==([^\s;\\]+)", re.IGNORECASE)
FLOORS = {"pillow": "13.0.0", "django": "6.1.3", "urllib3": "2.6", "requests": "2.32.4"}
LOCKS = ["requirements.txt", "requirements-scale.txt", "requirements-dev.txt"]


def entries(name):
    """Each package of a lock file with everything that is said about it."""
    text = (ROOT / name).read_text()
    return [entry for entry in re.split(r"\n(?=[A-Za-z0-9])", text) if PINNED.match(entry)]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_and_has_a_hash(name):
    found = entries(name)
    assert len(found) > 10
    assert [entry.split("==")[0] for entry in found if "--hash=sha256:" not in entry] == []
    lines = (ROOT / name).read_text().splitlines()
    named = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert len(named) == len(found), "a line that pins nothing"


@pytest.mark.parametrize("package", FLOORS)
def test_no_package_is_older_than_its_last_grave_fault(package):
    pinned = {
        name.lower(): version for name, version in PINNED.findall((ROOT / "requirements.txt").read_text())
    }
    assert Version(pinned[package]) >= Version(FLOORS[package])


def test_installing_checks_the_hashes():
    assert "--require-hashes" in (ROOT / "scripts" / "bootstrap.sh").read_text()


@pytest.fixture
def audit(tmp_path):
    """Runs the script with a pip-audit that says and returns what it is told."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "scripts" / "audit.sh").write_text((ROOT / "scripts" / "audit.sh").read_text())

    def run(says, status):
        tool = tmp_path / ".venv" / "bin" / "pip-audit"
        tool.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
        tool.chmod(0o700)
        return subprocess.run(
            ["sh", str(tmp_path / "scripts" / "audit.sh")], capture_output=True, text=True, timeout=30
        )

    return run


def test_a_known_vulnerability_fails_the_check(audit):
    done = audit("Found 1 known vulnerability in 1 package", 1)
    assert done.returncode == 1
    assert "known vulnerability" in done.stdout


@pytest.mark.parametrize(
    "says", ["ConnectionError: Name or service not known", "ERROR: 503 Server Error", ""]
)
def test_without_advisory_data_the_check_says_so_and_goes_on(audit, says):
    done = audit(says, 1)
    assert done.returncode == 0
    assert "not audited" in done.stdout


def test_a_clean_audit_says_nothing(audit):
    done = audit("No known vulnerabilities found", 0)
    assert (done.returncode, done.stdout) == (0, "")
