"""The cast in prompts, through the API: what the receipt says is what the vendor gets."""

import hashlib
from uuid import uuid4

import pytest

from gallery import ingest, tagging
from gallery.generations import calls, generation
from gallery.models import ConnectionProfile, Generation, Image, Tag
from gallery.prompting import fragments, packs
from tests.fake_vendors.base import Reply
from tests.fake_vendors.openai import FakeOpenAI
from tests.gallery.api.conftest import is_problem

MODEL = "gpt-image-2.5-flare"


@pytest.fixture
def vendor():
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def openai(owner, vendor, settings):
    settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
    profile = ConnectionProfile(
        owner=owner,
        name="OpenAI",
        provider="openai",
        base_url=vendor.url,
        default_model=MODEL,
        is_default=True,
    )
    profile.api_key = "sk-test-0123456789abcdef"
    profile.save()
    return profile


@pytest.fixture
def mirel(owner):
    mirel = tagging.resolve(owner, ["character:Mirel"])[0]
    fragments.create(mirel, name="Body", text="silver hair — “sea-green” eyes 🌊")
    return mirel


@pytest.fixture
def pictures(owner, picture, tmp_path):
    made = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        path.write_bytes(picture(f"#20{number}060"))
        made.append(ingest.store(owner, path, source=Image.Source.UPLOAD).image)
    return made


def run(answer):
    asked = Generation.objects.get(public_id=answer.json()["id"])
    for call in asked.calls.all():
        calls.run(call.pk)
    asked.refresh_from_db()
    assert asked.status == "done", asked.error_message
    return asked


def test_the_receipt_is_what_the_vendor_gets(api, openai, vendor, mirel):
    wish = {"prompt": "@Mirel and @Nobody,\n  {{weather}}  ", "persona": "Ash", "tags": ["portrait"]}
    receipt = api.post("/generations/preview", wish).json()
    assert vendor.posts == Generation.objects.count() == 0
    assert not Tag.objects.filter(name__in=["Ash", "portrait"]).exists()
    assert receipt["prompt_sent"] == "".join(piece["text"] for piece in receipt["pieces"])
    assert [piece["from"] for piece in receipt["pieces"]] == ["character:Mirel", "typed"]
    assert (receipt["left_out"], receipt["warnings"], receipt["references"]) == ([], [], [])
    assert float(receipt["estimated_cost_usd"]) > 0
    assert [tag["id"] for tag in receipt["tags"]] == [str(mirel.public_id)]

    made = run(api.post("/generations", wish))
    assert vendor.requests[-1].json["prompt"] == receipt["prompt_sent"]
    image = made.images.get()
    assert (image.prompt, image.prompt_sent) == (wish["prompt"], receipt["prompt_sent"])
    names = {(tag.kind, tag.name) for tag in Tag.objects.filter(pk__in=tagging_of(image))}
    assert names == {("character", "Mirel"), ("persona", "Ash"), ("tag", "portrait")}
    assert made.receipt["pieces"] == receipt["pieces"]
    assert made.receipt["fragments"][0]["version"] == 1


def tagging_of(image):
    return image.tags.values_list("pk", flat=True)


def test_a_prompt_can_go_out_as_typed(api, openai, vendor, mirel, pictures):
    packs.replace(mirel, pictures)
    made = run(api.post("/generations", {"prompt": "@Mirel {{weather}}", "expand": False}))
    assert vendor.requests[-1].json["prompt"] == made.prompt_sent == "@Mirel {{weather}}"
    assert (made.receipt, made.references.count()) == ({}, 0)


def test_reference_packs_go_along(api, openai, vendor, mirel, pictures):
    path = f"/tags/{mirel.public_id}/references"
    ids = [str(image.public_id) for image in pictures]
    assert api.get(path).json() == {"images": []}
    assert api.send("PUT", path, {"images": ids[::-1]}).json() == {"images": ids[::-1]}
    wish = {"prompt": "@Mirel at sea", "references": ids[:1]}
    receipt = api.post("/generations/preview", wish).json()
    assert [(pick["id"], pick["from"]) for pick in receipt["references"]] == [
        (ids[0], "typed"), (ids[2], "character:Mirel"), (ids[1], "character:Mirel"),
    ]  # fmt: skip
    plain = api.post("/generations/preview", {"prompt": "at sea"}).json()
    assert float(receipt["estimated_cost_usd"]) > float(plain["estimated_cost_usd"])
    made = run(api.post("/generations", wish))
    sent = [
        hashlib.sha256(part.content).hexdigest()
        for part in vendor.requests[-1].parts
        if part.name == "image[]"
    ]
    expected = [pictures[0], pictures[2], pictures[1]]
    assert sent == [picture.sha256 for picture in expected]
    assert [row.image for row in made.references.all()] == expected


