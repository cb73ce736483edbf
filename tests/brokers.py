"""Brokers that go away and come back, as the tests of several machines need them."""

import os
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from tests.proxy import Proxy
from tests.services import free_port, wait_for_port

# What all machines have in common.
KEYS = {
    "SECRET_KEY": "of-all-machines-7Qm2Zx9LfWc4Rb8TnVj3KdYh6Ps1Gu5A",
    "FIELD_ENCRYPTION_KEYS": "3kYb8QmZ1VdW5pTn0XcRj7LhGf2SsAe9UoIiKxDwQzU=",
}


class Redis:
    """A server of our own, which is killed and comes back with nothing."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.address = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        words = ["redis-server", "--port", str(self.port), "--save", "", "--bind", "127.0.0.1"]
        self.process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.DEVNULL)
        wait_for_port(self.port, self.process)

    def go(self) -> None:
        self.process.kill()
        self.process.wait()

    def come_back(self) -> None:
        self.start()

    def close(self) -> None:
        self.go()


class RabbitMQ:
    """The machine's server behind a proxy that cuts all connections and refuses new ones."""

    def __init__(self, _folder: Path):
        given = urlsplit(os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"))
        self.proxy = Proxy((given.hostname or "127.0.0.1", given.port or 5672))
        user = f"{given.username}:{given.password}"
        self.address = f"amqp://{user}@127.0.0.1:{self.proxy.port}{given.path}"

    def go(self) -> None:
        self.proxy.become("refuse")

    def come_back(self) -> None:
        self.proxy.become("pass")

    def close(self) -> None:
        self.proxy.close()


class OwnRabbitMQ:
    """A server of our own beside the machine's. It is killed, and comes back with what was on its disk."""

    PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's other one wants to be root

    def __init__(self, folder: Path):
        self.folder, self.port = folder / "rabbitmq", free_port()
        self.address = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.folder.mkdir()
        where = {
            "MNESIA_BASE": "db",
            "LOG_BASE": "log",
            "ENABLED_PLUGINS_FILE": "plugins",
            "CONFIG_FILE": "none",
        }
        paths = {f"RABBITMQ_{name}": str(self.folder / value) for name, value in where.items()}
        self.environment = os.environ | paths | {
            "HOME": str(self.folder), "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_NODENAME": f"vignette-{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port), "RABBITMQ_DIST_PORT": str(free_port()),
        }  # fmt: skip
        self.start()

    def start(self) -> None:
        with (self.folder / "output.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.PROGRAM], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_for_port(self.port, self.process, 120)

    def go(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def come_back(self) -> None:
        self.start()

    def close(self) -> None:
        self.go()
