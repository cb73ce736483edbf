"""Jobs that are submitted once and asked for as often as needed, over real HTTP and across crashes."""

import base64
import json
import threading
from typing import ClassVar

import pytest

from providers import errors, faults, http, jobs
from providers.base import Connection, GeneratedImage, GenerationResult, ImageRequest, Provider
from tests.fake_vendors.base import FakeVendor, Recorded, Reply

REQUEST = ImageRequest(prompt="A panda", model="m")


class JobVendor(FakeVendor):
    """Takes jobs on POST; `polls` scripts what the next GETs meet, and the last one goes on for ever."""

    def __init__(self):
        super().__init__()
        self.polls: list[Reply | str] = [done()]

    def step_for(self, request: Recorded):
        if request.method == "POST":
            return super().step_for(request)
        return self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]

    def answer(self, request: Recorded, step: str) -> Reply:
        return Reply(200, {}, {"request_id": "job-7"})


class Jobber(jobs.JobProvider):
    slug: ClassVar[str] = "jobber"
    label: ClassVar[str] = "Jobber"
    poll_pause: ClassVar[float] = 0.01
    unknown_patience: ClassVar[float] = 0
    request_deadline: ClassVar[float] = 3

    def build(self, request):
        return http.WireRequest(url=f"{self.base_url}/jobs", headers={}, json={"prompt": request.prompt})

    def job_in(self, reply):
        data = faults.json_of(reply)
        return jobs.Job(id=data["request_id"]) if "request_id" in data else None

    def poll(self, job):
        return http.WireRequest(url=f"{self.base_url}/jobs/{job.id}", headers={})

    def is_over(self, job, reply):
        return faults.json_of(reply)["status"] in ("done", "failed")

    def parse(self, request, answer, folder):
        path = folder / "0.image"
        path.write_bytes(base64.b64decode(faults.json_of(answer)["data"]))
        return GenerationResult(images=[GeneratedImage(path=path)])


def done():
    return Reply(200, {}, {"status": "done", "data": base64.b64encode(b"picture").decode()})


def pending(status=200):
    return Reply(status, {}, {"status": "pending"})


@pytest.fixture
def vendor():
    with JobVendor() as server:
        yield server


@pytest.fixture
def jobber(vendor):
    return Jobber(Connection(base_url=vendor.url, api_key="k", allowed_private_hosts=vendor.allowed))


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "call.answer"


def files(spool):
    return sorted(path.name for path in spool.parent.iterdir())


@pytest.mark.parametrize(
    "polls",
    [
        [done()],
        [pending(), pending(202), done()],
        [Reply(500), "reset", "half_body", Reply(429, {"retry-after": "1"}), done()],
    ],
    ids=["at once", "later", "after trouble"],
)
def test_job_is_submitted_once_and_asked_for_until_it_is_over(jobber, vendor, spool, polls):
    vendor.polls, asked = polls, len(polls)
    answer = jobber.send(REQUEST, spool)
    assert jobber.read(REQUEST, answer, spool.parent).images[0].path.read_bytes() == b"picture"
    assert (vendor.posts, len(vendor.requests)) == (1, 1 + asked)
    assert jobber.open_answer(spool) == answer
    assert files(spool) == ["0.image", "call.answer"]


def test_job_is_noted_before_it_is_asked_for(jobber, vendor, spool):
    noted = []

    def poll(job):
        noted.append(jobber.can_resume(spool) and jobber.job_in(jobber.open_answer(jobs.job_file(spool))))
        return Jobber.poll(jobber, job)

    jobber.poll = poll
    jobber.send(REQUEST, spool)
    assert noted == [jobs.Job(id="job-7")]


def test_crash_while_waiting_is_gone_on_from_without_a_second_post(jobber, vendor, spool):
    class Killed(BaseException):
        pass

    def die(job):
        raise Killed

    jobber.poll = die
    with pytest.raises(Killed):
        jobber.send(REQUEST, spool)
    del jobber.poll
    assert (Jobber.can_resume(spool), spool.exists()) == (True, False)
    answer = jobber.resume(REQUEST, spool)
    assert jobber.read(REQUEST, answer, spool.parent).images
    assert (vendor.posts, vendor.last.path, Jobber.can_resume(spool)) == (1, "/jobs/job-7", False)


def test_job_that_takes_too_long_can_be_asked_for_again(jobber, vendor, spool):
    vendor.polls, jobber.request_deadline = [pending()], 0.1
    with pytest.raises(errors.DeadlineExceeded) as caught:
        jobber.send(REQUEST, spool)
    assert (caught.value.may_have_been_charged, jobber.can_resume(spool)) == (True, True)
    vendor.polls = [done()]
    jobber.resume(REQUEST, spool)
    assert vendor.posts == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_job_that_cannot_be_had_may_have_been_charged(jobber, vendor, spool, status):
    vendor.polls = [Reply(status)]
    with pytest.raises(errors.ConnectionLost) as caught:
        jobber.send(REQUEST, spool)
    assert (caught.value.may_have_been_charged, vendor.posts, spool.exists()) == (True, 1, False)


def test_new_job_may_be_unknown_for_a_while(jobber, vendor, spool):
    jobber.unknown_patience, vendor.polls = 5, [Reply(404), Reply(404), done()]
    jobber.send(REQUEST, spool)
    assert spool.exists()


@pytest.mark.parametrize(
    ("step", "kind"),
    [(Reply(401, {}, {"error": "x"}), errors.AuthError), (Reply(429, {}, b""), errors.RateLimited)],
)
def test_submission_that_is_refused_is_the_answer(jobber, vendor, spool, step, kind):
    vendor.script(step)
    answer = jobber.send(REQUEST, spool)
    with pytest.raises(kind):
        jobber.read(REQUEST, answer, spool.parent)
    assert (len(vendor.requests), files(spool)) == (1, ["call.answer"])


def test_server_that_answers_at_once_is_understood(jobber, vendor, spool):
    vendor.script(done())
    assert jobber.read(REQUEST, jobber.send(REQUEST, spool), spool.parent).images
    assert (len(vendor.requests), jobber.can_resume(spool)) == (1, False)


def test_lost_submission_leaves_nothing_to_go_on_from(jobber, vendor, spool):
    vendor.script("reset")
    with pytest.raises(errors.ConnectionLost):
        jobber.send(REQUEST, spool)
    assert (vendor.posts, jobber.can_resume(spool), files(spool)) == (1, False, [])


def test_cancelled_job_is_waited_for_where_it_cannot_be_stopped(jobber, vendor, spool):
    asked, sent = [], threading.Event()
    jobber.stop = asked.append
    vendor.polls = [pending(), pending(), done()]

    def cancelled():
        return sent.is_set() or bool(vendor.requests and sent.set())

    jobber.send(REQUEST, spool, cancelled=cancelled)
    assert (spool.exists(), asked) == (True, [jobs.Job(id="job-7")])


def test_cancelled_job_that_was_stopped_may_have_been_charged(jobber, vendor, spool):
    jobber.stop = lambda job: True
    with pytest.raises(errors.Cancelled) as caught:
        jobber.send(REQUEST, spool, cancelled=lambda: bool(vendor.requests))
    assert caught.value.may_have_been_charged


def test_other_providers_have_nothing_to_go_on_from(openai, spool):
    jobs.job_file(spool).write_text(json.dumps({}))
    assert not openai.can_resume(spool)
    with pytest.raises(errors.ConnectionLost, match="cannot be asked for"):
        Provider.resume(openai, REQUEST, spool)
