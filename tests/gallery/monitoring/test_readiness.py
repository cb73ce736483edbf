import shutil
from datetime import timedelta

import pytest
from django.utils import timezone

from gallery.files import storage
from gallery.models import Worker
from gallery.monitoring import readiness

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker():
    now = timezone.now()
    return Worker.objects.create(name="here:1", started_at=now, seen_at=now)


def ask(client):
    answer = client.get("/health/ready")
    failing = [name for name, holds in answer.json()["checks"].items() if not holds]
    return answer.status_code, failing


def test_all_is_ready_while_a_worker_is_heard(client, worker):
    assert ask(client) == (200, [])


def test_a_worker_that_fell_silent_is_named(client, worker):
    Worker.objects.update(seen_at=timezone.now() - readiness.SILENCE - timedelta(seconds=5))
    assert ask(client) == (503, ["worker"])


def test_one_worker_of_several_is_enough(client, worker):
    long_ago = timezone.now() - timedelta(days=1)
    Worker.objects.create(name="there:2", started_at=long_ago, seen_at=long_ago)
    assert ask(client) == (200, [])


def test_without_a_worker_it_is_not_ready(client):
    assert ask(client) == (503, ["worker"])


def test_a_full_disk_is_named(client, worker, monkeypatch):
    full = shutil.disk_usage("/")._replace(free=1 << 20)
    monkeypatch.setattr("gallery.monitoring.readiness.shutil.disk_usage", lambda folder: full)
    assert ask(client) == (503, ["space"])


def test_a_store_that_is_away_is_named_and_nothing_of_it(client, worker, monkeypatch):
    def away():
        raise storage.StorageError("storage", "s3://secret-bucket cannot be reached")

    monkeypatch.setattr("gallery.monitoring.readiness.storage.probe", away)
    assert ask(client) == (503, ["storage"])
    assert "secret-bucket" not in client.get("/health/ready").content.decode()


def test_living_asks_nothing_of_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/health/live").json() == {"status": "ok"}


def test_a_query_for_each_check_of_the_database(client, worker, django_assert_num_queries):
    with django_assert_num_queries(2):
        client.get("/health/ready")


def test_the_log_is_not_filled_by_who_asks_every_second(client, db, caplog):
    assert client.get("/health/ready").status_code == 503
    assert caplog.text == ""
