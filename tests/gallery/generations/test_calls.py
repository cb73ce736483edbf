"""The life of one paid call: sent at most once, filed whatever stops the worker, told as it is."""

import io
import json
import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from gallery import ingest
from gallery.generations import answers, calls, filing, generation, outcomes, recovery
from gallery.models import (
    ConnectionProfile,
    Generation,
    GenerationCall,
    Image,
    QueuedTask,
    Tag,
)
from gallery.work import parking, stopping
from providers import registry, spooling
from providers.errors import (
    AuthError,
    BadResponse,
    ConnectionLost,
    DeadlineExceeded,
    InvalidRequest,
    NetworkError,
    Overloaded,
    PermissionDenied,
    RateLimited,
    Refused,
    ServerError,
)
from tests.conftest import picture_bytes
from tests.gallery.scripted import Scripted, in_answer, pictures, steps

State = GenerationCall.State


@pytest.fixture
def profile(owner, monkeypatch):
    Scripted.reset()
    monkeypatch.setitem(registry.PROVIDERS, "scripted", ("Scripted", "tests.gallery.scripted:Scripted"))
    registry.provider_class.cache_clear()
    yield ConnectionProfile.objects.create(owner=owner, name="Main", provider="scripted", is_default=True)
    registry.provider_class.cache_clear()


def ask(profile, **wish):
    return generation.submit(
        profile.owner, generation.Wish(profile=profile, **({"prompt": "a red panda"} | wish))
    )


def run(asked):
    for call in asked.calls.all():
        calls.run(call.pk)
    asked.refresh_from_db()
    return asked


def later(asked, **changes):
    """Let time pass for the open calls: what was put off is due, and the lease of a dead worker is over."""
    past = timezone.now() - timedelta(minutes=1)
    asked.calls.update(run_after=past, lease_until=past, **changes)
    ConnectionProfile.objects.update(paused_until=None)


def test_pictures_arrive_with_all_that_is_known_of_them(profile):
    mirel = Tag.objects.create(owner=profile.owner, kind="character", name="Mirel")
    asked = run(ask(profile, n=2, seed=5, tags=(mirel,)))
    assert asked.status == "done"
    image = asked.images.first()
    assert (image.prompt, image.revised_prompt, image.model) == ("a red panda", "as rewritten", "scripted-1")
    assert (image.source, image.provider, image.profile) == ("generated", "scripted", profile)
    assert image.params["seed"] == 5
    assert list(image.tags.all()) == [mirel]
    assert mirel.count.n == 2


def test_cost_is_shared_among_the_pictures_to_the_last_micro_dollar(profile):
    Scripted.script = [pictures(3, cost="0.10")]
    asked = run(ask(profile, n=3))
    assert sum(image.cost_usd for image in asked.images.all()) == asked.cost_usd == Decimal("0.10")
    assert asked.cost_source == "computed"


def test_a_cost_that_nobody_knows_stays_unknown(profile):
    Scripted.script = [pictures(1, cost=None)]
    asked = run(ask(profile))
    assert asked.cost_usd is None
    assert asked.cost_source == "unknown"


def test_a_call_that_ran_is_not_sent_again(profile):
    asked = ask(profile)
    for _ in range(3):
        run(asked)
    assert len(Scripted.sent) == 1
    assert asked.images.count() == 1


def test_a_call_that_another_worker_has_is_left_alone(profile):
    asked = ask(profile)
    Scripted.on_send = staticmethod(lambda: calls.run(asked.calls.get().pk))
    assert run(asked).status == "done"
    assert len(Scripted.sent) == 1


def test_the_request_is_marked_sent_before_it_goes_out(profile):
    states = []
    asked = ask(profile)
    Scripted.on_send = staticmethod(lambda: states.append((asked.calls.get().state, current(asked).status)))
    run(asked)
    assert states == [(State.SENT, "running")]


def current(asked):
    return Generation.objects.get(pk=asked.pk)


@pytest.mark.parametrize("error", [ConnectionLost("cut"), DeadlineExceeded("late")])
def test_a_request_without_an_answer_is_unknown_and_never_sent_again(profile, error):
    Scripted.script = [error]
    asked = run(ask(profile))
    assert asked.status == "unknown"
    assert asked.may_have_been_charged
    later(asked)
    recovery.recover()
    run(asked)
    assert len(Scripted.sent) == 1


@pytest.mark.parametrize("error", [ServerError("500"), BadResponse("not JSON")])
def test_an_answer_that_cannot_be_used_is_unknown(profile, error):
    Scripted.script = [in_answer(error)]
    asked = run(ask(profile))
    assert (asked.status, asked.error_code) == ("unknown", error.code)
    assert len(Scripted.sent) == 1


