from itertools import product
from uuid import uuid4

import pytest
from django.core import signing
from django.utils import timezone

from gallery import tagging
from gallery.models import Image, ImageText, Tag
from gallery.search import BadCursor, Total, neighbours, page, parse, search, tiles, total
from tests.gallery.tagging.test_tagging import make_image


def add_image(owner, number, *specs, **fields):
    image = make_image(owner, number, **fields)
    ImageText.refresh(image)
    tagging.add([image], tagging.resolve(owner, specs))
    return image


@pytest.fixture
def library(owner, other):
    """Five pictures, named in the order they came in, and one of somebody else."""
    add_image(other, 90, "rain", 'character:"Mirel Vane"', prompt="winter forest")
    return {
        "winter": add_image(
            owner, 1, 'character:"Mirel Vane"', "rain", prompt="Winter forest at the blue hour", favorite=True
        ),
        "cafe": add_image(
            owner, 2, "rain", title="Café terrace", source="generated", model="gpt-image-1", provider="openai"
        ),
        "storm": add_image(owner, 3, "storm", "wip", prompt="hour of blue storms", source="import"),
        "bare": add_image(owner, 4, notes="a_b 1024x1536 gpt-image-1.5; fin"),
        "grok": add_image(
            owner, 5, 'character:"Mirel Vane"', "wip", model="grok-2-image", source="generated"
        ),
    }


def names(library, found):
    by_key = {image.pk: name for name, image in library.items()}
    return [by_key[key] for key in found.images.values_list("pk", flat=True)]


FOUND = {
    "": "grok bare storm cafe winter",
    "winter": "winter",
    "WINT": "winter",
    "cafe": "cafe",
    "café": "cafe",
    "blue hour": "storm winter",
    '"blue hour"': "winter",
    '"blue hou"': "",
    '-"blue hour" hour': "storm",
    "NOT winter forest": "",
    "-winter": "grok bare storm cafe",
    "a_b": "bare",
    "a b fin": "bare",
    "1024x": "bare",
    "gpt-image-1.5": "bare",
    "image 5": "bare",
    "tag:rain": "cafe winter",
    "tag:RAIN": "cafe winter",
    "tag:rain,storm": "storm cafe winter",
    'character:"mirel vane"': "grok winter",
    'character:"Mirel Vane" -tag:wip': "winter",
    'character:"Mirel Vane" tag:rain winter': "winter",
    "NOT character:'x' tag:rain": "cafe winter",
    "source:generated": "grok cafe",
    "source:imported,upload": "bare storm winter",
    "model:gpt-image*": "cafe",
    "model:GPT-IMAGE-1": "cafe",
    "model:gpt": "",
    "provider:openai": "cafe",
    "is:favourite": "winter",
    "favorite:yes": "winter",
    "favourite:no": "grok bare storm cafe",
    "is:untagged": "bare",
    "is:tagged -is:generated": "storm winter",
    "is:animated": "",
    "is:version": "",
    "is:avatar": "",
    "is:sensitive": "",
}
MISTAKEN = {
    "modle:gpt* tag:storm": ("There is no filter modle:. Did you mean model:?", "storm"),
    "tag: winter": ("tag: needs something right after it", "winter"),
    "is:lost winter": ("is: does not know “lost”.", "winter"),
    "source:moon,import": ("source: does not know “moon”.", "storm"),
    "favourite:maybe winter": ("Write yes or no.", "winter"),
    "-": ("There is nothing to look for", "grok bare storm cafe winter"),
    "winter NOT": ("NOT needs something after it", "winter"),
    'winter "blue hour': ("This quotation mark is not closed.", "winter"),
    "winter 🎃": ("“🎃” has no letters or numbers", "winter"),
    "winter " + "x" * 2000: ("too long", ""),
    "winter " * 101: ("too many parts", "winter"),
    "tag:thunder": ("There is no tag called “thunder”.", ""),
    "character:mir": ('Did you mean character:"Mirel Vane"?', ""),
}


def test_search_finds(owner, library):
    found = {text: search(owner, text) for text in FOUND}
    assert {text: " ".join(names(library, each)) for text, each in found.items()} == FOUND
    pages = {text: [image.pk for image in page(each).images] for text, each in found.items()}
    assert pages == {
        text: [library[name].pk for name in expected.split()] for text, expected in FOUND.items()
    }
    assert {text: total(each).n for text, each in found.items()} == {
        t: len(e.split()) for t, e in FOUND.items()
    }


def test_a_mistake_is_said_and_the_rest_applied(owner, library):
    for text, (problem, expected) in MISTAKEN.items():
        found = search(owner, text)
        assert problem in " ".join(found.problems), text
        assert all(sentence.endswith((".", "?")) for sentence in found.problems)
        assert (text, names(library, found)) == (text, expected.split())


