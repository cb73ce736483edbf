import pytest

from gallery import tagging
from gallery.models import Image, LibraryCount
from gallery.screens import sidebar
from gallery.search import librarycounts, search, total
from tests.gallery.tagging.test_tagging import make_image


@pytest.fixture
def known(owner, monkeypatch):
    """Ten pictures, of which the number up to the eighth is known."""
    monkeypatch.setattr(librarycounts, "LATE", 2)
    images = [make_image(owner, number) for number in range(10)]
    librarycounts.settle(owner.pk)
    return images


def counted(owner):
    return librarycounts.live(owner), sidebar.read(owner).images, total(search(owner, "")).n


def test_the_number_goes_up_to_a_key_that_no_picture_will_come_before(owner, known):
    row = LibraryCount.objects.get()
    assert (row.up_to, row.n) == (known[7].pk, 8)
    assert counted(owner) == (10, 10, 10)


def test_pictures_on_both_sides_of_it_go_to_the_trash_and_come_back(owner, known):
    make_image(owner, 10)
    tagging.trash([known[2], known[9]])
    assert counted(owner) == (9, 9, 9)
    tagging.restore([known[2]])
    tagging.restore([known[9]])
    assert counted(owner) == (11, 11, 11)


def test_what_is_deleted_from_the_trash_was_counted_off_before(owner, known):
    tagging.trash(known[:3])
    Image.objects.trashed().delete()
    assert counted(owner) == (7, 7, 7)


def test_the_known_number_follows_a_library_that_grows(owner, known, monkeypatch):
    monkeypatch.setattr(librarycounts, "MANY", 3)
    images = [make_image(owner, number) for number in range(20, 24)]
    assert counted(owner) == (14, 14, 14)
    row = LibraryCount.objects.get()
    assert (row.up_to, row.n) == (images[1].pk, 12)


def test_each_library_has_its_own_number(owner, other, known):
    make_image(other, 1)
    assert counted(other) == (1, 1, 1)
    tagging.trash(known[:1])
    assert counted(other) == (1, 1, 1)


def test_counting_again_repairs_a_number_that_was_spoilt(owner, known):
    LibraryCount.objects.update(n=3)
    tagging.recount(owner)
    assert counted(owner) == (10, 10, 10)
