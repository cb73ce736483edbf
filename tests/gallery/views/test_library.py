"""The page of prompts, the shelf in the generate form, and the settings for presets."""

import json

import pytest
from django.urls import reverse

from gallery import tagging
from gallery.models import ConnectionProfile, Generation, Preset, SavedPrompt
from gallery.prompting import presets, savedprompts

FLARE = "gpt-image-2.5-flare"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def demo(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)


def typed(profile, **values):
    model = {"demo": "demo-painter", "openai": FLARE}[profile.provider]
    return {"model": f"{profile.public_id}/{model}", "n": "1", "prompt": "", "tags": ""} | values


def sent(owner, prompt):
    return Generation.objects.create(owner=owner, provider="demo", model="demo-painter", prompt=prompt)


def text_of(answer):
    return answer.content.decode()


# --- History --------------------------------------------------------------------------------------


def test_the_history_shows_each_prompt_with_its_way_back(owner_client, owner):
    row = [sent(owner, "a fox") for _ in range(2)][-1]
    page = text_of(owner_client.get(reverse("prompt-history")))
    assert "2 times" in page
    assert f"?again={row.public_id}" in page
    assert "a fox" in text_of(owner_client.get(reverse("prompt-history"), {"q": "FOX"}))
    assert "has all of these words" in text_of(owner_client.get(reverse("prompt-history"), {"q": "owl"}))


def test_the_history_turns_pages_and_refuses_places_it_does_not_know(owner_client, owner, other):
    for number in range(31):
        sent(owner, f"fox {number}")
    first = owner_client.get(reverse("prompt-history"))
    after = first.context["page"].next.public_id
    assert f"after={after}" in text_of(first)
    second = owner_client.get(reverse("prompt-history"), {"after": after}, headers=HTMX)
    assert text_of(second).count("Use again") == 1
    assert "<html" not in text_of(second)
    for wrong in ("x", str(sent(other, "theirs").public_id)):
        assert owner_client.get(reverse("prompt-history"), {"after": wrong}).status_code == 400


@pytest.mark.parametrize("name", ["prompt-history", "prompt-library", "generate-shelf", "presets"])
def test_lists_take_the_same_number_of_queries_at_any_length(
    owner_client, owner, name, django_assert_max_num_queries
):
    def fill(numbers):
        for number in numbers:
            sent(owner, f"fox {number}")
            savedprompts.create(owner, name=f"Fox {number}", folder=str(number % 3), text="a fox")
            presets.create(owner, name=f"Fox {number}", kind="style", values={"words": "oil"})

    fill(range(10))
    owner_client.get(reverse(name))
    with django_assert_max_num_queries(12) as few:
        owner_client.get(reverse(name))
    n = len(few.captured_queries)
    fill(range(10, 20))
    with django_assert_max_num_queries(n):
        owner_client.get(reverse(name))


def test_used_again_a_prompt_brings_everything_back(owner_client, owner, writer, stored):
    presets.create(owner, name="Oil", kind="style", values={"words": "oil painting of {prompt}"})
    style = str(Preset.objects.get().public_id)
    asked = typed(
        writer, prompt="@Mirel waits", tags="persona:Ash, chat:Salt Road", preset=style, n="2",
        references=str(stored.public_id), size="1024x1536",
    )  # fmt: skip
    tagging.resolve(owner, ["character:Mirel"])
    assert owner_client.post(reverse("add-generate"), asked).status_code == 302
    made = Generation.objects.get()
    assert made.prompt_sent == "oil painting of Mirel waits"
    assert made.receipt["preset"]["name"] == "Oil"

    form = owner_client.get(reverse("add-generate"), {"again": made.public_id}).context["form"]
    assert form.value_of("prompt") == "@Mirel waits"
    assert (form.value_of("preset"), form.value_of("n"), form.value_of("size")) == (style, "2", "1024x1536")
    assert {"persona:Ash", 'chat:"Salt Road"'} <= set(form.value_of("tags").split(", "))
    assert [row.image for row in form.reference_rows] == [stored]


def test_what_is_gone_is_named_when_a_prompt_is_used_again(owner_client, owner, writer, stored):
    presets.create(owner, name="Oil", kind="style", values={"words": "in oil"})
    style = str(Preset.objects.get().public_id)
    owner_client.post(
        reverse("add-generate"), typed(writer, prompt="a fox", preset=style, references=str(stored.public_id))
    )
    made = Generation.objects.get()
    Preset.objects.all().delete()
    tagging.trash([stored])
    page = owner_client.get(reverse("add-generate"), {"again": made.public_id})
    assert "is in the trash, so it does not go along." in text_of(page)
    assert "The style “Oil” was deleted since." in text_of(page)
    assert page.context["form"].reference_rows == []
    made.references.update(image=None)
    assert "1 reference picture was deleted since" in text_of(
        owner_client.get(reverse("add-generate"), {"again": made.public_id})
    )


# --- Library --------------------------------------------------------------------------------------


