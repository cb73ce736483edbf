from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from gallery.admin.dashboard.figures import ago
from gallery.files import scrubbing, storage, usage
from gallery.models import (
    Assist,
    ConnectionProfile,
    Generation,
    GenerationCall,
    Image,
    QueuedTask,
    User,
    Worker,
)
from tests.gallery.admin.test_lists import copies


@pytest.fixture
def look(boss):
    """Open the first page, and return its panels by title."""

    def panels(client=boss):
        response = client.get(reverse("admin:index"))
        assert response.status_code == 200
        return {panel.title: panel for panel in response.context["panels"]}

    return panels


def figure(panel, label):
    return next(one for one in panel.figures if one.label == label)


def table(panel, title):
    """Its rows as texts."""
    found = next((one for one in panel.tables if one.title == title), None)
    return [[field.value for field in row] for row in found.rows] if found else None


def test_an_empty_server_has_a_first_page(look):
    panels = look()
    assert list(panels) == ["Queue", "Spending", "Storage", "Health"]
    assert figure(panels["Queue"], "Oldest").value == "–"
    assert (figure(panels["Queue"], "Workers").value, figure(panels["Queue"], "Workers").tone) == ("0", "bad")
    assert figure(panels["Spending"], "This month").value == "$0.00"


def test_queue_is_told_by_state_with_the_oldest_and_what_was_set_aside(look, rows):
    call = rows[GenerationCall]
    asked = timezone.now() - timedelta(minutes=20)
    Generation.objects.filter(pk=call.generation_id).update(created_at=asked)
    facts = {"generation": rows[Generation], "first_image": 0, "n": 1, "run_after": asked}
    states = [("queued", True), ("queued", True), ("sent", False), ("done", False)]
    for index, (state, held) in enumerate(states, 9):
        GenerationCall.objects.create(**facts, index=index, state=state, held=held)
    QueuedTask.objects.update(attempts=3)
    queue = look()["Queue"]
    values = {one.label: one.value for one in queue.figures}
    assert (values["Queued"], values["Waiting for a turn"], values["Running"]) == ("1", "2", "1")
    assert (values["Oldest"], figure(queue, "Oldest").tone) == ("20 min", "warn")
    assert (values["Imports"], values["Batches"], values["Actions on many"]) == ("1", "1", "1")
    assert (values["Set aside"], figure(queue, "Set aside").tone) == ("1", "bad")
    assert values["Workers"] == "1"


def test_failures_of_the_past_day_are_told_by_error(look, rows):
    failed = Generation.objects.get(status="failed")
    Generation.objects.bulk_create(copies(failed, 1, 2))
    [old] = Generation.objects.bulk_create(copies(failed, 3, 1))
    Generation.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    title = "Gone wrong in the past 24 hours"
    assert table(look()["Queue"], title) == [["Failed: network", "3"]]


def test_spending_is_summed_by_provider_and_person_with_texts(look, rows, owner):
    Generation.objects.filter(status="failed").update(cost_usd=Decimal("1.25"))
    Assist.objects.update(cost_usd=Decimal("0.25"))
    [old] = Generation.objects.bulk_create(copies(rows[Generation], 1, 1))
    before = timezone.localtime().replace(day=1) - timedelta(days=2)
    Generation.objects.filter(pk=old.pk).update(created_at=before, cost_usd=99)
    spending = look()["Spending"]
    assert figure(spending, "Today").value == figure(spending, "This month").value == "$1.50"
    assert table(spending, "By provider") == [["OpenAI", "$1.50", "$1.50"]]
    assert table(spending, "By person") == [["owner", "$1.50", "$1.50"]]
    assert table(spending, "Limits reached") is None


def test_limits_that_are_used_up_are_named(look, rows, owner):
    """Of a person and of a connection; what is under way counts with its estimate."""
    Generation.objects.filter(status="failed").update(cost_usd=Decimal("1.25"))
    Generation.objects.filter(status="queued").update(estimated_cost_usd=Decimal("0.75"))
    User.objects.filter(pk=owner.pk).update(monthly_budget_usd=2)
    ConnectionProfile.objects.update(monthly_budget_usd=Decimal("1.50"))
    spending = look()["Spending"]
    assert table(spending, "Limits reached") == [["owner", "$2.00", "$2.00"]]
    assert figure(spending, "Limits reached").tone == "warn"
    ConnectionProfile.objects.update(monthly_budget_usd=1)
    assert table(look()["Spending"], "Limits reached")[1] == ["OpenAI", "$1.00", "$1.25"]


def test_storage_is_told_as_a_worker_measured_it(look, stored, owner):
    assert "was not yet" in look()["Storage"].notes[0].value
    usage.measure()
    Image.objects.filter(pk=stored.pk).update(trashed_at=timezone.now())
    panel = look()["Storage"]
    assert (figure(panel, "Originals").note, figure(panel, "Trash").note) == ("1 picture", "0 pictures")
    assert figure(panel, "Previews").note == "2 files"
    assert table(panel, "Largest libraries")[0][:2] == ["owner", "1"]
    usage.measure()
    panel = look()["Storage"]
    assert (figure(panel, "Originals").note, figure(panel, "Trash").note) == ("0 pictures", "1 picture")


