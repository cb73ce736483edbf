"""The thin form of `make sweep`: some of its kill points."""

import os
import subprocess
import sys

import pytest

from config.settings import BASE_DIR
from tests.crash.__main__ import CANNOT

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
EVERY = 12


def test_a_worker_killed_anywhere_loses_nothing_and_pays_once():
    done = crash("--every", str(EVERY))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| all |" in done.stdout


def crash(*words):
    """Run `python -m tests.crash`; skip the test where the kernel does not allow it (before Linux 5.5)."""
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DIR"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", *words],
        cwd=BASE_DIR, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode == CANNOT:
        pytest.skip(done.stdout)
    return done
