"""Every page as somebody may need it: read aloud, in both themes, at any width, in large letters."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.conftest import Home
from tests.e2e.test_viewer import SHIFTS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]
PARTS = 3  # of the walk, which can be walked at once
WIDTHS = (195, 320, 360, 390, 480, 640, 768, 900, 1024, 1280, 1440, 1920, 2560)
PIECES = {"generate-pick", "generate-shelf", "tag-suggest", "prompt-complete", "search-suggest"}  # of pages
MORE = {
    "nothing found": "/?q=nothing-like-this",
    "a broken search": "/?q=(character:Mirel+is:lost",
    "no such page": "/nothing/",
}
AXE = Axe()
STRICT = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}  # 24 pixels
COLOURS = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}  # all that a theme changes
WAYS = {
    "as it is": ("", WIDTHS),
    "mirrored": ("document.documentElement.dir = 'rtl'", (390, 1280)),
    "large letters": (
        "Object.assign(document.documentElement, { dir: 'ltr' }).style.fontSize = '200%'",
        (390, 1280),
    ),
}
SETTLED = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
}"""
OVER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def furnished(house):
    """A person who has one of everything, and the addresses of all pages by the names of their routes."""
    home = Home(*house)
    return home, json.loads(home.manage("furnish", home.name))


@pytest.fixture
def still(browser, furnished):
    """A browser of that person in which nothing moves by itself, so that nothing is seen half-way."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.add_init_script(SHIFTS)
    furnished[0].admit(context)
    yield context.new_page()
    context.close()


def axe_faults(page, options) -> list:
    """What axe finds that is more than minor: the rule, and where."""
    found = AXE.run(page, options=options).response["violations"]
    return [
        (one["id"], [node["html"][:140] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] != "minor"
    ]


def theme_faults(page) -> list:
    faults = axe_faults(page, STRICT)
    page.emulate_media(color_scheme="dark")
    page.evaluate(SETTLED)
    faults += [("dark", *fault) for fault in axe_faults(page, COLOURS)]
    page.emulate_media(color_scheme="light")
    return faults


def width_faults(page) -> list:
    """Where the page has to be pushed sideways."""
    faults = []
    for way, (change, widths) in WAYS.items():
        page.evaluate(change)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate(OVER) > 0:
                page.wait_for_timeout(400)  # what follows the width by script or by a transition has its time
            if (over := page.evaluate(OVER)) > 0:
                faults.append((way, f"{over} px too wide at {width} px"))
    page.set_viewport_size({"width": 1440, "height": 900})
    return faults


def rest_faults(page) -> list:
    shifted = page.evaluate("window.shifted ?? 0")
    return [("moved", shifted)] if shifted > 0.01 else []


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_for_everyone(still, furnished, part):
    home, addresses = furnished
    faults, complaints, pieces = [], [], set()
    still.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    for name, address in list((addresses | MORE).items())[part::PARTS]:
        answer = still.goto(home.address + address)
        if "<html" not in answer.text()[:200]:
            pieces.add(name)
        else:
            found = (*rest_faults(still), *theme_faults(still), *width_faults(still))
            faults += [f"{name}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)
    assert pieces <= PIECES
    assert [
        text for text in complaints if "status of 40" not in text
    ] == []  # what is not there, and not allowed


LOW = """() => [...document.querySelectorAll(".btn, .navi, .row, .seg > *")].filter((element) => {
  const { width, height } = element.getBoundingClientRect();
  return element.checkVisibility() && width && height < 43.5;
}).map((element) => element.outerHTML.slice(0, 140))"""


def test_what_a_finger_meets_is_as_high_as_a_finger_is_wide(browser, furnished):
    home, addresses = furnished
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    home.admit(context)
    page, faults = context.new_page(), {}
    for name in ("index", "image", "add-generate", "queue", "character", "connections", "searches", "trash"):
        page.goto(home.address + addresses[name])
        if low := page.evaluate(LOW):
            faults[name] = low
    context.close()
    assert faults == {}
