"""Several machines: two web servers behind nginx, two Celery workers, a broker, S3 and PostgreSQL.

Each machine has a data folder of its own, and what `deploy/` gives them in common. Meanwhile a worker is
killed every minute, and so is the broker twice; Redis comes back empty.
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
from tests.soak.promises import Kill
from tests.soak.run import Place, bad_lines

ROOT = Path(__file__).resolve().parent.parent.parent
BUCKET = "vignette-soak"
KILL_EVERY = 60.0  # seconds
AWAY = 5.0  # seconds that a killed worker, and the broker, stay away; half of it in a short form
SHORT = 120  # seconds of an evening
AT_ONCE = "60"  # tasks of one worker
STARTS_AGAIN = 2.0  # seconds until a process that ended is started again, as by systemd
# What Celery says at the level of an error while its broker is away. It goes on by itself.
EXPECTED = (
    "celery.worker.consumer.consumer: consumer: Cannot connect to",  # it tries again
    "celery.beat: beat: Connection error",  # likewise
    "celery.beat: Message Error: Couldn't apply scheduled task",  # it comes again when it is due again
    "celery.worker.loops: Error cleaning up after event loop",  # of a connection that is gone
    "Couldn't ack",  # a message that woke somebody, who finds nothing to do when it comes again
)
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
        self.folder, self.broker = folder, broker
        self.machines: list[Machine] = []
        self.others: list[subprocess.Popen] = []
        self.over = threading.Event()
        self.environment |= KEYS | {"BROKER_URL": broker.address} | self._s3()

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
        ports = [free_port(), free_port()]
        serve = [[sys.executable, "manage.py", "serve", "--port", str(port)] for port in ports]
        first = Machine(self, "web-0", serve[0])
        self.machines = [first]
        self._wait_until_answered(ports[0])  # it collects the static files
        self.workers = [
            Machine(self, f"worker-{number}", [*celery, "worker", "-c", AT_ONCE]) for number in range(2)
        ]
        self.webs = [first, Machine(self, "web-1", serve[1])]
        self.machines += [self.webs[1], *self.workers, Machine(self, "beat", [*celery, "beat"])]
        self._wait_until_answered(ports[1])
        self._balance(ports)
        self._wait_until_answered(self.port)
        watching.wait_for(lambda: all(worker.place for worker in self.workers), 60)
        threading.Thread(target=self._supervise, daemon=True).start()

    def _supervise(self) -> None:
        """Start again what ended by itself."""
        while not self.over.wait(STARTS_AGAIN):
            for machine in self.machines:
                if (status := machine.ended_by_itself()) is not None:
                    self.deaths.append(f"{time.strftime('%H:%M:%S')} {machine.name} with status {status}")
                    machine.start()

    def _balance(self, ports: list[int]) -> None:
        """nginx with the site of deploy/compose-nginx.conf."""
        site = (ROOT / "deploy" / "compose-nginx.conf").read_text()
        servers = " ".join(f"server 127.0.0.1:{port};" for port in ports)
        site = site.replace("server web:8000;", servers).replace("listen 8080;", f"listen {self.port};")
        assert servers in site
        user = "user root;" if os.geteuid() == 0 else ""
        folder = self.folder / "nginx"
        folder.mkdir()
        (folder / "nginx.conf").write_text(NGINX.format(user=user, site=site))
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            raise RuntimeError("nginx is missing. Debian: sudo apt install nginx-light")
        words = [program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        wait_for_port(self.port, self._begin(words, folder / "output.log"))

    def _wait_until_answered(self, port: int) -> None:
        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5):
                    return True
            except OSError:
                return False

        if not watching.wait_for(answers, 90):
            raise RuntimeError(f"a server did not start: {self.machines[-1].log.read_text()}")

    def processes(self) -> dict[str, int | None]:
        return {"web": self.webs[0].process.pid, "worker": self.workers[1].process.pid}

    def disturb(self, over: threading.Event, seconds: float) -> None:
        """Kill a worker every minute, in turn, and let the broker go at a third and at two thirds."""
        begun, victims = time.monotonic(), itertools.cycle(self.workers)
        away = AWAY if seconds >= SHORT else AWAY / 2
        every = min(KILL_EVERY, seconds / 2.5)
        moments = [(every * (n + 0.5), "worker") for n in range(int(seconds / every))]
        moments += [(seconds / 3, "broker"), (seconds * 2 / 3, "broker")]
        for moment, what in sorted(moments):
            if over.wait(max(0, begun + moment - time.monotonic())):
                break
            if what == "worker":
                victim = next(victims)
                self.kills.append(Kill(moment=time.time(), place=victim.place))
                victim.be_away(away)
            else:
                self.broker.go()
                time.sleep(away)
                self.broker.come_back()
        whats = [what for _, what in moments]
        self.trouble = [
            f"{len(self.kills)} workers were killed",
            f"the broker went {whats.count('broker')} times",
        ]

    def unwanted(self) -> list[str]:
        lines = [f"{machine.name}: {line}" for machine in self.machines for line in bad_lines(machine.log)]
        return [line for line in lines if not any(words in line for words in EXPECTED)]

    def stop(self) -> int:
        """In order. Returns the worst exit status."""
        self.over.set()
        for machine in self.machines:
            machine.process.terminate()
        return max((machine.process.wait(90) for machine in self.machines), key=abs)

    def end(self) -> None:
        self.over.set()
        for machine in self.machines:
            machine.kill()
        for process in self.others:
            process.kill()
            process.wait()
        self.broker.close()


class Machine:
    """A process that is killed and comes back, with its own data folder."""

    def __init__(self, place: Machines, name: str, command: list[str]):
        self.name, self.command = name, command
        self.log, self.data = place.folder / f"{name}.log", place.folder / name
        self.environment = place.environment | {"DATA_DIR": str(self.data)}
        self.is_away = False
        self.start()

    @property
    def place(self) -> str:
        """What it is called in rows; "" until it has a name."""
        file = self.data / "spool" / "place"
        return file.read_text() if file.exists() else ""

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )

    def ended_by_itself(self) -> int | None:
        return None if self.is_away else self.process.poll()

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def be_away(self, seconds: float) -> None:
        self.is_away = True
        self.kill()
        time.sleep(seconds)
        self.start()
        self.is_away = False
