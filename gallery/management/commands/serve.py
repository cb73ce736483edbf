import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError, connections
from django.urls import reverse

from gallery import accounts

MOST_FILES = 8192
APART = (
    "BROKER_URL is set, so this is the web server alone. Workers are started apart: "
    ".venv/bin/celery -A config worker, one of them with -B for housekeeping."
)


class Command(BaseCommand):
    help = "Run the web server and the embedded worker together; with BROKER_URL the web server alone."

    def add_arguments(self, parser):
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", default=os.environ.get("PORT", "8000"))

    def get_check_kwargs(self, options):
        return {"databases": ["default"]}

    def handle(self, *, host, port, **options):
        port = _port_number(port)
        _keep_debug_at_home(host)
        listener = _listen(host, port)
        _allow_many_files()
        lock = _only_server_here()
        _prepare(self.stdout)
        worker = None if settings.BROKER_URL else WorkerProcess(alone=lock is not None)
        self._greet(host, port)
        try:
            _serve(listener, host)
        finally:
            if worker:
                worker.stop()
            self.stdout.write("Stopped.")

    def _greet(self, host, port):
        shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104  a name to show, not to bind
        address = f"http://{shown}:{port}"
        self.stdout.write(f"{settings.SITE_NAME} is ready at {address}")
        if accounts.setup_is_due():
            link = _site(address) + reverse("setup", args=[accounts.setup_token()])
            self.stdout.write(f"Make the first account here (the link works once): {link}")
        if settings.BROKER_URL:
            self.stdout.write(APART)
        self.stdout.write("Press Ctrl-C to stop.")
        self.stdout.flush()


class WorkerProcess:
    """The worker as a child process: started again when it dies, stopped with the web server."""

    def __init__(self, *, alone: bool):
        self.command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker", "--with-parent"]
        self.command += ["--only-worker"] if alone else []
        self.stopping = threading.Event()
        self.process = self._start()
        threading.Thread(target=self._watch, name="worker-watch", daemon=True).start()

    def _start(self):
        # A session of its own: Ctrl-C in the terminal reaches the web server, which stops it in order.
        return subprocess.Popen(self.command, start_new_session=True)

    def _watch(self):
        while not self.stopping.is_set():
            self.process.wait()
            if not self.stopping.wait(1.0):
                self.process = self._start()

    def stop(self):
        self.stopping.set()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()  # what it was doing is in the database, and the next start goes on with it


def _port_number(text) -> int:
    if not str(text).isdecimal() or not 0 < int(text) < 65536:
        raise SystemExit(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _keep_debug_at_home(host: str) -> None:
    if settings.DEBUG and host not in {"localhost", "127.0.0.1", "::1"}:
        raise SystemExit(
            f"DEBUG is on, and others could reach {host}: they would be shown code and settings. Turn DEBUG "
            "off, or set HOST=127.0.0.1."
        )


def _site(address: str) -> str:
    """Where people reach us: through a server with https in front, when there is one."""
    named = (origin for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin)
    return next((origin for origin in named if origin.startswith("https://")), address)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol said, asyncio turns Nagle's delay off: 40 ms for each small answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as exc:
        raise SystemExit(
            f"Port {port} on {host} cannot be used ({exc.strerror}). "
            f"Choose another one, such as PORT={port + 1 if port < 65535 else 8000} make run"
        ) from exc
    listener.listen(1024)
    return listener


def _allow_many_files() -> None:
    """Each connection is a descriptor, and many systems begin with a limit of 1024 that may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def _only_server_here():
    """An open file with the lock that says no other server uses this data folder, or None."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = open(settings.DATA_DIR / "serve.lock", "w")  # noqa: SIM115  held open as long as the process lives
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    # A database server may have workers elsewhere, whatever this folder says.
    return file if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else None


def _prepare(stdout) -> None:
    for folder in (settings.SPOOL_DIR, settings.STATIC_ROOT):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as exc:
        reason = " ".join(str(exc).split()).rstrip(".?")
        raise SystemExit(f"The database cannot be used: {reason}. Check DATABASE_URL.") from exc
    _collect_static(stdout)
    connections.close_all()


def _collect_static(stdout) -> None:
    """Collect static files, unless they are the same as last time."""
    stamp = settings.STATIC_ROOT / ".collected"
    fingerprint = _static_fingerprint()
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return
    stdout.write("Collecting static files …")
    shutil.rmtree(settings.STATIC_ROOT)
    settings.STATIC_ROOT.mkdir(mode=0o700)
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(fingerprint)


def _static_fingerprint() -> str:
    """Changes when a static file of ours does, or a package that brings some."""
    digest = sha256((settings.BASE_DIR / "requirements.txt").read_bytes())
    for folder in settings.STATICFILES_DIRS:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                facts = path.stat()
                digest.update(f"{path}:{facts.st_size}:{facts.st_mtime_ns}".encode())
    return digest.hexdigest()


def _serve(listener: socket.socket, host: str) -> None:
    import uvicorn

    from config.asgi import application
    from config.connections import Protocol

    # uvicorn raises the signal again after its own shutdown; without handlers of ours that would end the
    # process before the worker was stopped.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup: the terminal may go away
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    options = uvicorn.Config(
        application,
        http=Protocol,
        ws="none",
        log_level="warning",
        log_config=None,  # its lines look like all others
        timeout_graceful_shutdown=3,
        server_header=False,
        proxy_headers=False,  # the shell reads them, from proxies that the settings name
    )
    _server_class()(options).run(sockets=[listener])


def _server_class():
    import uvicorn

    from config.asgi import application

    class Server(uvicorn.Server):
        async def shutdown(self, sockets=None):
            application.streams.end()  # streams of events have no end of their own, and would be waited for
            await super().shutdown(sockets)

    return Server
