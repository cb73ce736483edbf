"""The main job in another browser than Chromium: nothing in it is Chromium's own."""

import io

import pytest
from PIL import Image, ImageStat

from tests.conftest import picture_bytes
from tests.e2e.firefox import PROGRAM, Firefox
from tests.e2e.test_by_key import PASSWORD, SET_PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.firefox,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not PROGRAM, reason="Firefox is not installed"),
]
TILES = "document.querySelectorAll('.tile > a[data-full]').length"
SHOWN = "document.querySelector('#viewer[open] [data-position]')?.textContent.trim()"
SEEN = "[...document.images].filter((i) => i.checkVisibility()).every((i) => i.complete && i.naturalWidth)"


@pytest.fixture
def firefox(tmp_path):
    firefox = Firefox(tmp_path / "profile")
    try:
        firefox.begin()
        yield firefox
    finally:
        firefox.stop()


def log_in(firefox, home):
    home.manage("shell", "-v", "0", "-c", SET_PASSWORD.format(name=home.name, password=PASSWORD))
    firefox.visit(home.address + "/login/")
    firefox.click("[name=login]")
    firefox.type(home.name)
    firefox.click("[name=password]")
    firefox.type(PASSWORD)
    firefox.press("Enter")
    firefox.wait_for("location.pathname === '/' && document.readyState === 'complete'")


def upload(firefox, home, path):
    path.write_bytes(picture_bytes("#2a4fcb", (300, 200)))
    firefox.visit(home.address + "/add/upload/")
    firefox.choose_file("#file", path)
    firefox.wait_for("document.querySelector('drop-zone .pill--ok, .up .pill--ok')")


def generate(firefox, home):
    firefox.visit(home.address + "/add/generate/?tags=character:Mira")
    firefox.click("#id_prompt")
    firefox.type("a lighthouse in a storm")
    firefox.click("#generate-button")
    firefox.wait_for("document.querySelector('#session .tile img')?.complete")


def tag_and_find(firefox, home):
    firefox.visit(home.address + "/")
    firefox.wait_for(f"{TILES} === 2")
    firefox.press("ArrowRight")
    firefox.read("document.querySelectorAll('.tile > a[data-full]')[1].focus()")
    firefox.press("x")
    firefox.press("t")
    firefox.click("#bulk-tags tag-input input[type=text]")
    firefox.type("harbour,")
    firefox.wait_for("document.querySelector('#bulk-tags .tag-chips li')")
    firefox.click("#bulk-tags .add-tags button.btn")
    firefox.wait_for("document.querySelector('#toasts [data-toast]')")
    firefox.press("Escape")
    firefox.click("input[name=q]")
    firefox.type("tag:harbour ")
    firefox.press("Enter")
    firefox.wait_for(f"location.search && document.readyState === 'complete' && {TILES} === 1")


def view(firefox, home):
    firefox.visit(home.address + "/")
    firefox.click(".tile > a[data-full]")
    firefox.wait_for(f"{SHOWN}?.startsWith('1 of 2')")
    firefox.press("ArrowRight")
    firefox.wait_for(f"{SHOWN}?.startsWith('2 of 2') && {SEEN}")
    picture = Image.open(io.BytesIO(firefox.photograph()))
    assert ImageStat.Stat(picture.convert("L")).stddev[0] > 20  # the dark stage and the light panel
    firefox.press("Escape")
    firefox.wait_for("!document.querySelector('#viewer[open]') && location.pathname === '/'")
    assert firefox.read("document.activeElement.matches('li.tile:nth-child(2) > a')")


def test_a_picture_is_added_made_tagged_found_and_viewed(firefox, home, tmp_path):
    log_in(firefox, home)
    upload(firefox, home, tmp_path / "a.png")
    generate(firefox, home)
    tag_and_find(firefox, home)
    view(firefox, home)
    assert firefox.complaints == []
