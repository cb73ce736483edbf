"""`make screens`: reference screenshots of every screen, in docs/screens/.

Each at 1440 × 900 and 390 × 844, the one in light and the other in dark; those of the README in both.
"""

import io
import json
import os
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.soak.run import Place

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "docs" / "screens"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
IN_BOTH = ("gallery", "viewer", "add-generate", "character", "queue", "costs")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUALITY = 82
# A temporary folder is nothing to show.
WITHOUT_PATHS = """() => document.querySelectorAll("code").forEach((code) => {
  if (code.textContent.startsWith("/tmp/")) code.textContent = "/var/lib/vignette/media";
})"""
SETTLED = "() => [...document.images].every((image) => image.complete || image.loading === 'lazy')"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vignette-screens-") as folder:
        place = Place(Path(folder), "", "127.0.0.1:9")
        try:
            place.start()
            stage = _staged(place)
            shutil.rmtree(TARGET, ignore_errors=True)
            TARGET.mkdir(parents=True)
            _take(f"http://127.0.0.1:{place.port}", stage)
        finally:
            place.end()


def _staged(place: Place) -> dict:
    done = place.run("-m", "tests.screens.stage", check=False)
    if done.returncode:
        raise SystemExit(f"The library could not be made:\n{done.stdout}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _take(address: str, stage: dict) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for device, size in SIZES.items():
            for theme in ("light", "dark"):
                _walk(browser, address, stage, device, size, theme)
        browser.close()


def _walk(browser, address: str, stage: dict, device: str, size: tuple[int, int], theme: str) -> None:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=theme, reduced_motion="reduce",
        has_touch=device == "phone", is_mobile=device == "phone",
    )  # fmt: skip
    page = context.new_page()
    _shoot(page, address + "/login/", "login", device, theme)
    context.add_cookies([{"name": "session", "value": stage["session"], "url": address}])
    for name, path in stage["pages"].items():
        _shoot(page, address + path, name, device, theme)
    for name, act in STATES.items():
        if not _is_wanted(name, device, theme):
            continue
        page.goto(address + "/", wait_until="networkidle")
        act(page)
        _keep(page, name, device, theme)
    context.close()


def _shoot(page, whole: str, name: str, device: str, theme: str) -> None:
    if _is_wanted(name, device, theme):
        page.goto(whole)
        _keep(page, name, device, theme)


def _is_wanted(name: str, device: str, theme: str) -> bool:
    return name in IN_BOTH or (device == "desktop") == (theme == "light")


def _keep(page, name: str, device: str, theme: str) -> None:
    if not _is_wanted(name, device, theme):
        return
    page.wait_for_function(SETTLED)
    page.evaluate(WITHOUT_PATHS)
    page.wait_for_timeout(300)
    Image.open(io.BytesIO(page.screenshot())).save(
        TARGET / f"{name}-{device}-{theme}.webp", quality=QUALITY, method=6
    )
    print(f"{name}-{device}-{theme}", flush=True)


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


STATES = {
    "viewer": _open_viewer,
    "search-suggestions": _type_a_search,
    "commands": _open_commands,
    "hidden": _hide,
}


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
