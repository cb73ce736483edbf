"""A database that is locked, cut off or restarted: reads answer, writes say when to come back."""

import os
import shutil
import sqlite3
import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError, connection, connections
from django.tasks import task
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from gallery import ingest
from gallery.models import ApiToken, ConnectionProfile, Image, QueuedTask, Tag, Worker
from gallery.work import housekeeping, runner, worker
from tests.conftest import picture_bytes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough, pytest.mark.engines]

sqlite_only = pytest.mark.skipif(
    "postgres" in os.environ.get("DATABASE_URL", ""), reason="PostgreSQL locks rows, not the whole database"
)


@pytest.fixture
def bearer(owner):
    row, token = ApiToken.issue(owner, "laptop")
    ApiToken.objects.filter(pk=row.pk).update(last_used_at=None)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def browser(owner_client):
    """Answered as a browser is, also when something breaks."""
    owner_client.raise_request_exception = False
    return owner_client


@pytest.fixture
def image(owner):
    return ingest.store(owner, picture_bytes(), source="upload", title="Quay").image


# --- SQLite, locked -----------------------------------------------------------------------------


@pytest.fixture
def heard(db):
    """A worker that is alive."""
    Worker.objects.create(name="here:1", started_at=timezone.now(), seen_at=timezone.now())


@pytest.fixture
def locked():
    """Somebody holds the lock of SQLite for as long as the test runs; waiting is cut short."""
    with connection.cursor() as cursor:
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute("PRAGMA busy_timeout = 100")
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, uri=True)
    holder.execute("BEGIN EXCLUSIVE")
    yield holder
    holder.close()
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {usual}")


PAGES = [
    "index", "add-upload", "add-import", "add-generate", "queue", "characters", "tags", "searches", "costs",
    "trash", "duplicates", "history", "connections", "account", "tokens", "storage", "health-ready",
]  # fmt: skip


@sqlite_only
def test_pages_are_read_while_somebody_writes(browser, image, heard, locked):
    session = browser.session  # whose visit is to be noted, an hour after the last
    assert {name: browser.get(reverse(name)).status_code for name in PAGES} == dict.fromkeys(PAGES, 200)
    assert browser.get(image.get_absolute_url()).status_code == 200
    assert session.session_key


@sqlite_only
def test_visit_is_noted_another_time(browser, image, locked, monkeypatch):
    hour = time.time() + 3700
    monkeypatch.setattr("gallery.middleware.time.time", lambda: hour)
    assert browser.get(reverse("index")).status_code == 200


@sqlite_only
def test_api_is_read_although_the_use_of_its_token_cannot_be_noted(client, image, bearer, locked):
    answer = client.get("/api/v1/images", headers=bearer)
    assert (answer.status_code, len(answer.json()["items"])) == (200, 1)
    assert ApiToken.objects.get().last_used_at is None


@sqlite_only
def test_reading_notes_nothing_on_a_full_disk(client, browser, image, bearer, monkeypatch):
    """It would be told that there is no room, although it needs none."""
    full = shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr("gallery.work.patience.shutil.disk_usage", lambda folder: full)
    hour = time.time() + 3700
    monkeypatch.setattr("gallery.middleware.time.time", lambda: hour)
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(reverse("index")).status_code == 200
        assert client.get("/api/v1/images", headers=bearer).status_code == 200
    verbs = {query["sql"].split(maxsplit=1)[0] for query in queries}
    assert not verbs & {"INSERT", "UPDATE", "DELETE"}


def file():
    return SimpleUploadedFile("a.png", picture_bytes("#445566"))


@sqlite_only
@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_what_cannot_be_written_is_asked_for_again_later(browser, image, settings, locked, headers):
    answers = [
        browser.post(reverse("add-upload"), {"file": file(), "tags": ""}, headers=headers),
        browser.post(reverse("favourite", args=[image.public_id]), headers=headers),
        browser.post(reverse("tag-new"), {"kind": "character", "name": "Mirel"}, headers=headers),
        browser.post(reverse("image-trash", args=[image.public_id]), headers=headers),
    ]
    for answer in answers:
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "The database does not answer" in answer.content.decode()
    locked.rollback()
    assert (Image.objects.count(), Tag.objects.count()) == (1, 0)
    files = [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    assert len(files) == 3


@sqlite_only
def test_api_says_so_in_its_own_form(client, image, bearer, locked):
    client.raise_request_exception = False
    calls = [
        client.post("/api/v1/images", {"file": file()}, headers=bearer),
        client.post("/api/v1/tags", {"name": "x"}, content_type="application/json", headers=bearer),
        client.delete(f"/api/v1/images/{image.public_id}", headers=bearer),
    ]
    for answer in calls:
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "database"


def broken(*args, **kwargs):
    raise InterfaceError("connection already closed")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("server closed the connection unexpectedly"), 503),
        (InterfaceError("connection already closed"), 503),
        (OperationalError("database or disk is full"), 507),
    ],
)
def test_each_way_to_lose_the_database_is_said_alike(client, bearer, browser, monkeypatch, error, status):
    client.raise_request_exception = False

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("gallery.search.search", fail)
    monkeypatch.setattr("gallery.work.jobs.of_queue", fail)
    answer = client.get("/api/v1/images", headers=bearer)
    assert (answer.status_code, answer.json()["status"], answer["Retry-After"]) == (status, status, "5")
    assert browser.get(reverse("queue")).status_code == status


