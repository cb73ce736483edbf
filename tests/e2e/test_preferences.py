"""The screens for those who see other colours than ours, or want nothing to move."""

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = ("/", "/add/generate/", "/add/upload/", "/queue/", "/characters/", "/settings/connections/")
WITHOUT_EDGE = """() => [...document.querySelectorAll("button, .btn, input, select, textarea, .chip")]
  .filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    const { borderTopWidth, borderBottomWidth, outlineStyle } = getComputedStyle(element);
    const framed = parseFloat(borderTopWidth) && parseFloat(borderBottomWidth);
    return element.checkVisibility({ opacityProperty: true }) && width > 2 && height > 2
      && !framed && outlineStyle === "none";
  }).map((element) => element.outerHTML.slice(0, 120))"""
MOVING = """() => [...document.querySelectorAll("*")].filter((element) => {
  const { transitionDuration, animationDuration } = getComputedStyle(element);
  return [transitionDuration, animationDuration].some((all) =>
    all.split(",").some((one) => parseFloat(one) * (one.includes("ms") ? 1 : 1000) > 1));
}).map((element) => element.outerHTML.slice(0, 120))"""
FRAME = "(tile) => getComputedStyle(tile).outlineStyle + getComputedStyle(tile).outlineWidth"


@pytest.fixture
def open_as(browser, home, tmp_path):
    """Opens a page for a person with three pictures and such preferences."""
    home.import_pictures(
        tmp_path / "pictures", [picture_bytes(f"#4080{n:02x}", (240, 360)) for n in range(3)]
    )
    contexts = []

    def visit(**preferences):
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}, **preferences))
        home.admit(contexts[-1])
        return contexts[-1].new_page()

    yield visit
    for context in contexts:
        context.close()


def test_everything_that_can_be_pressed_has_an_edge_in_forced_colours(open_as, home):
    page, faults = open_as(forced_colors="active"), []
    for path in PAGES:
        page.goto(home.address + path)
        faults += [(path, what) for what in page.evaluate(WITHOUT_EDGE)]
    assert faults == []


def test_a_chosen_picture_is_told_apart_in_forced_colours(open_as, home):
    page = open_as(forced_colors="active")
    page.goto(home.address + "/")
    page.locator(".tile > a[data-full]").first.focus()
    page.keyboard.press("x")
    page.locator(".tile:has(.pick :checked)").wait_for()
    chosen, other = (page.locator(".tile:has(.pick)").nth(n).evaluate(FRAME) for n in (0, 1))
    assert chosen == "solid3px"
    assert other != chosen


def test_nothing_moves_for_those_who_want_that(open_as, home):
    page, faults = open_as(reduced_motion="reduce"), []
    for path in PAGES:
        page.goto(home.address + path)
        faults += [(path, what) for what in page.evaluate(MOVING)]
    assert faults == []


def test_arrows_point_the_other_way_where_one_reads_from_right_to_left(open_as, home):
    page = open_as()
    page.goto(home.address + "/")
    page.locator(".tile > a[data-full]").nth(1).click()
    arrow = page.locator("#viewer .nav.prev .i")
    expect(arrow).to_have_css("scale", "none")
    page.evaluate("document.documentElement.dir = 'rtl'")
    expect(arrow).to_have_css("scale", "-1 1")
