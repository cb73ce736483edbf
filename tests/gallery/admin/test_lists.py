from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from gallery.admin import lists
from gallery.models import (
    AuditEntry,
    ConnectionProfile,
    Generation,
    GenerationCall,
    HouseStyle,
    Image,
    ImageText,
    ModelTimes,
    NearDuplicate,
    Tag,
    User,
)
from tests.gallery.admin.pages import OURS, page

# What makes a copy of a row another one.
NUMBERED = {
    "public_id", "name", "folded", "slug", "username", "sha256", "storage_key", "digest", "model",
    "is_default",
}  # fmt: skip


def copies(row, start: int, n: int):
    """`n` rows like `row`, as unlike it as its constraints ask."""
    for number in range(start, start + n):
        values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        values |= {"id": None, **others(row, number)}
        yield type(row)(**values)


def others(row, number: int) -> dict:
    changed = {name: f"n{number}" for name in NUMBERED if hasattr(row, name)}
    changed |= {"public_id": type(row)().public_id} if "public_id" in changed else {}
    changed |= {"is_default": False} if "is_default" in changed else {}
    changed |= {"index": number} if hasattr(row, "index") else {}
    if isinstance(row, NearDuplicate):
        image = Image.objects.bulk_create(copies(row.second, 100 + number, 1))[0]
        changed |= {"second_id": image.pk}
    if isinstance(row, HouseStyle):
        changed |= {"chat_id": Tag.objects.create(owner=row.owner, kind="chat", name=f"chat {number}").pk}
    return changed


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
@pytest.mark.thorough
def test_a_list_costs_the_same_with_10_rows_and_with_20(boss, rows, model):
    boss.get(page(model, "changelist"))
    counts = []
    for start in (1, 11):
        model.objects.bulk_create(copies(rows[model], start, 10))
        with CaptureQueriesContext(connection) as asked:
            assert boss.get(page(model, "changelist")).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 14


def test_long_lists_are_counted_no_further_than_anybody_turns_pages(boss, rows, monkeypatch):
    monkeypatch.setattr(lists, "MOST", 3)
    Generation.objects.bulk_create(copies(rows[Generation], 1, 5))
    response = boss.get(page(Generation, "changelist"))
    assert response.context["cl"].result_count == 3
    assert "More than 3 generations" in response.content.decode()


def test_no_list_asks_a_long_table_which_values_it_has(boss, rows):
    """Nor counts its rows by day: both read all of it."""
    for model in (Image, Generation):
        with CaptureQueriesContext(connection) as asked:
            boss.get(page(model, "changelist"))
        table = f'FROM "{model._meta.db_table}"'
        assert not [
            one["sql"]
            for one in asked
            if table in one["sql"] and ("DISTINCT" in one["sql"] or "MIN(" in one["sql"])
        ]


def test_pictures_and_generations_are_found_by_words_and_by_id(boss, rows):
    ImageText.refresh(Image.objects.get(pk=rows[Image].pk))
    for model, words in ((Image, "fox"), (Image, "secret"), (Generation, "secret prompt")):
        assert rows[model] in boss.get(page(model, "changelist"), {"q": words}).context["cl"].result_list
        found = boss.get(page(model, "changelist"), {"q": str(rows[model].public_id)}).context["cl"]
        assert list(found.result_list) == [rows[model]]
        assert not boss.get(page(model, "changelist"), {"q": "badger"}).context["cl"].result_list


@pytest.mark.parametrize(
    ("query", "found"),
    [("when=today", 1), ("when=day", 1), ("when=year", 2), ("error_code=network", 1), ("error_code=any", 1),
     ("provider=openai", 3), ("provider=demo", 0), ("model=m", 3), ("when=nonsense", 3)],
)  # fmt: skip
def test_generations_are_filtered_by_moment_provider_and_error(boss, rows, query, found):
    generations, now = Generation.objects, timezone.now()
    generations.filter(status="queued").update(created_at=now - timedelta(days=40))
    [copy] = generations.bulk_create(copies(rows[Generation], 1, 1))
    long_ago = now - timedelta(days=500)
    generations.filter(pk=copy.pk).update(model="m", error_code="", created_at=long_ago)
    assert boss.get(f"{page(Generation, 'changelist')}?{query}").context["cl"].result_count == found


def test_saved_times_name_the_models_to_filter_by(boss, rows):
    content = boss.get(page(Image, "changelist")).content.decode()
    assert "?model=m" in content
    ModelTimes.objects.all().delete()
    assert "?model=m" not in boss.get(page(Image, "changelist")).content.decode()


def test_empty_lists_open_for_everybody_who_may_see_them(boss, clerk):
    for model in OURS:
        for client in (boss, clerk):
            expected = 403 if client is clerk and model in {User, AuditEntry} else 200
            assert client.get(page(model, "changelist")).status_code == expected


@pytest.mark.parametrize(
    ("model", "query", "index"),
    [
        (Image, {"place": "trash"}, "image_trash"),
        (Image, {"when": "week"}, "image_created"),
        (Generation, {"when": "month", "provider": "openai"}, "generation_owner_created"),
        (GenerationCall, {"state": "queued", "held__exact": 0}, "call_open"),
    ],
    ids=["trash", "lately", "month", "queue"],
)
def test_rows_that_are_few_among_many_are_found_by_an_index(boss, rows, model, query, index):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads small tables as they are")
    found = boss.get(page(model, "changelist"), query).context["cl"].result_list
    assert f"INDEX {index}" in found.explain()


def test_connections_are_found_by_their_last_check(boss, other):
    for name, code in (("fine", "ok"), ("broken", "auth"), ("new", "")):
        ConnectionProfile.objects.create(owner=other, name=name, provider="demo", check_code=code)
    for asked, names in (("ok", {"fine"}), ("failed", {"broken"}), ("never", {"new"})):
        page = boss.get(reverse("admin:gallery_connectionprofile_changelist"), {"check": asked})
        assert {row.name for row in page.context["cl"].result_list} == names