def test_a_vendor_that_was_not_reached_is_tried_three_times(profile):
    Scripted.script = [NetworkError("refused")] * 5
    asked = ask(profile)
    for _ in range(5):
        run(asked)
        later(asked)
    assert len(Scripted.sent) == 3
    assert (asked.status, asked.error_code) == ("failed", "network")
    assert not asked.may_have_been_charged


@pytest.mark.parametrize("error", [RateLimited, Overloaded])
def test_a_vendor_that_says_come_back_is_asked_again_when_it_said(profile, error):
    Scripted.script = [in_answer(error("slower", retry_after=timedelta(seconds=40)))]
    asked = run(ask(profile))
    call = asked.calls.get()
    assert (asked.status, asked.error_code) == ("queued", error.code)
    assert timedelta(seconds=35) < call.run_after - timezone.now() < timedelta(seconds=41)
    run(asked)
    assert len(Scripted.sent) == 1
    later(asked)
    assert run(asked).status == "done"
    assert asked.error_code == ""
    assert len(Scripted.sent) == 2


def test_a_rate_limit_holds_all_calls_of_the_profile(profile):
    Scripted.script = [in_answer(RateLimited("slower", retry_after=timedelta(seconds=40)))]
    first, second = ask(profile), ask(profile)
    run(first)
    run(second)
    assert len(Scripted.sent) == 1
    assert second.status == "queued"
    assert second.calls.get().run_after > timezone.now() + timedelta(seconds=30)


def test_a_refused_key_is_marked_and_what_waits_for_it_is_not_sent(profile):
    Scripted.script = [in_answer(AuthError("The key was refused."))]
    first, second = ask(profile), ask(profile)
    run(first)
    run(second)
    profile.refresh_from_db()
    assert (profile.check_code, profile.check_message) == ("auth", "The key was refused.")
    assert (second.status, second.error_code) == ("failed", "auth")
    assert len(Scripted.sent) == 1


def test_a_model_that_the_key_may_not_use_stops_its_own_calls_only(profile):
    Scripted.script = [in_answer(PermissionDenied("Not this model."))]
    first, second, other = ask(profile), ask(profile), ask(profile, model="scripted-2")
    for asked in (first, second, other):
        run(asked)
    assert [asked.status for asked in (first, second, other)] == ["failed", "failed", "done"]
    assert (second.error_code, len(Scripted.sent)) == ("permission", 2)


def test_a_refused_key_is_tried_again_when_the_person_asks_again(profile):
    Scripted.script = [in_answer(AuthError("The key was refused."))]
    run(ask(profile))
    assert run(ask(profile)).status == "done"


def test_a_refusal_is_not_a_failure(profile):
    Scripted.script = [in_answer(Refused("Declined.", provider_message="safety", request_id="req_9"))]
    asked = run(ask(profile))
    assert (asked.status, asked.error_code, asked.provider_message) == ("refused", "refused", "safety")
    assert asked.request_id == "req_9"


def test_what_the_vendor_rejects_has_failed(profile):
    Scripted.script = [in_answer(InvalidRequest("8 references are too many."))]
    asked = run(ask(profile))
    assert (asked.status, asked.error_message) == ("failed", "8 references are too many.")
    assert not asked.may_have_been_charged


def test_a_cost_that_came_with_a_refusal_is_counted(profile):
    Scripted.script = [in_answer(Refused("Declined.", cost_usd=Decimal("0.02")))]
    asked = run(ask(profile))
    assert (asked.cost_usd, asked.cost_source) == (Decimal("0.02"), "reported")


def test_fewer_pictures_than_asked_is_partial(profile):
    Scripted.script = [pictures(1, refused=1, message="One picture was declined.")]
    asked = run(ask(profile, n=2))
    assert (asked.status, asked.error_message) == ("partial", "One picture was declined.")


def test_one_broken_picture_does_not_take_the_others_with_it(profile):
    Scripted.script = [pictures(2, colors=[picture_bytes("#102030"), b"not a picture"])]
    asked = run(ask(profile, n=2))
    assert asked.status == "partial"
    assert asked.images.count() == 1
    assert answers.spool_of(asked.calls.get()).exists()


