"""The library of the screenshots, made in the data folder of a server: `python -m tests.screens.stage`.

Pictures are drawn by the built-in demo. Some are said to be those of vendors, at their prices, so that costs,
connections and comparisons have something to show. Prints the session and the addresses of the screens.
"""

import hashlib
import json
import os
import random
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from providers import painting

CAST = {
    "Mirel": "A cartographer from the salt coast.",
    "Orsolya": "Keeper of the lighthouse at Vesh.",
    "Tamsin": "A smuggler with good manners.",
}
LOOKS = {"Mirel": ("winter cloak", "court dress"), "Orsolya": ("oilskin",)}
SCENES = (
    ("Portrait of Mirel in a winter cloak", "1024x1536", ["Mirel:winter cloak", "chat:The Long Night"]),
    ("The tavern of the Grey Hart at dusk", "1536x1024", ["chat:The Long Night", "dusk"]),
    ("The harbour of Vesh at dawn", "1024x1536", ["chat:Salt Road", "harbour"]),
    ("Portrait of Mirel asleep by the fire", "1024x1024", ["character:Mirel", "chat:The Long Night"]),
    ("Portrait of Orsolya on the gallery of her lighthouse", "1024x1024", ["character:Orsolya", "harbour"]),
    ("A storm over the salt flats", "1536x1024", ["chat:Salt Road", "storm"]),
    ("A fox in the snow", "1536x1024", ["winter"]),
    ("A caravan under two moons", "1536x1024", ["chat:Salt Road"]),
    ("Portrait of Tamsin with a lantern", "1024x1024", ["character:Tamsin", "chat:Salt Road"]),
    ("The pine forest at night", "1024x1536", ["winter", "dusk"]),
    ("The road to the capital", "1024x1536", ["chat:Salt Road"]),
    ("The lake below the observatory", "1536x1024", ["dusk"]),
    ("Portrait of Mirel in her court dress", "1024x1024", ["Mirel:court dress"]),
    ("Portrait of Orsolya in oilskin, rain", "1024x1536", ["Orsolya:oilskin", "storm"]),
    ("The cliffs of Vesh", "1536x1024", ["harbour"]),
    ("A winter market", "1536x1024", ["winter", "chat:The Long Night"]),
    ("Portrait of the Stranger", "1024x1024", ["persona:The Stranger"]),
    ("Snow over the Grey Hart", "1024x1536", ["winter", "chat:The Long Night"]),
    ("Portrait of Tamsin at sea", "1024x1536", ["character:Tamsin", "storm"]),
    ("The map room", "1536x1024", ["character:Mirel"]),
    ("A lighthouse in fog", "1024x1536", ["harbour", "character:Orsolya"]),
    ("The salt road at noon", "1536x1024", ["chat:Salt Road"]),
    ("A wolf on the ridge", "1024x1024", ["winter"]),
    ("Northern lights above the pass", "1536x1024", ["dusk", "winter"]),
)
MOTIFS = {
    "Portrait": "figure_under_halo",
    "ighthouse": "lighthouse_by_the_sea",
    "forest": "wood_in_mist",
    "fox": "wood_in_mist",
    "wolf": "wood_in_mist",
    "tavern": "towers_at_dusk",
    "market": "towers_at_dusk",
    "map room": "towers_at_dusk",
    "caravan": "dunes_under_sun",
    "salt": "dunes_under_sun",
    "lights": "moons_over_a_plain",
}
NOWHERE = "http://127.0.0.1:9/v1"  # nothing leaves the machine
BILLED = (("OpenAI", "gpt-image-2.5-flare", "0.041"), ("xAI", "grok-imagine-image", "0.02"))


def main() -> None:
    owner, connections = _people()
    cast = _cast(owner)
    generations = [_draw(connections["Demo"], *scene) for scene in reversed(SCENES)][::-1]
    _wait_for(generations)
    _bill(generations, connections)
    pictures = [row.results.get().image for row in generations]
    _furnish(owner, cast, pictures)
    shown = _work(owner, connections, cast, pictures)
    print("\n" + json.dumps({"session": _session(owner), "pages": _pages(owner, cast, pictures, shown)}))


