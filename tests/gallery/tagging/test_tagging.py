import random
import threading

import pytest
from django.db import connections
from django.db.models import Count

from gallery import tagging
from gallery.models import Generation, Image, ImageTag, SavedSearch, Tag, TagCount
from gallery.prompting import fragments
from gallery.search import bitmaps
from gallery.tagging import TagError, aliases


def make_image(owner, number, **fields):
    return Image.objects.create(
        owner=owner,
        storage_key=f"uploaded/{owner.pk}/{number}.png",
        sha256=fields.pop("sha256", f"{number:064x}"),
        crc32=0,
        mime_type="image/png",
        bytes=1,
        width=64,
        height=96,
        tint="0000",
        thumbhash=b"",
        source=fields.pop("source", "upload"),
        **fields,
    )


@pytest.fixture
def images(owner):
    return [make_image(owner, number) for number in range(6)]


def count_of(tag):
    return TagCount.objects.get(tag=tag).n


def assert_counts_are_exact(owner):
    live = ImageTag.objects.filter(owner=owner, image__trashed_at=None)
    expected = dict(live.values_list("tag_id").annotate(n=Count("image_id")))
    kept = dict(TagCount.objects.filter(owner=owner, n__gt=0).values_list("tag_id", "n"))
    assert kept == expected
    pairs = set(live.values_list("tag_id", "image_id"))
    sets = bitmaps.of_tags(Tag.objects.filter(owner=owner).values_list("pk", flat=True))
    assert {(tag, image) for tag, images in sets.items() for image in images} == pairs


def at_once(ask, calls):
    """What `ask` answers or raises for each of `calls`, begun together in a thread each."""
    ready, outcomes = threading.Barrier(len(calls)), []

    def run(arguments):
        ready.wait()
        try:
            outcomes.append(ask(*arguments))
        except Exception as exc:  # noqa: BLE001
            outcomes.append(exc)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(arguments,)) for arguments in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


# --- How a tag is written -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("portrait", ("tag", "portrait", "")),
        ("character:Mirel", ("character", "Mirel", "")),
        ('character:"Mirel Vane"', ("character", "Mirel Vane", "")),
        ("Character : Mirel  Vane ", ("character", "Mirel Vane", "")),
        ("tag:a:b", ("tag", "a:b", "")),
        ("http://example.com/x", ("tag", "http://example.com/x", "")),
        ("Re:Zero", ("tag", "Re:Zero", "")),
        ('"blue hour"', ("tag", "blue hour", "")),
        ('say "hi" now', ("tag", "say 'hi' now", "")),
        ("per\0sona\x1b:Ash\ud800", ("tag", "persona:Ash", "")),
        ("a\u202eb", ("tag", "ab", "")),
        ('look:"Mirel Vane:winter cloak"', ("look", "winter cloak", "Mirel Vane")),
        ('look:Re:Zero: "cloak" ', ("look", "cloak", "Re:Zero")),
        ("look:cloak", ("look", "cloak", "")),
        ("Großer Kürbis 🎃", ("tag", "Großer Kürbis 🎃", "")),
    ],
)
def test_parse_spec_reads(spec, expected):
    assert tagging.parse_spec(spec) == expected


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "  ",
        "character:",
        'tag:""',
        "\0",
        "x" * 101,
        "\u0301",
        "\u200b \u2060\ufe0f",
        "ﷺ" * 30,
        "look:",
        "look:Mirel:",
        "look::a",
    ],
)
def test_parse_spec_refuses_what_cannot_be_a_name(spec):
    with pytest.raises(TagError) as caught:
        tagging.parse_spec(spec)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a, "b, c" ,, character:"D, E"\nf', ["a", '"b, c"', 'character:"D, E"', "f"]),
        ('un"closed, b', ['un"closed', "b"]),
        (" , \n", []),
    ],
)
def test_split_specs_minds_the_quotes(text, expected):
    assert tagging.split_specs(text) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Mirel", "Mirel Vane", "a,b", "(x)", "it's", "a:b"])
