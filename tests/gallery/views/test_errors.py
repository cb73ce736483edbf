"""The pages of errors: the right status, a sentence and a way on, whoever asks."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from gallery.models import User
from gallery.views import errors


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
    monkeypatch.setattr("gallery.work.jobs.of_queue", read)
    response = quiet.get(reverse("queue"))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    page = response.content.decode()
    assert "The database does not answer" in page
    assert '<meta http-equiv="refresh" content="5">' in page


def test_a_form_that_met_an_outage_is_not_sent_again_by_the_page(quiet, owner, monkeypatch):
    def read(*args, **kwargs):
        raise OperationalError("could not connect to server")

    quiet.force_login(owner)
    monkeypatch.setattr("gallery.tagging.resolve", read)
    response = quiet.post(reverse("add-upload"), {"tags": "x", "file": ContentFile(b"x", "a.png")})
    assert response.status_code == 503
    assert "http-equiv" not in response.content.decode()


def test_pages_that_stand_alone_name_their_style_to_the_policy(quiet, owner, monkeypatch):
    quiet.force_login(owner)
    monkeypatch.setattr("gallery.work.jobs.of_queue", lambda *args: 1 / 0)
    response = quiet.get(reverse("queue"))
    style = re.search("<style>(.*?)</style>", response.content.decode(), re.DOTALL)[1]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert not re.search("src=|<link|<script", response.content.decode())


def test_what_was_written_is_shown_when_the_page_was_open_too_long(owner):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    typed = {"prompt": "a <b>fox</b>", "password": "moonlit-harbour"}
    page = client.post(reverse("add-generate"), typed).content.decode()
    assert "This page was open too long" in page
    assert "a &lt;b&gt;fox&lt;/b&gt;</textarea>" in page
    assert "moonlit-harbour" not in page


def test_who_may_not_is_told_whom_to_ask(rf, owner, other):
    User.objects.create_superuser("mira")
    request = rf.get("/")
    for user, sentence in ((other, "Ask mira for access."), (AnonymousUser(), "Ask the person who runs")):
        request.user, request.session = user, {}
        response = errors.forbidden(request)
        assert response.status_code == 403
        assert sentence in response.content.decode()


def test_a_form_that_is_too_big_leads_back_to_its_page(quiet, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1
    typed = {"login": "owner", "password": "wrong"}
    links = {"http://testserver/login/?next=/": "/login/", "https://elsewhere.example/x": "/"}
    for referer, link in links.items():
        page = quiet.post(reverse("account_login"), typed, headers={"Referer": referer}).content.decode()
        assert "up to 1 fields at once" in page
        assert f'<a class="btn btn--primary" href="{link}">' in page


def test_what_is_broken_here_is_not_blamed_on_the_database(quiet, owner, monkeypatch):
    quiet.force_login(owner)
    monkeypatch.setattr("gallery.work.jobs.of_queue", lambda *args: 1 / 0)
    response = quiet.get(reverse("queue"))
    assert response.status_code == 500
    page = response.content.decode()
    assert "Something broke on our side" in page
    assert f"<code>{response['X-Request-ID']}</code>" in page


def test_who_guesses_passwords_is_asked_to_wait(quiet, owner, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    cache.clear()
    typed = {"login": "owner", "password": "wrong"}
    found = [quiet.post(reverse("account_login"), typed) for _ in range(3)]
    cache.clear()
    assert [response.status_code for response in found] == [200, 200, 429]
    assert found[-1]["Retry-After"] == "60"
    page = found[-1].content.decode()
    assert "Try again in 60 seconds." in page
    assert 'data-seconds="60"' in page
