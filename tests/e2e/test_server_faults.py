"""The real server: uploads that are cut off, a kill in their midst, a full disk, and a backup under load."""

import hashlib
import os
import shutil
import socket
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import picture_bytes
from tests.e2e import conftest
from tests.e2e.client import ApiClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.thorough]

PREPARE = """
from django.core.management import call_command
from gallery.models import ApiToken, User
call_command("migrate", verbosity=0)
ada = User.objects.create_user("ada", password="ada-pass-2026")
call_command("add_profile", "ada", "Demo", provider="demo", default=True)
print(ApiToken.issue(ada, "laptop")[1])
"""


class Server(conftest.Server):
    """A server whose files and rows are looked at."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.data = folder / "var"

    def files(self) -> list[Path]:
        """What is in the store and the spool, but the list of how the originals are."""
        found = [path for name in ("media", "spool") for path in (self.data / name).rglob("*")]
        return [path for path in found if path.is_file() and path.parent.name != "reports"]

    def originals(self) -> dict[str, str]:
        """The storage keys of all pictures, by their ids."""
        with sqlite3.connect(f"file:{self.data / 'db.sqlite3'}?mode=ro", uri=True) as database:
            found = dict(database.execute("SELECT public_id, storage_key FROM gallery_image"))
        database.close()
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    one = Server(tmp_path_factory.mktemp("faults"))
    one.token = one.manage("shell", "-v0", "-c", PREPARE).split()[-1]
    with conftest.running(one):
        yield one


@pytest.fixture
def api(server):
    return ApiClient(server.address, server.token)


PICTURE = picture_bytes("#772200", (1100, 1100), compress_level=0)  # 3.6 MB: Django keeps it in a file


def request(server, data=PICTURE) -> bytes:
    body = (
        b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + data + b"\r\n--cut--\r\n"
    )
    head = (
        f"POST /api/v1/images HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\n"
        f"Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_upload_that_is_cut_off_leaves_nothing_and_comes_in_once(server, api):
    whole, before, known = request(server), server.originals(), set(server.files())
    for percent in (10, 50, 99):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(whole[: len(whole) * percent // 100])
    until(lambda: set(server.files()) == known)
    assert server.originals() == before
    for _ in range(2):  # sent again, and again because its answer was lost
        status, _answer = api.send_files("/images", "file", {"a.png": PICTURE})
        assert status == 201
    assert len(server.originals()) == len(before) + 1
    assert len(server.files()) == len(known) + 3


def test_kill_in_the_midst_of_an_upload_leaves_nothing(server, api):
    """What was half there is temporary, and goes within the hour; sent again, the picture is there once."""
    before, known = len(server.originals()), set(server.files())
    data = picture_bytes("#0033aa", (1100, 1100), compress_level=0)
    whole = request(server, data)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(whole[: len(whole) * 9 // 10])
        server.kill()
    server.start()
    assert len(server.originals()) == before
    for path in set(server.files()) - known:
        assert path.is_relative_to(server.data / "spool"), path
        os.utime(path, (1, 1))  # an hour later
    server.manage("check_storage", "--repair")
    assert set(server.files()) == known
    assert api.send_files("/images", "file", {"a.png": data})[0] == 201
    assert len(server.originals()) == before + 1


class Load(threading.Thread):
    """Somebody who adds a picture and asks for another, one after the other, until told to stop."""

    def __init__(self, api):
        super().__init__()
        self.api, self.done, self.n, self.problems = api, threading.Event(), 0, []

    def run(self):
        while not self.done.is_set():
            self.n += 1
            data = picture_bytes(f"#{self.n:06x}", (200, 200))
            status, answer = self.api.send_files("/images", "file", {"a.png": data}, tags="chat:Load")
            if status != 201:
                self.problems.append(answer)
            status, answer = self.api.call("POST", "/generations", {"prompt": f"picture {self.n}"})
            if status != 202:
                self.problems.append(answer)


def checksums(server) -> dict[str, str]:
    """Of the originals of all rows, as they lie on the disk."""
    return {
        public_id: hashlib.sha256((server.data / "media" / key).read_bytes()).hexdigest()
        for public_id, key in server.originals().items()
    }


def test_backup_under_load_is_whole_where_it_is_restored(server, api, tmp_path):
    load = Load(api)
    load.start()
    try:
        until(lambda: load.n >= 5)
        server.manage("backup", str(tmp_path / "out.zip"))
    finally:
        load.done.set()
        load.join()
    assert load.problems == []
    copy = Server(tmp_path)
    shutil.copytree(server.data / "keys", copy.data / "keys")  # the ring travels apart
    copy.manage("restore", str(tmp_path / "out.zip"))
    before, after = checksums(server), checksums(copy)
    assert len(after) >= 5
    assert after == {public_id: before[public_id] for public_id in after}
    copy.manage("check_storage")
