"""The search box, its suggestions, orders and saved searches, in a real browser, with and without script."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COLOURS = {"rain": ("#204060", "#305070"), "snow": ("#e0e8f0",)}


@pytest.fixture
def gallery(page, home, tmp_path):
    """The gallery of a person with two pictures of rain and one of snow."""
    for tag, colours in COLOURS.items():
        pictures = (picture_bytes(colour, (240, 360)) for colour in colours)
        home.import_pictures(tmp_path / tag, pictures, "--tag", f"tag:{tag}")
    home.enter(page)
    return page


def tiles(page):
    return page.locator("ul.grid > li.tile")


def box(page):
    return page.get_by_role("combobox", name="Search images")


def option(page, name):
    return page.locator("form.search").get_by_role("option", name=name)


def test_suggestions_complete_a_search_which_is_saved_and_comes_back(gallery, home, complaints):  # noqa: F811
    box(gallery).press_sequentially("-ra")
    expect(option(gallery, "rain 2")).to_be_visible()
    box(gallery).press("ArrowDown")
    box(gallery).press("Tab")
    expect(box(gallery)).to_have_value("-tag:rain ")
    box(gallery).press_sequentially("rati")
    option(gallery, "rating:").click()
    option(gallery, "rating:none").click()
    expect(tiles(gallery)).to_have_count(1)
    expect(gallery).to_have_url(re.compile(r"\?q=-tag%3Arain\+rating%3Anone"))

    gallery.get_by_role("button", name="Save search").click()
    gallery.get_by_label("Name of this search").fill("Only snow")
    gallery.get_by_label("Name of this search").press("Enter")
    expect(
        gallery.get_by_role("navigation", name="Main").get_by_role("link", name="Only snow")
    ).to_be_visible()

    gallery.goto(home.address + "/")
    box(gallery).click()
    expect(option(gallery, "Only snow -tag:rain rating:none")).to_be_visible()
    expect(option(gallery, "-tag:rain rating:none").last).to_be_visible()  # the recent one
    assert complaints == []


def test_orders_mistakes_and_help_need_no_script(gallery, browser, home):
    plain = browser.new_context(java_script_enabled=False, storage_state=gallery.context.storage_state())
    page = plain.new_page()
    page.goto(home.address + "/?q=(tag:rain is:lost")
    expect(page.locator(".note mark")).to_have_text(["(", "is:lost"])
    expect(tiles(page)).to_have_count(2)

    page.get_by_role("button", name="Sorted by newest").click()
    page.get_by_role("link", name="Oldest").click()
    expect(page).to_have_url(re.compile("sort=oldest"))
    expect(tiles(page)).to_have_count(2)

    page.get_by_role("link", name="Search help").first.click()
    page.get_by_role("link", name="sort:random").click()
    expect(tiles(page)).to_have_count(3)
    plain.close()
