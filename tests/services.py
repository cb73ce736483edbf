"""Real servers for the tests that need them, each started once, on free ports of 127.0.0.1."""

import json
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

KEY, SECRET = "test-key", "test-secret"


@dataclass(frozen=True)
class S3Server:
    address: str
    key: str = KEY
    secret: str = SECRET

    def options(self, bucket: str) -> dict[str, str]:
        """What PrivateS3Storage is made with, as settings.py does it."""
        return {
            "bucket_name": bucket,
            "endpoint_url": self.address,
            "region_name": "us-east-1",
            "access_key": self.key,
            "secret_key": self.secret,
            "location": "",
        }

    def make_bucket(self, bucket: str) -> None:
        """Make a bucket, and wait until it can be written: the server's volumes start later than its port."""
        import boto3
        from botocore.exceptions import ClientError

        client = boto3.client(
            "s3", endpoint_url=self.address, aws_access_key_id=self.key, aws_secret_access_key=self.secret,
            region_name="us-east-1",
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                client.put_object(Bucket=bucket, Key="probe", Body=b"probe")
                return
            except ClientError as exc:
                if time.monotonic() > deadline:
                    raise
                if exc.response["Error"]["Code"] == "NoSuchBucket":
                    client.create_bucket(Bucket=bucket)
                time.sleep(0.3)


def free_port() -> int:
    """A port that is free, and whose neighbour 10000 above is free as well: SeaweedFS takes both."""
    while True:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            try:
                high.bind(("127.0.0.1", port + 10_000))
            except (OSError, OverflowError):
                continue
            return port


def wait_for_port(port: int, process: subprocess.Popen, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not start in time")


def weed_command(folder: Path, s3_port: int) -> list[str]:
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if not program:
        raise RuntimeError("SeaweedFS is missing. Install requirements-dev.txt.")
    rights = {"name": "test", "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    rights["credentials"] = [{"accessKey": KEY, "secretKey": SECRET}]
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [rights]}))
    return [
        program, f"-logdir={folder}", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={free_port()}", f"-volume.port={free_port()}", f"-filer.port={free_port()}", "-s3",
        f"-s3.port={s3_port}", f"-s3.config={config}", "-s3.iam=false", "-s3.port.iceberg=0",
        "-s3.port.lance=0", "-master.volumeSizeLimitMB=64", "-volume.max=500", "-master.telemetry=false",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """An S3 server that checks signatures, expiry and checksums."""
    folder, port = tmp_path_factory.mktemp("seaweed"), free_port()
    with (folder / "output.log").open("wb") as log:
        process = subprocess.Popen(weed_command(folder, port), stdout=log, stderr=log, cwd=folder)
    try:
        wait_for_port(port, process)
        yield S3Server(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
