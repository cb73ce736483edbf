"""Requests of the people, with what each kind of them took and what went wrong."""

import http.client
import json
import threading
import time
import uuid
from collections import defaultdict
from urllib.parse import urlsplit

CSRF = "s" * 32


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Notes:
    """Seconds of each kind of request, and what was no success, of all people together."""

    def __init__(self):
        self.times: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []
        self.lock = threading.Lock()

    def took(self, kind: str, seconds: float) -> None:
        with self.lock:
            self.times[kind].append(seconds)

    def table(self) -> list[str]:
        lines = ["| request | number | p50 | p95 | longest |", "|---|---|---|---|---|"]
        for kind, values in sorted(self.times.items()):
            spread = (percentile(values, 0.5), percentile(values, 0.95), max(values))
            cells = " | ".join(f"{value * 1000:.0f} ms" for value in spread)
            lines.append(f"| {kind} | {len(values)} | {cells} |")
        return lines

    def complain(self, text: str) -> None:
        with self.lock:
            self.wrong.append(f"{time.strftime('%H:%M:%S')} {text}")


def _fetch(address: str) -> tuple[http.client.HTTPResponse, bytes]:
    """What lies at an address of another server."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


class Browser:
    """One person's browser or program: a connection for each visit, as its keep-alive would be long over."""

    def __init__(self, port: int, notes: Notes, *, session: str = "", token: str = ""):
        self.port, self.notes = port, notes
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        if session:
            self.headers = {"Cookie": f"session={session}; csrftoken={CSRF}", "X-CSRFToken": CSRF}
        self.connection: http.client.HTTPConnection | None = None

    def visit(self):
        """Begin on a new connection."""
        self.leave()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def leave(self):
        if self.connection is not None:
            self.connection.close()

    def ask(self, kind: str, method: str, path: str, body=None, headers=None, expect=(200, 201, 202, 204)):
        """The body of the answer; None when it was no success, which is noted."""
        begun = time.monotonic()
        try:
            self.connection.request(method, path, body, self.headers | (headers or {}))
            answer = self.connection.getresponse()
            content = answer.read()
            if answer.status == 302 and kind == "thumbnail":  # to the store
                answer, content = _fetch(answer.getheader("Location"))
        except (OSError, http.client.HTTPException) as exc:
            self.notes.complain(f"{method} {path.partition('?')[0]}: {exc!r}")
            self.visit()
            return None
        self.notes.took(kind, time.monotonic() - begun)
        if answer.status not in expect:
            self.notes.complain(f"{method} {path.partition('?')[0]}: {answer.status} {content[:200]!r}")
            return None
        return content

    def get(self, kind: str, path: str):
        return self.ask(kind, "GET", path)

    def send_json(self, kind: str, path: str, value: dict):
        content = self.ask(kind, "POST", path, json.dumps(value), {"Content-Type": "application/json"})
        return json.loads(content) if content else None

    def send_file(self, kind: str, path: str, field: str, name: str, content: bytes):
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "HX-Request": "true"}
        return self.ask(kind, "POST", path, body, headers)

    def listen(self, path: str) -> bool:
        """Follow a stream of events to its end. Returns whether it ended by itself."""
        self.visit()
        try:
            self.connection.request("GET", path, headers=self.headers)
            answer = self.connection.getresponse()
            return answer.status == 200 and b"event: done" in answer.read()
        except (OSError, http.client.HTTPException) as exc:
            self.notes.complain(f"GET {path}: {exc!r}")
            return False
