"""Choosing pictures in a real browser, and what is done to them."""

import re
import zipfile

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.conftest import Home
from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURES = 70  # more than one page of the grid


@pytest.fixture(scope="module")
def library(house, tmp_path_factory):
    """A person with PICTURES pictures."""
    home = Home(*house)
    pictures = (picture_bytes(f"#40{number:02x}80", (240, 360)) for number in range(PICTURES))
    home.import_pictures(tmp_path_factory.mktemp("selection") / "pictures", pictures)
    return home


@pytest.fixture
def page(context, library):
    page = context.new_page()
    library.enter(page)
    return page


def ticked(page):
    return page.locator(".pick input:checked")


def test_boxes_ranges_and_keys_choose_and_escape_clears(page, complaints):  # noqa: F811
    tiles = page.locator(".tile > a[data-full]")
    tiles.nth(1).focus()
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(ticked(page)).to_have_count(3)

    tiles.nth(6).click(modifiers=["Shift"])
    expect(page.locator("[data-count]")).to_have_text("6 selected")
    page.keyboard.press("Escape")
    expect(ticked(page)).to_have_count(0)
    expect(page.locator("#bulk")).to_be_hidden()

    page.locator(".pick input").nth(0).check(force=True)
    page.locator(".pick").nth(3).click(modifiers=["Shift"], force=True)
    expect(ticked(page)).to_have_count(4)
    assert complaints == []


def test_ctrl_a_pressed_twice_means_all_of_the_search(page, complaints):  # noqa: F811
    page.locator(".tile > a[data-full]").first.focus()
    page.keyboard.press("Control+a")
    boxes = page.locator(".pick input")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(boxes).to_have_count(PICTURES)  # more have come, which are not ticked
    page.keyboard.press("Control+a")
    expect(page.locator("[data-count]")).to_have_text(f"All {PICTURES} are selected")
    expect(ticked(page)).to_have_count(PICTURES)
    assert complaints == []


def test_tags_of_the_selection_are_counted_added_and_taken_off(page, complaints):  # noqa: F811
    page.locator(".tile > a[data-full]").first.focus()
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("t")
    popover = page.locator("#bulk-tags")
    expect(popover.locator("input[type=text]")).to_be_focused()
    page.keyboard.type("lantern")
    expect(popover.locator("[role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(popover.locator("li.row", has_text="lantern")).to_contain_text("2 of 2")
    expect(page.locator("#toasts")).to_contain_text("Added “lantern” to 2 images.")

    popover.get_by_role("button", name="Remove lantern from all").click()
    expect(popover).to_contain_text("None of them has a tag yet.")
    popover.get_by_text("Done").click()
    expect(popover).to_be_hidden()
    assert complaints == []


def test_trash_and_its_undo_leave_everything_in_its_place(page, complaints):  # noqa: F811
    order = page.locator(".tile").evaluate_all("tiles => tiles.map((tile) => tile.id)")
    page.locator(".tile > a[data-full]").nth(2).focus()
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("#")
    expect(page.locator(f"#{order[2]}")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Moved 2 images to the trash.")

    page.keyboard.press("z")
    expect(page.locator(f"#{order[3]}")).to_have_count(1)
    assert page.locator(".tile").evaluate_all("tiles => tiles.map((tile) => tile.id)")[:5] == order[:5]
    assert complaints == []


def test_all_of_the_search_is_asked_for_counted_and_downloaded(page, tmp_path, complaints):  # noqa: F811
    page.locator(".tile > a[data-full]").first.focus()
    page.keyboard.press("Control+a")
    expect(page.locator("[data-count]")).to_have_text(re.compile(r"^\d+ selected"))
    page.keyboard.press("Control+a")
    expect(page.locator("[data-count]")).to_have_text(f"All {PICTURES} are selected")

    page.keyboard.press("#")
    dialog = page.locator("#bulk-ask")
    expect(dialog).to_contain_text(f"Move {PICTURES} images to the trash?")
    dialog.get_by_text("Cancel").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as file:
        assert (len(file.namelist()), file.testzip()) == (PICTURES, None)
    assert complaints == []


def test_the_bar_works_without_script(browser, library):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    library.enter(page)
    expect(page.locator("#bulk")).to_be_hidden()

    page.locator(".pick input").nth(0).check(force=True)
    page.locator(".pick input").nth(1).check(force=True)
    page.get_by_role("button", name="Favourite", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Made 2 images favourites.")
    page.goto(library.address + "/history/")
    page.get_by_role("button", name="Undo: Made 2 images favourites.").click()
    expect(page.get_by_text("Undone: made 2 images favourites.").first).to_be_visible()
    context.close()
