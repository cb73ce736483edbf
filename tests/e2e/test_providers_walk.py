"""Every provider as a person uses it: connected, listed, drawn with, edited with, and met in trouble.

Each time by a person of its own, with a connection to a strict fake over real HTTP.
"""

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import expect

from tests.conftest import picture_bytes
from tests.fake_vendors.anthropic import FakeAnthropic
from tests.fake_vendors.automatic1111 import FakeAutomatic1111
from tests.fake_vendors.base import FakeVendor, Recorded, Reply
from tests.fake_vendors.comfyui import FakeComfyUI
from tests.fake_vendors.google import FakeGoogle
from tests.fake_vendors.openai import FakeOpenAI
from tests.fake_vendors.openai_compatible import FakeCompatible
from tests.fake_vendors.openrouter import FakeOpenRouter
from tests.fake_vendors.xai import FakeXAI

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW_DOWN = Reply(429, {"retry-after": "60"}, {"error": {"message": "Slow down."}})
MAY_CHARGE = ("Not sure", "may have been charged", "Try again (may charge again)")
FREE = ("Connection failed", "nothing was charged", "Try again")


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A provider, and what a person meets there."""

    slug: str
    make: Callable[[], FakeVendor]
    key: str = ""
    path: str = ""  # of its base URL, where the fake does not know it
    works: str = "image models are ready"
    model: str  # the chosen one, by its name in the picker
    references: int = 2  # that go along with an edit
    has_mask: bool = False
    has_previews: bool = False
    trouble: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # word: pill, charge, button
    cut: tuple[str, str, str] = MAY_CHARGE
    spent: str  # of its row on the page of costs

    @property
    def name(self) -> str:
        """Of its connection."""
        return f"My {self.slug}"


VENDORS = [
    Vendor(
        slug="openai", make=FakeOpenAI, key="sk-good-0123456789abcdef", model="GPT Image 2.6 Flare",
        has_mask=True, has_previews=True, spent="$0.38",
        trouble={
            "FAKE_MODERATION": ("Declined", "nothing was charged", "Edit prompt"),
            "FAKE_QUOTA": ("No credit", "nothing was charged", "Connection settings"),
        },
    ),
    Vendor(
        slug="xai", make=FakeXAI, key="xai-good-0123456789abcdef", model="Grok Imagine Image 2.0",
        spent="$0.37",
        trouble={
            "FAKE_MODERATION": ("Declined", "$0.09 was charged anyway", "Edit prompt"),
            "FAKE_CREDIT": ("No credit", "nothing was charged", "Connection settings"),
        },
    ),
    Vendor(
        slug="google", make=FakeGoogle, path="/v1beta", key="AQ.good-0123456789", model="Nano Banana 2.1",
        has_previews=True, spent="$0.25",
        trouble={
            "FAKE_BLOCK": ("Declined", "$0.0001 was charged anyway", "Edit prompt"),
            "FAKE_LIMIT_ZERO": ("No credit", "nothing was charged", "Connection settings"),
        },
    ),
    Vendor(
        slug="openrouter", make=FakeOpenRouter, key="sk-or-v1-good0123", model="OpenAI GPT Image 2",
        has_previews=True, spent="$0.37", works="$14.20 of its limit are left",
        trouble={
            "FAKE_MODERATION": ("Declined", "nothing was charged", "Edit prompt"),
            "FAKE_CREDIT": ("No credit", "nothing was charged", "Connection settings"),
        },
    ),
    Vendor(
        slug="openai_compatible", make=FakeCompatible, model="flux-dev", has_mask=True, spent="–",
        trouble={
            "FAKE_POLICY": ("Declined", "nothing was charged", "Edit prompt"),
            "FAKE_DETAIL": ("Not accepted", "nothing was charged", "Fix settings"),
        },
    ),
    Vendor(
        slug="automatic1111", make=FakeAutomatic1111, model="sdxl_base", references=1, has_mask=True,
        has_previews=True, spent="$0", works="4 samplers. 2 image models are ready", cut=FREE,
        trouble={"FAKE_OOM": ("Trouble at the provider", "nothing was charged", "Try again")},
    ),
    Vendor(
        slug="comfyui", make=FakeComfyUI, model="juggernaut", references=1, has_mask=True, spent="$0",
        works="ComfyUI 0.9.2 answered", cut=FREE,
        trouble={"FAKE_NODE_ERROR": ("Trouble at the provider", "nothing was charged", "Try again")},
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def fakes():
    with contextlib.ExitStack() as stack:
        makers = {vendor.slug: vendor.make for vendor in VENDORS} | {"anthropic": FakeAnthropic}
        yield {slug: stack.enter_context(make()) for slug, make in makers.items()}


@pytest.fixture
def page(browser, home, tmp_path):
    """The browser of a person who has two pictures."""
    pictures = (picture_bytes(f"#4060{number * 60:02x}", (600, 900)) for number in range(2))
    home.import_pictures(tmp_path / "pictures", pictures)
    context = browser.new_context(base_url=home.address, viewport={"width": 1440, "height": 900})
    home.admit(context)
    yield context.new_page()
    context.close()


def connect(page, slug, fake, *, key, path, works):
    """Add a connection and see it tested."""
    page.goto("/settings/connections/")
    page.get_by_role("link", name="Add connection").click()
    page.locator(f"a.provider[href='?provider={slug}']").click()
    page.get_by_role("textbox", name="Name", exact=True).fill(f"My {slug}")
    page.get_by_role("textbox", name="Address", exact=True).fill(fake.url + path)
    if key:
        page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Save").click()
    row = page.locator("li.conn", has=page.get_by_role("heading", name=re.compile(rf"^My {slug}\b")))
    expect(row.get_by_text("Works", exact=True)).to_be_visible(timeout=15_000)
    expect(row).to_contain_text(works)
    row.locator("h3 a").click()


def choose(page, vendor):
    page.locator("#model-chosen").click()
    group = page.locator("#picker fieldset", has=page.get_by_text(vendor.name, exact=True))
    group.locator(".picker-row", has_text=vendor.model).first.click()
    expect(page.locator("#model-chosen")).to_contain_text(vendor.model)
    expect(page.locator("#model-chosen")).to_contain_text(vendor.name)


def ask(page, prompt, n=1):
    """Press Generate, and wait until it was taken."""
    page.locator("#id_prompt").fill(prompt)
    page.locator("label", has=page.locator(f"input[name=n][value='{n}']")).click()
    expect(page.locator("#generate-button")).to_contain_text(f"Generate {n}")
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.status == 201):
        page.locator("#generate-button").click()


def job(page, prompt):
    return page.locator("#session article", has=page.get_by_text(prompt, exact=True)).first


def arrives(page, prompt, n=1):
    expect(job(page, prompt).locator(".tile a img")).to_have_count(n, timeout=20_000)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.slug)
def test_a_person_works_with(page, fakes, vendor):
    fake = fakes[vendor.slug]
    connect(page, vendor.slug, fake, key=vendor.key, path=vendor.path, works=vendor.works)
    page.get_by_role("button", name="Refresh models").click()
    models = page.locator("#model-list")
    expect(models).to_contain_text("Read from")
    expect(models).to_contain_text(vendor.model)

    page.goto("/add/generate/")
    choose(page, vendor)
    ask(page, "one fox")
    ask(page, "four foxes", 4)
    meet_trouble(page, vendor)
    if vendor.has_previews:
        watch(page, fake)
    arrives(page, "one fox")
    arrives(page, "four foxes", 4)
    edit(page, fake, vendor)
    be_asked_to_slow_down(page, fake)
    expect_costs(page, vendor)


def meet_trouble(page, vendor):
    trouble = vendor.trouble | {"FAKE_HALF_BODY": vendor.cut}
    for word in trouble:
        ask(page, word)
    for word, (pill, charge, button) in trouble.items():
        card = job(page, word)
        expect(card.locator(".meta")).to_contain_text(pill, timeout=15_000)
        expect(card.locator(".meta")).to_contain_text(charge)
        expect(card.locator(".btn", has_text=button).first).to_be_visible()
        assert ("Try again" in card.inner_text()) == (pill not in ("Declined", "Not accepted"))


def watch(page, fake):
    """See a picture on its way, which waits to be seen."""
    fake.pause = 30
    page.locator("#more-options summary").click()
    page.get_by_label("Live previews").check()
    ask(page, "FAKE_PAUSES")
    expect(job(page, "FAKE_PAUSES").locator("img.preview").first).to_be_visible(timeout=15_000)
    fake.seen.set()
    arrives(page, "FAKE_PAUSES")


def edit(page, fake, vendor):
    """Change a picture, with another one to look at, and only where it is painted."""
    page.goto("/?q=source:import")
    page.locator("ul.grid > li.tile a").first.click()
    page.locator("#viewer").get_by_role("link", name="Edit with words").click()
    choose(page, vendor)
    if vendor.references > 1:
        page.get_by_role("button", name="from the gallery").click()
        page.locator(".pick[aria-pressed=false]").first.click()
        page.locator("#pick").get_by_role("button", name="Done").click()
    expect(page.locator("#references ol > li")).to_have_count(vendor.references)
    if vendor.has_mask:
        paint(page)
    else:
        expect(page.get_by_role("button", name="Paint what changes")).to_have_count(0)
    before = len(fake.requests)
    ask(page, f"make it night at {vendor.slug}")
    arrives(page, f"make it night at {vendor.slug}")
    sent = fake.requests[before:]
    assert sum(map(pictures_in, sent)) == vendor.references + vendor.has_mask


def be_asked_to_slow_down(page, fake):
    fake.script(SLOW_DOWN)
    ask(page, "a patient fox")
    card = job(page, "a patient fox")
    expect(card).to_contain_text(re.compile(r"Trying again at \d\d:\d\d"), timeout=15_000)
    card.get_by_role("button", name=re.compile("^Stop")).click()
    expect(card.locator(".meta")).to_contain_text("nothing was charged")


def paint(page):
    page.get_by_role("button", name="Paint what changes").click()
    box = page.locator("mask-painter canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.locator("#mask-dialog").get_by_role("button", name="Done").click()
    expect(page.get_by_text("% of the picture is painted")).to_be_visible()


def pictures_in(request: Recorded) -> int:
    """How many pictures go along, as files or in base64."""
    if request.method != "POST":
        return 0
    if "multipart" in request.headers.get("content-type", ""):
        return sum(part.file_name is not None for part in request.parts)
    return len(re.findall(rb'["\',](?:iVBORw0KGgo|/9j/)', request.body))


def expect_costs(page, vendor):
    page.goto("/costs/")
    row = page.get_by_role("row", name=re.compile(f"^{vendor.name} "))
    expect(row.locator("td").last).to_have_text(vendor.spent)


def test_anthropic_writes_and_describes_and_draws_nothing(page, fakes):
    works = "Anthropic accepted the key"
    connect(page, "anthropic", fakes["anthropic"], key="sk-ant-good-0123456789", path="/v1", works=works)
    expect(page.get_by_text("Makes no pictures.")).to_be_visible()
    page.goto("/add/generate/")
    expect(page.locator("#picker legend", has_text="My anthropic")).to_have_count(0)
    page.locator("#id_prompt").fill("a fox")
    page.get_by_text("Help me write this prompt").click()
    write_with(page.locator("#prompt-help"), "Suggest a better prompt")
    expect(page.get_by_label("Suggested prompt")).to_have_value(
        "A red panda in a library, ink and wash.", timeout=15_000
    )
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#id_prompt")).to_have_value("A red panda in a library, ink and wash.")

    page.goto("/?q=source:import")
    page.locator("ul.grid > li.tile a").first.click()
    page.get_by_text("Describe and suggest tags").click()
    write_with(page.locator("#describe"), "Describe")
    expect(page.locator("#describe")).to_contain_text("A red panda reads under a lamp.", timeout=15_000)
    expect(page.locator("#describe")).to_contain_text("claude-haiku-5-5, $0.0003")


def write_with(place, button):
    """Choose Anthropic where there is a choice, and ask."""
    models = place.locator("optgroup[label='My anthropic'] option")
    if models.count():
        place.locator("select").select_option(models.first.get_attribute("value"))
    place.get_by_role("button", name=re.compile(f"^{button}")).click()
