"""The real server, started as a person starts it, and a real browser in front of it."""

import http.server
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import picture_bytes
from tests.e2e.hands import Hands
from tests.services import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


def pytest_collection_modifyitems(items):
    """Chromium's driver keeps an event loop running, which Django takes for asynchronous code."""
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context):
    return context.new_page()


STATIC = tempfile.TemporaryDirectory(
    prefix="vignette-static-"
)  # collected once: it takes longer than a start


class Server:
    """`manage.py serve` on a data folder and a port of its own."""

    def __init__(self, folder: Path, **variables: str):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        self.variables = {"DATA_DIR": str(folder / "var"), "DJANGO_READ_DOT_ENV": "false"} | variables
        self.process = None

    @property
    def environment(self) -> dict[str, str]:
        left_out = {"DJANGO_SETTINGS_MODULE", "DATABASE_URL"}
        return {k: v for k, v in os.environ.items() if k not in left_out} | self.variables

    def start(self) -> None:
        static = Path(self.variables["DATA_DIR"]) / "static"
        collected = Path(STATIC.name) / "static"
        if collected.exists() and not static.exists():
            shutil.copytree(collected, static)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._wait()
        if not collected.exists():
            shutil.copytree(static, collected)

    def _wait(self, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(self.address + "/health/ready", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def setup_link(self) -> str:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = re.search(r"http://\S+/setup/\S+", self.log.read_text())
            if found:
                return found.group()
            time.sleep(0.1)
        raise AssertionError("no set-up link was printed")

    def stop(self) -> int:
        """Ctrl-C. Returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def kill(self) -> None:
        """`kill -9` of web and worker at once."""
        worker = self._worker()
        os.kill(self.process.pid, signal.SIGKILL)
        if worker:
            os.kill(worker, signal.SIGKILL)
        self.process.wait()

    def _worker(self) -> int | None:
        """The process id of the worker that the server started."""
        listing = subprocess.run(
            ["ps", "-o", "pid=,ppid=,args=", "-A"], capture_output=True, text=True, check=True
        ).stdout
        for line in listing.splitlines():
            pid, parent, arguments = line.split(None, 2)
            if int(parent) == self.process.pid and "worker" in arguments:
                return int(pid)
        return None

    def manage(self, *words: str, **variables: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment | variables,
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip


@contextmanager
def running(server: Server):
    try:
        server.start()
        yield server
    finally:
        if server.process and server.process.poll() is None:
            server.stop()


class Home:
    """A person with a library of their own, on a server that other tests use as well."""

    def __init__(self, server: Server, hands: Hands):
        self.address, self.hands = server.address, hands
        self.name = f"ada-{secrets.token_hex(4)}"
        self.session = hands.do("welcome", self.name)

    def manage(self, *words: str) -> str:
        return self.hands.do(*words)

    def import_pictures(self, folder: Path, pictures: Iterable[bytes], *words: str) -> None:
        """Take pictures in, the last one as the newest."""
        folder.mkdir()
        for number, data in enumerate(pictures):
            (folder / f"{number:03}.png").write_bytes(data)
        self.manage("import_images", self.name, str(folder), *words)

    def admit(self, context) -> None:
        """Log in without the typing."""
        context.add_cookies([{"name": "session", "value": self.session, "url": self.address}])

    def enter(self, page) -> None:
        self.admit(page.context)
        page.goto(self.address + "/")


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    """A server for all tests of this process that neither stop it nor need a first account."""
    keys = {"OPENAI_KEY": "sk-test-0123456789abcdef", "GOOGLE_KEY": "AQ.test-0123456789"}
    server = Server(tmp_path_factory.mktemp("house"), ALLOWED_PRIVATE_HOSTS="127.0.0.1", **keys)
    with running(server):
        hands = Hands(server.environment)
        yield server, hands
        hands.stop()


@pytest.fixture
def home(house):
    return Home(*house)


@pytest.fixture
def picture_server():
    """A web server on the loopback address that has a few pictures, as somebody's NAS would."""
    pages = {f"/{n}.png": picture_bytes(f"#{n:02x}90c0", (320, 200)) for n in range(10)}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "image/png" if body else "text/plain")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
