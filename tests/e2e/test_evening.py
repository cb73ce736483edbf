"""A writer's evening: a cast, one scene at three vendors, a grid that outlives a kill, and the bills.

Everything over real HTTP. The fakes keep their own till, so that what the library says was spent is held
against what the vendors charged, to the last digit.
"""

import base64
import csv
import http.cookiejar
import io
import re
import sqlite3
import urllib.parse
import urllib.request
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import picture_bytes
from tests.e2e.client import ApiClient
from tests.e2e.conftest import Server, running
from tests.e2e.test_main_job import make_account
from tests.fake_vendors.google import FakeGoogle
from tests.fake_vendors.openai import FakeOpenAI
from tests.fake_vendors.xai import FakeXAI

pytestmark = [pytest.mark.slow, pytest.mark.thorough, pytest.mark.timeout(300)]

SCENE = "@Mirel:winter cloak meets @Corin and @me under a #lantern, @Nobody watches"
ASKED = {"persona": "Ada Vane", "chat": "The Long Night", "tags": ["dusk"]}
LONG = "long silver hair in a loose braid, pale grey eyes, and a thin scar across the left cheek"
OVER = {"done", "partial", "refused", "failed", "unknown", "cancelled"}
MILLION = Decimal(1_000_000)


# --- Three vendors, each with a till ---------------------------------------------------------------


class Till:
    """Adds up what a fake charges for its own answers, in US dollars."""

    def __init__(self):
        super().__init__()
        self.bills: list[Decimal] = []

    def answer(self, request, step):
        reply = super().answer(request, step)
        if request.method == "POST":
            self.bills.append(self.charge(reply.body))
        return reply


class OpenAI(Till, FakeOpenAI):
    def charge(self, body):
        """GPT Image 2.6, US dollars per million tokens: text 5, pictures 8, what is drawn 30."""
        seen = body["usage"]["input_tokens_details"] if "usage" in body else {}
        read = 5 * seen.get("text_tokens", 0) + 8 * seen.get("image_tokens", 0)
        return (read + 30 * (body["usage"]["output_tokens"] if seen else 0)) / MILLION

    def sent(self, request):
        texts = {part.name: part.content.decode() for part in request.parts if part.file_name is None}
        return texts["prompt"], [part.content for part in request.parts if part.file_name]


class XAI(Till, FakeXAI):
    def charge(self, body):
        return Decimal(body.get("usage", {}).get("cost_in_usd_ticks", 0)) / 10**10

    def sent(self, request):
        pictures = [base64.b64decode(one["url"].partition(",")[2]) for one in request.json["images"]]
        return request.json["prompt"], pictures


class Google(Till, FakeGoogle):
    def charge(self, body):
        """Nano Banana 2.1, per million tokens: what is read 1.50, words and thoughts 7.50, pictures 30."""
        told = body["usageMetadata"]
        by_kind = {row["modality"]: row["tokenCount"] for row in told["candidatesTokensDetails"]}
        words = by_kind["TEXT"] + told["thoughtsTokenCount"]
        read = Decimal("1.5") * told["promptTokenCount"]
        return (read + Decimal("7.5") * words + 30 * by_kind["IMAGE"]) / MILLION

    def sent(self, request):
        parts = request.json["contents"][-1]["parts"]
        pictures = [base64.b64decode(part["inlineData"]["data"]) for part in parts if "inlineData" in part]
        return "".join(part.get("text", "") for part in parts), pictures


CONNECTIONS = {
    "OpenAI": (OpenAI, "openai", "", "sk-good-0123456789abcdef", "gpt-image-2.6-flare"),
    "xAI": (XAI, "xai", "", "xai-good-0123456789abcdef", "grok-imagine-image-2.0"),
    "Google": (Google, "google", "/v1beta", "AQ.good-0123456789", "gemini-nano-banana-2.1"),
}


@pytest.fixture
def vendors():
    with ExitStack() as stack:
        yield {name: stack.enter_context(row[0]()) for name, row in CONNECTIONS.items()}


@pytest.fixture
def server(tmp_path, vendors):
    allowed = ",".join(vendor.allowed[0] for vendor in vendors.values())
    with running(Server(tmp_path, ALLOWED_PRIVATE_HOSTS=allowed)) as server:
        make_account(server)
        yield server


@pytest.fixture
def api(server):
    return ApiClient(server.address, server.manage("create_api_token", "ada").strip().splitlines()[-1])


def posted(api, path, body=None, *, method="POST"):
    status, answer = api.call(method, path, body)
    assert status in (200, 201, 202), answer
    return answer


def connect(api, vendors):
    for name, (_, provider, path, key, model) in CONNECTIONS.items():
        address = vendors[name].url + path
        row = {"name": name, "provider": provider, "base_url": address, "api_key": key}
        profile = posted(api, "/profiles", row | {"default_model": model})
        assert api.get(f"/profiles/{profile['id']}/models")["source"] == "live"


