"""What no walk of a member's pages meets: doors, errors, comparisons; and what opens elsewhere."""

import pytest
from playwright.sync_api import expect

from tests.e2e.test_every_page import furnished, theme_faults

__all__ = ["furnished"]  # a fixture
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

DOORS = ("/login/", "/signup/", "/offline/", "/nothing/", "/setup/wrong/", "/?q=x")
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Where, on what, what is pressed, and what opens.
OPENED = (
    ("/", WIDE, "[popovertarget=months]", "#months"),
    ("/?q=Mirel", WIDE, "[popovertarget=save-search]", "#save-search"),
    ("character", WIDE, "[popovertarget=tag-menu]", "#tag-menu"),
    ("connection", WIDE, "[commandfor=delete]", "#delete"),
    ("trash", WIDE, "[data-opens]:not([data-opens=palette])", "dialog:modal"),
    ("add-generate", WIDE, "#picker > summary", "#picker[open]"),
    ("/", PHONE, "[popovertarget=more]", "#more"),
    ("/", PHONE, "[popovertarget=view-options]", "#view-options"),
)


@pytest.fixture
def open_in(browser):
    contexts = []

    def new(language="en", **rest):
        contexts.append(browser.new_context(locale=language, viewport=WIDE, reduced_motion="reduce", **rest))
        return contexts[-1].new_page()

    yield new
    for context in contexts:
        context.close()


@pytest.mark.parametrize("language", ["en", "de"])
def test_doors_and_errors_are_for_everyone(open_in, house, language):
    page, faults = open_in(language), []
    for path in DOORS:
        page.goto(house[0].address + path)
        faults += [(path, *fault) for fault in theme_faults(page)]
    assert faults == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_pictures_side_by_side_and_the_main_pages_are_for_everyone(open_in, furnished, language):
    home, addresses = furnished
    page, faults = open_in(language), []
    home.admit(page.context)
    page.goto(home.address + "/")
    ids = [box.get_attribute("value") for box in page.locator(".pick input").all()][:2]
    assert len(ids) == 2
    side = f"/compare/?ids={ids[0].split('+')[0]}&ids={ids[1].split('+')[0]}"
    main = [addresses[name] for name in ("image", "add-generate", "character", "connection", "comparison")]
    for path in (side, side + "&view=over", "/compare/", *main):
        page.goto(home.address + path)
        faults += [(path, *fault) for fault in theme_faults(page)]
    assert faults == []


def test_what_opens_has_no_fault(open_in, furnished):
    home, addresses = furnished
    page, faults = open_in(), []
    home.admit(page.context)
    for where, size, opener, opened in OPENED:
        page.set_viewport_size(size)
        page.goto(home.address + addresses.get(where, where))
        if where == "trash" and not page.locator(opener).count():
            continue  # there is nothing in it to delete
        page.locator(opener).first.click()
        expect(page.locator(opened)).to_be_visible()
        faults += [(opened, *fault) for fault in theme_faults(page)]
    assert faults == []
