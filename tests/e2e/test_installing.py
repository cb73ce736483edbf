"""The app of the device, in a browser: without a connection, with pictures that another app shares."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Home

pytestmark = pytest.mark.browser

# What the system's share sheet does, and what any page can do as well: a form with files.
SHARE = """async () => {
  const canvas = new OffscreenCanvas(40, 60);
  canvas.getContext("2d").fillRect(0, 0, 20, 20);
  const drawing = await canvas.convertToBlob();
  const chosen = new DataTransfer();
  chosen.items.add(new File([drawing], "shared.png", { type: "image/png" }));
  chosen.items.add(new File(["no picture"], "notes.txt", { type: "text/plain" }));
  const form = Object.assign(document.createElement("form"), { method: "post", action: "/add/share/" });
  form.enctype = "multipart/form-data";
  const input = Object.assign(document.createElement("input"), { type: "file", name: "file" });
  input.files = chosen.files;
  form.append(input);
  document.body.append(form);
  form.submit();
}"""
KEPT = """async () => {
  const names = await caches.keys();
  const found = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return found.flat().map((request) => new URL(request.url).pathname);
}"""

WAITING = """() => new Promise((resolve) => {
  const request = indexedDB.open("shared", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("files", { autoIncrement: true });
  request.onsuccess = () => {
    const asked = request.result.transaction("files").objectStore("files").count();
    asked.onsuccess = () => (request.result.close(), resolve(asked.result));
  };
})"""


@pytest.fixture
def ready(page, home):
    """A page of the library whose service worker is at work."""
    home.enter(page)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => 0)")
    page.reload()
    return page


def test_a_picture_that_is_shared_is_added_when_the_person_says_so(ready):
    ready.evaluate(SHARE)
    ready.wait_for_url("**/add/upload/")
    note = ready.get_by_text("Pictures shared from another app: 1")
    expect(note).to_be_visible()
    expect(ready.locator("[data-rows] li")).to_have_count(0)
    ready.get_by_role("button", name="Add them").click()
    expect(ready.locator("[data-rows] .pill--ok")).to_have_count(1)
    expect(note).to_be_hidden()
    ready.reload()
    expect(note).to_be_hidden()  # it was given out once


def test_pictures_that_wait_are_gone_after_a_log_out(ready, home, house):
    ready.context.clear_cookies()
    ready.evaluate(SHARE)
    ready.wait_for_url("**/login/**")
    home.enter(ready)
    assert ready.evaluate(WAITING) == 1
    ready.goto(home.address + "/logout/")
    ready.get_by_role("button", name="Log out").click()
    ready.wait_for_url("**/login/")
    assert ready.evaluate(WAITING) == 0
    Home(*house).enter(ready)
    ready.goto(home.address + "/add/upload/")
    expect(ready.get_by_role("heading", name="Add images")).to_be_attached()
    expect(ready.get_by_text("Pictures shared from another app")).to_be_hidden()


def test_without_a_connection_the_screen_stays_and_changes_wait(ready, home):
    ready.goto(home.address + "/settings/appearance/")
    ready.context.set_offline(True)
    message = ready.get_by_text("Changes wait until the connection is back.")
    expect(message).to_be_visible()
    ready.locator("label", has_text="Dark").click()
    ready.get_by_role("button", name="Save").first.click()
    expect(ready.get_by_role("heading", name="Appearance")).to_be_visible()
    ready.context.set_offline(False)
    expect(ready.locator("html")).to_have_attribute("data-theme", "dark")
    expect(message).to_be_hidden()


def test_a_page_that_cannot_be_had_says_so_and_nothing_private_is_kept(ready, home):
    ready.goto(home.address + "/characters/")
    ready.context.set_offline(True)
    assert ready.goto(home.address + "/queue/").status == 503
    expect(ready.get_by_role("heading", name="You are offline")).to_be_visible()
    ready.context.set_offline(False)
    ready.get_by_role("link", name="Try again").click()
    expect(ready.get_by_role("heading", name="Queue", exact=True)).to_be_visible()
    assert sorted(ready.evaluate(KEPT)) == ["/away/", "/offline/"]


def test_a_part_that_fails_is_told_in_the_words_of_its_page(ready, home):
    ready.goto(home.address + "/characters/")
    ready.evaluate("() => htmx.ajax('GET', '/no/such/page/', '#main')")
    toast = ready.locator("#toasts .toast--bad")
    expect(toast).to_have_text(
        re.compile("This page isn’t in the gallery. It may have been deleted for good")
    )
    expect(ready.get_by_role("heading", name="Characters")).to_be_visible()