def test_a_spec_reads_back_as_the_same_tag(owner, name):
    for kind in Tag.Kind.values:
        parent = Tag.objects.create(owner=owner, kind=f"{kind[:3]}.", name=name) if kind == "look" else None
        tag = Tag.objects.create(owner=owner, kind=kind, name=name.replace(":", " "), parent=parent)
        assert tagging.split_specs(tag.spec) == [tag.spec]
        assert tagging.parse_spec(tag.spec) == (kind, tag.name, name if parent else "")


# --- From names to tags -------------------------------------------------------------------------


def test_resolve_makes_each_missing_tag_once(owner):
    tags = tagging.resolve(owner, ["Rain", "character:Mirel", "RAIN", "räin"])
    assert [tag.spec for tag in tags] == ["tag:Rain", "character:Mirel"]
    assert tagging.resolve(owner, ["character:mirel", "rain"]) == tags[::-1]
    assert Tag.objects.count() == 2


def test_resolve_gives_the_tag_behind_an_alias(owner):
    forest = Tag.objects.create(owner=owner, name="forest")
    Tag.objects.create(owner=owner, name="woods", alias_of=forest)
    assert tagging.resolve(owner, ["woods", "forest"]) == [forest]


def test_resolve_can_leave_unknown_names_out(owner):
    assert tagging.resolve(owner, ["unheard of"], create=False) == []
    assert not Tag.objects.exists()


def test_resolve_never_sees_tags_of_others(owner, other):
    foreign = Tag.objects.create(owner=other, name="rain")
    assert tagging.resolve(owner, ["rain"], create=False) == []
    assert tagging.resolve(owner, ["rain"]) != [foreign]


def test_resolve_refuses_too_many(owner):
    with pytest.raises(TagError, match="at most 200"):
        tagging.resolve(owner, [f"tag {n}" for n in range(201)])


# --- Tags on pictures ---------------------------------------------------------------------------


def test_add_counts_only_live_pictures_that_did_not_have_the_tag(owner, images):
    rain, snow = tagging.resolve(owner, ["rain", "snow"])
    tagging.trash([images[0]])
    assert tagging.add(images[:3], [rain]) == 3
    assert tagging.add(images, [rain, snow]) == 6
    assert tagging.add(images, [rain, snow]) == 0
    assert (count_of(rain), count_of(snow)) == (5, 5)
    assert_counts_are_exact(owner)


def test_add_keeps_where_a_tag_came_from(owner, images):
    tags = tagging.resolve(owner, ["rain"])
    tagging.add(images[:1], tags, origin="import")
    tagging.add(images[:2], tags)
    assert list(ImageTag.objects.order_by("image_id").values_list("origin", flat=True)) == [
        "import",
        "person",
    ]


def test_add_follows_an_alias_and_makes_a_missing_count(owner, images):
    forest = Tag.objects.create(owner=owner, name="forest")
    woods = Tag.objects.create(owner=owner, name="woods", alias_of=forest)
    assert tagging.add(images[:2], [woods]) == 2
    assert count_of(forest) == 2
    assert not ImageTag.objects.filter(tag=woods).exists()


def test_add_and_remove_leave_foreign_tags_and_pictures_alone(owner, other, images):
    foreign = Tag.objects.create(owner=other, name="rain")
    theirs = make_image(other, 99)
    mine = tagging.resolve(owner, ["rain"])
    assert tagging.add(images, [foreign]) == 0
    assert tagging.add([images[0], theirs], mine) == 1
    tagging.add([theirs], [foreign])
    assert tagging.remove([images[0], theirs], [foreign]) == 0
    assert count_of(foreign) == 1


def test_nothing_to_tag_is_no_error(owner):
    tags = tagging.resolve(owner, ["rain"])
    assert (tagging.add([], tags), tagging.remove([], tags), tagging.trash([])) == (0, 0, 0)
    assert tagging.restore([]).images == ()


def test_remove_counts_the_pictures_that_had_the_tag(owner, images):
    rain, snow = tagging.resolve(owner, ["rain", "snow"])
    tagging.add(images[:4], [rain])
    assert tagging.remove(images, [rain, snow]) == 4
    assert (count_of(rain), count_of(snow)) == (0, 0)


