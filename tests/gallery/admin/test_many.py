"""What can be done from the lists of kept things, and of work on many pictures."""

import pytest

from gallery.models import (
    Batch,
    BatchCell,
    BulkAction,
    Comparison,
    Generation,
    ModelTimes,
    NearDuplicate,
    Preset,
    SavedPrompt,
)
from gallery.prompting import savedprompts
from tests.gallery.admin.pages import SECRET, act, page


@pytest.mark.parametrize(("action", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_staff_pause_and_stop_the_batches_of_others(clerk, rows, action, state):
    act(clerk, Batch, action, rows[Batch])
    rows[Batch].refresh_from_db()
    assert rows[Batch].state == state


def test_a_batch_of_somebody_else_does_not_go_on_by_staff(boss, rows):
    Batch.objects.update(state="paused")
    response = act(boss, Batch, "go_on", rows[Batch])
    assert "Going on: 0. Not yours, and left alone: 1." in response.content.decode()
    Batch.objects.update(owner=boss.user)
    act(boss, Batch, "go_on", rows[Batch])
    rows[Batch].refresh_from_db()
    assert rows[Batch].state == "running"


def test_a_cell_names_its_batch_without_the_prompt_of_it(clerk, boss, rows):
    address = page(BatchCell, "change", rows[BatchCell].pk)
    seen = clerk.get(address).content.decode()
    assert str(rows[Batch].public_id) in seen
    assert SECRET not in seen
    assert SECRET in boss.get(address).content.decode()


def test_a_comparison_shows_what_became_of_each_model(clerk, rows):
    column = rows[Comparison].columns.get()
    Generation.objects.filter(pk=rows[Generation].pk).update(column=column, status="refused")
    seen = clerk.get(page(Comparison, "change", rows[Comparison].pk)).content.decode()
    assert "Declined" in seen


def test_an_action_on_many_pictures_is_stopped_and_is_undone_by_its_owner_alone(clerk, rows):
    act(clerk, BulkAction, "stop", rows[BulkAction])
    rows[BulkAction].refresh_from_db()
    assert rows[BulkAction].status == "stopped"
    BulkAction.objects.update(changed=1)
    assert "Undone: 0." in act(clerk, BulkAction, "undo", rows[BulkAction]).content.decode()
    BulkAction.objects.update(owner=clerk.user)
    act(clerk, BulkAction, "undo", rows[BulkAction])
    rows[BulkAction].refresh_from_db()
    assert rows[BulkAction].status == "undone"


def test_pairs_are_kept_both_and_asked_about_again(boss, rows):
    for action, decision in (("keep_both", "different"), ("ask_again", "open")):
        act(boss, NearDuplicate, action, rows[NearDuplicate])
        rows[NearDuplicate].refresh_from_db()
        assert rows[NearDuplicate].decision == decision


def test_a_saved_prompt_is_deleted_and_taken_back(boss, rows):
    saved = rows[SavedPrompt]
    act(boss, SavedPrompt, "delete_for_now", saved)
    assert not boss.get(page(SavedPrompt, "changelist")).context["cl"].result_list
    deleted = page(SavedPrompt, "changelist") + "?place=deleted"
    assert list(boss.get(deleted).context["cl"].result_list) == [saved]
    boss.post(deleted, {"action": "restore", "_selected_action": [saved.pk]})
    assert SavedPrompt.objects.kept().get() == saved


def test_a_saved_prompt_whose_name_was_given_away_says_so(boss, rows):
    saved = rows[SavedPrompt]
    savedprompts.delete(saved)
    savedprompts.create(saved.owner, name=saved.name, text="Another one")
    deleted = page(SavedPrompt, "changelist") + "?place=deleted"
    form = {"action": "restore", "_selected_action": [saved.pk]}
    assert "already. Choose another name" in boss.post(deleted, form, follow=True).content.decode()


def test_kept_things_are_deleted_and_never_changed_here(boss, clerk, rows):
    preset = rows[Preset]
    address = page(Preset, "change", preset.pk)
    assert boss.post(address, {"name": "Mine"}).status_code == 403
    assert clerk.post(page(Preset, "delete", preset.pk), {"post": "yes"}).status_code == 302
    assert Preset.objects.filter(name=SECRET).exists()
    assert boss.post(page(Preset, "delete", preset.pk), {"post": "yes"}).status_code == 302
    assert not Preset.objects.exists()


def test_times_are_told_as_people_wait_for_them(clerk, rows):
    seen = clerk.get(page(ModelTimes, "changelist")).content.decode()
    assert "10 s" in seen
    assert "30 s" in seen