def _people():
    from gallery import connections
    from gallery.models import User

    owner = User.objects.create_superuser("ada", password="ada-pass-2026", first_name="Ada")
    made = {"Demo": connections.create(owner, name="Demo", provider="demo")}
    made["Demo"].options = {"delay": 0}
    made["Demo"].save()
    slow = connections.create(owner, name="Demo, slowly", provider="demo")
    slow.options = {"delay": 900}
    slow.save()
    made["slow"] = slow
    for name, provider in (("OpenAI", "openai"), ("xAI", "xai")):
        made[name] = connections.create(
            owner, name=name, provider=provider, base_url=NOWHERE, api_key="sk-screens-0123456789abcd"
        )
    made["Demo"].monthly_budget_usd = Decimal(5)
    owner.monthly_budget_usd = Decimal(20)
    owner.save()
    return owner, made


def _cast(owner):
    from gallery import tagging
    from gallery.prompting import fragments

    cast = {}
    for name, description in CAST.items():
        tag = tagging.resolve(owner, [f"character:{name}"])[0]
        tag.description, tag.pinned = description, True
        tag.save()
        cast[name] = tag
        for look in LOOKS.get(name, ()):
            cast[f"{name}:{look}"] = tagging.resolve(owner, [f'look:"{name}:{look}"'])[0]
    cast["The Stranger"] = tagging.resolve(owner, ['persona:"The Stranger"'])[0]
    fragments.create(cast["Mirel"], name="face", text="dark bob, grey eyes, a scar across the left cheek")
    fragments.create(cast["Mirel"], name="hands", text="ink on her fingers", use="demand")
    fragments.create(cast["Mirel:winter cloak"], name="cloak", text="a heavy blue cloak with a fur collar")
    fragments.create(cast["Orsolya"], name="face", text="white braid, weathered, kind")
    return cast


def _draw(profile, prompt: str, size: str, tags: list[str]):
    from gallery import tagging
    from gallery.generations import generation

    names = [
        tag if tag.partition(":")[0] in ("character", "persona", "chat") else _look_or_tag(tag)
        for tag in tags
    ]
    chosen = tuple(tagging.resolve(profile.owner, names))
    wish = generation.Wish(
        profile=profile, prompt=prompt, size=size, tags=chosen, expand=False, seed=_seed(prompt)
    )
    return generation.submit(profile.owner, wish)


def _seed(prompt: str) -> int:
    """One with which the demo draws what the prompt names."""
    motif = next((name for word, name in MOTIFS.items() if word in prompt), "ridges_over_water")
    taste = random.Random(hashlib.sha256(prompt.encode()).digest())
    for _color in taste.choice(painting.PALETTES):
        taste.uniform(-0.05, 0.05)
    return [scene.__name__ for scene in taste.sample(painting.SCENES, len(painting.SCENES))].index(motif)


def _look_or_tag(text: str) -> str:
    return f'look:"{text}"' if ":" in text else f"tag:{text}"


def _wait_for(generations) -> None:
    end = time.monotonic() + 120
    for row in generations:
        while row.is_active:
            assert time.monotonic() < end, row.status
            time.sleep(0.1)
            row.refresh_from_db()
        assert row.status == "done", row.error_message


def _bill(generations, connections) -> None:
    """Spread the pictures over three weeks and two vendors."""
    from django.utils import timezone

    from gallery.models import Generation, GenerationCall, Image

    for number, row in enumerate(generations):
        # A third each: both vendors, and the demo for nothing. The newest ones stay in today's group.
        moment = timezone.now() - timedelta(hours=max(0, number - 9) * 31)
        Generation.objects.filter(pk=row.pk).update(created_at=moment, finished_at=moment)
        Image.objects.filter(results__generation=row).update(created_at=moment)
        if number % 3 == 2:
            continue
        name, model, price = BILLED[number % 3]
        whose = {"provider": connections[name].provider, "model": model}
        cost = {"cost_usd": Decimal(price), "cost_source": "computed"}
        Generation.objects.filter(pk=row.pk).update(profile=connections[name], **whose, **cost)
        GenerationCall.objects.filter(generation=row).update(**cost)
        Image.objects.filter(results__generation=row).update(profile=connections[name], **whose, **cost)


