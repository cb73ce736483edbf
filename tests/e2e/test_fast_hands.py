"""The palette, the keys and their list, and files that are dropped anywhere, in a real browser."""

import base64

import pytest
from playwright.sync_api import expect

from gallery.navigation.shortcuts import SHORTCUTS
from tests.conftest import picture_bytes
from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READ_SHEET = """() => [...document.querySelectorAll("#shortcuts h3")].flatMap((heading) =>
  [...heading.nextElementSibling.querySelectorAll("dt")].map((term) =>
    [heading.textContent, term.textContent, term.nextElementSibling.textContent]))"""
DROP = """([kind, pictures]) => {
  const transfer = new DataTransfer();
  for (const [name, data] of pictures) {
    const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
  }
  const event = new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.querySelector("h1").dispatchEvent(event);
}"""


@pytest.fixture
def gallery(page, home, tmp_path):
    """The gallery of a person with two pictures of Mira, who is pinned."""
    colors = ("#408020", "#804020")
    pictures = [picture_bytes(color, (400, 600)) for color in colors]
    home.import_pictures(tmp_path / "pictures", pictures, "--tag", "character:Mira Vale")
    home.admit(page.context)
    page.goto(home.address + "/characters/")
    page.get_by_role("link", name="Mira Vale").first.click()
    page.get_by_role("button", name="Pin to the side bar").click()
    page.goto(home.address + "/")
    return page


def options(page):
    return page.locator("#palette [role=option]")


def test_the_palette_does_what_the_menus_do(gallery, complaints):  # noqa: F811
    gallery.locator(".tile a[data-full]").first.focus()
    gallery.keyboard.press("x")
    gallery.keyboard.press("Control+k")
    expect(options(gallery).first).to_have_text("Tag1 selected T")
    gallery.keyboard.type("favour")
    expect(options(gallery).first).to_contain_text("Favourite1 selected")
    gallery.keyboard.press("Escape")
    expect(gallery.locator("#palette")).to_be_hidden()
    expect(gallery.locator(".tile a[data-full]").first).to_be_focused()
    expect(gallery.locator(".pick input:checked")).to_have_count(1)

    gallery.keyboard.press("Control+k")
    gallery.keyboard.type("mi")
    gallery.keyboard.press("Enter")
    gallery.wait_for_url("**/add/generate/?tags=character**")

    prompt = gallery.locator("textarea[name=prompt]")
    prompt.press_sequentially("h")
    expect(prompt).to_have_value("h")
    gallery.keyboard.press("Control+k")
    gallery.keyboard.type("hide")
    expect(options(gallery).first).to_contain_text("Hide or show all pictures")
    gallery.keyboard.press("Enter")
    expect(gallery.locator("html")).to_have_attribute("data-hidden", "")
    gallery.keyboard.press("Control+k")
    gallery.keyboard.type("dark th")
    expect(options(gallery).first).to_contain_text("Dark theme")
    gallery.keyboard.press("Enter")
    expect(gallery.locator("html")).to_have_attribute("data-theme", "dark")
    assert "/add/generate/?tags=" in gallery.url
    assert complaints == []


def sheet(page):
    """What the sheet behind "?" lists: where, which key, what it does."""
    page.locator("body").press("?")
    listed = {tuple(line) for line in page.evaluate(READ_SHEET)}
    page.keyboard.press("Escape")
    return listed


def test_the_sheets_of_all_pages_are_the_list_in_the_settings(gallery, home, complaints):  # noqa: F811
    image = gallery.locator(".tile a[data-full]").first.get_attribute("href")
    found = sheet(gallery)
    gallery.locator(".tile a[data-full]").first.focus()
    gallery.keyboard.press("Control+a")
    gallery.get_by_role("button", name="Compare", exact=True).click()
    gallery.wait_for_url("**/compare/**")
    gallery.get_by_role("link", name="Slider").click()
    found |= sheet(gallery)
    for where in (image, "/add/generate/"):
        gallery.goto(home.address + where.removeprefix(home.address))
        found |= sheet(gallery)
    listed = {(str(each.group), " then ".join(each.strokes), str(each.label)) for each in SHORTCUTS}
    assert found == listed
    assert complaints == []


def test_single_keys_are_switched_off_and_letters_lead_to_pages(gallery, home, complaints):  # noqa: F811
    gallery.keyboard.press("g")
    gallery.keyboard.press("q")
    gallery.wait_for_url("**/queue/")

    gallery.goto(home.address + "/settings/keyboard/")
    gallery.get_by_label("Use single keys").uncheck()
    gallery.get_by_role("button", name="Save").click()
    expect(gallery.get_by_role("status").first).to_contain_text("Single keys do nothing any more.")
    for key in ("h", "?", "g", "q", "a"):
        gallery.keyboard.press(key)
    gallery.keyboard.press("Control+k")
    expect(gallery.locator("#palette")).to_be_visible()
    gallery.keyboard.press("Escape")
    gallery.get_by_role("button", name="Keyboard shortcuts").click()
    assert {key for _, key, _ in gallery.evaluate(READ_SHEET)} == {"Ctrl K"}
    assert gallery.locator("html[data-hidden]").count() == 0
    assert gallery.url.endswith("/settings/keyboard/")
    assert complaints == []


def test_files_dropped_on_any_page_are_added(gallery, complaints):  # noqa: F811
    pictures = [
        (f"{color[1:]}.png", base64.b64encode(picture_bytes(color)).decode())
        for color in ("#102030", "#302010")
    ]
    gallery.evaluate(DROP, ["dragover", pictures])
    over = "getComputedStyle(document.body, '::after').content"
    assert gallery.evaluate(over) == '"Drop to add to your gallery"'
    gallery.evaluate(DROP, ["drop", pictures])
    gallery.wait_for_url("**/add/upload/")
    expect(gallery.locator("li[data-state=added]")).to_have_count(2)
    assert complaints == []
