"""Where the focus goes when what had it is gone, and what Escape closes first."""

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def gallery(browser, home, tmp_path):
    pictures = (picture_bytes(f"#4080{number:02x}", (240, 360)) for number in range(3))
    home.import_pictures(tmp_path / "pictures", pictures, "--tag", "character:Mira", "--tag", "dusk")
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    home.enter(page)
    yield page
    context.close()


def tiles(page):
    return page.locator(".tile > a[data-full]")


def select(page, number=0):
    tiles(page).nth(number).focus()
    page.keyboard.press("x")
    expect(page.locator(".pick input:checked")).to_have_count(1)


@pytest.mark.parametrize("opened", ["facets", "orders", "bulk-more"])
def test_escape_closes_a_list_before_it_clears_the_selection(gallery, opened):
    select(gallery)
    opener = gallery.locator(f"[popovertarget={opened}]")
    opener.click()
    expect(gallery.locator(f"#{opened}")).to_be_visible()
    gallery.keyboard.press("Escape")
    expect(gallery.locator(f"#{opened}")).to_be_hidden()
    expect(gallery.locator(".pick input:checked")).to_have_count(1)
    expect(opener).to_be_focused()
    gallery.keyboard.press("Escape")
    expect(gallery.locator(".pick input:checked")).to_have_count(0)


def test_escape_goes_from_suggestions_to_the_list_of_tags_to_the_selection(gallery):
    select(gallery)
    gallery.keyboard.press("t")
    entry = gallery.locator("#bulk-tags tag-input input[type=text]")
    expect(entry).to_be_focused()
    gallery.keyboard.type("du")
    suggestions = gallery.locator("#bulk-tags [role=listbox]")
    expect(suggestions).to_be_visible()
    gallery.keyboard.press("Escape")
    expect(suggestions).to_be_hidden()
    expect(gallery.locator("#bulk-tags")).to_be_visible()
    gallery.keyboard.press("Escape")
    expect(gallery.locator("#bulk-tags")).to_be_hidden()
    expect(gallery.locator(".pick input:checked")).to_have_count(1)
    gallery.keyboard.press("Escape")
    expect(gallery.locator(".pick input:checked")).to_have_count(0)


def test_escape_closes_a_dialog_over_the_page_of_a_picture_and_stays_there(gallery):
    gallery.goto(tiles(gallery).first.evaluate("(link) => link.href"))
    address = gallery.url
    for key, opened in (("?", "#shortcuts"), ("Control+k", "#palette")):
        gallery.keyboard.press(key)
        expect(gallery.locator(opened)).to_be_visible()
        gallery.keyboard.press("Escape")
        expect(gallery.locator(opened)).to_be_hidden()
    gallery.wait_for_timeout(300)  # in which the page would have been left
    assert gallery.url == address


def test_escape_in_the_viewer_closes_what_lies_over_it_first(gallery):
    tiles(gallery).nth(1).click()
    expect(gallery.locator("#viewer .panel h1")).to_be_visible()
    gallery.keyboard.press("?")
    expect(gallery.locator("#shortcuts")).to_be_visible()
    gallery.keyboard.press("Escape")
    expect(gallery.locator("#shortcuts")).to_be_hidden()
    expect(gallery.locator("#viewer")).to_be_visible()
    gallery.keyboard.press("Escape")
    expect(gallery.locator("#viewer")).to_be_hidden()
    expect(tiles(gallery).nth(1)).to_be_focused()


def test_a_tag_that_goes_hands_the_focus_to_the_next_one_and_the_last_one_to_the_field(gallery):
    tiles(gallery).first.click()
    removers = gallery.locator("#viewer #image-tags form.chips .x")
    expect(removers).to_have_count(2)
    removers.first.press("Enter")
    expect(removers).to_have_count(1)
    expect(removers.first).to_be_focused()
    removers.first.press("Enter")
    expect(removers).to_have_count(0)
    expect(gallery.locator("#viewer #add-tags")).to_be_focused()
    gallery.keyboard.type("harbour,")
    gallery.locator("#viewer .add-tags button.btn").press("Enter")
    expect(removers).to_have_count(1)
    expect(gallery.locator("#viewer .add-tags button.btn")).to_be_focused()


def test_a_picture_that_goes_hands_the_focus_to_the_next_one(gallery):
    tiles(gallery).first.focus()
    follower = gallery.locator("li.tile").nth(1).get_attribute("id")
    gallery.keyboard.press("Delete")
    expect(tiles(gallery)).to_have_count(2)
    expect(gallery.locator(f"#{follower} > a[data-full]")).to_be_focused()
    tiles(gallery).first.press("Enter")
    expect(gallery.locator("#viewer .panel h1")).to_be_visible()
    gallery.keyboard.press("Delete")
    expect(tiles(gallery)).to_have_count(1)
    expect(gallery.locator("#viewer")).to_be_visible()
    assert gallery.evaluate("document.getElementById('viewer').contains(document.activeElement)")


@pytest.mark.parametrize("opener", ["[data-shortcuts]", "[data-opens=palette]"])
def test_a_dialog_that_closes_gives_the_focus_back(gallery, opener):
    gallery.locator(opener).first.press("Enter")
    expect(gallery.locator("dialog:modal")).to_be_visible()
    gallery.keyboard.press("Escape")
    expect(gallery.locator("dialog:modal")).to_be_hidden()
    expect(gallery.locator(opener).first).to_be_focused()
