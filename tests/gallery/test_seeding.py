import io

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F

from gallery.decode import THUMBNAIL_SIZES
from gallery.files import storage
from gallery.models import Generation, Image, ImageTag, ImageText, TagCount
from gallery.search import bitmaps, page, search

SIZE = 120


def seed(images=SIZE):
    out = io.StringIO()
    call_command("seed_library", "owner", images=images, tags=40, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


@pytest.fixture
def library(owner):
    seed()
    return owner


def test_a_library_gets_pictures_with_words_tags_and_costs(library):
    assert Image.objects.owned_by(library).count() == SIZE
    assert ImageText.objects.filter(owner=library).count() == SIZE
    assert ImageTag.objects.filter(owner=library).count() > 2 * SIZE
    made = Image.objects.exclude(generation=None)
    assert made.exclude(prompt=F("generation__prompt")).count() == 0
    assert Generation.objects.annotate(files=Count("images")).exclude(files=F("n")).count() == 0


def test_counts_and_bitmaps_are_those_of_the_pictures(library):
    live = ImageTag.objects.filter(image__trashed_at=None)
    counted = dict(live.values_list("tag").annotate(n=Count("image")))
    kept = {tag: n for tag, n in TagCount.objects.values_list("tag", "n") if n}
    assert kept == counted
    assert {tag: len(keys) for tag, keys in bitmaps.of_tags(counted).items()} == counted


def test_its_pictures_can_be_seen_and_found(library):
    image = Image.objects.owned_by(library).live().exclude(prompt="").first()
    for key in (image.storage_key, *(image.thumbnail_key(size) for size in THUMBNAIL_SIZES)):
        assert storage.exists(key)
    assert storage.size(image.storage_key) == image.bytes
    words = " ".join(image.prompt.split()[:4])
    assert image in page(search(library, f'"{words}"')).images


def test_the_key_grows_with_the_day(library):
    days = list(Image.objects.owned_by(library).order_by("pk").values_list("created_at", flat=True))
    assert days == sorted(days)


def test_it_goes_on_where_it_stopped(library, other):
    assert seed() == "0 pictures added."
    assert seed(SIZE + 7) == "7 pictures added."
    assert Image.objects.owned_by(library).count() == SIZE + 7
    assert not Image.objects.owned_by(other).exists()


@pytest.mark.parametrize("images", [0, 10_000_001])
def test_a_size_beyond_reason_ends_the_command_with_one_line(owner, images):
    with pytest.raises(CommandError, match="from 1 to 10,000,000"):
        seed(images)
