import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.tasks import task
from django.utils import timezone

from gallery.imports import importing
from gallery.models import BulkAction, GenerationCall, Import, QueuedTask
from gallery.models import Worker as WorkerRow
from gallery.work import housekeeping, parking, runner, wakeups, worker

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
    monkeypatch.setattr(housekeeping, "DUTIES", ())


def claimed(limit=10):
    return worker.Worker(concurrency=4).claim(limit)


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
    one.run_one(one.claim(1)[0])


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
    def recover_anywhere():
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("gallery.generations.recovery.recover_anywhere", recover_anywhere)
    WorkerRow.objects.create(
        name="dead", started_at=timezone.now(), seen_at=timezone.now() - timedelta(hours=2)
    )

    housekeeping.keep_house()

    assert not WorkerRow.objects.exists()
    assert "Housekeeping" in caplog.text


# --- Tasks that stop their worker -----------------------------------------------------------------


def crashed(times, **fields):
    """A task that a worker was at when it ended, for the last of so many times."""
    past = timezone.now() - timedelta(seconds=1)
    return QueuedTask.objects.create(
        **{"path": f"{__name__}.note", "run_after": past, "lease_until": past, "attempts": times} | fields
    )


def test_a_task_that_stopped_its_worker_three_times_is_begun_no_more(db, caplog):
    row = crashed(parking.CRASHES)
    assert claimed() == []
    parking.park()
    row.refresh_from_db()
    assert (row.lease_until, row.worker) == (None, "")
    assert "set aside" in caplog.text
    assert claimed() == []


def test_tasks_under_suspicion_run_one_at_a_time(db):
    suspects = [crashed(parking.SUSPECT) for _ in range(3)]
    harmless = crashed(1)
    one = worker.Worker(concurrency=10)
    first = one.claim(10)
    assert {row.pk for row in first} == {harmless.pk, suspects[0].pk}
    one.running = {row.pk: row for row in first}
    assert one.claim(10) == []
    one.running = {}
    assert [row.pk for row in one.claim(10)] == [suspects[1].pk]


def test_a_worker_does_not_take_its_own_task_a_second_time(db):
    note.enqueue(1)
    one = worker.Worker(concurrency=4)
    one.running = {row.pk: row for row in one.claim(4)}
    QueuedTask.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    assert one.claim(4) == []
    assert len(claimed()) == 1


def test_being_told_to_stop_is_no_crash(db, monkeypatch):
    monkeypatch.setattr(runner, "GRACE", 0)
    note.enqueue(1)
    one = worker.Worker(concurrency=4)
    one.running = {row.pk: row for row in one.claim(4)}
    one.finish()
    assert QueuedTask.objects.get().attempts == 0


def test_a_parked_task_can_be_begun_again(db):
    crashed(parking.CRASHES, lease_until=None)
    assert parking.release(QueuedTask.objects.all()) == 1
    assert len(claimed()) == 1


def test_giving_up_an_import_tells_its_owner(owner):
    job = Import.objects.create(owner=owner, status="running")
    crashed(parking.CRASHES, path="gallery.tasks.run_import", args=[job.pk])
    parking.park()
    job.refresh_from_db()
    assert (job.status, job.error_message) == ("failed", importing.SET_ASIDE)


def test_giving_up_an_action_tells_its_owner(owner):
    action = BulkAction.objects.create(owner=owner, action="rate", params={"value": 3}, matched=1)
    crashed(parking.CRASHES, path="gallery.tasks.run_bulk", args=[action.pk])
    parking.park()
    action.refresh_from_db()
    assert (action.status, "set aside" in action.error) == ("failed", True)


# --- Clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_worker_whose_clock_is_wrong_takes_what_is_due_and_nothing_else(db, monkeypatch, hours):
    real = timezone.now
    note.enqueue(1)
    crashed(0, lease_until=real() + timedelta(minutes=1))
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=hours))
    taken = claimed()
    assert [row.args for row in taken] == [[1]]
    assert abs(QueuedTask.objects.get(pk=taken[0].pk).lease_until - real()) < timedelta(minutes=5)


@pytest.fixture
def folder(settings):
    """A short one: names of sockets may have some hundred letters."""
    with tempfile.TemporaryDirectory(prefix="wake-") as made:
        settings.DATA_DIR = Path(made)
        yield settings.DATA_DIR


sqlite_alone = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has LISTEN")


@sqlite_alone
@pytest.mark.django_db(transaction=True)
def test_a_knock_wakes_before_the_next_look(folder, monkeypatch):
    monkeypatch.setattr(wakeups, "LOOK_EVERY", 30)
    listener = wakeups.listen()
    (folder / "wake" / "dead.door").touch()  # nobody listens there

    def knock():
        wakeups.notify()
        connection.close()

    threading.Timer(0.1, knock).start()
    began = time.monotonic()
    listener.wait(20, threading.Event())
    assert time.monotonic() - began < 10
    listener.close()
    wait_for(lambda: not list(folder.glob("wake/*")))


@sqlite_alone
@pytest.mark.django_db
def test_a_folder_without_room_for_a_socket_is_looked_at_often(folder, settings):
    settings.DATA_DIR = folder / ("x" * 120)
    listener = wakeups.listen()
    assert listener.door is None
    stopping = threading.Event()
    threading.Timer(0.1, stopping.set).start()
    listener.wait(20, stopping)
    listener.close()
