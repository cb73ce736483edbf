"""Generate beside other tabs and models: what is typed stays, what is begun shows, and rest is silent."""

import pytest
from playwright.sync_api import expect

from tests.e2e.test_browser import complaints  # noqa: F401  a fixture
from tests.fake_vendors.automatic1111 import FakeAutomatic1111

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def at_home(page, home):
    """Generate, as a person who has a server at home beside the demo."""
    with FakeAutomatic1111() as fake:
        options = ["--provider", "automatic1111", "--base-url", fake.url, "--model", "sdxl_base", "--default"]
        home.manage("add_profile", home.name, "Home", *options)
        home.admit(page.context)
        page.goto(home.address + "/add/generate/")
        yield page


def test_another_model_keeps_text_seed_and_focus(at_home, complaints):  # noqa: F811
    page = at_home
    page.get_by_label("Prompt", exact=True).fill("a fox in the snow")
    page.locator("#more-options summary").click()
    page.get_by_label("Seed").fill("4711")
    page.locator("#model-chosen").click()
    page.locator("#picker fieldset", has_text="Demo").locator(".picker-row").first.click()
    page.get_by_label("Prompt", exact=True).focus()
    page.keyboard.press("End")
    expect(page.locator("#model-chosen")).to_contain_text("Demo")
    page.keyboard.type(" at night")

    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a fox in the snow at night")
    expect(page.get_by_label("Seed")).to_have_value("4711")
    assert complaints == []


def test_what_one_tab_begins_shows_in_the_other_and_rest_is_silent(page, home, complaints):  # noqa: F811
    home.admit(page.context)
    page.goto(home.address + "/queue/")
    other = page.context.new_page()
    other.goto(home.address + "/add/generate/")
    other.get_by_label("Prompt", exact=True).fill("a fox in the snow")
    other.keyboard.press("Control+Enter")
    expect(other.locator("#session article")).to_have_count(1)

    expect(page.get_by_text("a fox in the snow").first).to_be_visible(timeout=3_000)
    expect(page.locator("main .pill").first).to_have_text("Done", timeout=20_000)
    expect(other.locator("#session .pill").first).to_have_text("Done")
    expect(page.locator("main .qi img")).to_be_visible()
    expect(other.locator("#session .tile img")).to_be_visible()
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(5_000)  # more than twice as long as between two questions while something runs
    assert [address for address in asked if "/media/" not in address] == []
    assert complaints == []
