"""The processes of the vendor benchmark: the vendor, and the two ways to read its answer. No Django here."""

import base64
import json
import os
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

PICTURE = 20 * 1024 * 1024  # bytes
ROUNDS = 5


def serve() -> None:
    """A vendor that answers with one large picture."""
    body = json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(os.urandom(PICTURE)).decode()}]})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def ours(address: str, folder: Path) -> None:
    from providers import registry
    from providers.base import Connection, ImageRequest

    host = address.removeprefix("http://").partition("/")[0]
    connection = Connection(base_url=address, api_key="sk-bench", allowed_private_hosts=(host,))
    provider = registry.connect("openai", connection)
    request = ImageRequest(prompt="a panda", model="gpt-image-2.5-flare")
    answer = provider.send(request, folder / "call.answer")
    assert provider.read(request, answer, folder).images[0].path.stat().st_size == PICTURE


def plain(address: str, folder: Path) -> None:
    import requests

    answer = requests.post(f"{address}/images/generations", json={"prompt": "a panda"}, timeout=60)
    (folder / "picture").write_bytes(base64.b64decode(answer.json()["data"][0]["b64_json"]))


def measure(work, address: str) -> dict:
    """CPU seconds (median) and added peak memory (MiB) of one answer, imports left out."""
    import requests  # noqa: F401  both sides stand on it

    from providers import http, openai  # noqa: F401

    before, times = _peak(), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS + 1):
            begun = time.process_time()
            work(address, Path(folder))
            times.append(time.process_time() - begun)
    return {"cpu": median(times[1:]), "memory": _peak() - before}


def _peak() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(word: str, argument: str) -> None:
    if word == "serve":
        serve()
    else:
        print(json.dumps(measure({"ours": ours, "plain": plain}[word], argument)))


if __name__ == "__main__":
    main(*sys.argv[1:])
