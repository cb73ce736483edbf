"""Every filter on one library: the same answers on whichever database the suite runs."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from gallery import tagging
from gallery.models import ConnectionProfile, Image, ImageText, NearDuplicate, Tag
from gallery.search import page, search, total
from tests.gallery.tagging.test_tagging import make_image

FOUND = {
    # brackets, OR, NOT
    "rain OR snow": "slope hall",
    "tag:wip OR winter": "portal slope",
    "tag:wip winter OR castle": "hall",
    "(tag:wip OR winter) castle": "",
    "castle (winter OR hall)": "hall",
    "-(winter OR tag:wip)": "arab hall",
    "NOT (winter -sledge)": "arab portal slope hall",
    "-(tag:wip rating:4)": "arab slope hall",
    "(((winter)))": "slope",
    "winter AND sledge": "slope",
    '"winter morning" OR "old castle"': "slope hall",
    "-winter OR sledge": "arab portal slope hall",
    "tag:lost OR castle": "hall",
    # tags of every kind
    "character:mirel": "portal slope",
    'character:mirel -look:"winter cloak"': "portal",
    'look:"Mirel:winter cloak"': "slope",
    'look:"winter cloak"': "slope hall",
    "look:Ash:winter": "",
    'look:"Ash:winter cloak"': "hall",
    'look:"Moon:winter cloak"': "slope",
    "character:moon": "portal slope",
    "persona:ash": "hall",
    'chat:"the long night"': "arab",
    "tag:wip,arab": "portal",
    "tags:wip": "portal",
    "character:mirel,ash": "portal slope hall",
    # where it came from
    "source:generated,import": "portal slope",
    "model:gpt-image*": "portal",
    "model:grok-2-image provider:xai": "slope",
    "profile:studio": "portal",
    'connection:"Studio"': "portal",
    # what people said
    "rating:4": "portal",
    "rating:>=4": "portal slope",
    "rating:<4": "arab hall",
    "rating:1..4": "portal hall",
    "rating:4..": "portal slope",
    "rating:none": "arab",
    "rating:1,5": "slope hall",
    "favourite:yes": "slope",
    "favorite:no": "arab portal hall",
    "sensitive:yes": "portal",
    "sensitive:no": "arab slope hall",
    # money
    "cost:>0.05": "slope",
    "cost:$0.04": "portal",
    "cost:0.01..0.10": "portal slope",
    "cost:free": "hall",
    "cost:unknown": "arab",
    "-cost:>0.05": "arab portal hall",
    # days
    "date:2026-11": "arab portal",
    "date:2025": "slope hall",
    "date:2025-12-31": "slope",
    "date:2025-12-31..2026-11-01": "portal slope",
    "date:..2025-12-31": "slope hall",
    "date:2026-11-02..": "arab",
    "date:>=2026-11-02": "arab",
    "date:2025-03,2026-11-01": "portal hall",
    "before:2026": "slope hall",
    "after:2025": "arab portal",
    "after:2026-11-01": "arab",
    "after:2025 before:2026-11-02": "portal",
    "-date:2026-11": "slope hall",
    "date:2024": "",
    "date:2025-12 character:mirel winter": "slope",
    # shapes
    "width:>2000": "portal",
    "width:64": "arab",
    "height:<=768": "arab portal slope",
    "size:>=2000": "portal",
    "size:1360x768": "slope",
    "size:1360": "slope",
    "size:<100": "arab",
    "size:>5MB": "portal",
    "ratio:portrait": "hall",
    "ratio:landscape": "portal slope",
    "ratio:square": "arab",
    "ratio:16:9": "slope",
    "shape:2:3": "hall",
    "ratio:3x1": "portal",
    # what it has and what it is
    "has:prompt": "portal slope",
    "has:notes": "hall",
    "has:title": "arab",
    "-has:tags": "",
    "has:cost -has:seed": "slope hall",
    "has:look": "slope hall",
    "has:address": "hall",
    "is:edited": "slope",
    "is:stacked": "portal slope",
    "is:reference": "",
    "is:duplicate": "arab hall",
    "is:rated -is:favourite": "portal hall",
    "is:generated,uploaded": "arab hall portal",
    "is:avatar": "portal",
    "is:animated": "arab",
}


@pytest.fixture
def library(owner):
    """Four pictures, the oldest first."""
    profile = ConnectionProfile.objects.create(owner=owner, name="Studio", provider="openai")
    tagging.resolve(owner, ["character:Mirel", "character:Ash", "persona:Ash"])
    hall = make(
        owner, 1, "2025-03-09", "look:Ash:winter cloak, persona:Ash", title="", notes="Rain, old castle hall",
        width=1024, height=1536, rating=1, cost_usd=0, source="upload", source_url="https://example.com/a",
    )  # fmt: skip
    slope = make(
        owner, 2, "2025-12-31", "look:Mirel:winter cloak", prompt="Winter morning, snow and a sledge",
        width=1360, height=768, rating=5, favorite=True, cost_usd=Decimal("0.07"), source="import",
        model="grok-2-image", provider="xai", parent=hall,
    )  # fmt: skip
    portal = make(
        owner, 3, "2026-11-01", "character:Mirel, wip", prompt="a glowing door", width=2300, height=768,
        rating=4, sensitive=True, cost_usd=Decimal("0.04"), source="generated", model="gpt-image-1.5",
        provider="openai", profile=profile, seed=7, bytes=6_000_000, stack=2,
    )  # fmt: skip
    arab = make(owner, 4, "2026-11-02", 'chat:"The Long Night"', title="قمر", frames=9, height=64)
    Image.objects.filter(pk=slope.pk).update(stack=portal.stack)
    mirel = Tag.objects.get(kind="character", name="Mirel")
    Tag.objects.create(owner=owner, kind="character", name="Moon", alias_of=mirel)
    Tag.objects.filter(name="wip").update(avatar=portal)
    NearDuplicate.objects.create(owner=owner, first=hall, second=arab, distance=3)
    return {"hall": hall, "slope": slope, "portal": portal, "arab": arab}


def make(owner, number, day, specs, **fields):
    measures = {name: fields.pop(name) for name in ("width", "height", "bytes") if name in fields}
    image = make_image(owner, number, **fields)
    moment = timezone.make_aware(datetime.fromisoformat(day)) + timedelta(hours=9)
    Image.objects.filter(pk=image.pk).update(created_at=moment, **measures)
    ImageText.refresh(image)
    tagging.add([image], tagging.resolve(owner, tagging.split_specs(specs)))
    image.refresh_from_db()
    return image


def names(library, images):
    by_key = {image.pk: name for name, image in library.items()}
    return " ".join(sorted(by_key[image.pk] for image in images))


def test_every_filter_finds_what_it_says(owner, library):
    wanted = {text: " ".join(sorted(expected.split())) for text, expected in FOUND.items()}
    found = {text: search(owner, text) for text in FOUND}
    assert {text: names(library, page(each).images) for text, each in found.items()} == wanted
    assert {text: names(library, each.images) for text, each in found.items()} == wanted
    assert {text: total(each).n for text, each in found.items()} == {
        t: len(e.split()) for t, e in wanted.items()
    }
    assert {text for text, each in found.items() if each.problems} == {
        "tag:lost OR castle",
        "look:Ash:winter",
    }


# What stands in a prompt, what finds it, and what does not.
WORDS = [
    ("Straße in Zürich", "STRASSE zurich stras", "tras"),
    ("naïve Ångström", "angstrom NAIVE", "ngstrom"),
    ("Зимний лес, снег", "зимн ЛЕС", "имний"),
    ("שלום עולם", "שלום", "לום"),
    ("قمر فوق الصحراء", "قمر الصح", "صحراء"),
    ("月下の猫 portrait", "月下 portr", "猫"),
    ("gpt-image-1.5 at 1024x1536, f/1.8", "gpt-image-1.5 1024x f/1.8", "1536"),
    ("it's 10e5 1.2.3 a_b user@example.com", "it's 10e5 1.2 a_b user@example.com example", "xample"),
    ("http://example.com/a-b?c=d&e", "http://example.com a-b", "ttp"),
    ("ＦＵＬＬ ｗｉｄｔｈ ½ ﬁne", "full width fine 1 2", "idth"),
    ("한국어 텍스트", "한국 텍스트", "국어"),
    ("two 🎃 pumpkins ❤️ red", "pumpkins 🎃 red", "umpkins"),
    ("İstanbul ıslak", "istanbul", "stanbul"),
    ("हिन्दी कविता", "हिन्दी", "विता"),
    ("C++ & c# <b>bold</b> -- 'quoted' \\n", "c bold quoted", "old"),
    ("the and or not near", "the and or not near", "ear"),
]


def test_words_of_all_languages_are_found_alike(owner):
    for number, (prompt, _, _) in enumerate(WORDS):
        make(owner, number, "2026-11-01", "", prompt=prompt)
    found = [[image.prompt for image in page(search(owner, finds)).images] for _, finds, _ in WORDS]
    assert found == [[prompt] for prompt, _, _ in WORDS]
    assert [[image.prompt for image in page(search(owner, misses)).images] for _, _, misses in WORDS] == [
        []
    ] * len(WORDS)
    without = [page(search(owner, f"-({finds})")).images for _, finds, _ in WORDS]
    assert [len(images) for images in without] == [len(WORDS) - 1] * len(WORDS)
