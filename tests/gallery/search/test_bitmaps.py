from gallery import tagging
from gallery.models import ImageTag, Tag, TagBitmap
from gallery.search import bitmaps
from gallery.tagging import implications
from tests.gallery.tagging.test_tagging import make_image

PIECE = 1 << bitmaps.BITS


def a_tag(owner, name):
    return Tag.objects.create(owner=owner, name=name).pk


def keys_of(tag):
    return list(bitmaps.of_tags([tag])[tag])


def test_keys_are_added_and_discarded_across_pieces(owner):
    tag, other = a_tag(owner, "snow"), a_tag(owner, "rain")
    bitmaps.add([(tag, 7), (tag, PIECE + 1), (tag, 3 * PIECE), (other, 7)])
    bitmaps.add([(tag, 9), (tag, 7)])
    bitmaps.discard([(tag, PIECE + 1), (tag, 8), (other, 3)])
    assert keys_of(tag) == [7, 9, 3 * PIECE]
    assert keys_of(other) == [7]


def test_a_piece_without_keys_leaves_no_row(owner):
    tag = a_tag(owner, "snow")
    bitmaps.add([(tag, 7), (tag, PIECE)])
    bitmaps.discard([(tag, PIECE)])
    assert list(TagBitmap.objects.values_list("tag_id", "piece")) == [(tag, 0)]


def test_a_change_writes_one_small_piece_of_a_large_set(owner, django_assert_num_queries):
    tag = a_tag(owner, "snow")
    bitmaps.add((tag, key) for key in range(0, 4 * PIECE, 2))
    with django_assert_num_queries(2):
        bitmaps.add([(tag, 5)])
    assert TagBitmap.objects.get(tag_id=tag, piece=1).keys == bytes(
        bitmaps.BitMap(range(PIECE, 2 * PIECE, 2)).serialize()
    )
    assert len(keys_of(tag)) == 2 * PIECE + 1


def test_newest_and_oldest_go_on_from_a_key(owner):
    keys = bitmaps.BitMap([3, 5, 8, 13, 21])
    assert bitmaps.newest(keys, 2) == [21, 13]
    assert bitmaps.newest(keys, 2, below=13) == [8, 5]
    assert bitmaps.newest(keys, 9, below=9) == [8, 5, 3]
    assert bitmaps.newest(keys, 2, below=3) == []
    assert bitmaps.oldest(keys, 2) == [3, 5]
    assert bitmaps.oldest(keys, 9, above=8) == [13, 21]
    assert bitmaps.oldest(keys, 2, above=21) == []


def test_a_tag_without_pictures_is_an_empty_set(owner):
    tag = a_tag(owner, "snow")
    assert keys_of(tag) == []


def live_pairs():
    return set(ImageTag.objects.filter(image__trashed_at=None).values_list("tag_id", "image_id"))


def kept_pairs():
    tags = TagBitmap.objects.values_list("tag_id", flat=True).distinct()
    return {(tag, key) for tag, keys in bitmaps.of_tags(tags).items() for key in keys}


def test_sets_follow_every_change_of_tags_and_pictures(owner):
    images = [make_image(owner, number) for number in range(5)]
    snow, rain, mirel = tagging.resolve(owner, ["snow", "rain", "character:Mirel"])
    implications.add(rain, snow)
    changes = [
        lambda: tagging.add(images, [rain, mirel]),
        lambda: tagging.remove(images[:2], [rain]),
        lambda: tagging.trash(images[1:4]),
        lambda: tagging.add(images[2:3], tagging.resolve(owner, ["fog"])),
        lambda: tagging.restore(images[2:4]),
        lambda: tagging.merge(snow, mirel),
        lambda: tagging.delete(rain),
        lambda: tagging.recount(owner),
    ]
    for change in changes:
        change()
        assert kept_pairs() == live_pairs() != set()
