"""What is wrong with a wish for the cast: told before anything is sent, and nothing is left behind."""

import pytest

from gallery import tagging
from gallery.models import Batch, Comparison, Generation, Tag
from gallery.prompting import placeholders
from tests.gallery.api.conftest import is_problem

NUL = "Leave out the NUL character."
HALF = "Send text here; this is not valid Unicode."


@pytest.mark.parametrize("path", ["/generations", "/generations/preview", "/batches", "/comparisons"])
@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"prompt": "a {red|blue} fox\x00"}, "prompt", NUL),
        ({"prompt": "a {red|blue} \ud800 fox"}, "prompt", HALF),
        ({"negative_prompt": "blur\x00"}, "negative_prompt", NUL),
        ({"chat": "The Long\x00 Night"}, "chat", NUL),
        ({"tags": ["character:Mi\x00rel"]}, "tags", NUL),
    ],
)
def test_characters_that_no_text_has_are_refused(api, profile, path, changes, field, sentence):
    wish = {"prompt": "a {red|blue} fox"} | changes
    if path == "/comparisons":
        wish |= {"profiles": [{"profile": profile.name}, {"profile": profile.name, "model": "other"}]}
    told = is_problem(api.post(path, wish), 422)
    assert (field, sentence) in [(one["field"].split(".")[0], one["message"]) for one in told["errors"]]
    for model in (Generation, Batch, Comparison, Tag):
        assert not model.objects.exists()


def test_other_signs_go_out_byte_for_byte(api, profile):
    typed = "a fox\x1b[31m \u202egnp \u200b\t\n@Nobody:cloak {{nothing}}"
    shown = api.post("/generations/preview", {"prompt": typed}).json()
    assert (shown["prompt_sent"], [piece["from"] for piece in shown["pieces"]]) == (typed, ["typed"])


def test_the_character_of_another_person_stays_as_typed(api, profile, other):
    tagging.resolve(other, ['look:"Mirel:winter cloak"'])
    shown = api.post("/generations/preview", {"prompt": "@Mirel:winter cloak"}).json()
    assert (shown["prompt_sent"], shown["tags"], shown["references"]) == ("@Mirel:winter cloak", [], [])
    told = is_problem(api.post("/batches", {"prompt": "@Mirel {a|b}", "looks": ["Mirel:winter cloak"]}), 422)
    assert "There is no look “Mirel:winter cloak”." in told["errors"][0]["message"]


def test_a_look_goes_with_its_character(api, owner, profile):
    cloak = tagging.resolve(owner, ['look:"Mirel:winter cloak"'])[0]
    tagging.delete(cloak.parent)
    shown = api.post("/generations/preview", {"prompt": "@Mirel:winter cloak"}).json()
    assert (shown["prompt_sent"], shown["tags"]) == ("@Mirel:winter cloak", [])
    is_problem(
        api.post("/batches", {"prompt": "@Mirel {a|b}", "looks": ["Mirel:winter cloak"]}), 422, "looks"
    )


def test_placeholders_that_lead_back_to_themselves_are_told(api, owner, profile):
    placeholders.create(owner, name="a", values=["one {{b}}"])
    placeholders.create(owner, name="b", values=["two {{a}}"])
    shown = api.post("/generations/preview", {"prompt": "{{a}}"}).json()
    assert shown["prompt_sent"] == "one two {{a}}"
    assert shown["warnings"] == ["“{{a}}” leads back to itself, so it stays as it is typed."]
