import threading
import time

from providers.watchdog import Watchdog


def test_what_is_not_over_in_time_is_ended():
    ended = threading.Event()
    with Watchdog().limit(time.monotonic() + 0.05, ended.set):
        assert ended.wait(5)


def test_what_is_over_in_time_is_left_alone():
    dog, ended, later = Watchdog(), threading.Event(), threading.Event()
    with dog.limit(time.monotonic() + 0.05, ended.set):
        pass
    with dog.limit(time.monotonic() + 0.1, later.set):
        assert later.wait(5)
    assert not ended.is_set()


def test_the_nearest_moment_comes_first():
    dog, order = Watchdog(), []
    done = threading.Event()
    now = time.monotonic()
    with dog.limit(now + 0.1, done.set), dog.limit(now + 0.05, lambda: order.append(done.is_set())):
        assert done.wait(5)
    assert order == [False]


def test_what_cannot_be_ended_does_not_keep_the_others_from_it(caplog):
    dog, ended = Watchdog(), threading.Event()
    now = time.monotonic()
    with dog.limit(now + 0.05, lambda: [][0]), dog.limit(now + 0.1, ended.set):
        assert ended.wait(5)
    assert "IndexError" in caplog.text