def test_api_speaks_its_own_language_also_before_it_has_the_request(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("gallery.api.problems.not_found", broken)
    monkeypatch.setattr("django.contrib.sessions.middleware.SessionMiddleware.process_request", broken)
    answer = client.get("/api/v1/images")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")


# --- The worker ---------------------------------------------------------------------------------

tries: list[int] = []


@task
def lose_the_database_once(number):
    tries.append(number)
    if len(tries) == 1:
        raise OperationalError("terminating connection due to administrator command")


def test_task_that_loses_the_database_is_run_again(monkeypatch):
    """Nothing else would: not every task has a row that recovery could find."""
    tries.clear()
    monkeypatch.setattr(housekeeping, "DUTIES", ())
    monkeypatch.setattr(runner, "RETRY", runner.timedelta(0))
    lose_the_database_once.enqueue(7)
    with running_worker():
        until(lambda: tries == [7, 7] and not QueuedTask.objects.exists())


class running_worker:
    def __enter__(self):
        self.worker = worker.Worker(concurrency=2)
        self.thread = threading.Thread(target=self.worker.run)
        self.thread.start()
        return self.worker

    def __exit__(self, *exc):
        self.worker.stop()
        self.thread.join(30)
        assert not self.thread.is_alive()


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


seen: list[int] = []


@task
def note(number):
    seen.append(number)


@sqlite_only
def test_worker_goes_on_after_a_lock(monkeypatch, locked):
    """Its connections wait for the lock, give up, and try again."""
    seen.clear()
    monkeypatch.setattr(housekeeping, "DUTIES", ())
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    shorter = connection.settings_dict["OPTIONS"]["init_command"].replace("=20000", "=100")
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "init_command", shorter)
    with running_worker():
        locked.rollback()
        note.enqueue(1)
        until(lambda: seen == [1])
        locked.execute("BEGIN EXCLUSIVE")
        time.sleep(0.5)
        locked.execute(
            "INSERT INTO gallery_queuedtask"
            " (path, args, priority, run_after, worker, place, attempts, created_at)"
            " VALUES (?, '[2]', 0, ?, '', '', 0, ?)",
            (note.module_path, str(timezone.now())[:26], str(timezone.now())[:26]),
        )
        locked.execute("COMMIT")
        until(lambda: seen == [1, 2])


# --- PostgreSQL, cut off and restarted ----------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="for PostgreSQL alone")
class TestCutOff:
    def cut(self):
        """End every connection to the database but the one that asks for it."""
        import psycopg

        parameters = connection.get_connection_params()
        for name in ("cursor_factory", "context", "prepare_threshold"):
            parameters.pop(name, None)
        with psycopg.connect(**parameters, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def test_next_request_has_a_connection_again(self, browser, image):
        self.cut()
        connections["default"].close_if_unusable_or_obsolete()
        assert browser.get(reverse("index")).status_code == 200

    def test_request_that_is_cut_off_is_told_to_come_back(self, browser, image, monkeypatch):
        from gallery.work import jobs

        real = jobs.of_queue

        def cut_first(*args, **kwargs):
            self.cut()
            return real(*args, **kwargs)

        monkeypatch.setattr("gallery.work.jobs.of_queue", cut_first)
        answer = browser.get(reverse("queue"))
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        monkeypatch.undo()
        connection.close()
        assert browser.get(reverse("queue")).status_code == 200

    def test_upload_that_is_cut_off_leaves_nothing_and_can_be_sent_again(
        self, browser, owner, settings, monkeypatch
    ):
        real = ingest._make_row

        def cut_first(*args, **kwargs):
            self.cut()
            return real(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(ingest, "_make_row", cut_first)
            answer = browser.post(reverse("add-upload"), {"file": file(), "tags": ""})
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        connection.close()
        assert not Image.objects.exists()
        assert browser.post(reverse("add-upload"), {"file": file(), "tags": ""}).status_code == 200
        assert Image.objects.count() == 1

    def test_worker_connects_again_and_goes_on(self, monkeypatch):
        seen.clear()
        monkeypatch.setattr(housekeeping, "DUTIES", ())
        with running_worker():
            note.enqueue(1)
            until(lambda: seen == [1])
            self.cut()
            connection.close()
            note.enqueue(2)
            until(lambda: seen == [1, 2])
            assert ConnectionProfile.objects.count() == 0
