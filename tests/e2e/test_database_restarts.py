"""The real server on its own PostgreSQL, which is ended at once and comes back while pictures are drawn."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import picture_bytes
from tests.crash import vendor
from tests.e2e import conftest
from tests.e2e.client import ApiClient
from tests.services import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.postgres, pytest.mark.thorough]

PREPARE = """
from django.core.management import call_command
from gallery.models import ApiToken, ConnectionProfile, User
call_command("migrate", verbosity=0)
ada = User.objects.create_user("ada", password="ada-pass-2026")
profile = ConnectionProfile(owner=ada, name="OpenAI", provider="openai", base_url="{url}", is_default=True)
profile.api_key = "{key}"
profile.save()
print(ApiToken.issue(ada, "laptop")[1])
"""


ANSWERED = """
from gallery.generations.answers import spool_of
from gallery.models import GenerationCall
print(sum(spool_of(call).exists() for call in GenerationCall.objects.filter(state="unknown")))
"""


def program(name: str) -> str | None:
    """Where a program of the PostgreSQL server is: Debian keeps them out of the way."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(beside[-1]) if beside else None)


class Cluster:
    """A PostgreSQL server with its own folder and port."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder / "cluster", free_port()
        self.address = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        if os.geteuid() == 0:  # which PostgreSQL refuses to be
            shutil.chown(folder, "postgres")
        self.run("initdb", "-U", "postgres", "-A", "trust", "-D", str(self.folder), "-N")

    def run(self, name: str, *words: str) -> None:
        as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run([*as_postgres, program(name), *words], check=True, capture_output=True, cwd="/")

    def control(self, order: str, *words: str) -> None:
        options = f"-p {self.port} -k '' -c listen_addresses=127.0.0.1"
        log = str(self.folder / "log")
        self.run("pg_ctl", order, "-w", "-D", str(self.folder), "-l", log, "-o", options, *words)


@contextmanager
def started():
    """In a folder that somebody else than root can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="vignette-cluster-") as folder:
        cluster = Cluster(Path(folder))
        cluster.control("start")
        try:
            yield cluster
        finally:
            cluster.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(cluster.folder))


@pytest.mark.skipif(not program("initdb"), reason="there is no PostgreSQL server to start")
@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("runuser"), reason="nobody else can be become")
def test_nothing_is_lost_or_sent_twice_when_the_database_ends_at_once(tmp_path):
    with started() as cluster, vendor.running(tmp_path) as (url, ledger):
        host = url.removeprefix("http://").split("/")[0]
        server = conftest.Server(tmp_path, DATABASE_URL=cluster.address, ALLOWED_PRIVATE_HOSTS=host)
        prepare = PREPARE.format(url=url, key=vendor.KEY)
        server.token = server.manage("shell", "-v0", "-c", prepare).split()[-1]
        with conftest.running(server):
            _live_through(cluster, server, ledger)


def _live_through(cluster: Cluster, server, ledger: Path) -> None:
    api = ApiClient(server.address, server.token)
    prompts = [f"harbour {number} slow={number % 4}" for number in range(12)]
    asked = {prompt: _asked_for(api, prompt) for prompt in prompts}
    sender = Sender(api)
    sender.start()
    for _ in range(2):
        time.sleep(1.5)
        cluster.control("restart", "-m", "immediate")
    back = time.monotonic()
    sender.stop()
    for generation in asked.values():
        api.wait(f"/generations/{generation}", _is_over, seconds=max(1, back + 60 - time.monotonic()))

    ends = {prompt: api.get(f"/generations/{generation}") for prompt, generation in asked.items()}
    assert max(Counter(vendor.posts(ledger)).values()) == 1
    done = [end for end in ends.values() if end["status"] == "done"]
    # A commit that was made and never confirmed says `sent` of a request that nobody dares to send again.
    assert {end["status"] for end in ends.values()} <= {"done", "unknown"}
    assert len(done) >= len(ends) - 2
    assert server.manage("shell", "-v0", "-c", ANSWERED).split() == ["0"]
    for generation in done:
        status, _file = api.call("GET", f"/images/{generation['images'][0]['id']}/original")
        assert status == 200
    assert sender.sent  # each that was said to be there is there
    for picture in sender.sent:
        assert api.call("GET", f"/images/{picture}/original")[0] == 200
    assert {status for status in sender.refused if status not in (500, 503)} == set()
    server.manage("check_storage")


def _asked_for(api: ApiClient, prompt: str) -> str:
    status, answer = api.call("POST", "/generations", {"prompt": prompt})
    assert status == 202, answer
    return answer["id"]


def _is_over(generation) -> bool:
    return generation["status"] not in ("queued", "running", "saving")


class Sender(threading.Thread):
    """Somebody who adds pictures meanwhile, and notes which were taken."""

    def __init__(self, api: ApiClient):
        super().__init__()
        self.api, self.sent, self.refused = api, [], []
        self.enough = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.enough.is_set():
            number += 1
            data = picture_bytes((number % 256, number // 256, 77))
            status, answer = self.api.send_files("/images", "file", {"a.png": data})
            if status == 201:
                self.sent.append(answer["items"][0]["id"])
            else:
                self.refused.append(status)
            time.sleep(0.05)

    def stop(self) -> None:
        self.enough.set()
        self.join()
