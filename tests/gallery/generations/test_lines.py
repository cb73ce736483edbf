"""The order of a person's own requests, the pause of their queue, the room at their connections."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from gallery.generations import calls, generation, lines, recovery, times
from gallery.models import ConnectionProfile, GenerationCall, ModelTimes, QueuedTask, User
from gallery.work import parking
from gallery.work.runner import Runner
from providers import registry
from providers.errors import NetworkError, Refused
from tests.gallery.generations.test_calls import ask, later, run
from tests.gallery.scripted import Scripted, in_answer, pictures

pytestmark = [pytest.mark.thorough, pytest.mark.engines]

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def profile(owner, monkeypatch):
    Scripted.reset()
    monkeypatch.setitem(registry.PROVIDERS, "scripted", ("Scripted", "tests.gallery.scripted:Scripted"))
    registry.provider_class.cache_clear()
    yield ConnectionProfile.objects.create(owner=owner, name="Main", provider="scripted", is_default=True)
    registry.provider_class.cache_clear()


def sent():
    return [request.prompt for request in Scripted.sent]


def asked(profile, *prompts):
    return [ask(profile, prompt=prompt) for prompt in prompts]


def work(limit=50):
    """What a worker does until nothing is due, one task after the other in the order of the queue."""
    for _ in range(limit):
        row = QueuedTask.objects.filter(run_after__lte=timezone.now()).first()
        if row is None:
            return
        calls.run(row.args[0])
        row.delete()


def pace(profile, **limits):
    ConnectionProfile.objects.filter(pk=profile.pk).update(**limits)
    profile.refresh_from_db()


# --- Order ----------------------------------------------------------------------------------------


def test_what_waits_goes_out_as_it_came(profile):
    asked(profile, "a", "b", "c")
    work()
    assert sent() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("which", "where", "order"),
    [
        (2, "first", "c a b d"),
        (2, "up", "a c b d"),
        (1, "down", "a c b d"),
        (0, "up", "a b c d"),
        (3, "down", "a b c d"),
    ],
)
def test_jobs_change_places(profile, which, where, order):
    rows = asked(profile, *"abcd")
    lines.move(rows[which], where)
    assert [row.prompt for row in lines.waiting(profile.owner)] == order.split()
    work()
    assert sent() == order.split()


def test_what_comes_later_waits_behind_what_was_put_in_order(profile):
    rows = asked(profile, "a", "b")
    lines.move(rows[1], "first")
    asked(profile, "c")
    work()
    assert sent() == ["b", "a", "c"]


def test_all_requests_of_a_job_go_first_together(profile):
    Scripted.n_per_call = 1
    asked(profile, "a")
    big = ask(profile, prompt="big", n=3)
    lines.move(big, "first")
    work()
    assert sent() == ["big", "big", "big", "a"]


def test_what_has_begun_stays_where_it_is(profile):
    first, second = asked(profile, "a", "b")
    run(first)
    lines.move(first, "first")
    assert list(lines.waiting(profile.owner)) == [second]


def test_a_job_that_has_to_wait_lets_the_next_one_go(profile):
    first, second = asked(profile, "a", "b")
    lines.move(second, "first")
    second.calls.update(run_after=timezone.now() + timedelta(hours=1))
    work()
    assert sent() == ["a"]


def test_the_order_of_one_person_is_none_of_the_others(profile, other):
    theirs = ConnectionProfile.objects.create(owner=other, name="Theirs", provider="scripted")
    mine, foreign = ask(profile, prompt="mine"), ask(theirs, prompt="theirs")
    lines.move(foreign, "first")
    work()
    assert sent() == ["mine", "theirs"]
    lines.put_first(other, [mine])
    mine.refresh_from_db()
    assert mine.place == 0


def wake_ups():
    """What is queued, in the order of the calls: what is claimed, and how often it was begun."""
    rows = QueuedTask.objects.order_by("args").values_list("args", "lease_until", "attempts")
    return [(args[0], lease is not None, attempts) for args, lease, attempts in rows]


@pytest.fixture
def swapped(profile):
    """Two calls, of which the second was put first; the turn of the first one has come."""
    rows = asked(profile, "a", "b")
    lines.move(rows[1], "first")
    assert [row.args for row in Runner().take(1)] == [[rows[0].calls.get().pk]]
    return [row.calls.get() for row in rows]


def test_who_takes_the_turn_of_another_does_so_under_its_own_name(swapped):
    first, second = swapped
    seen = []
    Scripted.on_send = staticmethod(lambda: seen.extend(wake_ups()))
    calls.run(first.pk)
    assert sent() == ["b"]
    assert seen == [(first.pk, False, 0), (second.pk, True, 1)]


def test_a_call_that_stops_its_worker_in_the_turn_of_another_is_set_aside_itself(swapped):
    first, second = swapped
    QueuedTask.objects.filter(args=[second.pk]).update(attempts=1)  # it did so before
    assert lines.take_turn(second, of=first)
    QueuedTask.objects.exclude(lease_until=None).update(attempts=3, lease_until=LONG_AGO)
    parking.park()
    states = [call.state for call in GenerationCall.objects.order_by("pk")]
    assert (states, wake_ups()[0]) == (["queued", "failed"], (first.pk, False, 0))
    work()
    assert sent() == ["a"]


@pytest.mark.parametrize("state", [{"lease_until": LONG_AGO}, {"attempts": 2}])
def test_a_turn_is_not_taken_by_what_is_at_work_or_has_to_be_alone(swapped, state):
    first, second = swapped
    QueuedTask.objects.filter(args=[second.pk]).update(**state)
    calls.run(first.pk)
    assert sent() == ["a"]
    assert QueuedTask.objects.filter(args=[second.pk], **state).exists()


def test_the_call_whose_turn_is_taken_is_woken_though_the_other_one_had_lost_its_wake_up(swapped):
    first, second = swapped
    QueuedTask.objects.filter(args=[second.pk]).delete()
    calls.run(first.pk)
    assert sent() == ["b"]
    assert [row[:2] for row in wake_ups()] == [(first.pk, False), (second.pk, True)]


def test_each_job_is_sent_once_whatever_the_order(profile):
    rows = asked(profile, *"abcdefgh")
    for row, where in zip(rows, ["first", "down", "up", "first", "down", "up", "first", "up"], strict=True):
        lines.move(row, where)
        calls.run(rows[0].calls.get().pk)
    work()
    assert sorted(sent()) == list("abcdefgh")
    assert not QueuedTask.objects.exists()


# --- The pause ------------------------------------------------------------------------------------


def test_a_paused_queue_sends_nothing_and_goes_on_where_it_was(profile):
    rows = asked(profile, "a", "b")
    lines.move(rows[1], "first")
    lines.pause(profile.owner)
    work()
    assert sent() == []
    assert [row.status for row in lines.waiting(profile.owner)] == ["queued", "queued"]
    lines.resume(profile.owner)
    work()
    assert sent() == ["b", "a"]


def test_a_pause_outlives_a_restart_and_recovery(profile):
    (row,) = asked(profile, "a")
    lines.pause(profile.owner)
    QueuedTask.objects.all().delete()  # the wake-ups were lost
    later(row)
    for _ in range(3):
        recovery.recover()
        work()
    assert sent() == []
    assert not QueuedTask.objects.exists()  # nobody is woken for nothing
    lines.resume(profile.owner)
    work()
    assert sent() == ["a"]


def test_what_is_under_way_is_finished(profile):
    (row,) = asked(profile, "a")
    Scripted.on_send = staticmethod(lambda: lines.pause(profile.owner))
    assert run(row).status == "done"


def test_the_pause_of_one_person_is_none_of_the_others(profile, other):
    theirs = ConnectionProfile.objects.create(owner=other, name="Theirs", provider="scripted")
    asked(profile, "mine")
    ask(theirs, prompt="theirs")
    lines.pause(profile.owner)
    work()
    assert sent() == ["theirs"]


def test_recovery_goes_on_where_a_worker_was_stopped_while_it_resumed(profile):
    asked(profile, "a")
    lines.pause(profile.owner)
    work()
    User.objects.update(queue_paused=False)
    recovery.recover()
    work()
    assert sent() == ["a"]


def test_a_job_that_is_stopped_in_a_paused_queue_is_not_sent(profile):
    (row,) = asked(profile, "a")
    lines.pause(profile.owner)
    work()
    generation.cancel(row)
    lines.resume(profile.owner)
    work()
    assert sent() == []
    assert row.status == "cancelled"


# --- Room at a connection -------------------------------------------------------------------------


def test_no_more_go_out_at_once_than_the_connection_takes(profile):
    pace(profile, max_at_once=1)
    first, second = asked(profile, "a", "b")
    waiting = second.calls.get()
    Scripted.on_send = staticmethod(lambda: calls.run(waiting.pk) if len(Scripted.sent) == 1 else None)
    run(first)
    waiting.refresh_from_db()
    assert (sent(), waiting.state, waiting.held) == (["a"], "queued", False)  # and was woken when "a" ended
    work()
    assert sent() == ["a", "b"]


@pytest.mark.parametrize("end", [Refused("No."), in_answer(Refused("No.")), NetworkError("Gone.")])
def test_whatever_becomes_of_a_request_the_next_one_moves_up(profile, end):
    pace(profile, max_at_once=1)
    Scripted.script = [end]
    first, second = asked(profile, "a", "b")
    pk = second.calls.get().pk
    Scripted.on_send = staticmethod(lambda: calls.run(pk) if len(Scripted.sent) == 1 else None)
    run(first)
    work()
    assert sent()[1] == "b"


def test_what_was_put_first_takes_the_place_that_is_free(profile):
    pace(profile, max_at_once=1)
    first, *others = asked(profile, "a", "b", "c")
    keys = [row.calls.get().pk for row in others]

    def meanwhile():
        if len(Scripted.sent) == 1:
            for key in keys:
                calls.run(key)
            lines.move(others[1], "first")

    Scripted.on_send = staticmethod(meanwhile)
    run(first)
    QueuedTask.objects.filter(args=[first.calls.get().pk]).delete()
    work()
    assert sent() == ["a", "c", "b"]


def test_a_full_connection_does_not_stop_the_others(profile):
    pace(profile, max_at_once=1)
    free = ConnectionProfile.objects.create(owner=profile.owner, name="Free", provider="scripted")
    busy, waiting = asked(profile, "a", "b")
    busy.calls.update(state="sent", lease_until=timezone.now() + timedelta(minutes=5))
    lines.move(waiting, "first")
    ask(free, prompt="c")
    work()
    assert sent() == ["c"]


def test_requests_keep_their_distance(profile):
    pace(profile, seconds_between=30)
    asked(profile, "a", "b", "c")
    work()
    assert sent() == ["a"]
    profile.refresh_from_db()
    wake = QueuedTask.objects.get()  # one is woken at its time, the others after it
    assert wake.run_after == profile.next_at
    for expected in (["a", "b"], ["a", "b", "c"]):
        soon = timezone.now() - timedelta(seconds=1)
        ConnectionProfile.objects.update(next_at=soon)
        QueuedTask.objects.update(run_after=soon)
        GenerationCall.objects.filter(held=False, state="queued").update(run_after=soon)
        work()
        assert sent() == expected
    assert not QueuedTask.objects.exists()


def test_recovery_wakes_what_a_connection_has_room_for(profile):
    rows = asked(profile, *"abcd")
    pace(profile, max_at_once=2)
    QueuedTask.objects.all().delete()
    GenerationCall.objects.update(held=True, run_after=timezone.now() - timedelta(minutes=1))
    recovery.recover()
    assert sorted(row.args[0] for row in QueuedTask.objects.all()) == [row.calls.get().pk for row in rows[:2]]
    pace(profile, max_at_once=None)
    recovery.recover()
    assert QueuedTask.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_go_over_the_limit_of_a_connection(profile):
    pace(profile, max_at_once=2)
    rows = asked(profile, *"abcdefgh")
    under_way, most, lock = 0, [], threading.Lock()
    gate = threading.Event()

    def count():
        nonlocal under_way
        with lock:
            under_way += 1
            most.append(under_way)
        gate.wait(0.2)
        with lock:
            under_way -= 1

    Scripted.on_send = staticmethod(count)

    def take(key):
        try:
            calls.run(key)
        finally:
            connection.close()

    for _ in range(6):
        open_calls = GenerationCall.objects.filter(state="queued").values_list("pk", flat=True)
        threads = [threading.Thread(target=take, args=(key,)) for key in open_calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(most) <= 2
    assert sorted(sent()) == list("abcdefgh")
    assert {row.calls.get().state for row in rows} == {"done"}


# --- Times ----------------------------------------------------------------------------------------


def test_the_last_twenty_times_of_a_model_are_kept(profile):
    row = run(ask(profile))
    call = row.calls.get()
    ModelTimes.objects.all().delete()
    for seconds in range(30):
        times.learn(call, seconds)
    assert ModelTimes.objects.get().seconds == list(range(10, 30))
    row.status = "queued"
    assert times.typical([row]) == {("scripted", "scripted-1"): 19.5}


def test_times_are_learnt_from_what_brought_pictures(profile):
    Scripted.script = [in_answer(Refused("No.")), pictures(1)]
    run(ask(profile))
    assert not ModelTimes.objects.exists()
    run(ask(profile))
    assert len(ModelTimes.objects.get().seconds) == 1


def test_times_take_one_query_and_none_while_nothing_runs(profile, django_assert_num_queries):
    rows = [ask(profile) for _ in range(20)]
    with django_assert_num_queries(1):
        assert times.typical(rows) == {}
    for row in rows:
        row.status = "done"
    with django_assert_num_queries(0):
        assert times.typical(rows) == {}


def test_a_long_queue_goes_on_in_parts(profile, monkeypatch):
    monkeypatch.setattr(lines, "AT_ONCE", 2)
    asked(profile, *"abcdefghijkl")
    lines.pause(profile.owner)
    work()
    lines.resume(profile.owner)
    assert QueuedTask.objects.count() == 8
    recovery.recover()
    work()
    assert sent() == list("abcdefghijkl")