def test_a_prompt_is_written_changed_deleted_and_brought_back(owner_client, owner):
    new = reverse("saved-prompt-new")
    assert owner_client.post(new, {"name": "Storm", "folder": "Sea", "text": "a storm"}).status_code == 302
    saved = SavedPrompt.objects.get()
    there = reverse("saved-prompt", args=[saved.public_id])
    changed = {"name": "Big storm", "folder": "", "text": "a storm", "recipe": '{"n": 2}'}
    assert owner_client.post(there, changed).status_code == 302
    page = text_of(owner_client.get(reverse("prompt-library")))
    assert "Big storm" in page
    assert "Without a folder" in page

    delete = reverse("saved-prompt-delete", args=[saved.public_id])
    assert f'action="{delete}"' in text_of(owner_client.post(delete, follow=True))  # to undo it
    assert owner_client.get(there).status_code == 404
    owner_client.post(delete, {"undo": "1"})
    assert owner_client.get(there).status_code == 200


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": ""}, "This is needed."),
        ({"name": "x" * 300}, "Use at most 80 characters."),
        ({"name": "STORM"}, "There is a prompt “STORM” already."),
        ({"text": " "}, "Write the prompt that is to be kept."),
        ({"recipe": "{"}, "The settings cannot be read."),
        ({"recipe": "[" * 9000}, "The settings cannot be read."),
        ({"recipe": '{"n": 0}'}, "The settings cannot be read."),
    ],
)
def test_a_prompt_that_cannot_be_kept_is_422_with_a_sentence(owner_client, owner, values, sentence):
    savedprompts.create(owner, name="Storm", text="a storm")
    answer = owner_client.post(reverse("saved-prompt-new"), {"name": "Calm", "text": "a calm"} | values)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert SavedPrompt.objects.count() == 1


def test_the_form_keeps_its_prompt_its_settings_or_both(owner_client, owner, demo):
    keep = reverse("prompt-keep")
    asked = typed(demo, prompt="a fox", n="2", size="1024x1536")
    for what, name in (("prompt", "Fox"), ("both", "Fox so"), ("preset", "Tall")):
        answer = owner_client.post(keep, asked | {"name": name, "folder": "Wood", "as": what}, headers=HTMX)
        assert answer.status_code == 200, text_of(answer)
    plain, both = SavedPrompt.objects.order_by("pk")
    assert (plain.text, plain.folder, plain.recipe) == ("a fox", "Wood", {})
    wanted = {"profile": str(demo.public_id), "model": "demo-painter", "size": "1024x1536", "n": 2}
    assert both.recipe == Preset.objects.get().values == wanted
    taken = owner_client.post(keep, asked | {"name": "tall", "as": "preset"}, headers=HTMX)
    assert taken.status_code == 422
    assert "There is a preset “tall” already." in text_of(taken)


def test_without_script_the_form_asks_for_a_name_on_a_page_of_its_own(owner_client, demo):
    page = owner_client.post(reverse("prompt-keep"), typed(demo, prompt="a fox & more"))
    assert page.context["form"]["text"].value() == "a fox & more"
    assert reverse("saved-prompt-new") in text_of(page)


# --- In the generate form -----------------------------------------------------------------------


def test_the_shelf_lists_what_is_saved_and_sent(owner_client, owner, other):
    savedprompts.create(owner, name="Storm", text="a storm")
    savedprompts.create(other, name="Secret", text="a secret")
    sent(owner, "a fox")
    rows = text_of(owner_client.get(reverse("generate-shelf")))
    assert ("Storm" in rows, "a fox" in rows, "Secret" in rows) == (True, True, False)
    assert "a fox" not in text_of(owner_client.get(reverse("generate-shelf"), {"q": "storm"}))
    assert "No prompt has these words" in text_of(owner_client.get(reverse("generate-shelf"), {"q": "zz"}))


def test_a_saved_prompt_begins_the_form_by_its_address(owner_client, owner, demo):
    recipe = {"size": "1024x1536", "n": 2, "quality": "high"}
    saved = savedprompts.create(owner, name="Storm", text="a storm", negative_text="blur", recipe=recipe)
    page = owner_client.get(reverse("add-generate"), {"saved": saved.public_id})
    form = page.context["form"]
    assert form.value_of("prompt") == "a storm"
    assert (form.value_of("n"), form.value_of("size")) == ("2", "1024x1536")
    assert owner_client.get(reverse("add-generate"), {"saved": "x"}).status_code == 404


def test_a_prompt_of_the_shelf_goes_into_what_is_typed(owner_client, owner, demo):
    saved = savedprompts.create(owner, name="Storm", text="a storm")
    row = sent(owner, "an owl")
    asked = typed(demo, prompt="mine", n="4", tags="wip")
    for take, prompt in ((f"saved:{saved.public_id}", "a storm"), (f"prompt_of:{row.public_id}", "an owl")):
        answer = owner_client.post(reverse("add-generate"), asked | {"take": take}, headers=HTMX)
        form = answer.context["form"]
        assert (form.value_of("prompt"), form.value_of("n"), form.value_of("tags")) == (prompt, "4", "wip")
        assert "<html" not in text_of(answer)
    assert not Generation.objects.exclude(pk=row.pk).exists()


