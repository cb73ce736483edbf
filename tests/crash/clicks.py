"""Fifty requests at once to the real server: with one key, from one page, and for the last dollar."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from threading import Barrier
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from gallery import offers
from gallery.generations import generation
from gallery.models import ApiToken, ConnectionProfile, Generation
from gallery.money import costs
from tests.crash import stage
from tests.crash.vendor import MODEL, posts
from tests.services import free_port

CLICKS = 50


def fifty_requests_with_one_key(profile: ConnectionProfile, ledger: Path) -> str:
    prompt = "fifty with one key"
    _, token = ApiToken.issue(profile.owner, "fifty", "write")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k" * 20} | JSON
    body = json.dumps({"prompt": prompt, "profile": profile.name, "model": MODEL})
    with serving() as port:
        answers = at_once(lambda: send(port, "/api/v1/generations", body, headers))
        _settle(prompt)
    ids = {json.loads(text).get("id") for _, text in answers}
    return _one_for_all(answers, {202}, prompt, ledger) + f", {len(ids)} id"


def fifty_clicks_on_one_page(profile: ConnectionProfile, ledger: Path) -> str:
    prompt = "fifty clicks"
    chosen = offers.first_choice(offers.offer_groups(profile.owner), profile.pk).value
    body = urlencode({"model": chosen, "prompt": prompt, "n": "1", "key": "one-page"})
    headers = logged_in(profile.owner) | {"Content-Type": "application/x-www-form-urlencoded"}
    with serving() as port:
        answers = at_once(lambda: send(port, "/add/generate/", body, headers))
        _settle(prompt)
    return _one_for_all(answers, {201, 302}, prompt, ledger)


def fifty_for_the_last_dollar(profile: ConnectionProfile, ledger: Path) -> str:
    """Each asks for another picture; the limit has room for one."""
    wish = generation.Wish(profile=profile, prompt="last dollar 00", model=MODEL)
    price = generation.plan(wish).estimate.usd
    limit = costs.spent_this_month(profile) + price * Decimal("1.5")
    ConnectionProfile.objects.filter(pk=profile.pk).update(monthly_budget_usd=limit)
    _, token = ApiToken.issue(profile.owner, "last", "write")
    headers = {"Authorization": f"Bearer {token}"} | JSON
    wishes = iter(range(CLICKS))

    def ask():
        body = {"prompt": f"last dollar {next(wishes):02}", "profile": profile.name, "model": MODEL}
        return send(port, "/api/v1/generations", json.dumps(body), headers)

    with serving() as port:
        answers = at_once(ask)
        _settle("last dollar")
    ConnectionProfile.objects.filter(pk=profile.pk).update(monthly_budget_usd=None)
    statuses = Counter(status for status, _ in answers)
    assert statuses[202] == 1, statuses
    assert statuses[422] == CLICKS - 1, statuses
    assert all("is left" in text for status, text in answers if status == 422)
    assert sum("last dollar" in prompt for prompt in posts(ledger)) == 1
    return f"accepted: {statuses[202]} of {CLICKS}"


JSON = {"Content-Type": "application/json"}


def _one_for_all(answers, good: set[int], prompt: str, ledger: Path) -> str:
    statuses = Counter(status for status, _ in answers)
    assert set(statuses) <= good, (statuses, [text for status, text in answers if status not in good][:1])
    assert Generation.objects.filter(prompt=prompt).count() == 1
    assert posts(ledger).count(prompt) == 1
    return f"{len(answers)} requests, 1 generation, 1 POST"


def _settle(prompt: str) -> None:
    for asked in Generation.objects.filter(prompt__startswith=prompt):
        stage.wait_for(lambda one=asked: stage.settled(one), "they are made")


@contextmanager
def serving():
    """`manage.py serve` on a free port, with its worker."""
    port = free_port()
    with (settings.DATA_DIR / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            stdout=log, stderr=log, env=os.environ, start_new_session=True,
        )  # fmt: skip
    try:
        stage.wait_for(lambda: process.poll() is not None or _answers(port), "the server answers")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def _answers(port: int) -> bool:
    try:
        return send(port, "/health/ready", method="GET")[0] == 200
    except OSError:
        return False


def send(port: int, path: str, body: str = "", headers: dict | None = None, method: str = "POST"):
    """The status and the text of the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=90)
    try:
        connection.request(method, path, body.encode(), headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def at_once(ask: Callable[[], tuple[int, str]]) -> list[tuple[int, str]]:
    barrier = Barrier(CLICKS)

    def click(_):
        barrier.wait(60)
        return ask()

    with ThreadPoolExecutor(CLICKS) as pool:
        return list(pool.map(click, range(CLICKS)))


def logged_in(user) -> dict[str, str]:
    """The headers of a browser in which `user` has logged in."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["begun"] = time.time()
    session.save()
    secret = "a" * 32
    cookies = f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={secret}"
    return {"Cookie": cookies, "X-CSRFToken": secret}
