"""What opens over the gallery, as readers need it: viewer, bar, popovers and dialogs, in both themes."""

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.test_every_page import theme_faults

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEYS = {"#shortcuts": "?", "#palette": "Control+k", "#viewer": "Enter", "#bulk": "x", "#bulk-tags": "t"}
BUTTONS = ("facets", "orders", "bulk-more")


@pytest.fixture
def gallery(browser, home, tmp_path):
    pictures = (picture_bytes(f"#4080{number:02x}", (240, 360)) for number in range(3))
    home.import_pictures(tmp_path / "pictures", pictures)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    home.enter(page)
    yield page
    context.close()


def test_what_a_key_opens_has_no_fault(gallery):
    faults = []
    for opened, key in KEYS.items():
        gallery.locator(".tile > a[data-full]").first.focus()
        gallery.keyboard.press(key)
        expect(gallery.locator(opened)).to_be_visible()
        faults += [(opened, *fault) for fault in theme_faults(gallery)]
        if opened not in ("#bulk", "#bulk-tags"):
            gallery.keyboard.press("Escape")
            expect(gallery.locator(opened)).to_be_hidden()
    assert faults == []


def test_what_a_button_opens_has_no_fault(gallery):
    faults = []
    for opened in BUTTONS:
        if opened == "bulk-more":  # in the bar of what is chosen
            gallery.locator(".tile > a[data-full]").first.focus()
            gallery.keyboard.press("x")
        gallery.locator(f"[popovertarget={opened}]").first.click()
        expect(gallery.locator(f"#{opened}")).to_be_visible()
        faults += [(opened, *fault) for fault in theme_faults(gallery)]
        gallery.keyboard.press("Escape")
        expect(gallery.locator(f"#{opened}")).to_be_hidden()
    assert faults == []