# --- The evening ----------------------------------------------------------------------------------


def test_a_writers_evening_adds_up_to_the_cent(server, api, vendors):
    connect(api, vendors)
    write_the_cast(api)
    for name, vendor in vendors.items():
        what_is_shown_is_what_arrives(api, name, vendor)
    what_is_shortened_is_shown(api)
    compare(api, vendors)
    fill_a_grid_through_a_kill(server, api, vendors["OpenAI"])
    bill = sum((sum(vendor.bills) for vendor in vendors.values()), Decimal(0))
    the_library_knows_the_bill(api, bill)
    the_pages_know_it_too(server, bill)


def write_the_cast(api):
    """Two characters, a look, a persona: with words for long and short prompts, and canon pictures."""
    tag = lambda **row: posted(api, "/tags", row)["id"]  # noqa: E731
    mirel, corin = tag(kind="character", name="Mirel"), tag(kind="character", name="Corin")
    cloak = tag(kind="look", name="winter cloak", parent=mirel)
    ada = tag(kind="persona", name="Ada Vane")
    tag(kind="tag", name="lantern")
    short = [{"max_chars": 40, "text": "silver hair, a scar"}]
    for key, name, use, text, tiers in [
        (mirel, "Body", "always", LONG, short),
        (mirel, "Freckles", "never", "freckles", []),
        (cloak, "Cloak", "always", "a heavy cloak of grey wool", []),
        (corin, "Body", "always", LONG.replace("silver", "red"), short),
        (corin, "Lute", "demand", "a lute on his back", []),
        (ada, "Body", "always", "a woman with ink on her fingers", []),
    ]:
        row = {"name": name, "use": use, "text": text, "tiers": tiers}
        posted(api, f"/tags/{key}/fragments", row)
    files = {f"{number}.png": picture_bytes(f"#4060{number * 20:02x}", (96, 128)) for number in range(7)}
    stored = [image["id"] for image in api.send_files("/images", "file", files)[1]["items"]]
    for key, pack in [(cloak, stored[:2]), (corin, stored[2:6]), (ada, stored[6:])]:
        posted(api, f"/tags/{key}/references", {"images": pack}, method="PUT")


def what_is_shown_is_what_arrives(api, name, vendor):
    wish = {"prompt": SCENE, "profile": name} | ASKED
    shown = posted(api, "/generations/preview", wish)
    assert vendor.posts == 0  # nothing is sent for it
    made = posted(api, "/generations", wish)
    made = api.wait(f"/generations/{made['id']}", lambda row: row["status"] in OVER)
    assert (made["status"], made["prompt"], vendor.posts) == ("done", SCENE, 1)
    text, pictures = vendor.sent(vendor.last)
    assert text == shown["prompt_sent"] == made["prompt_sent"] == "".join(p["text"] for p in shown["pieces"])
    originals = [api.call("GET", f"/images/{row['id']}/original")[1] for row in shown["references"]]
    assert pictures == originals
    assert (made["params"], made["estimated_cost_usd"]) == (shown["params"], shown["estimated_cost_usd"])
    assert LONG in text
    assert "a heavy cloak of grey wool" in text
    assert "@Nobody" in text
    assert "Avoid: freckles" in text
    assert "lute" not in text
    assert len(pictures) == (5 if name == "xAI" else 7)
    picture = api.get(f"/images/{made['images'][0]['id']}")
    wanted = {"Mirel", "winter cloak", "Corin", "Ada Vane", "The Long Night", "lantern", "dusk"}
    assert {tag["name"] for tag in picture["tags"]} == wanted


def what_is_shortened_is_shown(api):
    """Where the model has no room for the whole cast, both give way, and it is said."""
    whole = posted(api, "/generations/preview", {"prompt": SCENE, "profile": "OpenAI"})["prompt_sent"]
    wish = {"prompt": SCENE + "." * (32_100 - len(whole)), "profile": "OpenAI"}
    shown = posted(api, "/generations/preview", wish)
    assert shown["prompt_sent"].count("silver hair, a scar") == 2
    assert len(shown["prompt_sent"]) <= 32_000
    said = {(row["from"], row["reason"]) for row in shown["left_out"]}
    reason = "Shortened: the model takes 32,000 characters."
    assert {("character:Mirel", reason), ("character:Corin", reason)} <= said


def compare(api, vendors):
    """Three vendors at once. One draws, and bills for it, but shows nothing; of the others one is kept."""
    pairs = [{"profile": name} for name in CONNECTIONS]
    row = posted(api, "/comparisons", {"prompt": SCENE + " FAKE_MODERATED_ITEM", "profiles": pairs} | ASKED)
    path = f"/comparisons/{row['id']}"
    row = api.wait(path, lambda row: all(made["status"] in OVER for made in row["generations"]))
    states = {made["provider"]: made["status"] for made in row["generations"]}
    assert states == {"openai": "done", "xai": "refused", "google": "done"}
    assert Decimal(row["cost_usd"]) == sum(vendor.bills[-1] for vendor in vendors.values())
    google = next(made for made in row["generations"] if made["provider"] == "google")
    posted(api, path + "/keep", {"generation": google["id"]})
    assert api.get("/comparisons")["items"][0]["kept"] == google["id"]


