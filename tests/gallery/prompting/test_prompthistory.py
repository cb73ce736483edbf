"""The history of prompts, and prompts that are kept by name."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery.models import Generation, PromptText, SavedPrompt
from gallery.prompting import prompthistory, savedprompts
from gallery.prompting.savedprompts import SavedPromptError


def sent(owner, prompt):
    return Generation.objects.create(owner=owner, provider="demo", model="demo", prompt=prompt)


def prompts(page):
    return [entry.generation.prompt for entry in page.entries]


def test_each_prompt_stands_once_the_newest_first(owner, other):
    for prompt in ("a fox", "an owl", "a fox ", "", "  "):
        sent(owner, prompt)
    sent(other, "a secret")
    page = prompthistory.page(owner)
    assert prompts(page) == ["a fox ", "an owl"]
    assert [entry.times for entry in page.entries] == [2, 1]
    assert page.next is None


def test_the_last_picture_that_is_still_there_is_shown(owner, stored):
    first = sent(owner, "a fox")
    first.results.create(index=0, image=stored)
    sent(owner, "a fox")
    (entry,) = prompthistory.page(owner).entries
    assert (entry.image, bool(entry.small)) == (stored, True)
    type(stored).objects.update(trashed_at=first.created_at)
    assert prompthistory.page(owner).entries[0].image is None


def test_pages_follow_each_other_without_gaps(owner):
    for number in range(7):
        sent(owner, f"fox {number}")
        sent(owner, "always the same")
    found, after = [], None
    while True:
        page = prompthistory.page(owner, after=after, limit=3)
        found += prompts(page)
        if not (after := page.next):
            break
    assert found == ["always the same", *(f"fox {number}" for number in reversed(range(7)))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fox", ["Žofie's FOX at dusk"]),
        ("zofie dus", ["Žofie's FOX at dusk"]),
        ("fox owl", []),
        ("AN", ["an owl"]),
        ('"*', []),
        ("!!", []),
        ("' OR 1=1 --", []),
    ],
)
def test_prompts_are_found_by_all_words_whatever_case_and_accents(owner, other, text, found):
    for prompt in ("an owl", "Žofie's FOX at dusk"):
        sent(owner, prompt)
    sent(other, "a fox of another")
    assert prompts(prompthistory.page(owner, text)) == found


def test_the_words_go_with_their_generation(owner):
    sent(owner, "a fox").delete()
    assert prompthistory.page(owner, "fox").entries == []


def test_a_page_of_the_history_reads_no_table_as_a_whole(owner):
    """On SQLite, whose plan says so plainly; PostgreSQL chooses by size."""
    if connection.vendor != "sqlite":
        pytest.skip("The plan is read on SQLite.")
    sent(owner, "a fox")
    for text in ("", "fox"):
        with CaptureQueriesContext(connection) as queries:
            prompthistory.page(owner, text)
        plan = []
        with connection.cursor() as cursor:
            for query in queries:
                cursor.execute("EXPLAIN QUERY PLAN " + query["sql"])
                plan += [row[3] for row in cursor.fetchall()]
        scans = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE INDEX" not in step]
        scans = [step for step in scans if step not in ("SCAN hits", "SCAN prompts")]  # what was found
        assert (scans, bool(plan)) == ([], True)


def test_a_word_that_many_prompts_have_is_looked_for_piece_by_piece(owner, monkeypatch):
    monkeypatch.setattr(prompthistory, "PIECES", (2, 5, prompthistory.LAST))
    for number in range(7):
        sent(owner, f"fox {number}")
        sent(owner, "always a fox")
    page = prompthistory.page(owner, "fox", limit=4)
    assert prompts(page) == ["always a fox", "fox 6", "fox 5", "fox 4"]
    assert prompts(prompthistory.page(owner, "fox", after=page.next)) == ["fox 3", "fox 2", "fox 1", "fox 0"]


def test_a_prompt_that_was_sent_again_and_again_takes_three_rounds(owner, monkeypatch):
    monkeypatch.setattr(prompthistory, "PIECES", (2, 5, prompthistory.LAST))
    sent(owner, "a fox and an owl")
    for _ in range(30):
        sent(owner, "a fox")
    with CaptureQueriesContext(connection) as queries:
        page = prompthistory.page(owner, "fox")
    assert ([entry.times for entry in page.entries], len(queries)) == ([30, 1], 4)


def test_what_was_sent_before_the_history_is_in_it_too(owner):
    """The migration spells words and digests as the models do."""
    for prompt in ("Žofie's FOX, at dusk 🌊", "a fox", " "):
        sent(owner, prompt)
    known = list(PromptText.objects.order_by("pk").values())
    digests = list(Generation.objects.order_by("pk").values_list("prompt_digest", flat=True))
    PromptText.objects.all().delete()
    Generation.objects.update(prompt_digest="")
    import_module("gallery.migrations.0005_prompt_library").remember(apps, None)
    assert list(PromptText.objects.order_by("pk").values()) == known
    assert list(Generation.objects.order_by("pk").values_list("prompt_digest", flat=True)) == digests


# --- Kept prompts -------------------------------------------------------------------------------


def test_a_prompt_is_kept_changed_deleted_and_brought_back(owner):
    saved = savedprompts.create(
        owner, name=" Storm ", folder="Sea", text="  a storm\r\n", negative_text="blur"
    )
    assert (saved.name, saved.text) == ("Storm", "  a storm\n")
    savedprompts.change(saved, folder="Weather", recipe={"n": "2", "quality": "high"})
    assert savedprompts.folders(owner) == ["Weather"]
    assert saved.recipe == {"quality": "high", "n": 2}
    savedprompts.delete(saved)
    assert savedprompts.matching(owner, "") == []
    savedprompts.restore(saved)
    assert savedprompts.matching(owner, "STORM weather") == [saved]


def test_a_deleted_prompt_does_not_come_back_in_the_place_of_another(owner):
    saved = savedprompts.create(owner, name="Storm", text="a storm")
    savedprompts.delete(saved)
    savedprompts.create(owner, name="storm", text="another")
    with pytest.raises(SavedPromptError, match="already"):
        savedprompts.restore(saved)
    assert SavedPrompt.objects.kept().get().text == "another"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 300}, "name"),
        ({"name": "STORM"}, "name"),
        ({"folder": "x" * 300}, "folder"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 32_001}, "text"),
        ({"negative_text": "x" * 8001}, "negative_text"),
        ({"recipe": {"n": 0}}, "recipe"),
        ({"recipe": {"colour": "red"}}, "recipe"),
    ],
)
def test_what_cannot_be_kept_is_said_with_its_field(owner, values, field):
    savedprompts.create(owner, name="Storm", text="a storm")
    with pytest.raises(SavedPromptError) as caught:
        savedprompts.create(owner, **{"name": "Calm", "text": "a calm", **values})
    assert caught.value.field == field
    assert caught.value.message.endswith(".")


def test_the_same_name_may_stand_in_another_folder_and_with_another_person(owner, other):
    savedprompts.create(owner, name="Storm", text="a storm")
    assert savedprompts.create(owner, name="Storm", folder="Sea", text="a storm")
    assert savedprompts.create(other, name="Storm", text="a storm")
