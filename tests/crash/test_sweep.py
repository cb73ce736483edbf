"""The thin form of `make sweep`: some of its kill points, another choice of them each day."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from config.settings import BASE_DIR
from tests.crash.__main__ import CANNOT

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
EVERY = 10


def test_a_worker_killed_anywhere_loses_nothing_and_pays_once():
    first = datetime.now(UTC).timetuple().tm_yday % EVERY + 1
    done = crash("--every", str(EVERY), "--from", str(first))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| all |" in done.stdout


def crash(*words):
    """Run `python -m tests.crash`; skip the test where the kernel does not allow it, except in CI."""
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DIR"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", *words],
        cwd=BASE_DIR, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode == CANNOT and os.environ.get("CI") != "true":
        pytest.skip(done.stdout)
    return done
