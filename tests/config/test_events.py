"""Streams of events: let in by Django, sent by the shell, fed by one look at the database."""

import asyncio
import json
import threading
import time

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.utils import timezone

from config import events
from config.bridge import Bridge
from config.shell import Shell
from gallery import ingest
from gallery.generations import partials
from gallery.models import ApiToken, ConnectionProfile, Generation, GenerationImage, User
from providers.base import PartialImage
from tests.conftest import picture_bytes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(events, "EVERY", 0.02)


@pytest.fixture
def profile(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo")


@pytest.fixture
def row(owner, profile):
    made = Generation.objects.create(
        owner=owner, profile=profile, provider="demo", model="demo-painter", prompt="a fox", status="running"
    )
    made.calls.create(index=0, first_image=0, n=1, state="sent", run_after=timezone.now())
    return made


@pytest.fixture
def token(owner):
    return ApiToken.issue(owner, "test", "read")


class Reader:
    """A program that reads the stream: it hangs up when `until` says so, or after some seconds."""

    def __init__(self, row, token, until=lambda text: False, seconds=10):
        self.path = f"/api/v1/generations/{row.public_id}/events"
        self.headers = [(b"host", b"testserver")]
        if token:
            self.headers.append((b"authorization", f"Bearer {token}".encode()))
        self.until, self.seconds = until, seconds
        self.status, self.text, self.answer_headers, self.was_ended = 0, "", {}, False

    def read(self, shell=None):
        asyncio.run(asyncio.wait_for(self._read(shell or make_shell()), self.seconds))
        return self

    async def _read(self, shell):
        self.left = asyncio.Event()
        asked = False

        async def receive():
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.left.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            if message["type"] == "http.response.start":
                self.status, self.answer_headers = message["status"], dict(message["headers"])
                return
            self.text += message["body"].decode()
            self.was_ended = not message.get("more_body", False)
            if self.until(self.text):
                self.left.set()

        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": self.path,
            "query_string": b"", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
            "headers": self.headers,
        }  # fmt: skip
        await shell(scope, receive, send)

    @property
    def events(self):
        """Name and data of what came."""
        blocks = [block.split("\n") for block in self.text.split("\n\n") if block.startswith("event: ")]
        return [(lines[0][7:], json.loads(lines[1][6:])) for lines in blocks]

    @property
    def names(self):
        return [name for name, _ in self.events]


def make_shell():
    return Shell(Bridge(closing(WSGIHandler())))


def closing(handler):
    def run(environ, start_response):
        try:
            return handler(environ, start_response)
        finally:
            connections.close_all()

    return run


@pytest.fixture(autouse=True)
def closed():
    """Connections of the streams' own threads end with the test."""
    close = events.ThreadPoolExecutor
    made = []

    class Recorded(close):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    events.ThreadPoolExecutor = Recorded
    yield
    events.ThreadPoolExecutor = close
    for pool in made:
        pool.submit(connections.close_all).result()
        pool.shutdown()


def later(act, seconds=0.3):
    """Do `act` on a thread of its own in a while, as a worker would."""

    def run():
        time.sleep(seconds)
        try:
            act()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def finish(row):
    image = ingest.store(row.owner, picture_bytes("#123456"), source="generated").image
    GenerationImage.objects.create(generation=row, index=0, image=image)
    row.calls.update(state="done", finished_at=timezone.now())
    Generation.objects.filter(pk=row.pk).update(status="done", revision=5, finished_at=timezone.now())


def show(row, color="#204060"):
    partials.keep(row.calls.get(), PartialImage(index=0, data=picture_bytes(color)))


def test_a_stream_tells_what_happens_and_ends(row, token):
    def work():
        show(row)
        time.sleep(0.3)
        finish(row)

    thread = later(work)
    reader = Reader(row, token[1]).read()
    thread.join()
    assert reader.status == 200
    assert reader.answer_headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert reader.names == ["status", "partial", "image", "status", "done"]
    told = dict(reader.events)
    assert told["partial"] == {
        "index": 0, "number": 0, "url": f"/api/v1/generations/{row.public_id}/partials/0/0",
    }  # fmt: skip
    assert (told["image"]["index"], told["image"]["mime_type"]) == (0, "image/png")
    assert (told["done"]["status"], len(told["done"]["images"])) == ("done", 1)
    assert reader.was_ended


def test_whoever_comes_late_hears_all_of_it(row, token):
    show(row)
    finish(row)
    reader = Reader(row, token[1]).read()
    assert reader.names == ["status", "partial", "image", "done"]


def test_several_readers_cost_one_look(row, token, monkeypatch):
    looks = []

    def counted(followers):
        looks.append(len(followers))
        return original(followers)

    from gallery.api.v1 import events as sources

    original = sources.news_for
    monkeypatch.setattr(sources, "news_for", counted)
    readers = [Reader(row, token[1]) for _ in range(5)]

    async def read_all():
        shell = make_shell()
        await asyncio.gather(*(reader._read(shell) for reader in readers))

    thread = later(lambda: finish(row), 0.5)
    asyncio.run(asyncio.wait_for(read_all(), 10))
    thread.join()
    assert {tuple(reader.names) for reader in readers} == {("status", "image", "status", "done")}
    assert max(looks) == 5


def test_a_reader_that_leaves_is_forgotten(row, token):
    shell = make_shell()
    reader = Reader(row, token[1], until=lambda text: "event: status" in text).read(shell)
    assert reader.names == ["status"]
    assert not shell.streams.open


def test_silence_is_filled_with_comments(row, token, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    reader = Reader(row, token[1], until=lambda text: text.count(": still here") > 2).read()
    assert reader.names == ["status"]


def test_a_revoked_token_ends_the_stream(row, token):
    thread = later(lambda: ApiToken.objects.update(revoked_at=timezone.now()))
    reader = Reader(row, token[1]).read()
    thread.join()
    assert (reader.names, reader.was_ended) == (["status"], True)


def test_a_stopping_server_ends_its_streams(row, token):
    shell = make_shell()
    reader = Reader(row, token[1])

    async def read():
        task = asyncio.ensure_future(reader._read(shell))
        while "status" not in reader.text:
            await asyncio.sleep(0.02)
        shell.streams.end()
        await asyncio.wait_for(task, 5)

    asyncio.run(read())
    assert reader.was_ended


def test_a_foreign_generation_and_a_stranger_get_a_problem(row, db):
    other = User.objects.create_user("other", password="other-pass")
    foreign = Reader(row, ApiToken.issue(other, "theirs")[1]).read()
    stranger = Reader(row, None).read()
    assert (foreign.status, stranger.status) == (404, 401)
    assert all(r.answer_headers[b"content-type"] == b"application/problem+json" for r in (foreign, stranger))


def test_there_is_an_end_to_how_many_are_open(row, token, monkeypatch):
    monkeypatch.setattr(events, "MOST", 0)
    reader = Reader(row, token[1]).read()
    assert (reader.status, reader.answer_headers[b"retry-after"]) == (503, b"5")


def test_a_database_that_fails_once_is_asked_again(row, token, monkeypatch):
    from gallery.api.v1 import events as sources

    failures = [RuntimeError("gone")]
    original = sources.news_for

    def shaky(followers):
        if failures:
            raise failures.pop()
        return original(followers)

    monkeypatch.setattr(sources, "news_for", shaky)
    finish(row)
    assert Reader(row, token[1]).read().names[-1] == "done"
