"""The thin form of `make sweep`: some of its kill points."""

import os
import subprocess
import sys
import tempfile

import pytest

from config.settings import BASE_DIR
from tests.crash.__main__ import CANNOT

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
EVERY = 24


def test_a_worker_killed_anywhere_loses_nothing_and_pays_once():
    done = crash("--every", str(EVERY))
    assert done.returncode == 0, done.stdout
    assert "| all |" in done.stdout


def crash(*words):
    """Run `python -m tests.crash`; skip the test where the kernel does not allow it (before Linux 5.5)."""
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DIR"}
    with tempfile.TemporaryFile("w+") as said:  # no pipe: a worker that is left over would keep it open
        done = subprocess.run(
            [sys.executable, "-m", "tests.crash", *words],
            cwd=BASE_DIR, env=environment, stdout=said, stderr=said, text=True,
        )  # fmt: skip
        said.seek(0)
        done.stdout = said.read()
    if done.returncode == CANNOT:
        pytest.skip(done.stdout)
    return done
