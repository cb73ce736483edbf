"""What the people of a soak send, and the vendor that answers them. Every picture is another one, cheaply."""

import base64
import hashlib
import io
import itertools
import json
import os
import struct
import threading
import time
import zipfile
import zlib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

_numbers = itertools.count(1)


def photograph(bytes_wanted: int) -> bytes:
    """A JPEG of about that size, as cameras make them: 3:2, and hard to compress."""
    side = 200.0
    while True:
        noise = Image.effect_noise((int(side * 1.5), int(side)), 60).convert("RGB")
        file = io.BytesIO()
        noise.save(file, "JPEG", quality=92)
        if file.tell() >= bytes_wanted:
            return file.getvalue()
        side *= max(1.05, (bytes_wanted / file.tell()) ** 0.5)


def another(jpeg: bytes) -> bytes:
    """The same picture with a comment of its own: other bytes, and so another picture for the library."""
    comment = f"{os.getpid()} {next(_numbers)}".encode()
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


def archive(pictures: list[bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as target:
        for number, picture in enumerate(pictures):
            target.writestr(f"picture {number}.jpg", picture)
    return file.getvalue()


def drawing() -> bytes:
    """A PNG of 1024 pixels, as vendors send them."""
    file = io.BytesIO()
    Image.effect_noise((256, 256), 40).resize((1024, 1024)).convert("RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()


def other_drawing(png: bytes) -> bytes:
    """The same with a text chunk of its own, before its last chunk."""
    text = b"Comment\0" + f"{os.getpid()} {next(_numbers)}".encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    return png[:-12] + chunk + png[-12:]


class Vendor:
    """OpenAI's image endpoint, as far as a soak needs it: one picture after `delay` seconds."""

    def __init__(self, delay: float):
        self.prompts: Counter[str] = Counter()  # how often each came
        self.pictures: dict[str, list[str]] = {}  # SHA-256 of what each was answered with
        self.lock, picture = threading.Lock(), drawing()
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                drawn = other_drawing(picture)
                vendor._note(asked["prompt"], drawn)
                time.sleep(delay)
                data = [{"b64_json": base64.b64encode(drawn).decode()}]
                self._send({"created": 1, "data": data})

            def do_GET(self):
                self._send({"object": "list", "data": []})

            def _send(self, value):
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_args):
                """Who asked was killed meanwhile."""

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _note(self, prompt: str, drawn: bytes) -> None:
        with self.lock:
            self.prompts[prompt] += 1
            self.pictures.setdefault(prompt, []).append(hashlib.sha256(drawn).hexdigest())

    @property
    def posts(self) -> int:
        return self.prompts.total()

    def posts_of(self, prompt: str) -> int:
        return self.prompts[prompt]

    def sent_for(self, prompt: str) -> list[str]:
        return self.pictures.get(prompt, [])

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