def test_trash_and_restore_move_the_counts(owner, images):
    rain, snow = tagging.resolve(owner, ["rain", "snow"])
    tagging.add(images, [rain])
    tagging.add(images[:2], [snow])
    assert tagging.trash(images[:3]) == 3
    assert tagging.trash(images[:3]) == 0
    assert (count_of(rain), count_of(snow)) == (3, 0)
    restored = tagging.restore(images[1:])
    assert restored.images == tuple(images[1:3])
    assert images[1].trashed_at is None
    assert (count_of(rain), count_of(snow)) == (5, 1)


def test_restore_gives_the_tags_to_a_live_twin(owner, images):
    rain, snow = tagging.resolve(owner, ["rain", "snow"])
    tagging.add(images[:1], [rain])
    tagging.trash(images[:1])
    twin = make_image(owner, 70, sha256=images[0].sha256)
    tagging.add([twin], [snow])
    restored = tagging.restore(images[:1])
    assert restored == tagging.Restored(images=(), merged=((images[0], twin),))
    assert set(twin.tags.all()) == {rain, snow}
    images[0].refresh_from_db()
    assert images[0].trashed_at is not None
    assert_counts_are_exact(owner)


def test_restore_of_two_twins_brings_one_back(owner, images):
    tagging.trash(images[:1])
    second = make_image(owner, 71, sha256=images[0].sha256)
    tagging.trash([second])
    restored = tagging.restore([images[0], second])
    assert restored.images == (images[0],)
    assert restored.merged == ((second, images[0]),)


def test_counts_stay_exact_whatever_happens(owner, images):
    chance = random.Random(7)
    tags = tagging.resolve(owner, [f"tag {n}" for n in range(5)])
    for _ in range(60):
        some, few = chance.sample(images, chance.randint(1, 6)), chance.sample(tags, chance.randint(1, 3))
        action = chance.choice(["add", "add", "remove", "trash", "restore"])
        for image in some:
            image.refresh_from_db()
        getattr(tagging, action)(some, *([few] if action in ("add", "remove") else []))
        assert_counts_are_exact(owner)


@pytest.mark.django_db(transaction=True)
def test_counts_stay_exact_when_many_change_at_once(owner):
    images = [make_image(owner, number) for number in range(6)]
    tags = tagging.resolve(owner, ["one", "two", "three"])
    failures = []

    def change(seed):
        chance = random.Random(seed)
        try:
            for _ in range(12):
                some = list(Image.objects.filter(pk__in=chance.sample([i.pk for i in images], 3)))
                few = chance.sample(tags, 2)
                changes = [
                    lambda some=some, few=few: tagging.add(some, few),
                    lambda some=some, few=few: tagging.remove(some, few),
                    lambda some=some: tagging.trash(some),
                    lambda some=some: tagging.restore(some),
                    lambda some=some: tagging.add(some, tagging.resolve(owner, [f"new {chance.random()}"])),
                ]
                chance.choice(changes)()
        except Exception as exc:  # noqa: BLE001
            failures.append(exc)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=change, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert_counts_are_exact(owner)


@pytest.mark.django_db(transaction=True)
def test_the_same_new_tag_is_made_once_when_many_ask_at_once(owner):
    specs = ["rain", "snow", "look:Mirel:cloak"]
    found = at_once(lambda: [tag.pk for tag in tagging.resolve(owner, specs)], [[]] * 4)
    assert found == [found[0]] * 4


# --- Tags among themselves ----------------------------------------------------------------------


def test_merge_moves_pictures_and_leaves_another_spelling(owner, images):
    woods, forest, timber = tagging.resolve(owner, ["woods", "forest", "timber"])
    tagging.merge(timber, woods)
    tagging.add(images[:3], [woods])
    tagging.add(images[2:4], [forest])
    assert tagging.merge(woods, forest) == 4
    assert tagging.resolve(owner, ["woods", "timber"]) == [forest]
    assert count_of(woods) == 0
    assert_counts_are_exact(owner)


