"""Emptying the trash by itself: off until switched on, and then what is overdue alone."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone
from django.utils.module_loading import import_string

from gallery import bulk, ingest, tagging
from gallery.bulk.words import sentence
from gallery.models import BulkAction, Image, QueuedTask, TagCount
from gallery.pictures import trashing
from gallery.work import housekeeping
from tests.gallery.navigation.test_commands import run
from tests.gallery.tagging.test_tagging import assert_counts_are_exact, at_once
from tests.gallery.views.test_images import add_image


def thrown_away(owner, number, days_ago, **fields):
    image = add_image(owner, number, **fields)
    tagging.trash([image])
    Image.objects.filter(pk=image.pk).update(trashed_at=timezone.now() - timedelta(days=days_ago))
    image.refresh_from_db()
    return image


def keep_for(owner, days):
    owner.trash_days = days
    owner.save(update_fields=["trash_days"])


def test_nothing_is_deleted_by_itself_unless_it_is_wanted(owner, other):
    image = thrown_away(owner, 1, days_ago=4000)
    keep_for(other, 1)

    housekeeping.keep_house()

    assert list(Image.objects.all()) == [image]


def test_housekeeping_deletes_what_is_overdue(owner):
    thrown_away(owner, 1, days_ago=31)
    recent, live = thrown_away(owner, 2, days_ago=29), add_image(owner, 3)
    keep_for(owner, 30)

    housekeeping.keep_house()

    assert set(Image.objects.all()) == {recent, live}


def test_a_round_of_housekeeping_deletes_a_part_and_the_next_goes_on(owner, monkeypatch):
    monkeypatch.setattr(trashing, "AT_ONCE", 2)
    monkeypatch.setattr(trashing, "A_ROUND", 2)
    for number in range(3):
        thrown_away(owner, number, days_ago=2)
    keep_for(owner, 1)

    assert [trashing.empty_by_itself().n for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize(("days_ago", "left"), [(0, 30), (20.5, 10), (29.9, 1), (31, 0)])
def test_days_left(owner, days_ago, left):
    assert trashing.days_left(thrown_away(owner, 1, days_ago=days_ago), 30) == left


def test_counts_of_tags_do_not_see_the_trash_nor_its_end(owner):
    add_image(owner, 1, "forest")
    gone = thrown_away(owner, 2, days_ago=3, tags="forest")
    trashing.delete_for_good(Image.objects.filter(pk=gone.pk))

    assert TagCount.objects.get(tag__name="forest").n == 1


def test_the_trash_never_blocks_adding_the_same_file_again(owner, picture):
    first = ingest.store(owner, picture(), source="upload").image
    tagging.trash([first])

    again = ingest.store(owner, picture(), source="upload")
    trashing.delete_for_good(Image.objects.filter(pk=first.pk))

    assert not again.duplicate
    assert Image.objects.get() == again.image


def test_everything_is_restored_but_what_is_there_already(owner, other):
    back = [thrown_away(owner, number, days_ago=1) for number in range(3)]
    foreign = thrown_away(other, 9, days_ago=1)
    twin = add_image(owner, 4)
    copy = make_copy(owner, twin)

    action = bulk.begin(bulk.by_query(owner, "", trashed=True), BulkAction.Action.RESTORE)

    assert (action.changed, action.matched) == (3, 4)
    assert sentence(action).endswith("1 is in the gallery already; tags went to the copies there.")
    assert set(Image.objects.live()) == {*back, twin}
    assert set(Image.objects.trashed()) == {copy, foreign}


def make_copy(owner, twin):
    copy = thrown_away(owner, 5, days_ago=1)
    Image.objects.filter(pk=copy.pk).update(sha256=twin.sha256)
    return copy


def test_a_large_trash_is_emptied_by_the_worker(owner, monkeypatch):
    monkeypatch.setattr(trashing, "A_ROUND", 2)
    for number in range(3):
        thrown_away(owner, number, days_ago=1)
    assert trashing.empty(owner) is None
    later = thrown_away(owner, 9, days_ago=-1)

    task = QueuedTask.objects.get()
    import_string(task.path).call(*task.args)

    assert list(Image.objects.all()) == [later]


@pytest.mark.django_db(transaction=True)
def test_who_restores_while_the_trash_is_emptied_finds_all_or_nothing(owner):
    images = [thrown_away(owner, number, days_ago=1, tags="forest") for number in range(12)]
    mine = Image.objects.owned_by(owner)
    calls = [(tagging.restore, [image]) for image in images] + [(trashing.delete_for_good, mine)] * 2

    at_once(lambda act, what: act(what), calls)

    assert not mine.trashed().exists()
    assert_counts_are_exact(owner)


# purge_trash


def test_command_deletes_what_owners_want_gone(owner, other):
    thrown_away(owner, 1, days_ago=8)
    kept = thrown_away(other, 2, days_ago=8)
    keep_for(owner, 7)

    assert "would be deleted: 1" in run("purge_trash", dry_run=True)
    assert json.loads(run("purge_trash", json=True)) == {"images": 1, "bytes": 1, "dry_run": False}
    assert list(Image.objects.all()) == [kept]


def test_command_deletes_by_other_days_for_one_account(owner, other):
    kept, foreign = thrown_away(owner, 1, days_ago=1), thrown_away(other, 3, days_ago=90)
    thrown_away(owner, 2, days_ago=5)

    run("purge_trash", user="owner", days=3)

    assert set(Image.objects.all()) == {kept, foreign}
    with pytest.raises(CommandError, match="0 or more"):
        run("purge_trash", days=-1)
    with pytest.raises(CommandError, match="no account"):
        run("purge_trash", user="nobody")
