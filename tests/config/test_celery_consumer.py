"""A broker that goes away while messages are under way: the worker connects anew, and does not end."""

from types import SimpleNamespace

import pytest
from celery.worker.consumer import Consumer as CeleryConsumer

from config.celery import app
from config.celery_consumer import Consumer

GONE = AttributeError("'NoneType' object has no attribute 'hostname'")


@pytest.fixture
def consumer():
    made = app.conf.worker_consumer
    assert made == f"{Consumer.__module__}:{Consumer.__name__}"
    worker = SimpleNamespace(use_eventloop=True)
    pool = SimpleNamespace(is_green=False)
    return Consumer(on_task_request=None, app=app, pool=pool, controller=worker)


def live(consumer, monkeypatch, *errors):
    """Let each start of the consumer end with one of `errors`. Returns how often it was begun anew."""
    left, restarts = list(errors), []

    class Blueprint:
        state = None

        def start(self, _parent):
            consumer.connection = SimpleNamespace(collect=lambda **_: None, close=lambda: None)
            if not left:
                raise SystemExit
            raise left.pop(0)

        def restart(self, _parent):
            restarts.append(1)

    consumer.blueprint = Blueprint()
    monkeypatch.setattr(consumer, "on_close", lambda: None)
    with pytest.raises(SystemExit):
        consumer.start()
    return len(restarts)


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), GONE])
def test_a_connection_that_breaks_is_made_anew(consumer, monkeypatch, error):
    monkeypatch.setattr(CeleryConsumer, "on_connection_error_after_connected", lambda *_: None)
    assert live(consumer, monkeypatch, error, error) == 2


def test_a_connection_that_cannot_be_closed_is_left(consumer, monkeypatch, caplog):
    def close_in_vain(*_):
        raise GONE

    monkeypatch.setattr(CeleryConsumer, "on_connection_error_after_connected", close_in_vain)
    assert live(consumer, monkeypatch, ConnectionResetError("gone")) == 1
    assert "could not be closed in order" in caplog.text


def test_a_message_that_cannot_be_confirmed_any_more_ends_nothing(consumer):
    assert isinstance(GONE, consumer.connection_errors)


def test_other_faults_are_not_taken_for_the_broker(consumer, monkeypatch):
    with pytest.raises(ZeroDivisionError):
        live(consumer, monkeypatch, ZeroDivisionError())