def test_settings_go_into_the_form_and_what_the_model_does_not_take_is_said(owner_client, owner, demo):
    values = {"aspect_ratio": "2:3", "n": 2, "seed": 7, "resolution": "4K", "model": "gone"}
    wide = presets.create(owner, name="Tall", kind="parameters", values=values)
    asked = typed(demo, prompt="mine", size="1536x1024", take=f"preset:{wide.public_id}")
    page = owner_client.post(reverse("add-generate"), asked)
    form = page.context["form"]
    assert (form.value_of("prompt"), form.value_of("n")) == ("mine", "2")
    assert form.value_of("size") == "1024x1536"
    assert "The model of “Tall”, gone, is not offered now." in text_of(page)
    assert "has one resolution only." in text_of(page)


def test_settings_bring_their_model(owner_client, owner, writer):
    values = {"profile": str(writer.public_id), "model": FLARE, "quality": "high"}
    fine = presets.create(owner, name="Fine", kind="parameters", values=values)
    page = owner_client.get(reverse("add-generate"), {"preset": fine.public_id})
    assert page.context["offer"].value == f"{writer.public_id}/{FLARE}"
    assert page.context["form"].value_of("quality") == "high"


def test_a_style_is_chosen_shown_in_the_receipt_and_sent(owner_client, owner, demo):
    oil = presets.create(owner, name="Oil", kind="style", values={"words": "oil painting of {prompt}"})
    page = owner_client.get(reverse("add-generate"), {"preset": oil.public_id})
    assert f'<option value="{oil.public_id}" selected>' in text_of(page)
    asked = typed(demo, prompt="a fox", preset=str(oil.public_id))
    receipt = text_of(owner_client.post(reverse("generate-estimate"), asked))
    assert '<mark class="k-chat" title="Oil">oil painting of </mark>a fox' in receipt
    owner_client.post(reverse("add-generate"), asked)
    made = Generation.objects.get()
    assert made.prompt_sent == "oil painting of a fox"
    assert made.receipt["pieces"][0] == {"text": "oil painting of ", "from": "style:Oil"}


@pytest.mark.parametrize("whose", ["other", "nobody", "nonsense"])
def test_the_style_of_another_or_of_nobody_is_not_there(owner_client, owner, other, demo, whose):
    foreign = presets.create(other, name="Oil", kind="style", values={"words": "in oil"})
    wanted = {"other": foreign.public_id, "nobody": owner.pk, "nonsense": "x"}[whose]
    answer = owner_client.post(reverse("add-generate"), typed(demo, prompt="a fox", preset=str(wanted)))
    assert answer.status_code == 422
    assert "This style was deleted. Choose another one, or none." in text_of(answer)
    assert not Generation.objects.exists()
    assert owner_client.get(reverse("add-generate"), {"preset": wanted}).status_code == 404


# --- Settings -------------------------------------------------------------------------------------


def test_presets_are_made_changed_ordered_and_deleted(owner_client, owner, demo):
    new = reverse("preset-new")
    assert "Write {prompt} where" in text_of(owner_client.get(new, {"kind": "style"}))
    owner_client.post(new, {"kind": "style", "name": "Oil", "words": "in oil"})
    model = f"{demo.public_id}/demo-painter"
    owner_client.post(
        new, {"kind": "parameters", "name": "Tall", "model": model, "n": "2", "size": "1024x1536"}
    )
    oil, tall = Preset.objects.owned_by(owner)
    wanted = {"profile": str(demo.public_id), "model": "demo-painter", "size": "1024x1536", "n": 2}
    assert tall.values == wanted

    there = reverse("preset", args=[tall.public_id])
    assert 'value="1024x1536"' in text_of(owner_client.get(there))
    owner_client.post(there, {"name": "Taller", "model": "", "n": "4"})
    tall.refresh_from_db()
    assert (tall.name, json.dumps(tall.values)) == ("Taller", '{"n": 4}')

    owner_client.post(reverse("preset-move", args=[tall.public_id]), {"to": "front"})
    assert list(Preset.objects.owned_by(owner)) == [tall, oil]
    owner_client.post(reverse("preset-delete", args=[oil.public_id]))
    assert list(Preset.objects.owned_by(owner)) == [tall]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": "x" * 300, "words": "x"}, "Use at most 80 characters."),
        ({"name": "OIL", "words": "x"}, "There is a preset “OIL” already."),
        ({"name": "A"}, "Choose at least one thing"),
        ({"name": "A", "words": "{prompt} {prompt}"}, "Write {prompt} once"),
        ({"name": "A", "kind": "parameters", "n": "0"}, "Choose 1 to 100."),
        ({"name": "A", "kind": "parameters", "model": "x"}, "This is not on offer any more."),
    ],
)
def test_a_preset_that_cannot_be_kept_is_422_with_a_sentence(owner_client, owner, demo, values, sentence):
    presets.create(owner, name="Oil", kind="style", values={"words": "in oil"})
    answer = owner_client.post(reverse("preset-new"), {"kind": "style"} | values)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert Preset.objects.count() == 1