def test_merge_keeps_what_the_tag_was(owner, images):
    woods, forest = tagging.resolve(owner, ["character:woods", "character:forest"])
    fragments.create(woods, name="Body", text="Tall trees.")
    fragments.create(forest, name="body", text="Many trees.", use="demand")
    for tag, text in ((woods, "Dark."), (forest, "Green.")):
        tag.description = text
        tag.save()
    Tag.objects.filter(pk=woods.pk).update(pinned=True, color="#112233")
    tagging.set_avatar(Tag.objects.get(pk=woods.pk), images[0], (100, 200, 500))
    saved = SavedSearch.objects.create(owner=owner, name="a", folded="a", query="character:WOODS rain")
    job = Generation.objects.create(owner=owner, provider="demo", model="demo", prompt="x", n=1)
    job.tags.add(woods)
    tagging.merge(woods, forest)
    forest.refresh_from_db()
    saved.refresh_from_db()
    assert (forest.pinned, forest.color, forest.avatar) == (True, "#112233", images[0])
    assert (forest.avatar_crop, forest.description) == ([100, 200, 500], "Green.\n\nDark.")
    assert [(each.name, each.text) for each in forest.fragments.all()] == [
        ("body", "Many trees."), ("Body 2", "Tall trees."),
    ]  # fmt: skip
    assert (saved.query, list(job.tags.all())) == ("character:forest rain", [forest])
    assert not woods.pinned


def test_the_plan_of_a_merge_says_how_many_have_both(owner, other, images):
    woods, forest = tagging.resolve(owner, ["woods", "forest"])
    tagging.add(images[:4], [woods])
    tagging.add(images[2:], [forest])
    tagging.trash(images[3:4])
    plan = tagging.plan_merge(woods, forest)
    assert (plan.n, plan.into_n, plan.both, plan.after) == (3, 3, 1, 5)
    assert tagging.merge(woods, forest) == plan.after
    with pytest.raises(TagError, match="itself"):
        tagging.plan_merge(forest, forest)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("crossed", [False, True])
