"""Editing in a real browser: masks by mouse, finger and key, references, and pictures seen on their way."""

import io
import json
import re
import urllib.request

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.client import ApiClient
from tests.e2e.conftest import Home, Server, running
from tests.e2e.hands import Hands
from tests.e2e.test_browser import complaints  # noqa: F401  a fixture
from tests.fake_vendors.openai import FakeOpenAI

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTH, HEIGHT = 600, 900


@pytest.fixture
def vendor():
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def studio(page, home, vendor, tmp_path):
    """The gallery of a person with three pictures and a connection to OpenAI."""
    fill(home, vendor, tmp_path)
    home.enter(page)
    return page


def fill(home, vendor, tmp_path):
    pictures = (picture_bytes(f"#4060{number * 60:02x}", (WIDTH, HEIGHT)) for number in range(3))
    home.import_pictures(tmp_path / "pictures", pictures)
    options = ["--provider", "openai", "--base-url", vendor.url, "--api-key-env", "OPENAI_KEY", "--default"]
    home.manage("add_profile", home.name, "OpenAI", *options)


def edit_newest(page):
    page.locator("ul.grid > li.tile a").first.click()
    page.locator("#viewer").get_by_role("link", name="Edit with words").click()
    expect(page.get_by_label("What should change?")).to_be_visible()


def open_brush(page):
    page.get_by_role("button", name="Paint what changes").click()
    canvas = page.locator("mask-painter canvas")
    expect(canvas).to_be_visible()
    canvas.hover(trial=True)  # its dialog has come to rest
    return canvas