def _furnish(owner, cast, pictures) -> None:
    from gallery import tagging
    from gallery.prompting import packs, placeholders, presets, savedprompts
    from gallery.search import savedsearches

    for name, number in (("Mirel", 3), ("Orsolya", 4), ("Tamsin", 8), ("The Stranger", 16)):
        tagging.set_avatar(cast[name], pictures[number])
    packs.replace(cast["Mirel"], [pictures[3], pictures[12]])
    for number in (0, 4, 7, 12):
        pictures[number].favourite, pictures[number].rating = True, 5
        pictures[number].save()
    tagging.trash([pictures[-1], pictures[-2]])
    savedsearches.create(owner, name="Best of the coast", query="tag:harbour rating:>=4", pinned=True)
    placeholders.create(owner, name="weather", values=["rain", "fog", "first snow"])
    savedprompts.create(
        owner, name="Two by the fire", text="@Mirel and @Orsolya by the fire, {{weather}} outside"
    )
    presets.create(owner, name="Woodcut", kind="style", values={"words": "woodcut, two colours"})


def _work(owner, connections, cast, pictures) -> dict[str, str]:
    """A comparison, a grid, and a queue in which something is drawn, waits and has failed."""
    from gallery import batches
    from gallery.generations import comparisons, generation
    from gallery.models import Generation

    wish = generation.Wish(
        profile=connections["Demo"], prompt="Portrait of @Mirel:winter cloak at the window"
    )
    other = replace(wish, profile=connections["slow"])
    comparison = comparisons.submit(
        owner, wish, [(connections["Demo"], ""), (connections["slow"], ""), (connections["OpenAI"], "")]
    )
    order = batches.Order(
        wish=replace(wish, prompt="Portrait of @Orsolya, {calm|angry|laughing}, {dawn|night}", seed=4)
    )
    batch = batches.create(owner, order)
    _wait_for([cell.generation for cell in batch.cells.all() if cell.generation] or [])
    failed = generation.submit(owner, replace(other, prompt="The siege of Vesh"))
    generation.submit(owner, replace(other, prompt="The long table of the Grey Hart", n=2))
    generation.cancel(failed)
    Generation.objects.filter(pk=failed.pk).update(
        status="refused", error_code="refused", retryable=False,
        error_message="The vendor declined this prompt. Nothing was charged. Change it and try again.",
    )  # fmt: skip
    return {"comparison": str(comparison.public_id), "batch": str(batch.public_id)}


def _session(owner) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(owner)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _pages(owner, cast, pictures, shown) -> dict[str, str]:
    from gallery.models import Tag

    chat = Tag.objects.get(owner=owner, kind="chat", name="Salt Road")
    viewed = pictures[0].public_id
    return {
        "gallery": "/",
        "search": "/?q=tag%3Aharbour+-character%3AMirel",
        "image": f"/images/{viewed}/",
        "add-upload": "/add/upload/",
        "add-import": "/add/import/",
        "add-generate": "/add/generate/?tags=character%3AMirel",
        "comparisons": "/comparisons/",
        "comparison": f"/comparisons/{shown['comparison']}/",
        "batches": "/batches/",
        "batch": f"/batches/{shown['batch']}/",
        "prompts": "/prompts/library/",
        "queue": "/queue/",
        "cast": "/characters/",
        "character": cast["Mirel"].get_absolute_url(),
        "personas": "/personas/",
        "chats": "/chats/",
        "chat": chat.get_absolute_url(),
        "tags": "/tags/",
        "costs": "/costs/",
        "trash": "/trash/",
        "connections": "/settings/connections/",
        "connection-new": "/settings/connections/new/",
        "account": "/settings/account/",
        "appearance": "/settings/appearance/",
        "keyboard": "/settings/keyboard/",
        "storage": "/settings/storage/",
        "privacy": "/settings/privacy/",
        "search-help": "/search/help/",
        "admin": "/admin/",
        "not-found": "/nothing-here/",
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    main()
