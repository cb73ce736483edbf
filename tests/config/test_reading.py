import environ
import pytest

from config import reading


def env(**variables):
    made = environ.Env()
    made.ENVIRON = variables
    return made


@pytest.mark.parametrize("text", ["64MiB", "-1", "", "1e6"])
def test_a_number_that_is_none_is_one_line_with_an_example(text):
    with pytest.raises(SystemExit, match="MAX must be a whole number such as 5, not"):
        reading.whole_number(env(MAX=text), "MAX", 5)


def test_a_number_is_read_or_has_its_default():
    assert reading.whole_number(env(MAX="7"), "MAX", 5) == 7
    assert reading.whole_number(env(), "MAX", 5) == 5


def test_what_another_variable_asks_for_is_named():
    with pytest.raises(SystemExit, match="BUCKET must be set, because of MEDIA_STORAGE=s3"):
        reading.required(env(), "BUCKET", "MEDIA_STORAGE=s3")


@pytest.mark.parametrize("address", ["nonsense", "mysql://root@localhost/x", ""])
def test_a_database_that_is_not_known_is_one_line(address):
    with pytest.raises(SystemExit, match="postgres:// or sqlite:///"):
        reading.database(env(DATABASE_URL=address), "DATABASE_URL", "sqlite:///x")


def test_a_database_is_read_or_has_its_default():
    postgres = reading.database(env(DATABASE_URL="postgres://me@host/name"), "DATABASE_URL", "sqlite:///x")
    assert postgres["ENGINE"].endswith("postgresql")
    assert reading.database(env(), "DATABASE_URL", "sqlite:////a/b")["NAME"] == "/a/b"


def test_a_broker_is_redis_or_rabbitmq_or_none():
    assert reading.broker(env(), "BROKER_URL") == ""
    assert reading.broker(env(BROKER_URL="amqp://host//"), "BROKER_URL") == "amqp://host//"
    with pytest.raises(SystemExit, match="BROKER_URL must begin with redis:// or amqp://"):
        reading.broker(env(BROKER_URL="sqs://host"), "BROKER_URL")


def test_a_broker_without_celery_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setattr(reading, "find_spec", lambda _name: None)
    assert reading.broker(env(), "BROKER_URL") == ""
    with pytest.raises(SystemExit, match="requirements-scale.txt"):
        reading.broker(env(BROKER_URL="redis://host"), "BROKER_URL")
