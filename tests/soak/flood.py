"""One person sends generate requests as fast as they go, and another one just wants a picture."""

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.soak.wire import Browser, Notes

AT_ONCE = 20


@dataclass
class Flood:
    """What came of it."""

    answers: Counter = field(default_factory=Counter)  # status → how many
    impolite: int = 0  # refusals that do not say when to come back, or why
    seconds: float = 0.0  # that all took
    other_started: float | None = None  # seconds until the other person's picture was begun


def pour(port: int, token: str, other: str, requests: int) -> Flood:
    flood, left, lock = Flood(), iter(range(requests)), threading.Lock()

    def press():
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            status, is_polite = _ask(port, token, f"a flood {number}")
            with lock:
                flood.answers[status] += 1
                flood.impolite += not is_polite

    begun = time.monotonic()
    threads = [threading.Thread(target=press) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flood.seconds = time.monotonic() - begun
    flood.other_started = _until_started(port, other)
    return flood


def _ask(port: int, token: str, prompt: str) -> tuple[int, bool]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/api/v1/generations", json.dumps({"prompt": prompt}), headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return 0, False
    finally:
        connection.close()
    says_when = (answer.getheader("Retry-After") or "").isdecimal() and body.get("detail", "").endswith(".")
    return answer.status, answer.status == 202 or says_when


def _until_started(port: int, token: str, patience: float = 60) -> float | None:
    browser = Browser(port, Notes(), token=token)
    browser.visit()
    begun = time.monotonic()
    made = browser.send_json("generate", "/api/v1/generations", {"prompt": "one picture"})
    while made and time.monotonic() < begun + patience:
        browser.visit()
        now = json.loads(browser.get("generation", f"/api/v1/generations/{made['id']}") or b"{}")
        if now.get("started_at"):
            return time.monotonic() - begun
        time.sleep(0.1)
    return None
