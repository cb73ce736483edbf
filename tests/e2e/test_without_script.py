"""The library with JavaScript switched off: everything that a person does with it in a week."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.test_by_key import PASSWORD, log_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURES = 62  # more than one page of the grid


@pytest.fixture
def plain(browser, home, tmp_path):
    """The gallery of a person who has logged in by typing, and whose browser runs no script."""
    pictures = (picture_bytes(f"#40{number:02x}80", (60, 90)) for number in range(PICTURES))
    home.import_pictures(tmp_path / "pictures", pictures)
    context = browser.new_context(base_url=home.address, java_script_enabled=False)
    page = context.new_page()
    log_in(page, home)
    yield page
    context.close()


def tiles(page):
    return page.locator("ul.grid > li.tile")


def test_pictures_are_browsed_found_kept_and_thrown_away(plain):
    expect(tiles(plain)).to_have_count(60)
    plain.get_by_role("link", name="Older images").click()
    expect(tiles(plain)).to_have_count(2)
    tiles(plain).first.locator("a").first.click()
    plain.get_by_role("link", name="Next image").click()
    expect(plain.locator("[data-position]")).to_contain_text(f"{PICTURES} of {PICTURES}")
    plain.locator("[data-favourite]").click()
    expect(plain.locator("[data-favourite]")).to_have_attribute("aria-pressed", "true")
    plain.get_by_label("Add tags").fill("character:Mirel")
    plain.get_by_role("button", name="Add", exact=True).click()

    plain.goto("/")
    plain.get_by_role("searchbox", name="Search images").fill("character:mirel is:favorite")
    plain.keyboard.press("Enter")
    expect(tiles(plain)).to_have_count(1)
    tiles(plain).first.locator("a").first.click()
    plain.get_by_role("button", name=re.compile("trash", re.IGNORECASE)).first.click()
    plain.goto("/trash/")
    expect(tiles(plain)).to_have_count(1)
    plain.get_by_role("button", name="Restore all").click()
    plain.goto("/?q=character:mirel")
    expect(tiles(plain)).to_have_count(1)


def test_pictures_are_added_and_made(plain, picture_server):
    plain.goto("/add/upload/?tags=character:Mirel")
    file = {"name": "a.png", "mimeType": "image/png", "buffer": picture_bytes("#123456", (240, 360))}
    plain.locator("input[type=file]").first.set_input_files([file])
    plain.get_by_role("button", name="Upload").click()
    expect(plain.get_by_text("Added.")).to_be_visible()

    plain.goto("/add/import/")
    plain.get_by_label("Web addresses").fill(f"{picture_server}/1.png")
    plain.get_by_role("button", name="Import", exact=True).click()
    plain.goto("/queue/")
    expect(plain.get_by_text("Import of 1 address").first).to_be_visible()

    plain.goto("/add/generate/")
    plain.get_by_label("Prompt", exact=True).fill("a fox")
    plain.get_by_role("button", name=re.compile("^Generate 1")).click()
    plain.goto("/queue/")
    expect(plain.locator(".qi", has_text="a fox").locator("img")).to_be_visible(timeout=20_000)  # by itself


def test_settings_are_changed_and_left(plain):
    plain.goto("/settings/appearance/")
    plain.get_by_text("Dark", exact=True).click()
    plain.get_by_role("button", name="Save").first.click()
    expect(plain.locator("html")).to_have_attribute("data-theme", "dark")
    plain.goto("/settings/account/")
    plain.get_by_role("button", name="Log out").click()
    plain.goto("/")
    expect(plain).to_have_url(re.compile("/login/"))
    plain.get_by_label("Password").fill(PASSWORD)  # the form is there again
