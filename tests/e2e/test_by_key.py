"""The main job without a pointer: from the log-in to a picture made, tagged, found and carried away."""

import re
import zipfile

import pytest
from playwright.sync_api import expect

from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "moonlit-harbour"
SET_PASSWORD = """
from gallery.models import User
ada = User.objects.get(username="{name}")
ada.set_password("{password}")
ada.save()
"""
IS_FOCUSED = "element => element === document.activeElement"
IS_SHOWN = """() => {
  const { top, bottom, width } = document.activeElement.getBoundingClientRect();
  return !width || (bottom > 0 && top < innerHeight);
}"""


def reach(page, target):
    """Press Tab until `target` has the focus, which is never out of sight on the way."""
    expect(target).to_be_attached()
    for _ in range(120):
        page.keyboard.press("Tab")
        assert page.evaluate(IS_SHOWN), page.evaluate("document.activeElement.outerHTML")
        if target.evaluate(IS_FOCUSED):
            return
    raise AssertionError(f"Tab does not lead to {target}.")


def log_in(page, home):
    command = SET_PASSWORD.format(name=home.name, password=PASSWORD)
    home.manage("shell", "-v", "0", "-c", command)
    page.goto(home.address + "/login/")
    page.keyboard.type(home.name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(home.address + "/")


def generate(page):
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    reach(page, page.get_by_role("link", name="Add images").first)
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("main").get_by_role("link", name="Generate"))
    page.keyboard.press("Enter")
    reach(page, page.get_by_label("Prompt", exact=True))
    page.keyboard.type("a lighthouse in a storm")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#session .tile img")).to_be_visible(timeout=20_000)


def tag(page):
    reach(page, page.locator("#session .tile a"))
    page.keyboard.press("Enter")
    expect(page.locator("#image-tags")).to_be_visible()
    page.keyboard.press("t")
    page.keyboard.type("character:Mirel,")
    reach(page, page.get_by_role("button", name="Add", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#image-tags form.chips")).to_contain_text("Mirel")


def find(page):
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("around="))
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search images")).to_be_focused()
    page.keyboard.type("character:mirel ")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("character"))
    expect(page.locator(".tile")).to_have_count(1)


def test_a_picture_is_made_tagged_found_and_carried_away_by_key(page, home, tmp_path, complaints):  # noqa: F811
    log_in(page, home)
    generate(page)
    tag(page)
    find(page)
    reach(page, page.locator(".tile > a[data-full]"))
    page.keyboard.press("x")
    expect(page.locator("[data-count]")).to_have_text("1 selected")
    reach(page, page.locator("#bulk").get_by_role("button", name="Download"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as file:
        assert len([name for name in file.namelist() if name.endswith(".png")]) == 1
    assert complaints == []
