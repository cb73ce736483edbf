"""The queue's page: its order, its pause, stopping several jobs, and how long they take."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from gallery.models import ConnectionProfile, Generation, GenerationCall, ModelTimes
from tests.gallery.views.test_queue import HTMX, job, page_of


@pytest.fixture
def profile(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)


def waiting(profile, *prompts):
    rows = [job(profile, "queued", prompt=prompt) for prompt in prompts]
    for row in rows:
        row.calls.create(index=0, first_image=0, n=1, run_after=timezone.now())
    return rows


def order(page):
    return sorted(["one", "two", "three"], key=lambda word: page.find(f"the {word}"))


def move(client, row, where, **headers):
    return client.post(reverse("generation-move", args=[row.public_id]), {"where": where}, headers=headers)


# --- Order ----------------------------------------------------------------------------------------


def test_what_waits_stands_in_the_order_in_which_it_goes_out(owner_client, profile):
    rows = waiting(profile, "the one", "the two", "the three")
    assert order(page_of(owner_client)) == [
        "one",
        "two",
        "three",
    ]
    assert move(owner_client, rows[2], "first").url == reverse("queue")
    assert order(page_of(owner_client)) == [
        "three",
        "one",
        "two",
    ]


def test_htmx_gets_the_sections_in_their_new_order(owner_client, profile):
    rows = waiting(profile, "the one", "the two", "the three")
    answer = move(owner_client, rows[0], "down", **HTMX)
    html = answer.content.decode()
    assert 'hx-target="#sections"' in html
    assert order(html) == ["two", "one", "three"]
    assert answer["HX-Trigger"] == "jobs:begun"


def test_an_unknown_way_and_a_foreign_job_are_refused(owner_client, other_client, profile):
    (row,) = waiting(profile, "a")
    assert move(owner_client, row, "sideways").status_code == 400
    assert move(other_client, row, "first").status_code == 404
    row.refresh_from_db()
    assert row.place == 0


def test_only_what_waits_can_be_moved(owner_client, profile):
    job(profile, "running")
    job(profile, "failed", error_code="network")
    assert "Run next" not in page_of(owner_client)


# --- Stopping several -----------------------------------------------------------------------------


def test_what_is_ticked_is_stopped_and_nothing_else(owner_client, profile):
    first, second, third = waiting(profile, "a", "b", "c")
    ticked = {"job": [str(first.public_id), str(third.public_id), "nonsense"]}
    assert owner_client.post(reverse("queue-stop"), ticked).status_code == 302
    states = Generation.objects.order_by("pk").values_list("status", flat=True)
    assert list(states) == ["cancelled", "queued", "cancelled"]
    assert "Stopped: 2." in page_of(owner_client)


def test_the_ticks_belong_to_a_form_without_script(owner_client, profile):
    (row,) = waiting(profile, "a")
    page = page_of(owner_client)
    assert f'name="job" value="{row.public_id}" form="stop-several"' in page
    assert f'id="stop-several" method="post" action="{reverse("queue-stop")}"' in page


def test_nothing_ticked_is_told_and_foreign_jobs_stay(owner_client, other_client, profile):
    (row,) = waiting(profile, "a")
    other_client.post(reverse("queue-stop"), {"job": str(row.public_id)})
    row.refresh_from_db()
    assert row.status == "queued"
    answer = owner_client.post(reverse("queue-stop"), headers=HTMX)
    assert "Tick what should be stopped." in answer.content.decode()


# --- The pause ------------------------------------------------------------------------------------


def test_the_queue_is_paused_and_goes_on(owner_client, owner, profile):
    waiting(profile, "a")
    assert "Pause all" in page_of(owner_client)
    owner_client.post(reverse("queue-pause"))
    page = page_of(owner_client)
    assert "The queue is paused." in page
    assert "Continue</button>" in page
    assert "Pause all" not in page
    html = owner_client.post(reverse("queue-pause"), {"continue": "1"}, headers=HTMX).content.decode()
    assert "The queue is paused." not in html
    owner.refresh_from_db()
    assert not owner.queue_paused


# --- How long it takes ----------------------------------------------------------------------------


def test_a_job_says_how_long_its_model_takes(owner_client, profile):
    ModelTimes.objects.create(provider="demo", model="demo-painter", seconds=[10, 20, 90])
    (row,) = waiting(profile, "a")
    assert "about 20 s once it starts" in page_of(owner_client)
    began = timezone.now() - timedelta(seconds=5)
    row.calls.update(state="sent", sent_at=began)
    Generation.objects.update(status="running", started_at=began)
    assert "5 s, about 15 s left" in page_of(owner_client)
    row.calls.update(sent_at=began - timedelta(minutes=1))
    assert " left</elapsed-time>" not in page_of(owner_client)  # it takes longer than usual


def test_what_nobody_knows_is_not_guessed(owner_client, profile):
    waiting(profile, "a")
    assert "once it starts" not in page_of(owner_client)


def test_a_job_says_that_it_waits_for_its_connection(owner_client, profile):
    profile.max_at_once = 2
    profile.save()
    waiting(profile, "a")
    GenerationCall.objects.update(held=True)
    assert "your limit is 2 at once" in page_of(owner_client)


@pytest.mark.parametrize("n", [10, 20])
def test_the_waiting_queue_takes_a_fixed_number_of_queries(
    owner_client, profile, django_assert_max_num_queries, n
):
    ModelTimes.objects.create(provider="demo", model="demo-painter", seconds=[10])
    waiting(profile, *(f"number {number}" for number in range(n)))
    with django_assert_max_num_queries(14):
        assert owner_client.get(reverse("queue")).status_code == 200
