"""A vendor that cannot be reached, hangs up early, answers by address or takes jobs: what becomes of a wish.

`test_vendor_faults.py` has the answers themselves; here are the lines that they come by.
"""

import errno
import re
import socket
import ssl
import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from gallery import ingest
from gallery.generations import calls, generation, recovery
from gallery.models import ConnectionProfile, GenerationCall, Image
from providers import jobs, links, pinned
from tests.conftest import picture_bytes
from tests.fake_vendors.base import Reply
from tests.fake_vendors.google import FakeGoogle
from tests.fake_vendors.openai import FakeOpenAI
from tests.fake_vendors.openrouter import FakeOpenRouter
from tests.fake_vendors.xai import FakeXAI
from tests.internet import certificate, internet, ok

pytestmark = pytest.mark.thorough

USAGE = {"input_tokens": 20, "output_tokens": 1000}
NOBODY_REPEATS = timedelta(minutes=1)


def connect(owner, provider, base_url, **fields):
    profile = ConnectionProfile(owner=owner, name=provider, provider=provider, base_url=base_url, **fields)
    profile.api_key = "sk-test-0123456789abcdef"
    profile.save()
    return profile


def ask(profile, **wish):
    asked = {"prompt": "a red panda", "model": "gpt-image-2.5-flare"} | wish
    return generation.submit(profile.owner, generation.Wish(profile=profile, **asked))


def run(asked):
    for call in asked.calls.all():
        calls.run(call.pk)
    asked.refresh_from_db()
    return asked


def run_until_settled(asked):
    """As the worker does it: again when the time has come, and after a recovery."""
    states = []
    for _ in range(4):
        GenerationCall.objects.update(run_after=timezone.now())
        states.append(run(asked).status)
    GenerationCall.objects.update(lease_until=timezone.now() - NOBODY_REPEATS)
    recovery.recover()
    return states, run(asked)


def ending(asked):
    return asked.status, asked.error_code, asked.may_have_been_charged


# --- Connecting -----------------------------------------------------------------------------------


@pytest.fixture
def wire(tmp_path, monkeypatch):
    """The internet, in which api.test has a certificate that is trusted."""
    with internet() as wire:
        wire.names = {"api.test": ["93.184.215.14"]}
        path = certificate(tmp_path, "api.test")
        wire.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        wire.context.load_cert_chain(path)
        trusting = ssl.create_default_context(cafile=path)
        monkeypatch.setattr(pinned, "tls_context", lambda: trusting)
        yield wire


def nobody_knows_the_name(wire, monkeypatch):
    wire.names = {}


def nobody_listens(wire, monkeypatch):
    wire.names["api.test"] = ["93.184.215.99"]


def nobody_answers(wire, monkeypatch):
    """Its queue is full, so whoever knocks waits."""
    monkeypatch.setattr(pinned, "CONNECT_SECONDS", 0.1)
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(3)]
    for line in waiting:
        line.setblocking(False)
        line.connect_ex(full.getsockname())
    monkeypatch.setattr(wire, "server", full)
    wire.to_close = [full, *waiting]


def handshake_breaks_off(wire, monkeypatch):
    wire.context = None  # it hangs up when it is greeted


def another_name(wire, monkeypatch):
    wire.names["other.test"] = wire.names["api.test"]


def old_encryption(wire, monkeypatch):
    wire.context.set_ciphers("ALL:@SECLEVEL=0")
    wire.context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    wire.context.maximum_version = ssl.TLSVersion.TLSv1_1


NOT_SENT = [nobody_knows_the_name, nobody_listens, nobody_answers, handshake_breaks_off]


@pytest.mark.parametrize("fault", NOT_SENT, ids=lambda fault: fault.__name__)
def test_who_was_provably_not_reached_is_tried_three_times(owner, wire, monkeypatch, fault):
    fault(wire, monkeypatch)
    asked = ask(connect(owner, "openai", "https://api.test/v1"))
    states, asked = run_until_settled(asked)
    assert states == ["queued", "queued", "failed", "failed"]
    assert ending(asked) == ("failed", "network", False)
    assert "did not answer" in asked.error_message or "could not be reached" in asked.error_message
    assert wire.seen == []
    assert fault is nobody_knows_the_name or len(wire.dialled) == 3
    for line in getattr(wire, "to_close", []):
        line.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("fault", [another_name, old_encryption], ids=lambda fault: fault.__name__)
def test_a_certificate_or_encryption_that_is_not_good_ends_it_at_once(owner, wire, monkeypatch, fault):
    fault(wire, monkeypatch)
    host = "other.test" if fault is another_name else "api.test"
    states, asked = run_until_settled(ask(connect(owner, "openai", f"https://{host}/v1")))
    assert states[0] == "failed"
    assert ending(asked) == ("failed", "network", False)
    assert re.search("certificate is not valid|no encryption that is safe", asked.error_message)
    assert (wire.seen, len(wire.dialled)) == ([], 1)