def at(canvas, x, y):
    """A place on the screen, from parts of the picture's width and height."""
    box = canvas.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def paint(page, canvas, *places):
    page.mouse.move(*at(canvas, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(canvas, *place), steps=5)
    page.mouse.up()


def painted(page):
    """The mask in the form: whether it is white at a place."""
    value = page.locator("input[name=mask]").input_value()
    if not value:
        return None
    with urllib.request.urlopen(value) as answer:  # a data URL
        mask = Image.open(io.BytesIO(answer.read())).convert("L")
    return lambda x, y: mask.getpixel((int(x * mask.width), int(y * mask.height))) > 128


def close_brush(page):
    page.locator("mask-painter").get_by_role("button", name="Done").click()
    expect(page.locator("#mask-dialog")).to_be_hidden()


def test_a_painted_mask_arrives_at_the_vendor_and_the_result_is_a_version(studio, vendor, complaints):  # noqa: F811
    edit_newest(studio)
    canvas = open_brush(studio)
    paint(studio, canvas, (0.3, 0.3), (0.7, 0.3))
    close_brush(studio)
    expect(studio.get_by_text("% of the picture is painted")).to_be_visible()
    studio.get_by_label("What should change?").fill("a hat")
    studio.get_by_role("button", name=re.compile("Generate 1")).click()
    expect(studio.locator("#session .tile img")).to_have_count(1, timeout=30_000)

    request = vendor.requests[-1]
    parts = {part.name: part for part in request.parts}
    assert request.path == "/v1/images/edits"
    assert parts["image"].content.startswith(b"\x89PNG")
    hole = Image.open(io.BytesIO(parts["mask"].content))
    assert (hole.mode, hole.size) == ("RGBA", (WIDTH, HEIGHT))
    alpha = {
        place: hole.getpixel((int(place[0] * WIDTH), int(place[1] * HEIGHT)))[3]
        for place in ((0.5, 0.3), (0.35, 0.3), (0.5, 0.6), (0.05, 0.05))
    }
    assert alpha == {(0.5, 0.3): 0, (0.35, 0.3): 0, (0.5, 0.6): 255, (0.05, 0.05): 255}

    studio.locator("#session .tile a").click()
    expect(studio.get_by_role("heading", name="Came from")).to_be_visible()
    expect(studio.locator(".film--panel a")).to_have_count(1)
    studio.locator(".film--panel a").click()
    expect(studio.locator(".film--panel a")).to_have_count(1)  # and down again
    assert complaints == []


def test_the_brush_erases_inverts_and_takes_steps_back(studio):
    edit_newest(studio)
    canvas = open_brush(studio)
    brush = studio.locator("mask-painter")
    paint(studio, canvas, (0.5, 0.5), (0.5, 0.6))
    assert painted(studio)(0.5, 0.5)
    brush.get_by_text("Erase").click()
    paint(studio, canvas, (0.5, 0.5), (0.5, 0.6))
    assert painted(studio) is None or not painted(studio)(0.5, 0.55)
    brush.get_by_role("button", name="Undo").click()
    assert painted(studio)(0.5, 0.55)
    brush.get_by_role("button", name="Invert").click()
    assert (painted(studio)(0.5, 0.55), painted(studio)(0.1, 0.1)) == (False, True)
    brush.get_by_role("button", name="Undo").click()
    brush.get_by_role("button", name="Redo").click()
    assert painted(studio)(0.1, 0.1)
    brush.get_by_role("button", name="Clear").click()
    assert painted(studio) is None
    brush.get_by_role("button", name="Undo").click()
    close_brush(studio)
    brush.get_by_role("button", name="Take away").click()
    assert painted(studio) is None


def test_the_brush_works_by_key(studio):
    edit_newest(studio)
    canvas = open_brush(studio)
    canvas.focus()
    for key in (" ", *["ArrowRight"] * 6, " ", *["ArrowDown"] * 12):
        studio.keyboard.press(key)
    assert painted(studio)(0.5, 0.5)
    assert painted(studio)(0.6, 0.5)
    assert not painted(studio)(0.6, 0.7)


def test_the_brush_works_by_finger_on_a_phone(browser, home, vendor, tmp_path):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    fill(home, vendor, tmp_path)
    home.enter(page)
    edit_newest(page)
    canvas = open_brush(page)
    page.touchscreen.tap(*at(canvas, 0.25, 0.25))
    assert painted(page)(0.25, 0.25)
    assert not painted(page)(0.75, 0.75)
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert over <= 0
    context.close()


def test_the_mask_outlives_another_model_and_a_mistake(studio):
    edit_newest(studio)
    canvas = open_brush(studio)
    paint(studio, canvas, (0.5, 0.5), (0.6, 0.5))
    close_brush(studio)
    studio.locator("#model-chosen").click()
    studio.locator(".picker-row", has_text="GPT Image 2.5 Sunburst").click()
    expect(studio.locator("#model-chosen")).to_contain_text("2.5 Sunburst")
    expect(studio.get_by_text("% of the picture is painted")).to_be_visible()
    studio.get_by_role("button", name=re.compile("Generate 1")).click()
    expect(studio.get_by_text("Write what the picture should show.")).to_be_visible()
    expect(studio.get_by_text("% of the picture is painted")).to_be_visible()
    assert painted(studio)(0.55, 0.5)
    open_brush(studio)
    studio.locator("mask-painter").get_by_role("button", name="Invert").click()
    assert not painted(studio)(0.55, 0.5)


def test_references_come_from_the_gallery_from_files_and_by_drop(studio, vendor, complaints):  # noqa: F811
    studio.goto(studio.url.split("/?")[0].rstrip("/") + "/add/generate/")
    studio.get_by_role("button", name="from the gallery").click()
    choices = studio.locator(".pick")
    expect(choices).to_have_count(3)
    for number in (0, 2):
        choices.nth(number).click()
        expect(choices.nth(number)).to_have_attribute("aria-pressed", "true")
    studio.locator("#pick").get_by_role("button", name="Done").click()
    rows = studio.locator("#references ol > li")
    expect(rows).to_have_count(2)
    file = {"name": "new.png", "mimeType": "image/png", "buffer": picture_bytes("#a0b0c0", (64, 64))}
    studio.locator("#reference-files input").set_input_files([file])
    expect(rows).to_have_count(3)
    drop(studio, picture_bytes("#c0b0a0", (64, 64)))
    expect(rows).to_have_count(4)
    assert "/add/generate/" in studio.url  # not carried to the upload page
    second = rows.nth(1).get_attribute("id")
    rows.nth(1).get_by_role("button", name="Move image 2 up").click()
    expect(rows.nth(0)).to_have_attribute("id", second)
    rows.nth(2).get_by_role("button", name="Take image 3 away").click()
    expect(rows).to_have_count(3)

    studio.get_by_label("Prompt", exact=True).fill("all of them together")
    studio.get_by_role("button", name=re.compile("Generate 1")).click()
    expect(studio.locator("#session .tile img")).to_have_count(1, timeout=30_000)
    assert [part.name for part in vendor.requests[-1].parts if part.file_name] == ["image[]"] * 3
    assert complaints == []


def drop(page, data):
    page.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
          const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer });
          document.querySelector("#main").dispatchEvent(event);
        }""",
        list(data),
    )


def test_pictures_are_seen_while_they_are_drawn(studio, complaints):  # noqa: F811
    studio.goto(studio.url.split("/?")[0].rstrip("/") + "/add/generate/")
    studio.get_by_label("Prompt", exact=True).fill("a fox FAKE_PAUSES")
    studio.locator("#more-options summary").click()
    studio.get_by_label("Live previews").check()
    expect(studio.locator("#generate-foot")).to_contain_text("$")
    studio.get_by_role("button", name=re.compile("Generate 1")).click()
    previews = studio.locator("#session img.preview")
    expect(previews.first).to_be_visible(timeout=15_000)
    assert previews.first.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1024
    expect(previews).to_have_count(2, timeout=15_000)
    expect(studio.locator("#session .tile a img")).to_have_count(1, timeout=15_000)
    expect(previews).to_have_count(0)
    assert complaints == []


def test_a_program_follows_a_generation_by_its_events(studio, home):
    token = home.manage("create_api_token", home.name).strip().splitlines()[-1]
    api = ApiClient(home.address, token)
    wish = {"prompt": "a fox FAKE_PAUSES", "stream": True, "size": "1024x1024", "quality": "low"}
    status, asked = api.call("POST", "/generations", wish)
    assert status == 202, asked
    events = list(follow(f"{api.root}/generations/{asked['id']}/events", token))
    names = [name for name, _ in events]
    assert names[0] == "status"
    assert names.count("partial") == 2
    assert names.index("partial") < names.index("image") < names.index("done")
    assert names[-1] == "done"
    assert events[-1][1]["status"] == "done"
    path = dict(events)["partial"]["url"].removeprefix("/api/v1")
    assert api.call("GET", path)[1][8:12] == b"WEBP"


def follow(address, token):
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        name = ""
        for line in answer:
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text[7:]
            elif text.startswith("data: "):
                yield name, json.loads(text[6:])


@pytest.fixture
def own_server(tmp_path, vendor):
    key = {"OPENAI_KEY": "sk-test-0123456789abcdef"}
    with running(Server(tmp_path, ALLOWED_PRIVATE_HOSTS=vendor.allowed[0], **key)) as server:
        yield server


@pytest.fixture
def own_home(own_server):
    hands = Hands(own_server.environment)
    yield Home(own_server, hands)
    hands.stop()


def test_a_server_with_an_open_stream_stops_at_once(own_server, own_home, vendor, tmp_path):
    fill(own_home, vendor, tmp_path)
    token = own_home.manage("create_api_token", own_home.name).strip().splitlines()[-1]
    api = ApiClient(own_server.address, token)
    _, asked = api.call("POST", "/generations", {"prompt": "a fox FAKE_PAUSES", "stream": True})
    events = follow(f"{api.root}/generations/{asked['id']}/events", token)
    assert next(events)[0] == "status"
    assert own_server.stop() == 0
    assert "Cancel 1 running task" not in own_server.log.read_text()


def test_editing_works_without_script(browser, home, vendor, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    fill(home, vendor, tmp_path)
    home.enter(page)
    page.locator("ul.grid > li.tile a").first.click()
    page.get_by_role("link", name="Edit with words").click()
    page.get_by_label("What should change?").fill("make it night")
    page.get_by_role("button", name=re.compile("Generate")).click()
    page.goto(home.address + "/queue/")
    expect(page.get_by_text("make it night").first).to_be_visible()
    expect(page.locator("main img").first).to_be_visible(timeout=30_000)
    assert vendor.requests[-1].path == "/v1/images/edits"
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_editing_has_no_serious_accessibility_fault(browser, home, vendor, tmp_path, scheme):
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    fill(home, vendor, tmp_path)
    home.enter(page)
    edit_newest(page)
    faults = []
    for opener, closer in (
        (None, None),
        ("from the gallery", "#pick"),
        ("Paint what changes", "#mask-dialog"),
    ):
        if opener:
            page.get_by_role("button", name=opener).click()
            page.wait_for_load_state("networkidle")
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in {"moderate", "serious", "critical"}:
                nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                faults.append((opener, violation["id"], nodes))
        if closer:
            page.locator(closer).get_by_role("button", name="Done").click()
    context.close()
    assert faults == []
