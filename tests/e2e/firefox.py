"""Firefox by WebDriver BiDi, which it speaks by itself: no driver is needed beside it."""

import base64
import json
import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from websockets.sync.client import connect

from tests.services import free_port

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox") or ""
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "ArrowRight": "\ue014", "ArrowLeft": "\ue012"}
# Nothing is asked of anybody but the server that is tested, and nothing moves.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "en",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "ui.prefersReducedMotion": 1,
}
BLOCKED = """(report) => addEventListener("securitypolicyviolation",
  ({ violatedDirective, blockedURI }) => report(`${violatedDirective}: ${blockedURI}`))"""


class Firefox:
    """One window of a browser whose profile is in `folder`."""

    def __init__(self, folder: Path):
        self.closing, self.complaints, self._number = ExitStack(), [], 0
        folder.mkdir()
        lines = (
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()
        )
        (folder / "user.js").write_text("\n".join(lines))
        port = free_port()
        self.process = subprocess.Popen(
            [
                PROGRAM, "--headless", "--no-remote",
                "--profile", str(folder), "--remote-debugging-port", str(port),
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(folder)},
        )  # fmt: skip
        self.address = f"ws://127.0.0.1:{port}/session"

    def _connected(self, seconds: float = 60):
        end = time.monotonic() + seconds
        while True:
            try:
                return self.closing.enter_context(connect(self.address, max_size=None))
            except OSError:
                assert time.monotonic() < end, "Firefox does not answer."
                assert self.process.poll() is None, "Firefox has ended."
                time.sleep(0.2)

    def begin(self) -> None:
        self.socket = self._connected()
        self.do("session.new", capabilities={})
        self.context = self.do("browsingContext.getTree")["contexts"][0]["context"]
        self.do("session.subscribe", events=["log.entryAdded", "script.message"])
        report = {"type": "channel", "value": {"channel": "blocked"}}
        self.do("script.addPreloadScript", functionDeclaration=BLOCKED, arguments=[report])
        self.do("browsingContext.setViewport", context=self.context, viewport={"width": 1280, "height": 800})

    def do(self, method: str, **parameters) -> dict:
        self._number += 1
        self.socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            heard = json.loads(self.socket.recv(60))
            if heard.get("id") == self._number:
                assert heard["type"] == "success", f"{method}: {heard}"
                return heard["result"]
            self._hear(heard)

    def _hear(self, event: dict) -> None:
        told = event["params"]
        if event["method"] == "script.message":
            self.complaints.append(told["data"]["value"])
        elif told["level"] in ("error", "warn"):
            self.complaints.append(f"{told['level']}: {told['text']}")

    def visit(self, address: str) -> None:
        self.do("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def read(self, expression: str):
        """The value of a short expression: text, number or yes and no."""
        target = {"context": self.context}
        answer = self.do("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not self.read(f"Boolean({expression})"):
            assert time.monotonic() < end, f"{expression} at {self.read('location.href')}"
            time.sleep(0.1)

    def find(self, selector: str) -> dict:
        """The first element that is shown."""
        self.wait_for(f"document.querySelector({json.dumps(selector)})?.checkVisibility()")
        locator = {"type": "css", "value": selector}
        nodes = self.do("browsingContext.locateNodes", context=self.context, locator=locator, maxNodeCount=1)
        return {"sharedId": nodes["nodes"][0]["sharedId"]}

    def click(self, selector: str) -> None:
        element = self.find(selector)
        self.read(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{ block: 'center' }})")
        over = {"type": "pointerMove", "x": 0, "y": 0, "origin": {"type": "element", "element": element}}
        steps = [over, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": "mouse", "actions": steps})

    def press(self, key: str) -> None:
        self.type(KEYS.get(key, key))

    def type(self, text: str) -> None:
        steps = [{"type": way, "value": sign} for sign in text for way in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": steps})

    def _act(self, source: dict) -> None:
        self.do("input.performActions", context=self.context, actions=[source])

    def choose_file(self, selector: str, path: Path) -> None:
        element = self.find(selector)
        self.do("input.setFiles", context=self.context, element=element, files=[str(path)])

    def photograph(self) -> bytes:
        return base64.b64decode(self.do("browsingContext.captureScreenshot", context=self.context)["data"])

    def stop(self) -> None:
        self.closing.close()
        self.process.kill()  # its profile goes with it; a decent end may take longer than the walk
        self.process.wait(20)
