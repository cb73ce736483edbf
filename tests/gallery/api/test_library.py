"""Saved prompts and presets through the API, and generations that take a preset."""

import pytest

from gallery.generations import calls
from gallery.models import Generation, Preset, SavedPrompt
from gallery.prompting import presets
from tests.gallery.api.conftest import is_problem


def test_prompts_are_saved_listed_changed_and_deleted(api, owner):
    made = api.post("/prompts", {"name": "Storm", "text": "a storm", "recipe": {"n": 2}})
    assert made.status_code == 201
    saved = made.json()
    assert (saved["folder"], saved["negative_text"], saved["recipe"]) == ("", "", {"n": 2})
    api.post("/prompts", {"name": "Calm", "text": "a calm", "folder": "Sea"})
    first = api.get("/prompts", limit=1).json()
    second = api.get("/prompts", limit=1, after=first["next"]).json()
    assert [item["name"] for item in first["items"] + second["items"]] == ["Calm", "Storm"]
    there = f"/prompts/{saved['id']}"
    assert api.patch(there, {"folder": "Sea"}).json()["folder"] == "Sea"
    assert api.get(there).json()["text"] == "a storm"
    assert api.delete(there).status_code == 204
    assert api.get(there).status_code == 404
    assert SavedPrompt.objects.owned_by(owner).kept().get().name == "Calm"


def test_presets_are_kept_listed_changed_ordered_and_deleted(api):
    one = api.post("/presets", {"name": "Oil", "kind": "style", "values": {"words": "in oil"}})
    assert one.status_code == 201
    two = api.post("/presets", {"name": "Tall", "kind": "parameters", "values": {"size": "1024x1536"}}).json()
    assert api.patch(f"/presets/{two['id']}", {"position": 0, "values": {"n": 2}}).json()["values"] == {
        "n": 2
    }
    assert [item["name"] for item in api.get("/presets").json()["items"]] == ["Tall", "Oil"]
    assert api.get(f"/presets/{two['id']}").json()["kind"] == "parameters"
    assert api.delete(f"/presets/{two['id']}").status_code == 204
    assert [item["name"] for item in api.get("/presets").json()["items"]] == ["Oil"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/prompts", {"name": "STORM", "text": "x"}, "name"),
        ("/prompts", {"name": "x" * 300, "text": "x"}, "name"),
        ("/prompts", {"name": "A", "text": " "}, "text"),
        ("/prompts", {"name": "A", "text": "x" * 32_001}, "text"),
        ("/prompts", {"name": "A", "text": "x", "recipe": {"colour": 1}}, "recipe"),
        ("/prompts", {"name": "A", "text": "x", "recipe": {"style": "\x00"}}, "recipe"),
        ("/presets", {"name": "OIL", "kind": "style", "values": {"words": "x"}}, "name"),
        ("/presets", {"name": "x" * 300, "kind": "style", "values": {"words": "x"}}, "name"),
        ("/presets", {"name": "A", "kind": "mood", "values": {"words": "x"}}, "kind"),
        ("/presets", {"name": "A", "kind": "style", "values": {}}, "values"),
        ("/presets", {"name": "A", "kind": "parameters", "values": {"n": 0}}, "n"),
        ("/presets", {"name": "A", "kind": "parameters", "values": {"options": {"a": "\x00"}}}, "options"),
    ],
)
def test_what_cannot_be_kept_is_a_problem_with_its_field(api, path, body, field):
    api.post("/prompts", {"name": "Storm", "text": "a storm"})
    api.post("/presets", {"name": "Oil", "kind": "style", "values": {"words": "in oil"}})
    is_problem(api.post(path, body), 422, field)
    assert (SavedPrompt.objects.count(), Preset.objects.count()) == (1, 1)


def test_they_are_their_owners_alone(api, foreign, reader):
    saved = api.post("/prompts", {"name": "Storm", "text": "a storm"}).json()
    preset = api.post("/presets", {"name": "Oil", "kind": "style", "values": {"words": "in oil"}}).json()
    for there in (f"/prompts/{saved['id']}", f"/presets/{preset['id']}"):
        assert foreign.get(there).status_code == 404
        assert foreign.patch(there, {"name": "Mine"}).status_code == 404
        assert foreign.delete(there).status_code == 404
        assert reader.get(there).status_code == 200
        assert reader.delete(there).status_code == 403


# --- Generations --------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_style_is_previewed_and_sent_byte_for_byte(api, owner, profile):
    presets.create(owner, name="Oil", kind="style", values={"words": "oil painting of {prompt}"})
    wish = {"prompt": "a fox", "preset": "oil"}
    receipt = api.post("/generations/preview", wish).json()
    assert receipt["prompt_sent"] == "oil painting of a fox"
    assert receipt["pieces"][0] == {"text": "oil painting of ", "from": "style:Oil"}
    made = api.post("/generations", wish)
    assert made.status_code == 202, made.json()
    assert made.json()["prompt_sent"] == receipt["prompt_sent"]
    asked = Generation.objects.get()
    calls.run(asked.calls.get().pk)
    assert asked.images.get().prompt_sent == receipt["prompt_sent"]


def test_parameters_stand_in_for_what_is_left_out_and_the_rest_is_said(api, owner, profile):
    values = {"n": 2, "aspect_ratio": "2:3", "resolution": "4K", "model": "demo-painter"}
    tall = presets.create(owner, name="Tall", kind="parameters", values=values)
    receipt = api.post("/generations/preview", {"prompt": "a fox", "preset": str(tall.public_id)}).json()
    assert receipt["params"]["size"] == "1024x1536"
    assert any("has one resolution only." in warning for warning in receipt["warnings"])
    made = api.post("/generations", {"prompt": "a fox", "preset": "Tall", "n": 1, "size": "1024x1024"}).json()
    assert (made["n"], made["params"]["size"]) == (1, "1024x1024")
    assert api.post("/generations", {"prompt": "a fox", "preset": "Tall"}).json()["n"] == 2


def test_an_unknown_or_foreign_preset_is_422_with_a_sentence(api, owner, other, profile):
    theirs = presets.create(other, name="Theirs", kind="style", values={"words": "in oil"})
    for wanted in ("Nothing", "Theirs", str(theirs.public_id)):
        for path in ("/generations", "/generations/preview"):
            body = is_problem(api.post(path, {"prompt": "a fox", "preset": wanted}), 422, "preset")
            assert f"There is no preset called “{wanted}”." in body["errors"][0]["message"]
    assert not Generation.objects.exists()


def test_a_style_and_a_prompt_as_typed_exclude_each_other(api, owner, profile):
    presets.create(owner, name="Oil", kind="style", values={"words": "in oil"})
    wish = {"prompt": "a fox", "preset": "Oil", "expand": False}
    is_problem(api.post("/generations", wish), 422, "preset")


def test_the_same_key_with_another_style_is_a_conflict(api, owner, profile):
    for name in ("Oil", "Ink"):
        presets.create(owner, name=name, kind="style", values={"words": f"in {name}"})
    wish = {"prompt": "a fox", "preset": "Oil"}
    assert api.post("/generations", wish, Idempotency_Key="k").status_code == 202
    assert api.post("/generations", wish, Idempotency_Key="k").status_code == 202
    again = api.post("/generations", wish | {"preset": "Ink"}, Idempotency_Key="k")
    assert again.status_code in (409, 422)
    assert Generation.objects.count() == 1
