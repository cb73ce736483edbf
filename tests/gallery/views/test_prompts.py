"""What will be sent, the reference packs, completions at the caret, and the settings for prompts."""

import pytest
from django.urls import reverse

from gallery import ingest, tagging
from gallery.models import ConnectionProfile, Generation, HouseStyle, Image, Placeholder
from gallery.prompting import fragments, packs, placeholders


@pytest.fixture
def mirel(owner):
    mirel = tagging.resolve(owner, ["character:Mirel", "look:Mirel:winter cloak"])[0]
    fragments.create(mirel, name="Body", text="long silver hair")
    fragments.create(mirel, name="Smiling", text="smiling", use="demand")
    fragments.create(mirel, name="Beard", text="beard", use="never")
    return mirel


@pytest.fixture
def demo(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)


@pytest.fixture
def pictures(owner, mirel, picture, tmp_path):
    made = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        path.write_bytes(picture(f"#20{number}060"))
        made.append(ingest.store(owner, path, source=Image.Source.UPLOAD, tags=[mirel]).image)
    return made


def typed(demo, **values):
    return {"model": f"{demo.public_id}/demo-painter", "n": "1", "prompt": "", "tags": ""} | values


def test_the_receipt_follows_what_is_typed(owner_client, demo, mirel):
    answer = owner_client.post(reverse("generate-estimate"), typed(demo, prompt="@Mirel at <sea>"))
    sent = '<mark class="k-char" title="Mirel">Mirel (long silver hair)</mark> at &lt;sea&gt;'
    assert sent in answer.content.decode()
    plain = owner_client.post(reverse("generate-estimate"), typed(demo, prompt="a fox"))
    assert "What will be sent" not in plain.content.decode()


def test_the_form_sends_what_its_receipt_says(owner_client, demo, mirel):
    owner_client.post(reverse("add-generate"), typed(demo, prompt="@Mirel:smiling", tags="persona:Ash"))
    made = Generation.objects.get()
    assert made.prompt_sent == "Mirel (long silver hair; smiling)\n\nAvoid: beard"
    assert {tag.spec for tag in made.tags.all()} == {"character:Mirel", "persona:Ash"}


def test_the_persona_among_the_tags_is_me(owner_client, owner, demo):
    tagging.resolve(owner, ["persona:Ash"])
    owner_client.post(reverse("add-generate"), typed(demo, prompt="@me", tags="persona:Ash"))
    assert Generation.objects.get().prompt_sent == "Ash"


def test_a_prompt_that_is_used_again_is_the_one_that_was_typed(owner_client, demo, mirel):
    owner_client.post(reverse("add-generate"), typed(demo, prompt="@Mirel"))
    page = owner_client.get(reverse("add-generate"), {"again": Generation.objects.get().public_id})
    assert page.context["form"].value_of("prompt") == "@Mirel"


@pytest.mark.parametrize(
    ("begun", "inserts"),
    [
        ("@mi", ["@Mirel"]),
        ("@Mirel:", ["@Mirel:winter cloak", "@Mirel:Smiling"]),
        ("@mirel:SM", ["@mirel:Smiling"]),
        ("@m", ["@me", "@Mirel"]),
        ("{{we", ["{{weather}}"]),
        ("{{c", ["{{char}}"]),
        ("#lan", ["#lantern"]),
        ("@Nobody:x", []),
        ("plain", []),
        ("", []),
        ("@\x00", None),
    ],
)
def test_completions(owner_client, owner, mirel, begun, inserts):
    owner.persona = tagging.resolve(owner, ["persona:Ash", "lantern"])[0]
    owner.save()
    placeholders.create(owner, name="weather", values=["rain"])
    answer = owner_client.get(reverse("prompt-complete"), {"q": begun})
    assert answer.status_code == 200
    if inserts is not None:
        assert [item["insert"] for item in answer.json()["items"]] == inserts


def test_completions_are_ones_own(other_client, mirel):
    assert other_client.get(reverse("prompt-complete"), {"q": "@mi"}).json() == {"items": []}
    assert other_client.get(reverse("prompt-complete"), {"q": "@Mirel:"}).json() == {"items": []}


def test_a_pack_is_arranged_without_script(owner_client, mirel, pictures):
    page = reverse("tag-references", args=[mirel.public_id])
    for picture in pictures:
        assert owner_client.post(page, {"toggle": picture.public_id}).url == page
    assert packs.images_of(mirel) == pictures
    owner_client.post(page, {"up": pictures[2].public_id})
    owner_client.post(page, {"up": pictures[0].public_id})  # is first already
    owner_client.post(page, {"toggle": pictures[1].public_id})
    assert packs.images_of(mirel) == [pictures[0], pictures[2]]
    shown = owner_client.get(page).context
    assert [row.image for row in shown["pack"]] == [pictures[0], pictures[2]]
    assert [row.image for row in shown["others"]] == [pictures[1]]


