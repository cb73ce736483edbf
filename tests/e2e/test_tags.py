"""Faces and merging, by hand and by key, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.test_browser import complaints  # noqa: F401  a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def cast(page, home, tmp_path):
    """The cast of a person with a picture of Mira and one of Wren."""
    for color, name in (("#408020", "Mira"), ("#804020", "Wren")):
        home.import_pictures(
            tmp_path / name, [picture_bytes(color, (400, 600))], "--tag", f"character:{name}"
        )
    home.admit(page.context)
    page.goto(home.address + "/characters/")
    return page


def box(page):
    """Left, top and side of the square that is shown."""
    left, top, side, _ = map(float, page.locator("svg.crop").get_attribute("viewBox").split())
    return left, top, side


def test_a_face_is_cropped_by_key_and_by_hand(cast, complaints):  # noqa: F811
    cast.get_by_role("link", name="Mira").click()
    cast.get_by_role("link", name="Choose an avatar for Mira").click()
    cast.locator("a.person").click()
    assert box(cast) == (0, 100, 1000)

    cast.locator("svg.crop").focus()
    for key in ("+", "ArrowRight", "ArrowDown"):
        cast.keyboard.press(key)
    left, top, side = box(cast)
    assert side < 1000
    assert left > (1000 - side) / 2
    shown = cast.locator("svg.crop").bounding_box()
    cast.mouse.move(shown["x"] + 100, shown["y"] + 100)
    cast.mouse.down()
    cast.mouse.move(shown["x"] + 100, shown["y"] + 60, steps=4)
    cast.mouse.up()
    assert box(cast)[1] > top
    cast.get_by_role("button", name="Use as avatar").click()

    expect(cast.get_by_role("status")).to_contain_text("Mira has a new avatar now.")
    assert cast.locator(".hero svg.face").count() == 1
    cast.get_by_role("button", name="Undo").click()
    expect(cast.get_by_role("status")).to_contain_text("the avatar from before")
    assert complaints == []


def test_a_merge_names_one_known_tag(cast, complaints):  # noqa: F811
    cast.get_by_role("link", name="Wren").click()
    cast.get_by_role("button", name="More for Wren").click()
    cast.get_by_role("link", name="Merge into…").click()
    field = cast.get_by_label("Merge into")

    field.press_sequentially("unheard")
    cast.wait_for_timeout(600)
    expect(cast.get_by_role("option")).to_have_count(0)
    field.fill("")
    field.press_sequentially("mi")
    expect(cast.get_by_role("option")).to_have_text(["Mira1"])
    field.press("Enter")
    cast.get_by_role("button", name="Show what would happen").click()
    expect(cast.locator(".note")).to_contain_text("“Wren” (1) goes into “Mira” (1). 0 images have both")
    cast.get_by_role("button", name="Merge", exact=True).click()

    expect(cast.get_by_role("heading", level=1)).to_have_text("Mira")
    expect(cast.get_by_text("also Wren")).to_be_visible()
    assert complaints == []


def test_who_types_before_the_script_is_there_goes_on(cast, complaints):  # noqa: F811
    held = []
    cast.route("**/tag-input.*.js", lambda route: held.append(route))
    cast.goto(cast.url.replace("/characters/", "/add/upload/"), wait_until="commit")
    field = cast.locator("tag-input input").first
    field.press_sequentially("dawn, bl")
    held[0].continue_()
    expect(cast.locator("tag-input .tok")).to_have_text(["dawn"])
    cast.keyboard.type("ue")
    entry = cast.locator("tag-input input[type=text]")
    expect(entry).to_be_focused()
    expect(entry).to_have_value("blue")
    assert complaints == []
