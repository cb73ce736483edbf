"""Draw the icons of the installed app from static/img/mark.svg, by way of Chromium."""

import re
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "static" / "img"
INK = "#1b1a17"
# Name, edge in pixels, ground. Where the device cuts the corners itself, the ink goes up to the edges.
ICONS = [
    ("icon-192.png", 192, "transparent"),
    ("icon-512.png", 512, "transparent"),
    ("maskable-512.png", 512, INK),
    ("apple-touch-icon.png", 180, INK),
]


def main() -> None:
    mark = re.sub(r"@media.*?}}", "", (IMAGES / "mark.svg").read_text())  # always ink on paper
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, edge, ground in ICONS:
            page = browser.new_page(viewport={"width": edge, "height": edge})
            page.set_content(sheet(mark, ground))
            page.screenshot(path=IMAGES / name, omit_background=True)
        browser.close()


def sheet(mark: str, ground: str) -> str:
    """The stroke closes the seam between shoulders and frame, which shows at this size."""
    style = f"body{{margin:0;background:{ground}}} path{{stroke:{INK};stroke-width:.2}}"
    return f"<style>{style}</style>{mark}"


if __name__ == "__main__":
    main()