ODD = [
    '"; drop (x OR *',
    "winter\0",
    "\ud800",
    "a* AND (b OR -c)",
    "foo:bar:baz",
    '-"',
    "--",
    "NOT NOT NOT",
    "OR OR NOT OR (",
    "tag:%",
    "tag:" + "ﷺ" * 400,
    "' & | ! <-> :*",
    "\\ \\' $$ :tag",
    "is:,,, tag:,",
    'character:"" -is:',
    "NEAR(a b, 5) words:x ^a {a b}",
    "model:* provider:% connection:_",
    ")" * 400,
    "(" * 400,
    "(" * 200 + "winter" + ")" * 200,
    "-(a OR (b " * 200,
    "(a -(b OR -(c (" * 3 + "tag:rain" + "))))" * 3,
    "x" * 10_000,
    "tag:rain " * 1_200,
    "-a OR " * 1_500,
    "model:" + ",".join(f"m{n}*" for n in range(1_000)),
    "٣ ½ ①",
    'chat:"\u202eليل" 🎃',
    "rating:>=99999999999 cost:>1e400 width:-1 height:>>3 size:9x size:999999x999999 size:>999999GB",
    "date:0000 date:9999-99-99 date:2026-02-30 date:..  date:2026.. before:2999-12-31 after:2999",
    "ratio:0:0 ratio:9999:1 ratio:1:0 id:1 id:' stack:x sort: sort:id look:: look:a:",
    f"id:{uuid4()} stack:{uuid4()}",
]


def test_search_never_raises(owner, library):
    for text in ODD:
        for sort in ("newest", "rating", "random"):
            found = search(owner, text, sort=sort, within="tag:rain" if sort == "rating" else "")
            assert isinstance(page(found).images, list)
            assert total(found).exact
            assert all(mistake.start < mistake.end <= len(found.text) for mistake in found.mistakes)


def test_a_mistake_is_shown_where_it_stands(owner, library):
    found = search(owner, "winter (tag:rain is:lost) hour (tag:snow")
    mistake, *_ = found.mistakes
    assert [text for text, is_wrong in found.marked if is_wrong] == ["is:lost", "(tag:snow"]
    assert "".join(text for text, _ in found.marked) == found.text
    assert mistake.located.startswith("Character 18: is: does not know “lost”.")
    (mistake,) = search(owner, "winter -characters:mirel hour").mistakes
    assert mistake.better == 'winter hour -character:"Mirel Vane"'
    (mistake,) = search(owner, "winter modle:gpt* hour").mistakes
    assert mistake.better == "winter model:gpt* hour"


@pytest.mark.parametrize(
    "text", ["tag:storm OR winter", "winter) OR (tag:storm", "(winter OR storm", '"winter']
)
def test_a_search_within_a_tag_never_leaves_it(owner, library, text):
    assert set(names(library, search(owner, text, within="tag:rain"))) <= {"winter", "cafe"}
    assert "winter" in names(library, search(owner, text, within="tag:rain"))


def test_others_and_the_trash_are_never_found(owner, other, library):
    tagging.trash([library["winter"]])
    assert names(library, search(owner, "winter")) == []
    assert names(library, search(owner, "tag:rain")) == ["cafe"]
    assert [image.owner for image in search(other, "tag:rain").images] == [other]
    assert search(other, "tag:storm").problems == ("There is no tag called “storm”.",)


def test_an_alias_finds_the_pictures_of_its_tag(owner, library):
    rain = Tag.objects.owned_by(owner).get(name="rain")
    Tag.objects.create(owner=owner, name="drizzle", alias_of=rain)
    assert names(library, search(owner, "tag:drizzle")) == ["cafe", "winter"]


def test_words_follow_what_changes(owner, library):
    image = library["winter"]
    image.prompt = "summer"
    image.save()
    ImageText.refresh(image)
    assert names(library, search(owner, "winter")) == []
    assert names(library, search(owner, "summer")) == ["winter"]
    image.delete()
    assert not search(owner, "summer").images.exists()


def test_a_huge_text_can_be_indexed(owner):
    image = add_image(owner, 1, prompt=" ".join(f"word{n}" for n in range(300_000)))
    assert search(owner, "word7").images.get() == image


def test_terms_say_what_a_chip_shows_and_the_query_without_it():
    terms = parse('winter -tag:rain,storm NOT character:"Mirel Vane" "blue hour"').terms
    assert [(term.kind, term.label, term.negated) for term in terms] == [
        ("word", "winter", False),
        ("tag", "rain or storm", True),
        ("character", "Mirel Vane", True),
        ("phrase", '"blue hour"', False),
    ]
    assert terms[1].without == 'winter NOT character:"Mirel Vane" "blue hour"'
    assert terms[2].without == 'winter -tag:rain,storm "blue hour"'


