"""The waiting work of one person lets that of others through."""

import pytest
from django.db import connection
from django.utils import timezone

from gallery import tasks
from gallery.generations import generation
from gallery.imports import importing
from gallery.models import ConnectionProfile, Generation, GenerationCall, Import, QueuedTask
from gallery.work import fairness, worker


@pytest.fixture
def ask():
    def submit(owner, times=1):
        profile, _ = ConnectionProfile.objects.get_or_create(owner=owner, name="Demo", provider="demo")
        wishes = [generation.Wish(profile=profile, prompt=f"a fox {number}") for number in range(times)]
        return [generation.submit(owner, wish) for wish in wishes]

    return submit


class OneAtATime(worker.Worker):
    """A worker that begins tasks and ends them at once, and tells whose they were."""

    def take(self, times: int) -> list[str]:
        return [self.take_one() for _ in range(times)]

    def take_one(self) -> str:
        (row,) = self.claim(1)
        call = GenerationCall.objects.select_related("generation__owner").get(pk=row.args[0])
        call.state = "sent"
        call.save()
        Generation.objects.filter(pk=call.generation_id).update(status="running")
        row.delete()
        return call.generation.owner.username


@pytest.fixture
def queue(db):
    return OneAtATime(concurrency=1)


def test_one_person_alone_is_served_in_order(ask, owner, queue):
    asked = ask(owner, 5)
    claimed = [queue.claim(1)[0].args[0] for _ in range(5)]
    assert claimed == [one.calls.get().pk for one in asked]


def test_the_other_person_comes_next_but_one_behind_a_thousand(ask, owner, other, queue, settings):
    settings.MAX_QUEUED_PER_USER = 1000
    ask(owner, 40)
    queue.take(5)
    ask(other)
    assert "other" in queue.take(2)


def test_two_people_take_turns(ask, owner, other, queue):
    ask(owner, 20)
    queue.take(4)
    ask(other, 8)
    served = queue.take(16)
    assert served.count("other") == 8
    assert all(served[at : at + 3] != ["other"] * 3 for at in range(len(served)))
    assert all(served[at : at + 3] != ["owner"] * 3 for at in range(len(served)))


def test_who_was_served_long_ago_is_owed_nothing(ask, owner, other, queue):
    """The late comer gets a share from now on, not the whole server until they have caught up."""
    ask(owner, 30)
    queue.take(15)
    ask(other, 10)
    assert queue.take(10).count("owner") >= 4


def test_an_empty_line_begins_anew(ask, owner, queue):
    ask(owner, 3)
    queue.take(3)
    ask(owner)
    assert QueuedTask.objects.get().priority == 0


def test_the_calls_of_one_generation_stand_one_behind_the_other(ask, owner, queue):
    (one,) = ask(owner)
    second = one.calls.create(index=1, first_image=1, n=1, run_after=timezone.now())
    generation.wake(second)
    assert list(QueuedTask.objects.values_list("priority", flat=True)) == [0, -1]


def test_tasks_that_were_put_off_or_parked_do_not_hold_the_head_of_the_line(ask, owner, queue):
    ask(owner, 8)
    later = timezone.now() + timezone.timedelta(hours=1)
    first, second, *_ = QueuedTask.objects.all()
    QueuedTask.objects.filter(pk=first.pk).update(run_after=later)
    QueuedTask.objects.filter(pk=second.pk).update(attempts=3)
    assert fairness._head_of_the_line("gallery.tasks.run_call") == -2


def test_a_line_that_never_ends_stays_within_the_column(ask, owner):
    ask(owner, 2)
    QueuedTask.objects.update(priority=fairness.LAST)
    ask(owner)
    assert QueuedTask.objects.order_by("id").last().priority == fairness.LAST


@pytest.mark.thorough
def test_the_claim_is_read_from_the_index_at_ten_thousand(db):
    now = timezone.now()
    rows = [
        QueuedTask(path="gallery.tasks.run_call", args=[number], priority=-number, run_after=now)
        for number in range(10_000)
    ]
    QueuedTask.objects.bulk_create(rows, batch_size=2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    due = fairness.open_lines(worker.Worker(concurrency=1).due(), [])
    plan = due.filter(attempts__lt=2)[:5].explain()
    assert "queued_task_order" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


# --- What keeps the processor busy ----------------------------------------------------------------


def imports(owner, times):
    return [importing.create_from_urls(owner, [f"https://example.com/{n}.png"]) for n in range(times)]


def queue_imports(owner, times):
    for job in imports(owner, times):
        tasks.run_import.enqueue(job.pk)


def test_a_few_imports_are_at_work_at_once_and_generations_beside_them(ask, owner, other):
    queue_imports(owner, 10)
    ask(other)
    one = worker.Worker(concurrency=100)
    rows = one.claim(100)
    kinds = [row.path.rpartition(".")[2] for row in rows]
    assert sorted(kinds) == ["run_call", "run_import", "run_import", "run_import"]
    one.running = {row.pk: row for row in rows}
    assert one.claim(100) == []


def test_imports_that_have_to_wait_hide_nobody_behind_them(ask, owner, other):
    queue_imports(owner, 10)
    ask(other)
    begun = QueuedTask.objects.filter(path="gallery.tasks.run_import")[:3]
    one = worker.Worker(concurrency=4)
    one.running = {row.pk: row for row in begun}
    assert [row.path for row in one.claim(1)] == ["gallery.tasks.run_call"]


def test_imports_of_two_people_take_turns(owner, other):
    queue_imports(owner, 6)
    queue_imports(other, 1)
    first = worker.Worker(concurrency=100).claim(100)
    owners = Import.objects.filter(pk__in=[row.args[0] for row in first]).values_list(
        "owner__username", flat=True
    )
    assert "other" in owners
