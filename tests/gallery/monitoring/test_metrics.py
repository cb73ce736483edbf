import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from gallery.files import usage
from gallery.models import ApiToken, Generation, GenerationCall, QueuedTask, Worker
from gallery.monitoring import metrics, tallies
from tests.gallery.monitoring.test_exposition import read

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch):
    monkeypatch.setattr(metrics, "_kept", (float("-inf"), []))


def numbers() -> dict:
    return read(metrics.text())


def call(generation, state, **facts):
    return GenerationCall.objects.create(
        generation=generation, index=generation.calls.count(), first_image=0, n=1, run_after=timezone.now(),
        state=state, **facts,
    )  # fmt: skip


@pytest.fixture
def generation(owner):
    return Generation.objects.create(owner=owner, provider="openai", model="gpt-image", prompt="CANARY fox")


# --- Who may ask ----------------------------------------------------------------------------------


def bearer(user):
    return {"Authorization": f"Bearer {ApiToken.issue(user, 'prometheus', scope='read')[1]}"}


def test_staff_get_it_by_session_and_by_token(client, staff):
    answer = client.get("/metrics", headers=bearer(staff))
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    client.force_login(staff)
    assert client.get("/metrics").status_code == 200
    assert client.head("/metrics").content == b""


def test_others_do_not(client, owner):
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer vig_nonsense"}).status_code == 404
    assert client.get("/metrics", headers=bearer(owner)).status_code == 404
    client.force_login(owner)
    assert client.get("/metrics").status_code == 404


def test_a_token_stands_for_its_owner_whoever_the_cookies_name(client, owner, staff):
    client.force_login(staff)
    assert client.get("/metrics", headers=bearer(owner)).status_code == 404


# --- What it says ---------------------------------------------------------------------------------


def test_the_queue_is_told_by_task_and_state():
    now = timezone.now()
    for seconds in (90, 30):
        due = now - timedelta(seconds=seconds)
        QueuedTask.objects.create(path="gallery.tasks.run_call", args=[1], run_after=due)
    later = now + timedelta(hours=1)
    QueuedTask.objects.create(path="gallery.tasks.run_call", run_after=later)
    QueuedTask.objects.create(path="gallery.tasks.run_import", run_after=now, lease_until=later)
    told = numbers()
    of = ("task", "run_call")
    assert told["vignette_queue_tasks", ("state", "due"), of] == 2
    assert told["vignette_queue_tasks", ("state", "later"), of] == 1
    assert told["vignette_queue_tasks", ("state", "running"), ("task", "run_import")] == 1
    assert 85 < told["vignette_queue_oldest_seconds", of] < 120


def test_open_and_ended_calls_are_told_by_model(generation):
    now = timezone.now()
    call(generation, "queued")
    call(generation, "done", sent_at=now - timedelta(seconds=7), finished_at=now, cost_usd="0.04")
    call(generation, "failed", sent_at=now - timedelta(seconds=1), finished_at=now, error_code="timeout")
    told = numbers()
    model = (("model", "gpt-image"), ("provider", "openai"))
    assert told["vignette_calls_open", *model, ("state", "queued")] == 1
    of = (("kind", "images"), *model)
    done, failed = (("code", ""), ("outcome", "done")), (("code", "timeout"), ("outcome", "failed"))
    assert told["vignette_calls_ended_total", *sorted([*of, *done])] == 1
    assert told["vignette_calls_ended_total", *sorted([*of, *failed])] == 1
    assert told["vignette_call_seconds_bucket", *sorted([*of, ("le", "10")])] == 2
    assert told["vignette_call_seconds_bucket", *sorted([*of, ("le", "5")])] == 1
    assert told["vignette_spending_usd_total", *of] == 0.04


def test_workers_are_counted_while_they_are_heard():
    now = timezone.now()
    for number, seconds in enumerate((1, 4000)):
        seen = now - timedelta(seconds=seconds)
        Worker.objects.create(name=f"here:{number}", started_at=seen, seen_at=seen)
    told = numbers()
    assert told["vignette_workers",] == 1
    assert told["vignette_worker_silence_seconds",] < 60


def test_the_store_is_told_as_it_was_measured(stored):
    assert ("vignette_store_measured_timestamp_seconds",) not in numbers()
    usage.measure()
    metrics._kept = (float("-inf"), [])
    told = numbers()
    assert told["vignette_store_files", ("source", "upload"), ("what", "originals")] == 1
    assert told["vignette_store_bytes", ("source", "upload"), ("what", "originals")] == stored.bytes
    assert told["vignette_store_bytes", ("source", ""), ("what", "thumbnails")] > 0
    assert told["vignette_disk_free_bytes",] > 0


def test_requests_are_counted_by_surface(client):
    client.get("/health/live")
    before = numbers()
    client.get("/health/live")
    client.get("/api/v1/images")
    told = numbers()
    of = ("vignette_http_requests_total", ("method", "GET"))
    assert (
        told[*of, ("status", "200"), ("surface", "operations")]
        - before[*of, ("status", "200"), ("surface", "operations")]
        == 1
    )
    assert told[*of, ("status", "401"), ("surface", "api")] >= 1
    assert told["vignette_http_seconds_count", ("surface", "operations")] >= 2


def test_nothing_that_people_wrote_is_told(generation, stored):
    call(generation, "queued")
    text = metrics.text()
    assert not [word for word in ("CANARY", "owner", str(generation.public_id)) if word in text]


# --- What it costs --------------------------------------------------------------------------------


def test_it_asks_the_same_few_questions_however_much_there_is(generation, django_assert_num_queries):
    for _ in range(2):
        for state in ("queued", "done"):
            ended = timezone.now() if state == "done" else None
            call(generation, state, finished_at=ended)
        metrics._kept = (float("-inf"), [])
        with django_assert_num_queries(7):
            metrics.text()


def test_asked_again_at_once_it_asks_the_database_nothing(generation, django_assert_num_queries):
    metrics.text()
    with django_assert_num_queries(0):
        metrics.text()


@pytest.mark.thorough
def test_years_of_calls_are_read_in_no_time(generation):
    """Twenty thousand that are folded, where reading each would take a tenth of a second."""
    now = timezone.now() - timedelta(hours=1)
    GenerationCall.objects.bulk_create(
        GenerationCall(
            generation=generation, index=index, first_image=0, n=1, run_after=now, state="done",
            sent_at=now, finished_at=now,
        )
        for index in range(20_000)
    )  # fmt: skip
    tallies.fold()
    began = time.perf_counter()
    assert numbers()["vignette_calls_ended_total", ("code", ""), ("kind", "images"), ("model", "gpt-image"),
                     ("outcome", "done"), ("provider", "openai")] == 20_000  # fmt: skip
    assert time.perf_counter() - began < 0.1


# --- The document ---------------------------------------------------------------------------------


def test_the_document_explains_every_number_and_no_other():
    named = re.compile(r"\bvignette_[a-z_]+[a-z]")
    code = set(named.findall((ROOT / "gallery" / "monitoring" / "metrics.py").read_text()))
    rows = [
        line for line in (ROOT / "docs" / "operations.md").read_text().splitlines() if line.startswith("| `")
    ]
    explained = {name for row in rows for name in named.findall(row.split("|")[1])}
    assert len(code) > 10
    assert explained == code