@pytest.mark.parametrize("text", ["", "tag:rain", "rain", "tag:rain -tag:odd", "tag:rain tag:odd"])
@pytest.mark.parametrize("sort", ["newest", "oldest"])
def test_pages_go_through_everything_once(owner, text, sort):
    for number in range(11):
        add_image(owner, number, "rain", *(["odd"] if number % 2 else []), prompt="rain")
    found, cursor, seen = search(owner, text, sort=sort), None, []
    while True:
        batch = page(found, cursor, limit=3)
        seen += [image.pk for image in batch.images]
        cursor = batch.next
        if cursor is None:
            break
    expected = sorted(found.images.values_list("pk", flat=True), reverse=sort == "newest")
    assert seen == expected != []


def test_a_page_stays_in_place_when_pictures_come_in(owner):
    images = [add_image(owner, number) for number in range(4)]
    first = page(search(owner, ""), limit=2)
    add_image(owner, 5)
    assert page(search(owner, ""), first.next, limit=2).images == images[1::-1]


@pytest.mark.parametrize(
    "cursor", ["x", "", "1:2:3", pytest.param(signing.dumps([1, True]), id="signed"), "\0", "é"]
)
def test_a_cursor_that_was_not_made_here_is_refused(owner, cursor):
    if not cursor:
        assert page(search(owner, ""), cursor).images == []
        return
    with pytest.raises(BadCursor, match="Start again"):
        page(search(owner, ""), cursor)


def test_a_cursor_of_another_order_is_refused(owner, library):
    cursor = page(search(owner, ""), limit=1).next
    with pytest.raises(BadCursor, match="another list"):
        page(search(owner, "", sort="oldest"), cursor)


def test_total_is_exact_for_one_tag_and_capped_for_others(owner, library, monkeypatch):
    monkeypatch.setattr("gallery.search.pages.COUNTED", 1)
    assert total(search(owner, "tag:rain")) == Total(n=2, exact=True)
    assert total(search(owner, "")) == Total(n=5, exact=True)
    assert str(total(search(owner, "hour"))) == "1+"
    assert str(Total(n=12345, exact=True)) == "12,345"


FREQUENT = (
    "rain",
    "ra",
    '"rain falls"',
    "rain tag:odd",
    "rain falls tag:odd -tag:rare",
    "rain -falls",
    "rain tag:rare",
    "a rain tag:odd",
)


@pytest.mark.parametrize("many", [0, 1, 20_000])
def test_every_way_through_frequent_words_finds_the_same(owner, monkeypatch, many):
    monkeypatch.setattr("gallery.search.words.MANY", many)
    monkeypatch.setattr("gallery.search.keys.WINDOWS", (2, 3))
    for number in range(12):
        specs = ["odd"] * (number % 2) + ["rare"] * (number == 7)
        add_image(owner, number, *specs, prompt="A rain falls" if number % 3 else "always a falling rain")
    for text, sort in product(FREQUENT, ("newest", "oldest")):
        found = search(owner, text, sort=sort)
        seen, cursor = [], None
        while batch := page(found, cursor, limit=2):
            seen += [image.pk for image in batch.images]
            if (cursor := batch.next) is None:
                break
        expected = sorted(found.images.values_list("pk", flat=True), reverse=sort == "newest")
        assert seen == expected != [], (text, sort)
        assert total(found) == Total(n=len(seen), exact=True), (text, sort)


def test_neighbours_are_of_the_same_search(owner, library):
    found = search(owner, 'character:"Mirel Vane"')
    assert neighbours(found, library["winter"]) == (library["grok"], None)
    assert neighbours(search(owner, ""), library["storm"]) == (library["bare"], library["cafe"])


def test_tiles_are_flat_and_say_what_the_picture_is(owner, library):
    rows = tiles(page(search(owner, "")).images)
    assert [row["alt"] for row in rows] == [
        "Mirel Vane, wip",
        f"Image from {timezone.localtime(library['bare'].created_at):%-d %B %Y}",
        "storm, wip",
        "Café terrace",
        "Mirel Vane, rain",
    ]
    assert rows[0]["tags"] == [("character", "Mirel Vane"), ("tag", "wip")]
    assert rows[4]["favorite"] is True
    assert rows[4]["public_id"] == library["winter"].public_id


@pytest.mark.parametrize("count", [10, 20])
def test_a_page_of_tiles_takes_few_queries_at_any_length(owner, count, django_assert_max_num_queries):
    for number in range(count):
        add_image(owner, number, "rain", "storm", prompt="winter")
    with django_assert_max_num_queries(9):
        found = search(owner, "tag:rain tag:storm winter")
        assert len(tiles(page(found).images)) == count
        assert total(found).n == count
    assert Image.objects.count() == count