def test_bytes_that_are_no_picture_are_charged_and_have_failed(profile):
    Scripted.script = [pictures(1, colors=[b"<html>"], cost=None)]
    asked = run(ask(profile))
    assert (asked.status, asked.error_code, asked.may_have_been_charged) == ("failed", "bad_response", True)
    assert "no picture" in asked.error_message
    assert asked.error_message.endswith("The raw answer is kept. It may have been charged.")


def test_half_a_picture_is_kept_as_damaged(profile):
    noise = random.Random(7).randbytes(64 * 96 * 3)
    file = io.BytesIO()
    PillowImage.frombytes("RGB", (64, 96), noise).save(file, "PNG")
    half = file.getvalue()[: len(file.getvalue()) // 2]
    Scripted.script = [pictures(1, colors=[half])]
    asked = run(ask(profile))
    assert (asked.status, asked.error_code, asked.cost_usd) == ("partial", "bad_response", Decimal("0.05"))
    assert asked.images.get().params["damaged"]


def test_a_picture_of_which_nothing_can_be_seen_has_failed(profile):
    Scripted.script = [pictures(1, colors=[picture_bytes()[:45]])]
    asked = run(ask(profile))
    assert (asked.status, asked.images.count()) == ("failed", 0)
    assert asked.error_message.endswith("It was charged.")


@pytest.mark.parametrize("error", [ConnectionLost("cut"), BadResponse("not JSON")])
def test_where_nobody_sends_a_bill_a_lost_answer_has_failed(profile, monkeypatch, error):
    monkeypatch.setattr(Scripted, "is_free", True)
    Scripted.script = [error]
    asked = run(ask(profile))
    assert (asked.status, asked.error_code, asked.error_message) == ("failed", error.code, error.sentence)
    assert (asked.may_have_been_charged, asked.retryable) == (False, True)


def test_an_answer_that_breaks_its_reader_is_unknown(profile):
    Scripted.script = [in_answer(TypeError("a shape that nobody foresaw"))]
    asked = run(ask(profile))
    assert (asked.status, asked.error_code, len(Scripted.sent)) == ("unknown", "bad_response", 1)


def test_a_part_that_fails_leaves_what_the_others_brought(profile):
    Scripted.n_per_call = 1
    Scripted.script = [pictures(1), in_answer(InvalidRequest("no"))]
    asked = run(ask(profile, n=2))
    assert asked.calls.count() == 2
    assert (asked.status, asked.error_message) == ("partial", "no")


def test_more_pictures_than_asked_are_all_kept(profile):
    Scripted.n_per_call = 1
    Scripted.script = [pictures(2), pictures(1)]
    asked = run(ask(profile, n=2))
    assert (asked.status, asked.images.count()) == ("done", 3)


def test_calls_of_one_generation_have_seeds_of_their_own(profile):
    Scripted.n_per_call = 1
    run(ask(profile, n=3, seed=7))
    assert [request.seed for request in Scripted.sent] == [7, 8, 9]


def test_equal_pictures_are_filed_once_and_counted_twice(profile):
    same = picture_bytes("#334455")
    Scripted.script = [pictures(2, colors=[same, same])]
    asked = run(ask(profile, n=2))
    assert asked.status == "done"
    assert asked.results.count() == 2
    assert Image.objects.count() == 1


class Died(BaseException):
    """What `kill -9` is to a test."""


def die(*args, **kwargs):
    raise Died


def crash(asked):
    with pytest.raises(Died):
        run(asked)


def test_a_worker_that_dies_after_sending_leaves_unknown(profile):
    asked = ask(profile)
    Scripted.on_send = staticmethod(die)
    with pytest.raises(Died):
        run(asked)
    later(asked)
    recovery.recover()
    asked.refresh_from_db()
    assert (asked.status, asked.error_code) == ("unknown", "interrupted")
    assert asked.may_have_been_charged
    assert len(Scripted.sent) == 1


def test_a_worker_that_dies_with_the_answer_in_the_spool_loses_nothing(profile, monkeypatch):
    asked = ask(profile)
    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "advance", die)
        crash(asked)
    later(asked)
    recovery.recover()
    assert run(asked).status == "done"
    assert asked.images.count() == 1
    assert len(Scripted.sent) == 1


def test_a_worker_that_dies_between_two_pictures_files_each_once(profile, monkeypatch):
    asked = ask(profile, n=2)
    with monkeypatch.context() as patch:
        patch.setattr(filing, "_commit_image", die)
        crash(asked)
    assert Image.objects.count() == 0
    later(asked)
    recovery.recover()
    assert run(asked).status == "done"
    assert Image.objects.count() == 2
    assert len(Scripted.sent) == 1


