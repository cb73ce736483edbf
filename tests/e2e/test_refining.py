"""Refining in a real browser: turn by turn, with a model that remembers and with the demo."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.test_browser import complaints  # noqa: F401  a fixture
from tests.fake_vendors.google import FakeGoogle

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANDA = "a red panda under a lamp"


@pytest.fixture
def vendor():
    with FakeGoogle() as fake:
        yield fake


@pytest.fixture
def connected(page, home, vendor):
    """A person with a connection to Google beside the demo."""
    home.admit(page.context)
    options = ["--provider", "google", "--base-url", vendor.url, "--api-key-env", "GOOGLE_KEY", "--default"]
    home.manage("add_profile", home.name, "Google", *options)
    return page


def generate(page, home, prompt):
    """Make one picture with the default connection, and open its page."""
    page.goto(home.address + "/add/generate/?tags=character:Mirel")
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_role("button", name=re.compile("^Generate 1")).click()
    picture = page.locator("#session .tile a").first
    expect(picture).to_be_visible(timeout=20_000)
    picture.click()


def say(page, words, turn):
    page.get_by_label("What should change?").fill(words)
    page.get_by_label("What should change?").press("Control+Enter")
    bubble = page.locator(f"#turn-{turn}")
    expect(bubble).to_contain_text(words)
    expect(bubble.locator(".tile img")).to_be_visible(timeout=20_000)


def test_a_picture_is_refined_in_a_chat(connected, home, vendor, complaints):  # noqa: F811
    page = connected
    generate(page, home, PANDA)
    page.get_by_role("link", name="Refine in a chat").click()
    expect(page.get_by_text("has all turns in mind")).to_be_visible()
    say(page, "now in snow", 1)
    expect(page).to_have_url(re.compile("/chats/.*-refining-a-red-panda-under-a-lamp/refine/"))
    expect(page.locator("#talk-source")).to_contain_text("turn 1")
    say(page, "and at night", 2)
    contents = vendor.requests[-1].json["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user"]
    assert all(
        part["thoughtSignature"]
        for turn in (1, 3)
        for part in contents[turn]["parts"]
        if "inlineData" in part
    )
    expect(page.locator("#talk-sum")).to_contain_text("2 turns")
    page.locator("#turn-1").get_by_role("link", name="Go on from here").click()
    say(page, "in summer instead", 3)
    expect(page.locator("#turn-3")).to_contain_text("Goes on from turn 1")
    assert len(vendor.requests[-1].json["contents"]) == 5
    page.get_by_role("link", name="Refining: a red panda under a lamp").click()
    page.get_by_role("link", name="Show the stack of 4").click()
    expect(page.locator("ul.grid .tile")).to_have_count(4)
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_label("What should change?")).to_be_visible()
    assert complaints == []


def test_a_picture_is_refined_without_script(browser, connected, home):
    generate(connected, home, PANDA)
    plain = browser.new_context(java_script_enabled=False, storage_state=connected.context.storage_state())
    page = plain.new_page()
    page.goto(connected.url)
    page.get_by_role("link", name="Refine in a chat").click()
    page.get_by_label("What should change?").fill("now in snow")
    page.get_by_role("button", name=re.compile("Generate 1")).click()
    expect(page.locator("#turn-1 .tile img")).to_be_visible(timeout=20_000)
    expect(page.locator("#talk-source")).to_contain_text("turn 1", timeout=20_000)
    plain.close()


def test_the_demo_goes_on_as_well(page, home):
    home.admit(page.context)
    generate(page, home, "a lighthouse")
    page.get_by_role("link", name="Refine in a chat").click()
    say(page, "in a storm", 1)
    expect(page.locator("#talk-sum")).to_contain_text("1 turn")