def test_health_says_what_is_wrong_with_server_and_settings(look, settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["*"]
    health = look()["Health"]
    assert figure(health, "Database").value == "OK"
    assert figure(health, "Worker").tone == "bad"
    assert any(note.note == "gallery.W012" for note in health.notes)
    Worker.objects.create(name="here:1", started_at=timezone.now(), seen_at=timezone.now())
    assert figure(look()["Health"], "Worker").value == "OK"

    def away(self):
        raise storage.unreachable()

    monkeypatch.setattr(storage.DurableLocalStorage, "probe", away)
    assert figure(look()["Health"], "Picture store").tone == "bad"


def test_every_number_leads_to_a_list_that_opens(look, boss, rows, stored):
    Generation.objects.filter(status="failed").update(cost_usd=1)
    User.objects.update(monthly_budget_usd=0)
    usage.measure()
    fields = [one for panel in look().values() for one in panel.figures]
    fields += [one for panel in look().values() for part in panel.tables for row in part.rows for one in row]
    addresses = {one.url for one in fields if one.url}
    assert len(addresses) > 20
    for address in addresses:
        response = boss.get(address)
        assert response.status_code == 200, address  # Django turns away from filters it does not know


def test_a_number_is_that_of_the_list_behind_it(look, boss, rows):
    Generation.objects.bulk_create(copies(Generation.objects.get(status="failed"), 1, 2))
    queue = look()["Queue"]
    for one in (figure(queue, "Queued"), figure(queue, "Imports"), queue.tables[0].rows[0][1]):
        assert boss.get(one.url).context["cl"].result_count == int(one.value)


def test_staff_see_what_they_may(look, clerk, staff, rows, client):
    usage.measure()
    panels = look(clerk)
    assert list(panels) == ["Queue", "Spending", "Storage", "Health"]
    assert not panels["Storage"].tables
    assert figure(panels["Storage"], "Originals").url == ""
    assert not any(note.note for note in panels["Health"].notes)
    staff.user_permissions.clear()
    client.force_login(User.objects.get(pk=staff.pk))
    assert list(look(client)) == ["Storage", "Health"]


def test_first_page_costs_the_same_however_much_there_is(boss, rows, stored):
    usage.measure()
    counts = []
    for start in (1, 11):
        people = [User(username=f"n{n}", monthly_budget_usd=1) for n in range(start, start + 10)]
        for person in User.objects.bulk_create(people):
            ConnectionProfile.objects.create(owner=person, name="A", provider="demo", monthly_budget_usd=1)
            made = next(iter(copies(rows[Generation], start, 1)))
            made.owner, made.cost_usd = person, 2
            Generation.objects.bulk_create([made])
        with CaptureQueriesContext(connection) as asked:
            assert boss.get(reverse("admin:index")).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 25


def test_first_page_looks_at_no_table_of_pictures(boss, rows):
    """Nor, on SQLite, does it read all generations or calls: the month and what is open have an index."""
    asked = []

    def remember(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(remember):
        boss.get(reverse("admin:index"))
    assert not [sql for sql, _ in asked if 'FROM "gallery_image"' in sql]
    plans = [plan_of(*one) for one in asked if one[0].startswith("SELECT") and "gallery_generation" in one[0]]
    assert len(plans) >= 3
    assert not [plan for plan in plans if "SCAN gallery_generation" in plan]


def plan_of(sql: str, params) -> str:
    """How SQLite goes about it; with the parameters apart, for that is how it is asked."""
    if connection.vendor != "sqlite":
        return ""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return " ".join(row[3] for row in cursor.fetchall())


def test_lists_stand_in_sections(boss, clerk):
    names = [section["name"] for section in boss.get(reverse("admin:index")).context["app_list"]]
    assert names == ["Pictures", "Work", "In, out and many", "Prompts", "Server", "People"]
    assert boss.get(reverse("admin:app_list", args=["gallery"])).status_code == 200


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172800, "2 days")],
)
def test_time_that_went_by_is_told_in_a_word(seconds, words):
    assert ago(timezone.now() - timedelta(seconds=seconds)) == words
    assert ago(None) == "–"


def test_originals_that_spoiled_are_named_above_the_panels(boss, look, stored):
    with storage.open(stored.storage_key) as file:
        data = bytearray(file.read())
    data[-20] ^= 1
    storage.put(stored.storage_key, bytes(data), "image/png")
    scrubbing.make_round()
    assert stored.storage_key in boss.get(reverse("admin:index")).content.decode()
    assert look()["Health"].notes[0].tone == "bad"