def test_a_picture_joins_a_pack_from_its_own_page(owner_client, mirel, pictures):
    page = pictures[0].get_absolute_url()
    form = {"toggle": pictures[0].public_id, "next": page}
    assert owner_client.post(reverse("tag-references", args=[mirel.public_id]), form).url == page
    assert owner_client.get(page).context["packed"] == {mirel.pk}
    away = form | {"next": "https://example.com/"}
    answer = owner_client.post(reverse("tag-references", args=[mirel.public_id]), away)
    assert answer.url == reverse("tag-references", args=[mirel.public_id])


def test_packs_of_others_do_not_exist(other_client, owner_client, owner, mirel, pictures, other):
    page = reverse("tag-references", args=[mirel.public_id])
    assert other_client.get(page).status_code == 404
    assert other_client.post(page, {"toggle": pictures[0].public_id}).status_code == 404
    theirs = tagging.resolve(other, ["character:Rook"])[0]
    other_client.post(reverse("tag-references", args=[theirs.public_id]), {"toggle": pictures[0].public_id})
    assert not theirs.reference_pictures.exists()
    lantern = tagging.resolve(owner, ["lantern"])[0]
    assert owner_client.get(reverse("tag-references", args=[lantern.public_id])).status_code == 404


def test_the_house_style_is_kept(owner_client, owner):
    ash = tagging.resolve(owner, ["persona:Ash"])[0]
    form = {"scene": " oil painting ", "people": "faces", "persona": ash.public_id}
    assert owner_client.post(reverse("prompts"), form).status_code == 302
    owner.refresh_from_db()
    style = HouseStyle.objects.get()
    assert (style.scene, style.people, owner.persona, owner.avoid_in_words) == (
        "oil painting",
        "faces",
        ash,
        False,
    )
    owner_client.post(reverse("prompts"), form | {"scene": "ink", "avoid_in_words": "on"})
    assert HouseStyle.objects.get().scene == "ink"


def test_nobody_elses_persona_can_be_me(owner_client, other):
    theirs = tagging.resolve(other, ["persona:Rook"])[0]
    answer = owner_client.post(reverse("prompts"), {"persona": theirs.public_id})
    assert answer.status_code == 422
    assert "persona" in answer.context["form"].errors


def test_placeholders_are_kept_changed_and_deleted(owner_client, other_client):
    form = {"name": "{{weather}}", "values": "rain\nsnow\n\n"}
    assert owner_client.post(reverse("placeholder-new"), form).status_code == 302
    weather = Placeholder.objects.get()
    assert (weather.name, weather.values) == ("weather", ["rain", "snow"])
    again = owner_client.post(reverse("placeholder-new"), form)
    assert (again.status_code, "name" in again.context["form"].errors) == (422, True)
    page = reverse("placeholder", args=[weather.public_id])
    assert other_client.get(page).status_code == 404
    assert other_client.post(reverse("placeholder-delete", args=[weather.public_id])).status_code == 404
    owner_client.post(page, {"name": "sky", "values": "sun"})
    weather.refresh_from_db()
    assert (weather.name, weather.values) == ("sky", ["sun"])
    assert owner_client.post(page, {"name": "sky", "values": " "}).status_code == 422
    owner_client.post(reverse("placeholder-delete", args=[weather.public_id]))
    assert not Placeholder.objects.exists()


def test_the_picture_says_what_was_typed_and_what_was_sent(owner_client, owner, stored, demo, mirel):
    owner_client.post(reverse("add-generate"), typed(demo, prompt="@Mirel"))
    made = Generation.objects.get()
    Image.objects.filter(pk=stored.pk).update(
        generation=made, prompt=made.prompt, prompt_sent=made.prompt_sent, source="generated"
    )
    page = owner_client.get(stored.get_absolute_url() + "?prompt=sent").content.decode()
    assert '<mark class="k-char" title="Mirel">Mirel (long silver hair)' in page


def test_a_chat_has_a_house_style_of_its_own(owner_client, owner, demo):
    chat = tagging.resolve(owner, ["chat:The Long Night"])[0]
    page = reverse("tag-edit", args=[chat.public_id])
    form = {"name": chat.name, "kind": "chat", "scene": "ink drawing", "people": ""}
    assert owner_client.post(page, form).status_code == 302
    assert owner_client.get(page).context["form"]["scene"].value() == "ink drawing"
    owner_client.post(reverse("add-generate"), typed(demo, prompt="a fox", tags="chat:The Long Night"))
    assert Generation.objects.get().prompt_sent == "a fox\n\nink drawing"
    owner_client.post(page, form | {"scene": ""})
    assert not HouseStyle.objects.exists()
