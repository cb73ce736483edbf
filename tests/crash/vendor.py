"""A strict vendor in a process of its own that writes down each paid request before it does anything else.

    python -m tests.crash.vendor LEDGER

It prints its address. A line of LEDGER is the prompt of one POST, as JSON.
"""

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from tests.fake_vendors import openai
from tests.fake_vendors.base import Gone, Recorded, Reply

KEY = "sk-crash-0123456789abcdef0123456789abcdef"
MODEL = "gpt-image-2"


class CountingVendor(openai.FakeOpenAI):
    """Draws small pictures: what is measured is what becomes of them."""

    def __init__(self, ledger: Path):
        super().__init__()
        self._server.handle_error = lambda *_: None  # that somebody who asks is killed is what this is for
        self.ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def answer(self, request: Recorded, step: str) -> Reply:
        if len(request.body) < int(request.headers.get("content-length", 0)):
            raise Gone  # who asked is dead, and nobody draws for half a request
        if request.method == "POST":
            os.write(self.ledger, json.dumps(request.json["prompt"]).encode() + b"\n")
            threading.Event().wait(pause_of(request.json["prompt"]))
        return super().answer(request, step)


def pause_of(prompt: str) -> float:
    """Seconds that a prompt asks the vendor to take: "slow=2.5"."""
    return float(prompt.rpartition("slow=")[2]) if "slow=" in prompt else 0


def draw_small(size: str, format: str, words: str) -> str:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), tuple(hashlib.sha256(words.encode()).digest()[:3])).save(file, format)
    return base64.b64encode(file.getvalue()).decode()


def posts(ledger: Path) -> list[Any]:
    """The prompts of all paid requests so far."""
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


@contextmanager
def running(folder: Path):
    """The vendor's address and its ledger."""
    ledger = folder / "ledger"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.vendor", str(ledger)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process.stdout.readline().strip(), ledger
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


def main(ledger: str) -> None:
    openai.draw = draw_small
    with CountingVendor(Path(ledger)) as vendor:
        sys.stdout.write(f"{vendor.url}\n")
        sys.stdout.flush()
        sys.stdin.read()  # until whoever started it goes


if __name__ == "__main__":
    main(sys.argv[1])