def test_one_of_two_people_who_merge_at_once_is_told(owner, crossed):
    images = [make_image(owner, number) for number in range(6)]
    woods, forest = tagging.resolve(owner, ["woods", "forest"])
    tagging.add(images[:4], [woods])
    tagging.add(images[3:], [forest])
    pairs = [(woods.pk, forest.pk), (forest.pk, woods.pk) if crossed else (woods.pk, forest.pk)]
    outcomes = at_once(
        lambda pair: tagging.merge(*(Tag.objects.get(pk=key) for key in pair)), [[pair] for pair in pairs]
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["TagError", "int"]
    (told,) = (str(outcome) for outcome in outcomes if isinstance(outcome, TagError))
    assert "another spelling of" in told
    (left,) = Tag.objects.filter(alias_of=None)
    assert count_of(left) == 6
    assert_counts_are_exact(owner)


def test_merge_with_itself_or_its_own_alias_is_refused(owner, other):
    woods, forest = tagging.resolve(owner, ["woods", "forest"])
    (foreign,) = tagging.resolve(other, ["forest"])
    tagging.merge(woods, forest)
    woods.refresh_from_db()
    for into, sentence in ((forest, "itself"), (woods, "another spelling"), (foreign, "is gone")):
        with pytest.raises(TagError, match=sentence):
            tagging.merge(forest, into)


def test_merge_into_an_alias_goes_to_its_tag(owner, images):
    woods, forest, trees = tagging.resolve(owner, ["woods", "forest", "trees"])
    tagging.merge(woods, forest)
    tagging.add(images[:2], [trees])
    assert tagging.merge(trees, woods) == 2
    assert tagging.resolve(owner, ["trees"]) == [forest]


def test_rename_changes_name_and_address(owner):
    (tag,) = tagging.resolve(owner, ["Mirel"])
    tagging.rename(tag, " Mirel   Vane ")
    tag.refresh_from_db()
    assert (tag.name, tag.folded, tag.slug) == ("Mirel Vane", "mirel vane", "mirel-vane")


def test_rename_to_a_taken_name_says_to_merge(owner):
    rain, _ = tagging.resolve(owner, ["rain", "snow"])
    with pytest.raises(TagError, match="Merge the two instead"):
        tagging.rename(rain, "Snow")
    assert rain.name == "rain"


def test_rename_to_its_own_alias_takes_its_place(owner):
    woods, forest = tagging.resolve(owner, ["woods", "forest"])
    tagging.merge(woods, forest)
    tagging.rename(forest, "woods")
    assert tagging.resolve(owner, ["woods"], create=False) == [forest]


def test_a_tag_that_somebody_deleted_cannot_be_changed(owner):
    rain, snow = tagging.resolve(owner, ["rain", "snow"])
    tagging.delete(Tag.objects.get(pk=rain.pk))
    for change in (lambda: tagging.rename(rain, "hail"), lambda: tagging.merge(rain, snow)):
        with pytest.raises(TagError, match="just been deleted"):
            change()


def test_delete_keeps_the_pictures(owner, images):
    (rain,) = tagging.resolve(owner, ["rain"])
    tagging.add(images[:2], [rain])
    assert tagging.delete(rain) == 2
    assert Image.objects.count() == len(images)
    assert not TagCount.objects.exists()


def test_deleting_a_chat_may_put_its_pictures_into_the_trash(owner, images):
    night, rain = tagging.resolve(owner, ["chat:Night", "rain"])
    tagging.add(images[:3], [night, rain])
    tagging.trash(images[:1])
    assert tagging.delete(night, trash_pictures=True) == 2
    assert Image.objects.live().count() == 3
    assert count_of(rain) == 0
    assert_counts_are_exact(owner)


def test_a_face_is_a_square_inside_an_own_picture(owner, other, images):
    (mirel,) = tagging.resolve(owner, ["character:Mirel"])  # the pictures are 64 × 96 pixels
    for crop in ((0, 0, 1000), (0, 500, 1000), (500, 1000, 500)):
        tagging.set_avatar(mirel, images[0], crop)
        mirel.refresh_from_db()
        assert (mirel.avatar, mirel.avatar_crop) == (images[0], list(crop))
    for crop in ((1, 0, 1000), (0, 501, 1000), (-1, 0, 100), (0, 0, 1001), (0, 0, 49)):
        with pytest.raises(TagError):
            tagging.set_avatar(mirel, images[0], crop)
    with pytest.raises(TagError):
        tagging.set_avatar(mirel, make_image(other, 80))
    tagging.set_avatar(mirel, images[1])
    assert mirel.avatar_crop is None
    tagging.set_avatar(mirel, None)
    mirel.refresh_from_db()
    assert mirel.avatar is None


def test_spellings_of_another_kind_are_kept_and_taken_away_like_others(owner):
    mirel, plain, chat, voice = tagging.resolve(
        owner, ["character:Mirel", "Mirel", "chat:Mimi", "persona:Mimi"]
    )
    for tag in (plain, chat, voice):
        tagging.merge(tag, mirel)
    aliases.replace(mirel, ["Mimi", "Mirel", "The Tall One"])
    assert tagging.resolve(owner, ["tag:mirel", "chat:mimi", "character:the tall one"]) == [mirel]
    aliases.replace(mirel, ["Mirel"])
    assert [alias.spec for alias in mirel.aliases.all()] == ["tag:Mirel"]


def test_when_a_tag_was_last_given_is_kept(owner, images):
    rain, snow = tagging.resolve(owner, ["rain", "snow"])
    assert TagCount.objects.get(tag=rain).used_at is None
    tagging.add(images[:1], [rain])
    used = TagCount.objects.get(tag=rain).used_at
    tagging.add(images[:1], [rain])
    tagging.trash(images[:1])
    tagging.restore(images[:1])
    assert TagCount.objects.get(tag=rain).used_at == used
    tagging.merge(rain, snow)
    assert TagCount.objects.get(tag=snow).used_at == used


def test_recount_repairs_what_was_spoilt_by_hand(owner, images):
    rain, snow = tagging.resolve(owner, ["rain", "snow"])
    tagging.add(images, [rain, snow])
    TagCount.objects.filter(tag=rain).update(n=1)
    TagCount.objects.filter(tag=snow).delete()
    bitmaps.discard([(rain.pk, images[5].pk)])
    tagging.remove(images[:3], [rain])  # a spoilt count does not stop a change
    assert tagging.recount(owner) == 2
    assert tagging.recount(owner) == 0
    assert_counts_are_exact(owner)
