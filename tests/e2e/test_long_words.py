"""Every page in German, whose words are longer, where there is the least room for them."""

import pytest

from tests.e2e.test_every_page import MORE, OVER, PIECES, SETTLED, furnished

__all__ = ["furnished"]  # a fixture
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]

# Letters in percent of their size, and pixels of the screen.
ROOMS = ((100, 320), (100, 390), (200, 390), (200, 1280))
LETTERS = "(percent) => (document.documentElement.style.fontSize = `${percent}%`)"
CUT = """() => [...document.querySelectorAll(
  "h1, h2, h3, legend, label, summary, th, .btn, .chip, .seg > *, .pill, .tok, .navi, .row, .tabbar > *"
)].filter((element) => {
  const { display } = getComputedStyle(element);
  return element.checkVisibility() && display !== "inline" && element.clientWidth > 1
    && element.scrollWidth > element.clientWidth + 1 && !element.closest(".trunc");
}).map((element) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 160))"""


@pytest.fixture
def german(browser, furnished):
    context = browser.new_context(locale="de-DE", reduced_motion="reduce")
    furnished[0].admit(context)
    yield context.new_page()
    context.close()


def faults_of(page) -> list[str]:
    found = []
    for percent, width in ROOMS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(LETTERS, percent)
        page.evaluate(SETTLED)
        if (over := page.evaluate(OVER)) > 0:
            found.append(f"{over} px too wide at {width} px, {percent} %")
        found += [f"cut at {width} px, {percent} %: {what}" for what in page.evaluate(CUT)]
    return found


def test_no_word_is_cut_off(german, furnished):
    home, addresses = furnished
    faults = []
    for name, address in (addresses | MORE).items():
        if name in PIECES:
            continue
        german.goto(home.address + address)
        assert german.locator("html").get_attribute("lang") == "de"
        faults += [f"{name}: {fault}" for fault in faults_of(german)]
    assert not faults, "\n".join(faults)
