"""Stacks, stars by key, the slideshow, hidden and covered pictures, and comparing, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def gallery(page, home, tmp_path):
    """The gallery of a person with six pictures."""
    pictures = (picture_bytes(f"#4080{number:02x}", (240, 360)) for number in range(6))
    home.import_pictures(tmp_path / "pictures", pictures)
    home.enter(page)
    page.wait_for_load_state("networkidle")
    page.set_default_timeout(8_000)
    return page


def tiles(page):
    return page.locator("ul.grid > li.tile")


def select(page, *numbers):
    for number in numbers:
        tiles(page).nth(number).locator("a[data-full]").focus()
        page.keyboard.press("x")


def open_tile(page, number):
    tiles(page).nth(number).locator("a[data-full]").click()
    expect(page.locator("#viewer .panel h1")).to_be_visible()


def test_a_stack_is_made_unfolded_chosen_and_walked_through(gallery, complaints):  # noqa: F811
    select(gallery, 0, 1, 2)
    gallery.get_by_role("button", name="More").click()
    gallery.get_by_role("button", name="Make a stack").click()

    expect(tiles(gallery)).to_have_count(4)
    badge = tiles(gallery).first.locator("[data-stack]")
    expect(badge).to_contain_text("3")
    badge.click()
    expect(tiles(gallery)).to_have_count(6)
    badge.click()
    expect(tiles(gallery)).to_have_count(4)

    select(gallery, 0)
    count = gallery.locator("[data-count]")
    expect(count).to_have_text("3 selected, with a whole stack")
    badge.click()
    expect(tiles(gallery)).to_have_count(6)
    expect(count).to_have_text("3 selected")
    badge.click()
    expect(count).to_have_text("3 selected, with a whole stack")
    gallery.keyboard.press("#")
    expect(gallery.get_by_text("Moved 3 images to the trash.")).to_be_visible()
    expect(tiles(gallery)).to_have_count(3)
    gallery.keyboard.press("z")
    expect(tiles(gallery)).to_have_count(4)

    open_tile(gallery, 0)
    current = gallery.locator("#viewer .film [aria-current]")
    expect(current).to_have_text("3")
    gallery.keyboard.press("[")
    expect(current).to_have_text("2")
    gallery.keyboard.press("4")
    expect(gallery.locator("#viewer [data-star][aria-pressed=true]")).to_have_count(4)
    assert complaints == []


def test_slideshow_goes_on_until_escape(gallery):
    gallery.keyboard.press("s")
    gallery.locator("#viewer [data-seconds='3']").click()
    expect(gallery.locator("[data-position]")).to_have_text("2 of 6", timeout=8000)
    gallery.keyboard.press("Escape")

    expect(gallery.locator("#viewer .viewer--play")).to_have_count(0)
    expect(gallery.locator("#viewer")).to_be_visible()


def test_hidden_pictures_stay_hidden_everywhere(gallery, context):
    gallery.keyboard.press("h")
    expect(gallery.locator("html")).to_have_attribute("data-hidden", "")
    expect(gallery).to_have_title("Vignette")

    other = context.new_page()
    other.goto(gallery.url)
    expect(other).to_have_title("Vignette")
    assert "blur" in other.locator(".tile img").nth(3).evaluate("image => getComputedStyle(image).filter")
    other.keyboard.press("h")
    expect(other).to_have_title("Gallery · Vignette")


def test_covered_pictures_are_shown_one_by_one(gallery):
    select(gallery, 0, 1)
    gallery.get_by_role("button", name="More").click()
    gallery.get_by_role("button", name="Mark as sensitive").click()
    expect(gallery.get_by_role("status").filter(has_text="sensitive")).to_be_visible()
    gallery.reload()

    def is_covered(number):
        style = "image => getComputedStyle(image).filter"
        return "blur" in tiles(gallery).nth(number).locator("img").evaluate(style)

    assert (is_covered(0), is_covered(2)) == (True, False)
    tiles(gallery).first.get_by_text("Show", exact=True).click()
    assert (is_covered(0), is_covered(1)) == (False, True)


def test_two_pictures_are_compared_with_one_zoom(gallery, complaints):  # noqa: F811
    select(gallery, 0, 3)
    gallery.get_by_role("button", name="Compare", exact=True).click()
    gallery.get_by_role("link", name="Slider").click()
    sides = gallery.locator(".cmp-side")
    expect(sides).to_have_count(2)

    gallery.locator("[data-cmp=zoom]").fill("300")
    sides.first.hover(position={"x": 60, "y": 100})
    gallery.mouse.wheel(0, 150)
    gallery.wait_for_timeout(200)
    first, second = sides.evaluate_all("sides => sides.map((side) => side.scrollTop)")
    assert first == second > 0
    assert complaints == []