# --- Sending --------------------------------------------------------------------------------------


@pytest.fixture
def large(owner, tmp_path):
    """A picture of several megabytes: more than the buffers between two sockets hold."""
    PillowImage.new("RGB", (1300, 1300), "red").save(tmp_path / "large.png", compress_level=0)
    return ingest.store(owner, tmp_path / "large.png", source=Image.Source.UPLOAD).image


@pytest.fixture
def plain(wire, monkeypatch):
    wire.context, wire.is_polite = None, False
    return wire


def test_a_request_that_is_not_taken_to_its_end_may_have_been_charged(owner, plain, large, monkeypatch):
    monkeypatch.setattr("providers.openai.OpenAI.request_deadline", 0.7)
    plain.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    hung_up = threading.Event()
    plain.otherwise = lambda line: hung_up.wait(20)
    asked = ask(connect(owner, "openai", "http://api.test/v1"), mode="edit", references=[large])
    _, asked = run_until_settled(asked)
    hung_up.set()
    assert ending(asked) == ("unknown", "timeout", True)
    assert len(plain.seen) == 1


def test_a_request_that_is_too_large_has_failed_although_the_server_did_not_listen(owner, plain, large):
    body = b'{"error": {"message": "Too large.", "type": "x", "param": "image", "code": null}}'
    plain.otherwise = ok(body, "413 Too Large", Content_Type="application/json")
    asked = ask(connect(owner, "openai", "http://api.test/v1"), mode="edit", references=[large])
    _, asked = run_until_settled(asked)
    assert ending(asked) == ("failed", "invalid_request", False)
    assert "too large" in asked.error_message
    assert len(plain.seen) == 1


# --- Waiting --------------------------------------------------------------------------------------


class Linking(FakeOpenAI):
    """Answers with addresses of its own; `pages` scripts what the next GETs of them meet."""

    def __init__(self):
        super().__init__()
        self.pages = []

    def step_for(self, request):
        if request.path.startswith("/made/"):
            return self.pages.pop(0) if self.pages else Reply(200, {}, picture_bytes())
        return super().step_for(request)

    @property
    def asked(self):
        return [f"{request.method} {request.path}" for request in self.requests]


@pytest.fixture
def vendor(settings, monkeypatch):
    monkeypatch.setattr(links, "PAUSES", (0, 0.01, 0.01, 0.01, 0.01))
    with Linking() as fake:
        settings.ALLOWED_PRIVATE_HOSTS = list(fake.allowed)
        yield fake


@pytest.fixture
def profile(owner, vendor):
    return connect(owner, "openai", vendor.url)


def test_silence_until_the_deadline_may_have_been_charged(profile, vendor, monkeypatch):
    monkeypatch.setattr("providers.openai.OpenAI.request_deadline", 0.5)
    vendor.script("hang")
    _, asked = run_until_settled(ask(profile))
    assert ending(asked) == ("unknown", "timeout", True)
    assert vendor.posts == 1


def test_a_worker_that_is_killed_while_it_waits_leaves_unknown(profile, vendor, monkeypatch):
    asked = ask(profile)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("providers.spooling.write_answer", dies)
        with pytest.raises(KeyboardInterrupt):
            run(asked)
    _, asked = run_until_settled(asked)
    GenerationCall.objects.update(lease_until=timezone.now() - NOBODY_REPEATS)
    recovery.recover()
    asked.refresh_from_db()
    assert ending(asked) == ("unknown", "interrupted", True)
    assert vendor.posts == 1


def dies(*args, **kwargs):
    raise KeyboardInterrupt