def test_what_is_free_to_repeat_is_repeated_after_a_crash(profile):
    Scripted.safe_to_repeat = True
    asked = ask(profile)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scripted, "on_send", staticmethod(die))
        crash(asked)
    later(asked)
    recovery.recover()
    assert run(asked).status == "done"


def test_a_frozen_worker_cannot_commit_but_its_answer_is_not_lost(profile, monkeypatch):
    asked = ask(profile)

    def freeze():
        later(asked)
        recovery.recover()  # somebody else finds the lease over, and no answer
        assert current(asked).status == "unknown"

    Scripted.on_send = staticmethod(freeze)
    run(asked)
    assert asked.status == "unknown"
    assert asked.images.count() == 0
    recovery.recover()
    assert run(asked).status == "done"
    assert asked.images.count() == 1
    assert len(Scripted.sent) == 1


def test_a_store_that_is_down_keeps_the_answer_until_it_is_back(profile, monkeypatch):
    asked = ask(profile)

    def full(*args, **kwargs):
        raise ingest.IngestError("storage_full", "The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(ingest, "prepare", full)
        run(asked)
    assert (asked.status, asked.error_code, asked.error_message) == ("saving", "storage", "The disk is full.")
    later(asked)
    assert run(asked).status == "done"
    assert asked.error_code == ""
    assert len(Scripted.sent) == 1


def test_an_answer_that_the_disk_does_not_take_is_unknown(profile):
    Scripted.script = [OSError(28, "No space left on device")]
    asked = run(ask(profile))
    assert (asked.status, asked.error_code) == ("unknown", "storage")
    assert "No space left" in asked.error_message
    run(asked)
    assert len(Scripted.sent) == 1


def test_nothing_is_sent_while_the_disk_is_almost_full(profile, monkeypatch):
    monkeypatch.setattr(calls, "FREE_SPACE_FLOOR", 1 << 62)
    asked = run(ask(profile))
    assert Scripted.sent == []
    assert (asked.status, asked.error_code) == ("queued", "storage")


def test_cancelling_stops_what_has_not_gone_out(profile):
    asked = ask(profile)
    generation.cancel(asked)
    run(asked)
    assert asked.status == "cancelled"
    assert Scripted.sent == []


def test_a_picture_that_arrives_after_cancelling_is_kept(profile):
    asked = ask(profile)
    Scripted.on_send = staticmethod(lambda: generation.cancel(current(asked)))
    assert run(asked).status == "done"
    assert asked.images.count() == 1
    assert asked.is_late
    assert asked.error_message.startswith("You had stopped this, but Scripted was working on it already.")
    assert asked.error_message.endswith("It was charged.")


def test_a_deleted_connection_stops_the_call_before_it_is_sent(profile):
    asked = ask(profile)
    profile.delete()
    run(asked)
    assert asked.status == "cancelled"
    assert Scripted.sent == []


def test_an_answer_is_filed_although_its_connection_was_deleted(profile):
    asked = ask(profile)
    Scripted.on_send = staticmethod(profile.delete)
    assert run(asked).status == "done"


def test_recovery_wakes_a_call_whose_wake_up_was_lost(profile):
    asked = ask(profile)
    QueuedTask.objects.all().delete()
    later(asked)
    recovery.recover()
    recovery.recover()
    assert [row.args for row in QueuedTask.objects.all()] == [[asked.calls.get().pk]]


def test_raw_answers_are_kept_seven_days(profile):
    import os

    asked = run(ask(profile))
    spool = answers.spool_of(asked.calls.get())
    recovery.recover()
    assert spool.exists()
    old = (timezone.now() - timedelta(days=8)).timestamp()
    os.utime(spool, (old, old))
    recovery.recover()
    assert not spool.exists()


@pytest.fixture
def jobs(profile, monkeypatch):
    """The scripted vendor takes jobs: a stopped worker can ask for them again."""
    monkeypatch.setattr(Scripted, "can_resume", classmethod(lambda cls, spool: True))
    monkeypatch.setattr(
        Scripted, "resume", lambda self, *args, **kwargs: resumed.append(1) or later_answer(*args)
    )
    resumed = []
    return resumed


def later_answer(request, spool):
    steps[spool.name] = pictures(request.n)
    return spooling.write_answer(spool, status=200, headers={}, url="http://scripted/", body=[b"{}"])


def test_a_job_that_the_vendor_has_is_asked_for_again_and_not_sent_twice(profile, jobs):
    asked = ask(profile)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scripted, "on_send", staticmethod(die))
        crash(asked)
    QueuedTask.objects.all().delete()
    later(asked)
    recovery.recover()
    assert QueuedTask.objects.get().args == [asked.calls.get().pk]
    assert run(asked).status == "done"
    assert (len(Scripted.sent), len(jobs)) == (1, 1)


