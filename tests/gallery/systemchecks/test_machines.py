"""What several machines must have in common is named before something is looked for in vain."""

import pytest
from django.core.checks import run_checks

pytestmark = pytest.mark.django_db
PROBLEMS = {"gallery.W016", "gallery.W017", "gallery.W018"}


@pytest.fixture
def many(settings, monkeypatch):
    """Settings for several machines, as they should be."""
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.postgresql")
    settings.BROKER_URL = "redis://broker"
    settings.KEY_RING_IN_FILE = False
    settings.MEDIA_STORAGE = "s3"
    return settings


def found():
    return {problem.id for problem in run_checks(include_deployment_checks=True)} & PROBLEMS


def test_machines_with_everything_in_common_hear_nothing(many):
    assert found() == set()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [("KEY_RING_IN_FILE", True, "gallery.W017"), ("MEDIA_STORAGE", "local", "gallery.W018")],
)
def test_what_one_machine_has_for_itself_is_named(many, name, value, problem):
    setattr(many, name, value)
    assert found() == {problem}
    many.BROKER_URL = ""
    assert found() == set()


def test_a_broker_with_a_database_that_is_a_file_is_named(many, monkeypatch):
    monkeypatch.setitem(many.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert found() == {"gallery.W016"}
    many.BROKER_URL = ""
    assert found() == set()
