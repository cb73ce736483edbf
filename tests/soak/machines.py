"""Several machines: two web servers behind nginx, two Celery workers, a broker, S3 and PostgreSQL.

Each machine has a data folder of its own, and what `deploy/` gives them in common. Meanwhile a worker is
killed every minute, and the broker goes away twice and comes back empty.
"""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from tests.brokers import KEYS
from tests.services import S3Server, free_port, wait_for_port, weed_command
from tests.soak import watching
from tests.soak.run import Place

ROOT = Path(__file__).resolve().parent.parent.parent
BUCKET = "vignette-soak"
KILL_EVERY = 60.0  # seconds
AWAY = 5.0  # seconds that a killed worker, and the broker, stay away
NGINX = """
daemon off; pid nginx.pid; error_log error.log; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {site}
}}
"""


class Machines(Place):
    """The same evening as at one place, in many processes."""

    def __init__(self, folder: Path, address: str, allowed: str, broker):
        super().__init__(folder, address, allowed)
        self.folder, self.broker, self.kills = folder, broker, 0
        self.webs: list[Machine] = []
        self.workers: list[Machine] = []
        self.others: list[subprocess.Popen] = []
        self.environment |= KEYS | {
            "BROKER_URL": broker.address, "WORKER_CONCURRENCY": "60",
        } | self._s3()  # fmt: skip

    def _s3(self) -> dict[str, str]:
        folder, port = self.folder / "s3", free_port()
        folder.mkdir()
        process = self._begin(weed_command(folder, port), folder / "output.log", cwd=folder)
        wait_for_port(port, process)
        store = S3Server(f"http://127.0.0.1:{port}")
        store.make_bucket(BUCKET)
        return {
            "MEDIA_STORAGE": "s3", "AWS_STORAGE_BUCKET_NAME": BUCKET, "AWS_S3_ENDPOINT_URL": store.address,
            "AWS_ACCESS_KEY_ID": store.key, "AWS_SECRET_ACCESS_KEY": store.secret,
        }  # fmt: skip

    def _begin(self, command: list[str], log: Path, **more) -> subprocess.Popen:
        with log.open("ab") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file, **more)
        self.others.append(process)
        return process

    def start(self) -> None:
        celery = [str(Path(sys.executable).with_name("celery")), "-A", "config"]
        for number, port in enumerate((free_port(), free_port())):
            serve = [sys.executable, "manage.py", "serve", "--port", str(port)]
            self.webs.append(Machine(self, f"web-{number}", serve, port=port))
            self._wait_until_answered(port)  # the first one collects the static files
        for number in range(2):
            self.workers.append(Machine(self, f"worker-{number}", [*celery, "worker"]))
        self.beat = Machine(self, "beat", [*celery, "beat"])
        self._balance()
        self._wait_until_answered(self.port)
        self.process = self.webs[0].process

    def _balance(self) -> None:
        """nginx with the site of deploy/compose-nginx.conf."""
        site = (ROOT / "deploy" / "compose-nginx.conf").read_text()
        servers = " ".join(f"server 127.0.0.1:{web.port};" for web in self.webs)
        site = site.replace("server web:8000;", servers).replace("listen 8080;", f"listen {self.port};")
        assert servers in site
        user = "user root;" if os.geteuid() == 0 else ""
        folder = self.folder / "nginx"
        folder.mkdir()
        (folder / "nginx.conf").write_text(NGINX.format(user=user, site=site))
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            raise RuntimeError("nginx is missing. Debian: sudo apt install nginx-light")
        words = [
            program,
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ]
        wait_for_port(self.port, self._begin(words, folder / "output.log"))

    def _wait_until_answered(self, port: int) -> None:
        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5):
                    return True
            except OSError:
                return False

        if not watching.wait_for(answers, 90):
            raise RuntimeError(f"a server did not start: {self.logs()}")

    def processes(self) -> dict[str, int | None]:
        return {"web": self.webs[0].process.pid, "worker": self.workers[1].process.pid}

    def disturb(self, over: threading.Event, seconds: float) -> None:
        """Kill a worker every minute, in turn, and let the broker go at a third and at two thirds."""
        begun, victims = time.monotonic(), itertools.cycle(self.workers)
        every = min(KILL_EVERY, seconds / 3)
        moments = [(every * (n + 0.5), "kill") for n in range(int(seconds / every))]
        moments += [(seconds / 3, "broker"), (seconds * 2 / 3, "broker")]
        for moment, what in sorted(moments):
            if over.wait(max(0, begun + moment - time.monotonic())):
                return
            if what == "kill":
                next(victims).be_away(AWAY)
                self.kills += 1
            else:
                self.broker.go()
                time.sleep(AWAY)
                self.broker.come_back()

    def logs(self) -> str:
        return "\n".join(web.log.read_text(errors="replace") for web in self.webs)

    def stop(self) -> int:
        """In order. Returns the worst exit status of the web servers."""
        for worker in [*self.workers, self.beat]:
            worker.stop()
        return max(web.stop() for web in self.webs)

    def end(self) -> None:
        for machine in [*self.webs, *self.workers]:
            machine.kill()
        for process in self.others:
            if process.poll() is None:
                process.terminate()
                process.wait(20)
        self.broker.close()


class Machine:
    """A process that is killed and comes back, with its own data folder."""

    def __init__(self, place: Machines, name: str, command: list[str], port: int = 0):
        self.place, self.command, self.port = place, command, port
        self.log = place.folder / f"{name}.log"
        data = place.folder / name
        self.environment = place.environment | {"DATA_DIR": str(data)}
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def be_away(self, seconds: float) -> None:
        self.kill()
        time.sleep(seconds)
        self.start()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)
