"""`make screens`: reference screenshots of every screen, in docs/screens/.

Each at 1440 × 900 and 390 × 844, the one in light and the other in dark; those of the README in both.
`python -m tests.screens gallery queue --to var/look --both` takes single ones; `--help` tells the rest.
"""

import argparse
import io
import json
import os
import re
import shutil
import signal
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.soak.run import Place

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "docs" / "screens"
SIZES = {
    "desktop": (1440, 900),
    "phone": (390, 844),
    "tablet": (1024, 768),
    "narrow": (320, 640),
    "wide": (2560, 1440),
}
TOUCHED = ("phone", "narrow")
IN_BOTH = ("gallery", "viewer", "add-generate", "character", "queue", "costs")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUALITY = 82
# A temporary folder is nothing to show.
WITHOUT_PATHS = """() => document.querySelectorAll("code").forEach((code) => {
  if (code.textContent.startsWith("/tmp/")) code.textContent = "/var/lib/vignette/media";
})"""
SETTLED = "() => [...document.images].every((image) => image.complete || image.loading === 'lazy')"


@dataclass
class View:
    """One page of a browser, and where its pictures go."""

    page: Page
    wish: argparse.Namespace
    device: str
    theme: str

    def wants(self, name: str) -> bool:
        if self.wish.names and name not in self.wish.names:
            return False
        return self.wish.both or name in IN_BOTH or (self.device in TOUCHED) == (self.theme == "dark")

    def keep(self, name: str) -> None:
        self.page.wait_for_function(SETTLED)
        self.page.evaluate(WITHOUT_PATHS)
        self.page.wait_for_timeout(300)
        taken = Image.open(io.BytesIO(self.page.screenshot(full_page=self.wish.full)))
        file = self.wish.to / f"{name}-{self.device}-{self.theme}.{self.wish.format}"
        taken.save(file, quality=QUALITY, method=6)
        print(file.stem, flush=True)


def main() -> None:
    wish = _wish()
    with _somewhere(wish) as (address, stage):
        if wish.stay:
            _stay(address, stage, wish.stay)
            return
        unknown = {name for name in wish.names if name[0] != "/"} - {*stage["pages"], *STATES, "login"}
        if unknown:
            raise SystemExit(f"No screen is called {', '.join(sorted(unknown))}.")
        if wish.to is None:
            wish.to = TARGET
            if not wish.names:
                shutil.rmtree(TARGET, ignore_errors=True)
        wish.to.mkdir(parents=True, exist_ok=True)
        _take(address, stage, wish)


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.screens", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="screens, or addresses like /?q=fox; all of them when none is named"
    )
    parser.add_argument("--to", type=Path, help="a folder instead of docs/screens/")
    parser.add_argument("--both", action="store_true", help="light and dark at every size")
    parser.add_argument("--sizes", default="desktop,phone", help=f"some of {','.join(SIZES)}")
    parser.add_argument("--full", action="store_true", help="the whole page, not only what is seen first")
    parser.add_argument("--format", default="webp", choices=("webp", "png"))
    parser.add_argument("--language", default="en-GB", help="of the browser, such as de")
    parser.add_argument(
        "--stay", metavar="FILE", type=Path, help="serve the library until Ctrl C, and say where"
    )
    parser.add_argument("--at", metavar="FILE", type=Path, help="take them from the library that stays")
    return parser.parse_args()


@contextmanager
def _somewhere(wish):
    if wish.at:
        yield json.loads(wish.at.read_text()).values()
        return
    with tempfile.TemporaryDirectory(prefix="vignette-screens-") as folder:
        place = Place(Path(folder), "", "127.0.0.1:9")
        try:
            place.start()
            yield f"http://127.0.0.1:{place.port}", _staged(place)
        finally:
            place.end()


def _staged(place: Place) -> dict:
    return json.loads(place.run("-m", "tests.screens.stage").strip().splitlines()[-1])


def _stay(address: str, stage: dict, where: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    where.write_text(json.dumps({"address": address, "stage": stage}))
    print(f"{address} is told in {where}. Ctrl C ends it.", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        where.unlink()


def _take(address: str, stage: dict, wish: argparse.Namespace) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for device in wish.sizes.split(","):
            for theme in ("light", "dark"):
                _walk(browser, address, stage, wish, device, theme)
        browser.close()


def _walk(browser, address: str, stage: dict, wish, device: str, theme: str) -> None:
    width, height = SIZES[device]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce",
        has_touch=device in TOUCHED, is_mobile=device in TOUCHED, locale=wish.language,
    )  # fmt: skip
    view = View(context.new_page(), wish, device, theme)
    _shoot(view, "login", f"{address}/login/")
    context.add_cookies([{"name": "session", "value": stage["session"], "url": address}])
    for name, path in [*stage["pages"].items(), *((path, path) for path in wish.names if path[0] == "/")]:
        _shoot(view, name, address + path)
    for name, act in STATES.items():
        if view.wants(name):
            view.page.goto(f"{address}/", wait_until="networkidle")
            act(view.page)
            view.keep(name)
    context.close()


def _shoot(view: View, name: str, whole: str) -> None:
    if view.wants(name):
        view.page.goto(whole)
        view.keep(re.sub(r"\W+", "-", name).strip("-"))


def _open_viewer(page) -> None:
    page.locator("ul.grid a[href^='/images/']").first.click()
    page.locator("#viewer .panel h1").wait_for()


def _type_a_search(page) -> None:
    page.locator("input[type=search]").first.fill("mi")
    page.locator("[role=option]").first.wait_for()


def _open_commands(page) -> None:
    page.keyboard.press("Control+k")
    page.locator("dialog[open] [role=option]").first.wait_for()


def _hide(page) -> None:
    page.keyboard.press("h")


def _select(page) -> None:
    for number in (1, 2, 4):
        page.locator("ul.grid .tile input[name=ids]").nth(number).check(force=True)


STATES = {
    "viewer": _open_viewer,
    "search-suggestions": _type_a_search,
    "commands": _open_commands,
    "hidden": _hide,
    "selection": _select,
}


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