def fill_a_grid_through_a_kill(server, api, vendor):
    """Three colours in four shapes. The server is killed while four of them are drawn."""
    before, drawn = vendor.posts, [*[""] * 5, *["hang"] * 4]
    vendor.script(*drawn)
    order = {
        "prompt": "@Mirel in a {grey|red|blue} cloak",
        "shapes": ["1024x1024", "1024x1536", "1536x1024", "864x1536"],
        "profile": "OpenAI", "quality": "low",
    }  # fmt: skip
    batch = posted(api, "/batches", order | ASKED)
    path, estimate = f"/batches/{batch['id']}", Decimal(batch["estimated_cost_usd"])
    assert (batch["cells"], estimate > 0) == (12, True)
    api.wait(path, lambda row: row["counts"].get("done") == 5 and vendor.posts - before == len(drawn))
    server.kill()
    let_half_a_minute_pass(server)
    server.start()
    row = api.wait(path, lambda row: row["state"] == "done")
    assert (row["counts"], row["unsure"], vendor.posts - before) == ({"done": 8, "failed": 4}, 4, 12)
    assert posted(api, path + "/retry")["state"] == "done"  # what may have been charged is not sent again
    posted(api, path + "/retry", {"unsure": True})
    row = api.wait(path, lambda row: row["state"] == "done")
    assert (row["counts"], row["unsure"], vendor.posts - before) == ({"done": 12}, 0, 16)
    assert Decimal(row["cost_usd"]) == sum(vendor.bills[-12:])


def let_half_a_minute_pass(server):
    """The leases of those that were killed have ended."""
    path = Path(server.variables["DATA_DIR"]) / "db.sqlite3"
    with closing(sqlite3.connect(path, timeout=20)) as database, database:
        for table in ("gallery_generationcall", "gallery_queuedtask"):
            database.execute(f"UPDATE {table} SET lease_until = '2026-01-01' WHERE lease_until IS NOT NULL")
        database.execute("UPDATE gallery_batch SET begun_at = datetime(begun_at, '-1 minute')")


def the_library_knows_the_bill(api, bill):
    """The sum of the pictures and of what was charged for none is what the vendors charged."""
    pictures = api.get("/images?q=source:generated&limit=200")["items"]
    assert len(pictures) == 3 + 2 + 12
    of_pictures = sum(Decimal(picture["cost_usd"]) for picture in pictures)
    told = api.get("/costs")
    fruitless = sum(Decimal(day["charged_without_image_usd"]) for day in told["items"])
    assert fruitless > 0
    assert of_pictures + fruitless == Decimal(told["total_usd"]) == bill
    for by in ("profile", "model"):
        assert sum(Decimal(item["cost_usd"]) for item in api.get(f"/costs?by={by}")["items"]) == bill
    by_tag = {item["label"]: Decimal(item["cost_usd"]) for item in api.get("/costs?by=tag")["items"]}
    assert by_tag["character:Mirel"] == by_tag['chat:"The Long Night"'] == bill
    assert Decimal(0) < by_tag["character:Corin"] < bill


def the_pages_know_it_too(server, bill):
    browser = signed_in(server)
    page = words(browser, server.address + "/costs/")
    total = f"${bill:,.2f}"
    assert re.search(rf"Mirel.*?{re.escape(total)}", page)
    assert re.search(rf"The Long Night.*?{re.escape(total)}", page)
    table = list(csv.DictReader(io.StringIO(text(browser, server.address + "/costs.csv"))))
    assert sum(Decimal(row["Cost in US dollars"] or 0) for row in table) == bill
    assert sum(row["State"] == "Not sure" for row in table) == 4
    cast = text(browser, server.address + "/characters/")
    mirel = re.search(r'href="(/characters/[^"]*-mirel/)"', cast)
    assert mirel
    page = words(browser, server.address + mirel[1])
    assert re.search(r"nano-banana-2\.1 1 of 1 \$0\.\d\d", page)


def signed_in(server):
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    text(browser, server.address + "/login/")
    token = next(cookie.value for cookie in jar if cookie.name.endswith("csrftoken"))
    typed = {"login": "ada", "password": "moonlit-harbour", "csrfmiddlewaretoken": token}
    text(browser, server.address + "/login/", urllib.parse.urlencode(typed).encode())
    return browser


def text(browser, address, data=None):
    with browser.open(address, data, timeout=30) as answer:
        return answer.read().decode()


def words(browser, address):
    """What a person reads on a page, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", text(browser, address)).split())
