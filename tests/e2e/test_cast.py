"""The cast in the prompt box: completed at the caret, shown as it will be sent, filed under who is named."""

import pytest
from playwright.sync_api import expect

from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_names_are_completed_and_what_will_be_sent_is_shown(page, home, complaints):  # noqa: F811
    home.admit(page.context)
    page.goto(home.address + "/characters/")
    page.get_by_label("Name").fill("Mirel")
    page.get_by_role("button", name="New character").click()
    page.get_by_role("link", name="New fragment").click()
    page.get_by_label("Name").fill("Body")
    page.get_by_label("Text").fill("long silver hair")
    page.get_by_role("button", name="Save").click()

    page.goto(home.address + "/add/generate/")
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.press_sequentially("A lantern, ")
    page.get_by_role("group", name="Insert").get_by_role("button", name="Character").click()
    prompt.press_sequentially("mir")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Mirel")
    prompt.press("Enter")
    prompt.press_sequentially(" waits")
    expect(prompt).to_have_value("A lantern, @Mirel waits")
    page.get_by_text("What will be sent").click()
    expect(page.locator("#receipt .sent")).to_have_text("A lantern, Mirel (long silver hair) waits")
    prompt.press_sequentially(" @Nobody")
    expect(page.locator("#receipt .sent")).to_have_text("A lantern, Mirel (long silver hair) waits @Nobody")

    prompt.press("Control+Enter")
    picture = page.locator("#session img")
    expect(picture).to_have_count(1, timeout=40_000)
    page.locator("#session a:has(img)").click()
    expect(page.get_by_role("link", name="Character Mirel")).to_be_visible()
    page.get_by_role("link", name="As sent").click()
    expect(page.locator("#prompt-text")).to_have_text("A lantern, Mirel (long silver hair) waits @Nobody")
    assert complaints == []
