"""The grid and the viewer over it, by hand and by key, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.conftest import Home
from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHIFTS = """
new PerformanceObserver((list) => {
  const entries = list.getEntries().filter((entry) => !entry.hadRecentInput);
  window.shifted = entries.reduce((sum, entry) => sum + entry.value, window.shifted ?? 0);
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="module")
def ninety(house, tmp_path_factory):
    """A person with ninety pictures of several shapes."""
    home = Home(*house)
    shapes = ((240, 360) if number % 3 else (360, 200) for number in range(90))
    pictures = (picture_bytes(f"#4080{number:02x}", size) for number, size in enumerate(shapes))
    home.import_pictures(tmp_path_factory.mktemp("ninety") / "pictures", pictures)
    return home


@pytest.fixture
def gallery(page, ninety):
    page.add_init_script(SHIFTS)
    ninety.enter(page)
    page.wait_for_load_state("networkidle")
    return page


def tiles(page):
    return page.locator("ul.grid > li.tile")


def open_tile(page, number):
    tiles(page).nth(number).locator("a").click()
    expect(page.locator("#viewer .panel h1")).to_be_visible()


def test_grid_loads_on_while_scrolling_and_nothing_moves(gallery):
    for _ in range(30):
        gallery.mouse.wheel(0, 200)
        gallery.wait_for_timeout(60)

    expect(tiles(gallery)).to_have_count(90)
    ids = tiles(gallery).evaluate_all("tiles => tiles.map((tile) => tile.id)")
    assert len(set(ids)) == 90
    assert gallery.evaluate("window.shifted ?? 0") <= 0.01


def test_viewer_gives_the_place_back(gallery, complaints):  # noqa: F811
    address = gallery.url
    tiles(gallery).nth(40).scroll_into_view_if_needed()
    place = gallery.evaluate("scrollY")
    open_tile(gallery, 40)
    for number in (42, 43):
        gallery.keyboard.press("ArrowRight")
        expect(gallery.locator("[data-position]")).to_have_text(f"{number} of 90")
    assert "/images/" in gallery.url

    gallery.keyboard.press("Escape")

    expect(gallery.locator("#viewer")).to_be_hidden()
    assert gallery.url == address
    assert abs(gallery.evaluate("scrollY") - place) < 300
    assert tiles(gallery).nth(42).locator("a").evaluate("link => link === document.activeElement")
    gallery.go_forward()
    expect(gallery.locator("#viewer")).to_be_visible()
    gallery.go_back()
    expect(gallery.locator("#viewer")).to_be_hidden()
    assert complaints == []


def test_favourites_agree_in_grid_and_viewer(gallery):
    heart = tiles(gallery).nth(1).locator(".fav")
    other = {"true": "false", "false": "true"}[heart.get_attribute("aria-pressed")]
    open_tile(gallery, 1)
    gallery.keyboard.press("f")
    expect(gallery.locator("#viewer [data-favourite]")).to_have_attribute("aria-pressed", other)
    gallery.keyboard.press("Escape")
    expect(heart).to_have_attribute("aria-pressed", other)


def test_trash_in_the_viewer_steps_on_and_undo_brings_the_tile_back(gallery):
    gone = tiles(gallery).nth(2).get_attribute("id")
    open_tile(gallery, 2)
    gallery.keyboard.press("#")

    expect(tiles(gallery)).to_have_count(89)
    expect(gallery.locator("#viewer .stage")).not_to_have_attribute("data-image", gone.removeprefix("image-"))
    gallery.get_by_role("button", name="Undo").click()
    expect(gallery.get_by_text("is back in the gallery")).to_be_visible()
    expect(tiles(gallery).nth(2)).to_have_attribute("id", gone)


def test_tags_are_suggested_and_saved(gallery):
    open_tile(gallery, 0)
    gallery.keyboard.press("t")
    gallery.keyboard.type("character:Mirel,forest,")
    gallery.get_by_role("button", name="Add", exact=True).click()
    expect(gallery.locator("#image-tags form.chips")).to_contain_text("Mirel")

    gallery.keyboard.press("ArrowRight")
    expect(gallery.locator("[data-position]")).to_have_text("2 of 90")
    gallery.keyboard.press("t")
    gallery.keyboard.type("mir")
    expect(gallery.get_by_role("option").first).to_contain_text("Mirel")
    gallery.keyboard.press("Enter")
    gallery.get_by_role("button", name="Add", exact=True).click()
    expect(gallery.locator("#image-tags form.chips")).to_contain_text("Mirel")


def test_arrows_move_in_the_grid_which_is_one_tab_stop(gallery):
    assert gallery.locator(".tile > a[tabindex='0']").count() == 1
    tiles(gallery).nth(0).locator("a").focus()
    gallery.keyboard.press("ArrowRight")
    assert tiles(gallery).nth(1).locator("a").evaluate("link => link === document.activeElement")
    gallery.keyboard.press("ArrowDown")
    top = "link => link.getBoundingClientRect().top"
    assert gallery.locator(":focus").evaluate(top) > tiles(gallery).nth(1).locator("a").evaluate(top)