def test_an_answer_that_the_disk_does_not_take_may_have_been_charged(profile, vendor, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("providers.spooling.write_answer", full)
    _, asked = run_until_settled(ask(profile))
    assert ending(asked) == ("unknown", "storage", True)
    assert vendor.posts == 1


# --- Pictures by address --------------------------------------------------------------------------


def linked(url):
    return Reply(body={"created": 1, "data": [{"url": url}], "usage": USAGE})


ADDRESSES = {
    "at once": ([], "done", 1),
    "500, then there": ([Reply(500), Reply(503)], "done", 3),
    "cut, then there": (["reset", "half_body"], "done", 3),
    "expired": ([Reply(403)], "unknown", 1),
    "gone": ([Reply(410)], "unknown", 1),
    "never there": ([Reply(404)] * 5, "unknown", 5),
    "wants the key": ([Reply(401)], "failed", 1),
    "leads home": ([Reply(302, {"Location": "https://10.0.0.1/a.png"})], "failed", 1),
    "leads to a file": ([Reply(302, {"Location": "file:///etc/passwd"})], "failed", 1),
    "leads to clouds' keys": ([Reply(302, {"Location": "https://169.254.169.254/"})], "failed", 1),
}


@pytest.mark.parametrize(("pages", "status", "gets"), ADDRESSES.values(), ids=ADDRESSES)
def test_a_picture_by_address_is_fetched_at_once_and_for_free(profile, vendor, pages, status, gets):
    vendor.pages = list(pages)
    vendor.script(linked(f"{vendor.url.removesuffix('/v1')}/made/a.png"))
    _, asked = run_until_settled(ask(profile))
    assert asked.status == status, asked.error_message
    assert vendor.asked == ["POST /v1/images/generations", *["GET /made/a.png"] * gets]
    assert not any("authorization" in request.headers for request in vendor.requests[1:])
    assert (asked.cost_source, bool(asked.cost_usd)) == ("computed", True)
    if status != "done":
        assert asked.error_code == "bad_response"
        told = "may have expired" if status == "unknown" else "cannot be used"
        assert told in asked.error_message
        assert asked.error_message.endswith("It was charged.")


# --- Words instead of pictures --------------------------------------------------------------------


@pytest.mark.parametrize("step", ["block", "image_safety", "no_image", "words", "new_reason"])
def test_whatever_reason_google_gives_is_a_refusal_with_its_words(owner, settings, step):
    with FakeGoogle() as fake:
        settings.ALLOWED_PRIVATE_HOSTS = list(fake.allowed)
        fake.script(step)
        asked = ask(connect(owner, "google", fake.url), model="gemini-nano-banana-2.1")
        _, asked = run_until_settled(asked)
        assert (asked.status, asked.error_code, fake.posts) == ("refused", "refused", 1)
    assert asked.error_message


def test_an_error_for_a_reason_to_finish_is_a_refusal_of_openrouter(owner, settings):
    with FakeOpenRouter() as fake:
        settings.ALLOWED_PRIVATE_HOSTS = list(fake.allowed)
        choice = {"finish_reason": "error", "message": {"role": "assistant", "content": ""}}
        fake.script(Reply(body={"choices": [choice], "usage": {"cost": 0.01}}))
        asked = ask(
            connect(owner, "openrouter", fake.url),
            model="google/gemini-3.1-flash-image",
            options={"api": "chat"},
        )
        _, asked = run_until_settled(asked)
        assert (asked.status, asked.error_code, fake.posts) == ("refused", "refused", 1)
    assert asked.error_message


# --- Jobs -----------------------------------------------------------------------------------------


@pytest.fixture
def jobber(owner, settings, monkeypatch):
    monkeypatch.setattr(jobs.JobProvider, "poll_pause", 0.01)
    monkeypatch.setattr(jobs.JobProvider, "longest_pause", 0.01)
    with FakeXAI() as fake:
        settings.ALLOWED_PRIVATE_HOSTS = list(fake.allowed)
        fake.profile = connect(owner, "xai", fake.url, options={"deferred": True})
        yield fake


def order(jobber):
    return ask(jobber.profile, model="grok-imagine-image-2.0")


JOBS = {
    "202, then there": [],
    "unknown at first": [Reply(404, {}, {"code": "not-found", "error": "No such request."})] * 3,
    "errors meanwhile": [Reply(500), "reset", Reply(503), "half_body", Reply(429)],
}


@pytest.mark.parametrize("polls", JOBS.values(), ids=JOBS)
def test_a_job_is_asked_for_until_it_is_there_and_ordered_once(jobber, polls):
    jobber.polls = list(polls)
    _, asked = run_until_settled(order(jobber))
    assert (asked.status, asked.images.count(), jobber.posts) == ("done", 1, 1), asked.error_message
    assert asked.cost_usd


def test_a_job_whose_worker_is_killed_is_asked_for_by_the_next(jobber, monkeypatch):
    asked = order(jobber)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs.JobProvider, "_ask", dies)
        with pytest.raises(KeyboardInterrupt):
            run(asked)
    GenerationCall.objects.update(lease_until=timezone.now() - NOBODY_REPEATS)
    recovery.recover()
    assert (run(asked).status, jobber.posts) == ("done", 1)


def test_a_job_that_comes_after_it_was_stopped_is_kept(jobber, monkeypatch):
    asked = order(jobber)
    monkeypatch.setattr("providers.jobs.time.sleep", lambda seconds: generation.cancel(asked))
    _, asked = run_until_settled(asked)
    assert (asked.status, asked.images.count(), jobber.posts) == ("done", 1, 1)
    assert asked.cancel_requested
