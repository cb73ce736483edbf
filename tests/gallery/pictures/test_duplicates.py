"""Pictures that look alike: which pairs are found, and what a decision does."""

import random

import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from gallery import decode, tagging
from gallery.models import Image, NearDuplicate, QueuedTask
from gallery.pictures import duplicates, lookalikes, stacks
from gallery.work import housekeeping
from tests.gallery.views.test_images import add_image

BASE = 0x1234_5678_9ABC_DEF0


def flipped(value, *bits):
    for bit in bits:
        value ^= 1 << bit
    return value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def looks(owner, number, value, **fields):
    return add_image(owner, number, phash=signed(value), **fields)


def pairs(owner):
    return [
        (pair.first, pair.second, pair.distance) for pair in NearDuplicate.objects.owned_by(owner).waiting()
    ]


# --- Hashes ---------------------------------------------------------------------------------------


def test_every_pair_within_the_distance_is_found():
    dice = random.Random(4)
    seeds = [dice.getrandbits(64) for _ in range(20)]
    hashes = [
        (key, signed(flipped(dice.choice(seeds), *dice.sample(range(64), dice.randrange(9)))))
        for key in range(1, 151)
    ]
    fresh = dict(hashes[50:])

    by_hand = {}
    for key, value in hashes[50:]:
        distances = {
            old: ((value ^ other) & lookalikes.BITS).bit_count() for old, other in hashes if old < key
        }
        by_hand[key] = sorted(d for d in distances.values() if d <= lookalikes.NEAR)[: lookalikes.NEAREST]
    found = {}
    for _, later, distance in lookalikes.matches(hashes, fresh):
        found.setdefault(later, []).append(distance)

    assert found == {key: distances for key, distances in by_hand.items() if distances}


def saved(tmp_path, name, image, **options):
    path = tmp_path / name
    image.save(path, **options)
    return decode.inspect(path, decode.Limits(max_pixels=10**8)).phash


def test_copies_are_near_and_other_pictures_are_not(tmp_path):
    blurred = PillowImage.effect_noise((12, 9), 90).resize((600, 450), PillowImage.Resampling.BICUBIC)
    other = PillowImage.effect_noise((12, 9), 90).resize((600, 450), PillowImage.Resampling.BICUBIC)
    original = saved(tmp_path, "a.png", blurred)
    copies = [
        saved(tmp_path, "b.jpg", blurred.convert("RGB"), quality=40),
        saved(tmp_path, "c.webp", blurred.resize((300, 225))),
        saved(tmp_path, "d.png", blurred.crop((6, 4, 594, 446))),
    ]

    assert max((copy ^ original).bit_count() for copy in copies) <= lookalikes.NEAR
    assert (saved(tmp_path, "e.png", other) ^ original).bit_count() > 2 * lookalikes.NEAR


# --- The search -----------------------------------------------------------------------------------


def test_new_pictures_are_compared_with_old_ones(owner, other):
    first, second = looks(owner, 1, BASE), looks(owner, 2, flipped(BASE, 0, 63))
    looks(owner, 3, flipped(BASE, *range(8, 15)))  # one bit too far
    looks(other, 4, BASE)
    assert duplicates.search(owner.pk) == 1
    assert pairs(owner) == [(first, second, 2)]

    third = looks(owner, 5, flipped(BASE, 0))
    assert duplicates.search(owner.pk) == 2
    assert {(a, b) for a, b, _ in pairs(owner)} == {(first, second), (first, third), (second, third)}
    assert duplicates.search(owner.pk) == 0


def test_what_else_says_that_they_differ(owner):
    looks(owner, 1, BASE)
    colours, shape = looks(owner, 2, BASE), looks(owner, 3, BASE)
    Image.objects.filter(pk=colours.pk).update(tint="3f00")
    Image.objects.filter(pk=shape.pk).update(width=128)

    assert duplicates.search(owner.pk) == 0


def test_versions_and_siblings_are_meant_to_look_alike(owner):
    parent = looks(owner, 1, BASE)
    version = looks(owner, 2, BASE, parent=parent)
    sibling, twin = looks(owner, 3, flipped(BASE, 1)), looks(owner, 4, flipped(BASE, 1))
    stacks.put_together([sibling, twin])
    duplicates.search(owner.pk)

    assert {frozenset(pair[:2]) for pair in pairs(owner)}.isdisjoint(
        {frozenset((parent, version)), frozenset((sibling, twin))}
    )


def test_many_equal_pictures_make_few_pairs(owner):
    for number in range(12):
        looks(owner, number, BASE)

    assert duplicates.search(owner.pk) == 0 + 1 + 2 + 9 * duplicates.FOR_ONE


def test_the_search_waits_while_many_pairs_are_open(owner, monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_OPEN", 1)
    monkeypatch.setattr(duplicates, "AT_ONCE", 2)
    for number in range(4):
        looks(owner, number, flipped(BASE, *range(0, 20 * (number // 2))))
    assert duplicates.search(owner.pk) == 1

    duplicates.keep_both(NearDuplicate.objects.get())
    assert duplicates.search(owner.pk) == 1


def test_the_worker_is_woken_once_for_those_who_have_new_pictures(owner, other):
    looks(owner, 1, BASE)
    housekeeping.keep_house()
    housekeeping.keep_house()

    row = QueuedTask.objects.get(path="gallery.tasks.compare_pictures")
    assert row.args == [owner.pk]
    assert row.run_after > timezone.now()


# --- The decision ---------------------------------------------------------------------------------


@pytest.fixture
def pair(owner):
    looks(owner, 1, BASE, tags="forest", title="", notes="old", rating=2)
    looks(owner, 2, BASE, tags="forest, night", title="Woods", notes="new", favorite=True, rating=1)
    duplicates.search(owner.pk)
    return NearDuplicate.objects.get()


def test_keeping_one_gives_it_what_was_said_about_the_other(owner, pair):
    (night,) = tagging.resolve(owner, ["night"])
    night.avatar = pair.second
    night.save()

    duplicates.keep_one(pair, "first")

    kept = Image.objects.live().get()
    assert (kept, kept.title, kept.notes, kept.rating, kept.favorite) == (
        pair.first,
        "Woods",
        "old\n\nnew",
        2,
        True,
    )
    assert {tag.name for tag in kept.tags.all()} == {"forest", "night"}
    assert kept.text.words.startswith("woods")
    night.refresh_from_db()
    assert night.avatar == kept
    assert pairs(owner) == []


def test_keeping_both_ends_the_question_for_good(owner, pair):
    duplicates.keep_both(pair)
    duplicates.search(owner.pk)

    assert pairs(owner) == []
    assert Image.objects.live().count() == 2


def test_a_pair_waits_again_when_its_picture_comes_back(owner, pair):
    duplicates.keep_one(pair, "first")
    tagging.restore([Image.objects.get(pk=pair.second.pk)])

    assert len(pairs(owner)) == 1