@pytest.mark.parametrize(
    ("images", "status"), [([str(uuid4())], 404), (["x"], 422), ([str(uuid4())] * 17, 422)]
)
def test_a_pack_that_cannot_be(api, mirel, images, status):
    path = f"/tags/{mirel.public_id}/references"
    is_problem(api.send("PUT", path, {"images": images}), status, "images" if status == 422 else None)


def test_only_people_have_packs_and_only_ones_own(api, foreign, owner, mirel, pictures):
    ids = [str(image.public_id) for image in pictures]
    tag = tagging.resolve(owner, ["lantern"])[0]
    is_problem(api.send("PUT", f"/tags/{tag.public_id}/references", {"images": ids}), 422, "images")
    is_problem(foreign.send("PUT", f"/tags/{mirel.public_id}/references", {"images": []}), 404)
    is_problem(foreign.get(f"/tags/{mirel.public_id}/references"), 404)
    tagging.trash(pictures[:1])
    is_problem(api.send("PUT", f"/tags/{mirel.public_id}/references", {"images": ids}), 422, "images")


def test_trying_again_sends_the_same_words(owner, api, openai, vendor, mirel):
    vendor.script(Reply(500, body={"error": {"message": "no"}}))
    first = Generation.objects.get(public_id=api.post("/generations", {"prompt": "@Mirel"}).json()["id"])
    calls.run(first.calls.get().pk)
    fragments.change(mirel.fragments.get(), text="another person")
    again = generation.retry(Generation.objects.get(pk=first.pk))
    assert again.prompt_sent == first.prompt_sent
    again.refresh_from_db()
    assert again.receipt == first.receipt


def test_the_same_key_with_another_persona_is_another_request(api, openai):
    key = {"Idempotency_Key": "k"}
    assert api.post("/generations", {"prompt": "@me"}, **key).status_code == 202
    is_problem(api.post("/generations", {"prompt": "@me", "persona": "Ash"}, **key), 422, "Idempotency-Key")


def test_a_prompt_that_grows_too_long_is_refused_before_anything_is_sent(api, openai, vendor):
    answer = api.post("/generations/preview", {"prompt": "x" * 99_000})
    is_problem(answer, 422, "prompt")
    assert vendor.posts == 0


def test_merged_characters_share_their_packs(owner, mirel, pictures):
    other = tagging.resolve(owner, ["character:Mira"])[0]
    packs.replace(mirel, pictures[:2])
    packs.replace(other, pictures[1:])
    tagging.merge(other, mirel)
    assert packs.images_of(mirel) == pictures
    assert mirel.reference_pictures.count() == 3


def test_placeholders_are_kept(api, foreign, reader):
    made = api.post("/placeholders", {"name": "{{weather}}", "text": "heavy rain"})
    assert made.status_code == 201
    weather = made.json()
    assert (weather["name"], weather["text"], weather["values"]) == ("weather", "heavy rain", ["heavy rain"])
    path = f"/placeholders/{weather['id']}"
    changed = api.patch(path, {"values": ["rain", "snow", "rain"]}).json()
    assert (changed["text"], changed["values"]) == ("rain", ["rain", "snow"])
    assert reader.get("/placeholders").json()["items"] == [changed]
    assert reader.patch(path, {"text": "sun"}).status_code == 403
    is_problem(foreign.patch(path, {"text": "sun"}), 404)
    assert foreign.get("/placeholders").json()["items"] == []
    assert api.delete(path).status_code == 204
    is_problem(api.get(path), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "weather", "text": "sun"}, "name"),
        ({"name": "WEATHER", "text": "sun"}, "name"),
        ({"name": "a{b", "text": "sun"}, "name"),
        ({"name": "char", "text": "sun"}, "name"),
        ({"name": " ", "text": "sun"}, "name"),
        ({"name": "x" * 61, "text": "sun"}, "name"),
        ({"name": "sky"}, "text"),
        ({"name": "sky", "text": " "}, "text"),
        ({"name": "sky", "values": []}, "values"),
        ({"name": "sky", "text": "a", "values": ["b"]}, "values"),
        ({"name": "sky", "text": "a", "other": 1}, "other"),
    ],
)
def test_a_placeholder_that_cannot_be(api, body, field):
    api.post("/placeholders", {"name": "weather", "text": "rain"})
    is_problem(api.post("/placeholders", body), 422, field)
