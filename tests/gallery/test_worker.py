import threading
import time
from datetime import timedelta

import pytest
from django.tasks import task
from django.utils import timezone

from gallery import wakeups, worker
from gallery.models import GenerationCall, Import, QueuedTask
from gallery.models import Worker as WorkerRow

seen = []


@task
def note(number):
    seen.append(number)


@task
def fail():
    raise RuntimeError("broken on purpose")


def not_a_task():
    seen.append("not a task")


@pytest.fixture(autouse=True)
def forget_seen():
    seen.clear()


@pytest.fixture
def quiet_house(monkeypatch):
    monkeypatch.setattr(worker, "keep_house", lambda: None)


def claimed(limit=10):
    return worker.Worker(concurrency=4)._claim(limit)


def test_a_queued_task_is_a_row(db):
    note.enqueue(7)
    row = QueuedTask.objects.get()
    assert (row.path, row.args) == (f"{__name__}.note", [7])


def test_a_row_is_claimed_by_one_worker(db):
    note.enqueue(1)
    assert len(claimed()) == 1
    assert claimed() == []


def test_a_row_whose_worker_died_is_claimed_again(db):
    note.enqueue(1)
    claimed()
    QueuedTask.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claimed()[0].attempts == 1
    assert QueuedTask.objects.get().attempts == 2


def test_a_task_for_later_waits(db):
    note.using(run_after=timezone.now() + timedelta(minutes=5)).enqueue(1)
    assert claimed() == []


def test_more_important_tasks_come_first(db):
    note.enqueue(1)
    note.using(priority=10).enqueue(2)
    assert [row.args for row in claimed()] == [[2], [1]]


def run_one(**fields):
    QueuedTask.objects.create(**{"run_after": timezone.now()} | fields)
    one = worker.Worker(concurrency=1)
    one._run_one(one._claim(1)[0])


@pytest.mark.django_db(transaction=True)
class TestRunning:
    def test_a_finished_task_leaves_the_queue(self):
        run_one(path=f"{__name__}.note", args=[3])
        assert seen == [3]
        assert not QueuedTask.objects.exists()

    def test_a_failing_task_leaves_the_queue_and_a_line_in_the_log(self, caplog):
        run_one(path=f"{__name__}.fail")
        assert not QueuedTask.objects.exists()
        assert "broken on purpose" in caplog.text

    def test_the_table_can_name_tasks_and_nothing_else(self):
        run_one(path=f"{__name__}.not_a_task")
        assert seen == []

    def test_a_task_that_keeps_stopping_its_worker_is_dropped(self, caplog):
        run_one(path=f"{__name__}.note", args=[1], attempts=worker.MAX_ATTEMPTS)
        assert seen == []
        assert "Dropped" in caplog.text

    def test_a_running_worker_wakes_for_a_new_task(self, quiet_house):
        running = worker.Worker(concurrency=2)
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            wait_for(lambda: WorkerRow.objects.filter(name=running.name).exists())
            note.enqueue(5)
            wait_for(lambda: seen == [5])
        finally:
            running.stop()
            thread.join(10)
        assert not thread.is_alive()
        assert not WorkerRow.objects.exists()

    def test_a_listener_returns_when_something_was_queued(self):
        listener = wakeups.listen()
        listener.wait(0.1, threading.Event())
        note.enqueue(1)
        started = time.monotonic()
        listener.wait(30, threading.Event())
        listener.close()
        assert time.monotonic() - started < 15


def wait_for(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_lonely_worker_frees_what_a_dead_one_held(owner):
    future = timezone.now() + timedelta(minutes=5)
    Import.objects.create(owner=owner, lease_until=future)
    QueuedTask.objects.create(path="x", run_after=timezone.now(), lease_until=future)
    worker.forget_dead_leases()
    assert Import.objects.get().lease_until < timezone.now()
    assert QueuedTask.objects.get().lease_until < timezone.now()
    assert not GenerationCall.objects.exists()


def test_housekeeping_goes_on_behind_a_part_that_fails(db, monkeypatch, caplog):
    def recover():
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("gallery.recovery.recover", recover)
    WorkerRow.objects.create(
        name="dead", started_at=timezone.now(), seen_at=timezone.now() - timedelta(hours=2)
    )

    worker.keep_house()

    assert not WorkerRow.objects.exists()
    assert "Housekeeping" in caplog.text
