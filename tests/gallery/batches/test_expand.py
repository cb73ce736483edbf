"""What a prompt with choices stands for, and the grid that its axes span."""

import pytest

from gallery.batches import expand
from gallery.batches.expand import Axis
from gallery.models import Placeholder
from providers.errors import InvalidRequest


def prompts(text, word="", **placeholders):
    """Every prompt that `text` stands for, in order."""
    rows = {name: Placeholder(name=name, values=values) for name, values in placeholders.items()}
    template = expand.template_of(text, rows, with_words=bool(word))
    return [
        template.text([axis.values[at] for axis, at in zip(template.axes, place.at, strict=True)], word)
        for place in expand.places(template.axes)
    ]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a fox", ["a fox"]),
        ("{red|blue} cloak", ["red cloak", "blue cloak"]),
        ("{a|b} {1|2}", ["a 1", "a 2", "b 1", "b 2"]),
        ("a {red|} cloak", ["a red cloak", "a  cloak"]),
        ("{|}", [""]),
        ("{red|red|blue}", ["red", "blue"]),
        ("{ red | blue }", [" red ", " blue "]),
        ("{red}", ["{red}"]),
        ("{}", ["{}"]),
        (r"\{red|blue\}", ["{red|blue}"]),
        (r"\{a\} {b\|c|d}", ["{a} b|c", "{a} d"]),
        (r"{\{|\}}", ["{", "}"]),
        (r"C:\dir \d", [r"C:\dir \d"]),
        ("{{weather}}", ["{{weather}}"]),
        ("{{a|b}}", ["{{a|b}}"]),
        ("{{{a|b}}}", ["{{{a|b}}}"]),
        ("{a|{b|c}}", ["{a|b}", "{a|c}"]),
        ("{a|b", ["{a|b"]),
        ("a|b}", ["a|b}"]),
        ("{sun\n|rain}", ["sun\n", "rain"]),
        ("@{Mirel|Ash}", ["@Mirel", "@Ash"]),
        ("“{🌊|é}”", ["“🌊”", "“é”"]),
    ],
)
def test_choices_are_told_from_other_braces(typed, meant):
    assert prompts(typed) == meant


@pytest.mark.parametrize("typed", ["a fox", "{red}", r"\{a|b\}", "{{a|b}}", "{a|b", ""])
def test_what_has_no_choices_is_offered_nothing(typed):
    assert not expand.has_choices(typed)
    assert expand.has_choices(typed + " {a|b}") or typed == "{a|b"


def test_a_placeholder_is_one_axis_wherever_it_is_named():
    assert prompts("{{sky}}, {{ Sky }} {{sea}}", sky=["sun", "rain"]) == [
        "sun, sun {{sea}}",
        "rain, rain {{sea}}",
    ]


def test_words_go_to_their_place_or_to_the_end():
    assert prompts("a {} fox", "sly") == ["a sly fox"]
    assert prompts("a fox, ", "sly") == ["a fox, sly"]
    assert prompts("a fox", "sly") == ["a fox, sly"]
    assert prompts("{red|grey} {} fox, {}", "sly") == ["red sly fox, sly", "grey sly fox, sly"]


def test_the_last_axis_runs_across():
    axes = [
        Axis(kind="choice", name="", values=("red", "")),
        Axis(kind="words", name="", values=("x",)),
        Axis(kind="shape", name="", values=("1:1", "2x3"), labels=("1:1", "2 × 3")),
    ]
    heads = [expand.heads(axes, place) for place in expand.places(axes)]
    assert heads == [("red · x", "1:1"), ("red · x", "2 × 3"), ("– · x", "1:1"), ("– · x", "2 × 3")]
    assert expand.heads(axes[:1], expand.Place(index=0, at=(0,))) == ("red", "")


def test_heads_are_cut_where_they_would_fill_the_page():
    axes = [Axis(kind="choice", name="", values=("x" * 900,))] * 4
    row, column = expand.heads(axes, expand.Place(index=0, at=(0, 0, 0, 0)))
    assert len(row) <= 400
    assert (len(column), column[-1]) == (200, "…")


def test_ten_thousand_cells_are_refused_before_one_is_made():
    hundred = Axis(kind="choice", name="", values=tuple(map(str, range(100))))
    with pytest.raises(InvalidRequest, match=r"100 × 100 = 10,000 pictures. At most 200"):
        expand.see_that_it_is_small([hundred, hundred])
    assert expand.see_that_it_is_small([hundred]) == 100


def test_a_prompt_full_of_braces_takes_no_longer_for_it():
    for nasty in ("{" * 30_000, "{a|" * 10_000, "{" + "a|" * 15_000, "\\{" * 15_000, "{{" * 15_000):
        assert expand.template_of(nasty).axes == []
