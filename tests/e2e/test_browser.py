"""The main job in a real browser, as a new person does it."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.e2e.conftest import Server, running
from tests.e2e.test_main_job import pictures_zip

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "moonlit-harbour"


@pytest.fixture
def server(tmp_path, picture_server):
    host = picture_server.removeprefix("http://")
    with running(Server(tmp_path, ALLOWED_PRIVATE_HOSTS=host)) as server:
        yield server


@pytest.fixture
def complaints(page):
    """What the browser complained about: blocked by the policy, broken scripts, failed requests."""
    found = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def set_up(page, server):
    page.goto(server.setup_link())
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, again").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="Go on").click()
    page.get_by_role("link", name="Skip for now").click()


def upload(page, home, count):
    page.goto(home.address + "/add/upload/?tags=chat:The+Long+Night")
    files = [
        {
            "name": f"{number}.png",
            "mimeType": "image/png",
            "buffer": picture_bytes(f"#40{number:02x}80", (240, 360)),
        }
        for number in range(count)
    ]
    page.locator("input[type=file]").first.set_input_files(files)
    expect(page.locator("[data-rows] .pill--ok")).to_have_count(count)


def import_addresses(page, server, picture_server):
    page.goto(server.address + "/add/import/")
    page.get_by_label("Web addresses").fill(f"{picture_server}/1.png\n{picture_server}/2.png")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Done").first).to_be_visible(timeout=20_000)


def import_archive(page, server):
    page.goto(server.address + "/add/import/")
    file = {"name": "album.zip", "mimeType": "application/zip", "buffer": pictures_zip(20)}
    page.get_by_label("Archive").set_input_files(file)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Done").first).to_be_visible(timeout=30_000)


def generate(page, home):
    page.goto(home.address + "/add/generate/?tags=character:Mirel")
    page.get_by_label("Prompt", exact=True).fill("Mirel on a lighthouse, storm coming in")
    page.locator("label", has=page.locator("input[name=n][value='4']")).click()
    page.get_by_role("button", name=re.compile("Generate 4")).click()


def test_a_new_person_fills_a_library(page, context, server, picture_server, complaints):
    set_up(page, server)
    expect(page).to_have_url(server.address + "/")
    upload(page, server, 3)
    import_addresses(page, server, picture_server)
    import_archive(page, server)

    generate(page, server)
    tiles = page.locator("#session img")
    expect(tiles).to_have_count(4, timeout=40_000)

    page.goto(server.address + "/")
    expect(page.locator("ul.grid > li.tile")).to_have_count(26)  # the four of one generation on a stack
    page.goto(server.address + "/?q=lighthouse")
    page.get_by_role("link", name="Show the stack of 4").click()
    expect(page.locator("ul.grid > li.tile")).to_have_count(4)
    page.goto(server.address + "/characters/")
    page.get_by_role("link", name=re.compile("Mirel")).first.click()
    expect(page.get_by_role("heading", name="Mirel")).to_be_visible()
    expect(page.get_by_role("link", name="Show the stack of 4")).to_be_visible()
    assert complaints == []


def test_a_picture_shows_itself_after_a_reload_a_restart_and_in_another_tab(page, context, server):
    set_up(page, server)
    generate(page, server)
    expect(page.locator("#session .frame, #session [data-job], #session article").first).to_be_visible()
    other = context.new_page()
    other.goto(server.address + "/queue/")
    server.kill()
    server.start()
    page.reload()
    expect(page.locator("#session img")).to_have_count(4, timeout=60_000)
    other.reload()
    expect(other.locator("main img")).to_have_count(4, timeout=30_000)


def test_a_double_click_is_one_generation(page, home):
    home.admit(page.context)
    page.goto(home.address + "/add/generate/")
    page.get_by_label("Prompt", exact=True).fill("a fox")
    page.get_by_role("button", name=re.compile("Generate")).dblclick()
    expect(page.locator("#session img")).to_have_count(1, timeout=40_000)
    page.goto(home.address + "/queue/")
    expect(page.locator("main img")).to_have_count(1)


def test_tags_are_taken_from_the_suggestions_or_as_typed(page, home):
    home.admit(page.context)
    page.goto(home.address + "/characters/")
    page.get_by_label("Name").fill("Mirel")
    page.get_by_role("button", name="New character").click()
    page.goto(home.address + "/add/upload/")
    field, sent = page.get_by_label("Tag all of these"), page.locator("input[name=tags]")
    field.press_sequentially("character:Mire")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Mirel")
    expect(page.get_by_role("option").last).to_contain_text("Create character “Mire”")
    field.press("Enter")
    expect(sent).to_have_value("character:Mirel")
    page.get_by_role("button", name="Remove Mirel").click()
    field.fill("character:mire")
    field.press("Enter")  # before the list is there
    expect(sent).to_have_value("character:Mirel")
    field.press_sequentially("one,MIREL,")
    expect(sent).to_have_value("character:Mirel, one")
    field.blur()  # and back at once: leaving must not close the list that is being asked for
    field.press_sequentially("lantern")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Create tag “lantern”")
    field.press("Enter")
    expect(sent).to_have_value("character:Mirel, one, lantern")


SHIFTS = """new PerformanceObserver((list) => {
  for (const { hadRecentInput, value } of list.getEntries()) {
    if (!hadRecentInput) window.shifted = (window.shifted ?? 0) + value;
  }
}).observe({ type: "layout-shift", buffered: true })"""


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_moves_while_a_job_is_sent_and_runs(page, home, width):
    home.admit(page.context)
    page.add_init_script(SHIFTS)
    page.set_viewport_size({"width": width, "height": 844})

    def late(route):
        if route.request.method == "POST":
            time.sleep(1)  # longer than a browser excuses what a press has moved
        route.continue_()

    page.route("**/add/generate/", late)
    page.goto(home.address + "/add/generate/")
    for count in (1, 2):
        page.get_by_label("Prompt", exact=True).fill("a fox in the snow")
        page.get_by_role("button", name=re.compile("Generate")).click()
        expect(page.locator("#coming")).to_be_visible()
        expect(page.locator("#session img")).to_have_count(count, timeout=40_000)
        expect(page.locator("#coming")).to_have_count(0)
    expect(page.locator("#session .pill").first).to_have_text("Done")
    assert page.evaluate("window.shifted ?? 0") <= 0.01


def test_a_heading_of_the_queue_does_not_outlive_its_jobs(page, home):
    home.admit(page.context)
    page.goto(home.address + "/add/generate/")
    page.get_by_label("Prompt", exact=True).fill("a fox")
    page.get_by_role("button", name=re.compile("Generate")).click()
    expect(page.locator("#session article")).to_have_count(1)
    expect(page.locator("#coming")).to_have_count(0)  # the server has it; what was there held its place
    page.goto(home.address + "/queue/")
    expect(page.get_by_role("heading", name="Just finished")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("heading", name="Running")).to_have_count(0)
    expect(page.locator("main .pill").first).to_have_text("Done")


OTHERS = ("/admin/", "/admin/gallery/image/", "/admin/gallery/connectionprofile/add/", "/api/v1/docs")


def test_no_page_of_others_breaks_the_policy(page, home, complaints):
    """Ours are looked at in test_every_page.py."""
    home.admit(page.context)
    for path in OTHERS:
        page.goto(home.address + path)
    assert complaints == []
