"""The pages of errors: the right status, a sentence and a way on, whoever asks."""

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.urls import reverse


@pytest.fixture
def quiet(client):
    """A client that is answered as a browser is, also when something breaks."""
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("limit", ["DATA_UPLOAD_MAX_MEMORY_SIZE", "DATA_UPLOAD_MAX_NUMBER_FIELDS"])
def test_a_form_that_is_too_big_is_told_so(quiet, owner, settings, limit, signed_in):
    setattr(settings, limit, 1)
    if signed_in:
        quiet.force_login(owner)
    response = quiet.post(reverse("account_login"), {"login": "owner", "password": "wrong"})
    assert response.status_code == 413
    assert "Send less at a time." in response.content.decode()


def test_a_database_that_does_not_answer_is_expected_back(quiet, owner, monkeypatch):
    def read(*args):
        raise OperationalError("could not connect to server")

    quiet.force_login(owner)
    monkeypatch.setattr("gallery.jobs.of_queue", read)
    response = quiet.get(reverse("queue"))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "The database does not answer" in response.content.decode()


def test_what_is_broken_here_is_not_blamed_on_the_database(quiet, owner, monkeypatch):
    quiet.force_login(owner)
    monkeypatch.setattr("gallery.jobs.of_queue", lambda *args: 1 / 0)
    response = quiet.get(reverse("queue"))
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()


def test_who_guesses_passwords_is_asked_to_wait(quiet, owner, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    cache.clear()
    typed = {"login": "owner", "password": "wrong"}
    found = [quiet.post(reverse("account_login"), typed) for _ in range(3)]
    cache.clear()
    assert [response.status_code for response in found] == [200, 200, 429]
    assert "Wait a minute and try again." in found[-1].content.decode()
