"""Presets: what is kept, and what a style does to the prompt that is sent."""

import pytest

from gallery import prompting, tagging
from gallery.generations.generation import Wish, composition_of, plan
from gallery.models import ConnectionProfile, Preset
from gallery.prompting import fragments, presets
from gallery.prompting.presets import PresetError
from gallery.vendors import provider_for
from providers.base import Capabilities


@pytest.fixture
def demo(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)


def style(owner, name="Oil", **values):
    return presets.create(owner, name=name, kind="style", values=values)


def composed(owner, prompt, preset, **able):
    return prompting.compose(prompt, prompting.Scene(owner=owner, able=Capabilities(**able), preset=preset))


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("oil painting of {prompt}, muted", "oil painting of a fox, muted"),
        ("muted colours", "a fox\n\nmuted colours"),
        ("{prompt}, at dusk", "a fox, at dusk"),
        ("sketch of {prompt}", "sketch of a fox"),
    ],
)
def test_the_words_of_a_style_stand_around_the_prompt_and_are_marked(owner, words, sent):
    made = composed(owner, "a fox", style(owner, words=words))
    assert made.text == sent
    assert {piece.source for piece in made.pieces} == {"typed", "style:Oil"}
    receipt = made.receipt()
    assert "".join(piece["text"] for piece in receipt["pieces"]) == sent
    assert receipt["preset"]["name"] == "Oil"


def test_what_a_style_avoids_goes_to_the_field_for_it_or_into_words(owner):
    avoiding = style(owner, negative="blur")
    assert composed(owner, "a fox", avoiding, negative_prompt=True).negative == "blur"
    assert composed(owner, "a fox", avoiding).text == "a fox\n\nAvoid: blur"
    owner.avoid_in_words = False
    assert [one.text for one in composed(owner, "a fox", avoiding).left_out] == ["blur"]


def test_a_style_that_does_not_fit_is_left_out_as_a_whole_and_said(owner):
    mirel = tagging.resolve(owner, ["character:Mirel"])[0]
    fragments.create(mirel, name="Hair", text="silver hair")
    made = composed(owner, "@Mirel", style(owner, words="an oil painting of {prompt}, muted"), max_prompt=30)
    assert made.text == "Mirel (silver hair)"
    (left,) = made.left_out
    assert (left.source, left.name) == ("style:Oil", "Style")
    assert left.reason == "Left out: the model takes 30 characters."


def test_a_style_goes_with_an_edit_too_but_not_without_a_prompt(owner, demo):
    wish = Wish(profile=demo, prompt="make it night", mode="edit", preset=style(owner, words="in oil"))
    assert composition_of(wish, provider_for(demo)).text == "make it night\n\nin oil"
    assert composed(owner, "  ", wish.preset).text == "  "


def test_notes_stand_in_the_receipt(owner, demo):
    planned = plan(Wish(profile=demo, prompt="a fox", notes=("Left out.",)))
    assert planned.composed.receipt()["warnings"] == ["Left out."]


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("style", {}, "values"),
        ("style", {"words": "{prompt} and {prompt}"}, "words"),
        ("style", {"words": "{prompt}"}, "words"),
        ("style", {"words": "x" * 4001}, "words"),
        ("style", {"words": 3}, "words"),
        ("style", {"words": "a\x07b"}, "words"),
        ("style", {"size": "1x1"}, "values"),
        ("parameters", {}, "values"),
        ("parameters", {"n": 0}, "n"),
        ("parameters", {"n": "many"}, "n"),
        ("parameters", {"seed": -1}, "seed"),
        ("parameters", {"quality": "x" * 121}, "quality"),
        ("parameters", {"words": "x"}, "values"),
        ("parameters", {"options": {"a": []}}, "options"),
        ("mood", {"words": "x"}, "kind"),
    ],
)
def test_what_cannot_be_kept_is_said_with_its_field(owner, kind, values, field):
    with pytest.raises(PresetError) as caught:
        presets.create(owner, name="A", kind=kind, values=values)
    assert caught.value.field == field
    assert caught.value.message.endswith(".")
    assert not Preset.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "\u200b", "x" * 300, "oil", "ÒIL"])
def test_a_name_is_short_and_taken_once(owner, other, name):
    style(owner, words="in oil")
    with pytest.raises(PresetError) as caught:
        style(owner, name, words="in oil")
    assert caught.value.field == "name"
    assert style(other, words="in oil").name == "Oil"


def test_presets_are_found_by_name_and_id_by_their_owner_alone(owner, other):
    oil = style(owner, words="in oil")
    assert presets.find(owner, "OIL") == presets.find(owner, str(oil.public_id)) == oil
    for wanted in ("Oil", str(oil.public_id)):
        with pytest.raises(PresetError, match="There is no preset called"):
            presets.find(other, wanted)


def test_presets_are_put_in_order(owner):
    one, two, three = (style(owner, name, words="x") for name in ("One", "Two", "Three"))
    presets.move(three, by=-1)
    assert list(Preset.objects.owned_by(owner)) == [one, three, two]
    presets.move(one, by=-1)
    presets.move(two, to=0)
    assert list(Preset.objects.owned_by(owner)) == [two, one, three]
