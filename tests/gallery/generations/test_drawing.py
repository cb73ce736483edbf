"""Parts of pages that are drawn once: what they are kept by, and that they never show what is over."""

import re
from dataclasses import dataclass, field

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils.safestring import mark_safe

from gallery import tagging
from gallery.models import Generation
from gallery.templatetags import drawing
from tests.gallery.tagging.test_tagging import make_image


@dataclass(frozen=True)
class Watched:
    n: int
    seen: list = field(default_factory=list, compare=False)

    def look(self):
        self.seen.append(self.n)
        return self.n


def part(inside="{{ value.look }}"):
    return Template("{% load drawing %}{% drawn_for value=value %}" + inside + "{% enddrawn_for %}")


def test_a_part_is_drawn_once_for_each_value():
    template, seen = part(), []
    drawn = [template.render(Context({"value": Watched(n, seen)})) for n in (1, 2, 1, 2, 2)]

    assert drawn == ["1", "2", "1", "2", "2"]
    assert seen == [1, 2]


def test_inside_nothing_but_the_values_is_known():
    text = part("{{ value }}{{ other }}{{ csrf_token }}").render(
        Context({"value": "a", "other": "b", "csrf_token": "c"})
    )
    assert text == "a"


def test_the_same_text_is_escaped_or_not_as_it_says():
    template = part("{{ value }}")
    assert template.render(Context({"value": "<b>"})) == "&lt;b&gt;"
    assert template.render(Context({"value": mark_safe("<b>")})) == "<b>"


def test_only_so_much_is_kept(monkeypatch):
    monkeypatch.setattr(drawing, "MOST", 2)
    template = part()
    for n in range(7):
        template.render(Context({"value": Watched(n)}))

    (node,) = template.nodelist.get_nodes_by_type(drawing.DrawnFor)
    assert len(node.drawn) <= 2


def test_a_value_without_a_name_is_refused():
    with pytest.raises(TemplateSyntaxError, match="name=value"):
        Template("{% load drawing %}{% drawn_for value %}{% enddrawn_for %}")


def numbers(client, address="/"):
    """What the side bar says, and which of its links is the current one."""
    side = re.search(r'<aside class="side".*?</aside>', client.get(address).content.decode(), re.DOTALL)[0]
    spent = re.search(r'class="num">([^<]*)<', side)
    return (
        dict(re.findall(r'title="(\w+)">.*?<span class="n">([\d,]+)</span>', side)),
        re.findall(r'aria-current="page" title="(\w+)"', side),
        spent and spent[1],
    )


def test_the_side_bar_tells_each_person_what_is_true_now(owner_client, other_client, owner, other):
    make_image(other, 9)
    for n in (1, 2, 3):
        image = make_image(owner, n)
        tagging.add([image], tagging.resolve(owner, [f"character:Mira {n}"]))
        expected = {"Gallery": str(n), "Characters": str(n)}
        assert numbers(owner_client) == (expected, ["Gallery"], None)
        assert numbers(other_client) == ({"Gallery": "1"}, ["Gallery"], None)

    tagging.trash([image])
    Generation.objects.create(owner=owner, provider="demo", model="demo", prompt="x", cost_usd="0.25")
    known, current, spent = numbers(owner_client, "/costs/")
    assert (known["Gallery"], current, spent) == ("2", ["Costs"], "$0.25")
    assert 'class="n n--live"' in owner_client.get("/").content.decode()
