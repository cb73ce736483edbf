from datetime import timedelta

import pytest
from django.utils import timezone

from gallery import bulk, tagging
from gallery.bulk import BulkError, jobs, words
from gallery.models import BulkAction, BulkChunk, Image, ImageTag, QueuedTask
from tests.gallery.tagging.test_tagging import assert_counts_are_exact, count_of, make_image

Action, Status = BulkAction.Action, BulkAction.Status


@pytest.fixture
def images(owner):
    return [make_image(owner, number) for number in range(6)]


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of two pictures, and a worker for more than three."""
    monkeypatch.setattr(jobs, "CHUNK", 2)
    monkeypatch.setattr(jobs, "AT_ONCE", 3)


def chosen(owner, images):
    return bulk.by_ids(owner, [image.public_id for image in images])


def tag(owner, spec):
    return tagging.resolve(owner, [spec])[0]


def carriers(row):
    return set(ImageTag.objects.filter(tag=row).values_list("image_id", flat=True))


def worked(action):
    """The action after a worker was at it."""
    bulk.run(action.pk)
    action.refresh_from_db()
    return action


# --- Which pictures -------------------------------------------------------------------------------


def test_ids_of_others_and_of_nobody_are_not_matched(owner, other, images):
    foreign = make_image(other, 99)

    ids = [images[1].public_id, foreign.public_id, unknown(), images[0].public_id]

    assert bulk.by_ids(owner, ids).keys == [images[1].pk, images[0].pk]


def unknown():
    """An id that no picture has."""
    return Image().public_id


def test_a_search_selects_what_it_finds_and_no_pictures_of_others(owner, other, images):
    tagging.add(images[:2], [tag(owner, "forest")])
    tagging.add([make_image(other, 98)], [tag(other, "forest")])

    assert set(bulk.by_query(owner, "tag:forest").keys) == {images[0].pk, images[1].pk}


def test_a_search_can_look_in_the_trash(owner, images):
    tagging.add(images[:4], [tag(owner, "forest")])
    tagging.trash(images[2:])

    assert bulk.by_query(owner, "tag:forest", trashed=True).keys == [images[3].pk, images[2].pk]
    assert bulk.by_query(owner, "tag:forest").keys == [images[1].pk, images[0].pk]


def test_a_search_that_is_not_understood_selects_nothing(owner, images):
    with pytest.raises(BulkError, match="There is no tag called “forest”") as caught:
        bulk.by_query(owner, "tag:forest")
    assert caught.value.field == "q"


@pytest.mark.parametrize("text", ["\u200d", " ", "-"])
def test_a_search_that_shows_nothing_does_not_mean_everything(owner, images, text):
    with pytest.raises(bulk.BulkError):
        bulk.by_query(owner, text)


def test_an_empty_selection_is_refused_with_a_sentence(owner):
    with pytest.raises(BulkError, match="Load the page again"):
        bulk.begin(bulk.by_ids(owner, [unknown()]), Action.TRASH)


# --- What is done, and undone ---------------------------------------------------------------------


def test_tags_are_added_with_what_they_bring_and_taken_off_again_by_undo(owner, images):
    forest, look = tag(owner, "forest"), tag(owner, 'look:"Mirel:cloak"')
    tagging.add(images[:1], [forest, look])

    action = bulk.begin(chosen(owner, images[:3]), Action.TAG, tags=[forest, look])
    assert (action.status, action.matched, action.changed) == (Status.DONE, 3, 2)
    assert count_of(look.parent) == count_of(forest) == 3

    bulk.undo(action)
    assert action.status == Status.UNDONE
    assert carriers(forest) == carriers(look) == carriers(look.parent) == {images[0].pk}
    assert_counts_are_exact(owner)


def test_removed_tags_come_back_where_they_were(owner, images):
    forest = tag(owner, "forest")
    tagging.add(images[:2], [forest])

    action = bulk.begin(chosen(owner, images), Action.UNTAG, tags=[forest])
    assert (action.changed, carriers(forest)) == (2, set())

    bulk.undo(action)
    assert carriers(forest) == {images[0].pk, images[1].pk}
    assert_counts_are_exact(owner)


@pytest.mark.parametrize(
    ("action", "field", "value", "before"),
    [
        (Action.RATE, "rating", 4, 2),
        (Action.FAVORITE, "favorite", True, False),
        (Action.SENSITIVE, "sensitive", False, True),
    ],
)
def test_marks_are_set_and_set_back(owner, images, action, field, value, before):
    Image.objects.filter(pk=images[0].pk).update(**{field: value})
    Image.objects.filter(pk=images[1].pk).update(**{field: before})

    row = bulk.begin(chosen(owner, images[:2]), action, value=value)
    assert row.changed == 1
    assert set(Image.objects.filter(pk__in=[images[0].pk, images[1].pk]).values_list(field)) == {(value,)}

    bulk.undo(row)
    assert [getattr(Image.objects.get(pk=image.pk), field) for image in images[:2]] == [value, before]


def test_undo_leaves_alone_what_was_changed_since(owner, images):
    row = bulk.begin(chosen(owner, images[:2]), Action.RATE, value=4)
    Image.objects.filter(pk=images[0].pk).update(rating=5)

    bulk.undo(row)

    assert [Image.objects.get(pk=image.pk).rating for image in images[:2]] == [5, 0]


def test_trash_and_restore_undo_each_other(owner, images):
    forest = tag(owner, "forest")
    tagging.add(images, [forest])
    thrown = bulk.begin(chosen(owner, images[:3]), Action.TRASH)
    assert (thrown.changed, count_of(forest)) == (3, 3)
    restored = bulk.begin(chosen(owner, images[:4]), Action.RESTORE)
    assert (restored.changed, count_of(forest)) == (3, 6)

    bulk.undo(restored)
    assert Image.objects.trashed().count() == 3
    bulk.undo(thrown)
    assert Image.objects.trashed().count() == 0
    assert_counts_are_exact(owner)


def test_the_whole_trash_can_be_restored(owner, images):
    tagging.trash(images[:4])

    action = bulk.begin(bulk.by_query(owner, "", trashed=True), Action.RESTORE)

    assert (action.matched, action.changed, Image.objects.live().count()) == (4, 4, 6)


# --- Long ones --------------------------------------------------------------------------------------


def test_many_pictures_are_left_to_a_worker(owner, images, small_chunks, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        action = bulk.begin(chosen(owner, images), Action.FAVORITE, value=True)

    assert (action.status, action.done) == (Status.QUEUED, 0)
    assert QueuedTask.objects.filter(path="gallery.tasks.run_bulk", args=[action.pk]).exists()
    assert (worked(action).status, action.done, action.changed) == (Status.DONE, 6, 6)


def test_a_worker_that_dies_in_the_middle_loses_and_repeats_nothing(owner, images, small_chunks, monkeypatch):
    forest = tag(owner, "forest")
    action = bulk.begin(chosen(owner, images), Action.TAG, tags=[forest])
    die_at(monkeypatch, "do", 2)
    with pytest.raises(SystemExit):
        bulk.run(action.pk)
    action.refresh_from_db()
    assert (action.status, action.done, action.changed, count_of(forest)) == (Status.RUNNING, 2, 2, 2)

    monkeypatch.undo()
    BulkAction.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    bulk.recover()
    assert QueuedTask.objects.filter(path="gallery.tasks.run_bulk", args=[action.pk]).count() == 1

    assert (worked(action).status, action.done, action.changed, count_of(forest)) == (Status.DONE, 6, 6, 6)


def die_at(monkeypatch, name, number):
    """Let the process end in the middle of the chunk of that number."""
    from gallery.bulk import deeds

    real, calls = getattr(deeds, name), []

    def deed(*args):
        calls.append(args)
        result = real(*args)
        if len(calls) == number:
            raise SystemExit
        return result

    monkeypatch.setattr(deeds, name, deed)


def test_an_undo_that_is_cut_off_goes_on_where_it_stopped(owner, images, small_chunks, monkeypatch):
    action = worked(bulk.begin(chosen(owner, images), Action.FAVORITE, value=True))
    bulk.undo(action)
    assert action.status == Status.UNDOING
    die_at(monkeypatch, "undo", 2)
    with pytest.raises(SystemExit):
        bulk.run(action.pk)
    monkeypatch.undo()
    BulkAction.objects.update(lease_until=None)

    assert (worked(action).status, action.done) == (Status.UNDONE, 0)
    assert not Image.objects.filter(favorite=True).exists()


def test_a_stopped_action_keeps_what_is_done_and_can_be_undone(owner, images, small_chunks, monkeypatch):
    action = bulk.begin(chosen(owner, images), Action.FAVORITE, value=True)
    stop_at(monkeypatch, action, 2)

    assert (worked(action).status, action.changed) == (Status.STOPPED, 4)
    monkeypatch.undo()
    bulk.undo(action)
    worked(action)
    assert not Image.objects.filter(favorite=True).exists()


def stop_at(monkeypatch, action, number):
    from gallery.bulk import deeds

    real, calls = deeds.do, []

    def deed(*args):
        calls.append(args)
        if len(calls) == number:
            bulk.stop(BulkAction.objects.get(pk=action.pk))
        return real(*args)

    monkeypatch.setattr(deeds, "do", deed)


def test_undo_of_a_running_action_ends_it_and_puts_back_what_it_did(owner, images, small_chunks):
    action = bulk.begin(chosen(owner, images), Action.FAVORITE, value=True)
    BulkAction.objects.filter(pk=action.pk).update(status=Status.RUNNING)

    bulk.undo(action)

    assert action.status == Status.UNDONE  # nothing was done yet, so that this is over at once
    assert (worked(action).status, Image.objects.filter(favorite=True).count()) == (Status.UNDONE, 0)


def test_a_failure_is_told_and_what_was_done_can_be_undone(owner, images, small_chunks, monkeypatch):
    from gallery.bulk import deeds

    action = bulk.begin(chosen(owner, images), Action.FAVORITE, value=True)
    monkeypatch.setattr(deeds, "do", lambda *args: 1 / 0)

    assert worked(action).status == Status.FAILED
    assert "can be undone" in action.error


def test_what_is_begun_with_a_time_limit_goes_on_in_a_worker(
    owner, images, small_chunks, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        action = bulk.begin(chosen(owner, images), Action.FAVORITE, value=True, seconds=-1)

    assert (action.status, action.done) == (Status.RUNNING, 0)
    assert worked(action).status == Status.DONE


def test_old_history_is_forgotten_but_nothing_that_still_runs(owner, images, small_chunks):
    old = worked(bulk.begin(chosen(owner, images[:2]), Action.FAVORITE, value=True))
    running = bulk.begin(chosen(owner, images), Action.FAVORITE, value=False)
    BulkAction.objects.update(created_at=timezone.now() - timedelta(days=31))

    bulk.sweep()

    assert list(BulkAction.objects.all()) == [running]
    assert not BulkChunk.objects.filter(action_id=old.pk).exists()


# --- Counts and words -------------------------------------------------------------------------------


def test_tags_come_with_their_number_over_the_selection_characters_first(owner, images):
    portrait, mirel, rare = tag(owner, "portrait"), tag(owner, "character:Mirel"), tag(owner, "rare")
    tagging.add(images[:4], [portrait])
    tagging.add(images[2:3], [mirel])
    tagging.add(images[5:], [rare])

    found = bulk.count_tags(chosen(owner, images[:4]))

    assert [(each.tag, each.n, each.of, each.on_all) for each in found] == [
        (mirel, 1, 4, False),
        (portrait, 4, 4, True),
    ]


def test_tags_of_very_many_are_counted_over_all_of_them(owner, images, monkeypatch):
    monkeypatch.setattr("gallery.bulk.tags.COUNTED", 2)
    portrait = tag(owner, "portrait")
    tagging.add(images[1:], [portrait])

    (found,) = bulk.count_tags(bulk.by_query(owner, ""))

    assert (found.tag, found.share, found.on_all) == (portrait, "5 of 6", False)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"action": "tag", "matched": 4, "done": 4, "changed": 4}, "Added “forest” to 4 images."),
        (
            {"action": "tag", "matched": 4, "done": 4, "changed": 3},
            "Added “forest” to 3 images. 1 had it already.",
        ),
        ({"action": "tag", "matched": 1, "done": 1}, "This image has “forest” already."),
        ({"action": "untag", "matched": 2318, "status": "running"}, "Removing “forest” from 2,318 images."),
        ({"action": "untag", "matched": 2, "done": 2}, "None of these 2 images has “forest”."),
        ({"action": "trash", "matched": 9, "done": 9, "changed": 9}, "Moved 9 images to the trash."),
        (
            {"action": "trash", "matched": 9, "done": 0, "changed": 9, "status": "undone"},
            "Undone: moved 9 images to the trash.",
        ),
        (
            {"action": "restore", "matched": 3, "done": 2, "changed": 2, "status": "stopped"},
            "Restored 2 images, then it was stopped.",
        ),
    ],
)
def test_an_action_is_told_in_a_sentence(fields, expected):
    action = BulkAction(params={"names": ["forest"]}, **({"status": "done"} | fields))

    assert words.sentence(action) == expected
