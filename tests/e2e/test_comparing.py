"""One prompt on two models, followed and decided beside the form."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def form(page, home):
    """Generate, as a person with two connections."""
    home.manage("add_profile", home.name, "Second", "--provider", "demo")
    home.admit(page.context)
    page.goto(home.address + "/add/generate/")
    page.get_by_label("Prompt", exact=True).fill("a fox in the snow")
    page.locator("#compare-models summary").click()
    page.locator("#compare-models fieldset", has_text="Second").get_by_role("checkbox").first.check()
    expect(page.locator("#comparing")).to_have_text("Comparing 2")
    return page


def test_a_comparison_is_followed_and_decided_beside_the_form(form, complaints):  # noqa: F811
    form.get_by_role("button", name="Generate on 2 models").click()
    columns = form.locator("#session > article .cols > section")
    expect(columns).to_have_count(2)
    expect(form).to_have_url(re.compile(r"/add/generate/\?comparison="))
    expect(form.get_by_label("Prompt", exact=True)).to_have_value("a fox in the snow")

    expect(columns.locator("img:not(.preview)")).to_have_count(2, timeout=20_000)
    columns.nth(1).get_by_role("button", name="Keep that of").click()
    expect(columns.nth(1).get_by_role("button", name="Keep none")).to_be_visible()
    columns.nth(0).get_by_role("button", name="Discard that of").click()
    expect(columns.nth(0).get_by_text("In the trash")).to_be_visible()
    form.locator("#toasts").get_by_role("button", name="Undo").last.click()
    expect(columns.nth(0).get_by_role("button", name="Discard that of")).to_be_visible()

    form.reload()
    expect(columns).to_have_count(2)
    expect(form.get_by_role("button", name="Generate on 2 models")).to_be_visible()
    expect(form.get_by_label("Prompt", exact=True)).to_have_value("a fox in the snow")
    assert complaints == []


def test_after_a_single_picture_the_address_names_no_comparison(form, complaints):  # noqa: F811
    form.get_by_role("button", name="Generate on 2 models").click()
    expect(form).to_have_url(re.compile(r"comparison="))
    form.locator("[data-untick]").click()
    form.get_by_role("button", name="Generate 1 image").click()
    expect(form.locator("#session > article")).to_have_count(2)
    expect(form).to_have_url(re.compile(r"/add/generate/$"))
    expect(form.locator("#session > article").first.locator(".cols")).to_have_count(0)
    assert complaints == []