def test_a_job_that_another_worker_waits_for_is_left_alone(profile, jobs):
    asked = ask(profile)
    Scripted.on_send = staticmethod(lambda: calls.run(asked.calls.get().pk))
    assert run(asked).status == "done"
    assert jobs == []


def test_a_job_that_was_given_up_is_asked_for_again_when_the_person_says_so(profile, jobs, owner_client):
    Scripted.script = [DeadlineExceeded("The vendor has not finished in time.")]
    asked = run(ask(profile))
    assert asked.status == "unknown"
    page = owner_client.get(asked.get_absolute_url()).content.decode()
    assert "Check again" in page
    owner_client.post(f"/generations/{asked.public_id}/check/")
    asked.refresh_from_db()
    assert (asked.status, asked.error_message) == ("running", "")
    assert run(asked).status == "done"
    assert (len(Scripted.sent), len(jobs)) == (1, 1)


def test_an_answer_that_no_job_stands_for_is_not_asked_for(profile, owner_client):
    Scripted.script = [ConnectionLost("cut")]
    asked = run(ask(profile))
    assert "Check again" not in owner_client.get(asked.get_absolute_url()).content.decode()
    owner_client.post(f"/generations/{asked.public_id}/check/")
    assert run(asked).status == "unknown"


# --- Calls that stop their worker, and workers that are about to stop -----------------------------


def park(asked):
    """Its task was begun three times and never ended."""
    past = timezone.now() - timedelta(seconds=1)
    QueuedTask.objects.update(attempts=parking.CRASHES, lease_until=past)
    parking.park()
    asked.refresh_from_db()
    return asked


def test_a_call_that_keeps_stopping_the_server_ends_before_it_is_sent(profile):
    asked = park(ask(profile))
    assert (asked.status, asked.error_code, asked.may_have_been_charged) == ("failed", "interrupted", False)
    assert "nothing was charged" in asked.error_message
    recovery.recover()
    assert not Scripted.sent


def test_an_answer_that_keeps_stopping_the_server_is_kept_and_can_be_started_again(profile, monkeypatch):
    asked = ask(profile)
    with monkeypatch.context() as patched:
        patched.setattr(filing, "file", lambda *args: None)  # where it died
        run(asked)
    later(asked)
    park(asked)
    assert (asked.status, asked.may_have_been_charged) == ("failed", True)
    assert "is here, paid for and kept" in asked.error_message
    recovery.recover()
    assert asked.calls.get().state == State.FAILED

    parking.release(QueuedTask.objects.all())
    QueuedTask.objects.all().delete()  # as the worker does with a task that finds nothing to do
    recovery.recover()
    assert run(asked).status == "done"
    assert len(Scripted.sent) == 1


def test_a_job_at_the_vendor_that_keeps_stopping_the_server_is_unknown(profile, monkeypatch):
    asked = ask(profile)
    GenerationCall.objects.update(state=State.SENT)
    assert park(asked).status == "unknown"
    assert asked.may_have_been_charged


def test_nothing_is_sent_by_a_process_that_is_about_to_end(profile, monkeypatch):
    asked = ask(profile)
    QueuedTask.objects.all().delete()  # the worker has taken it
    with monkeypatch.context() as patched:
        patched.setattr(stopping, "is_near", lambda: True)
        run(asked)
    assert (asked.status, len(Scripted.sent)) == ("queued", 0)
    assert QueuedTask.objects.count() == 1
    assert run(asked).status == "done"


def test_a_whole_answer_whose_worker_died_before_it_had_its_name_is_filed(profile, monkeypatch):
    asked = ask(profile)
    with monkeypatch.context() as patched:
        patched.setattr(filing, "file", lambda *args: None)
        run(asked)
    spool = answers.spool_of(asked.calls.get())
    give_it_a_length(spool)
    spool.rename(spool.with_suffix(".part"))
    later(asked, state=State.SENT)
    recovery.recover()
    assert run(asked).status == "done"
    assert len(Scripted.sent) == 1


def give_it_a_length(spool):
    """Scripted answers have no headers; those of servers say how long they are."""
    head, _, body = spool.read_bytes().partition(b"\n")
    facts = json.loads(head) | {"headers": {"content-length": str(len(body))}}
    spool.write_bytes(json.dumps(facts).encode() + b"\n" + body)
