"""Who has enough waiting is asked to come back, and others are not kept from coming."""

import threading

import pytest
from django.db import connection, connections
from django.urls import reverse

from gallery import bulk
from gallery.bulk import jobs as bulk_jobs
from gallery.generations import admission, calls, generation
from gallery.imports import importing
from gallery.imports.importing import ImportRefused
from gallery.models import BulkAction, ConnectionProfile, Generation, GenerationCall, Import
from providers.errors import InvalidRequest
from tests.gallery.api.conftest import api_of
from tests.gallery.views.test_add import wish_form

HTMX = {"HX-Request": "true"}


def demo(owner):
    return ConnectionProfile.objects.create(
        owner=owner, name="Demo", provider="demo", is_default=True, options={"delay": 0}
    )


def ask(profile, **fields):
    return generation.submit(profile.owner, generation.Wish(profile=profile, prompt="a fox", **fields))


@pytest.fixture
def profile(owner):
    return demo(owner)


@pytest.fixture
def full(profile, settings):
    """The owner has as many requests waiting as fit."""
    settings.MAX_QUEUED_PER_USER = 3
    for _ in range(3):
        ask(profile)
    return profile


# --- Generations ----------------------------------------------------------------------------------


def test_more_than_fits_is_refused_and_leaves_no_row(full):
    with pytest.raises(admission.TooMany, match="You have 3 requests waiting or under way"):
        ask(full)
    assert Generation.objects.count() == 3


def test_what_is_over_makes_room(full):
    generation.cancel(Generation.objects.first())
    ask(full)


def test_each_request_to_the_vendor_counts(profile, settings):
    settings.MAX_QUEUED_PER_USER = 3
    first = ask(profile)
    GenerationCall.objects.create(
        generation=first, index=1, first_image=1, n=1, run_after=first.created_at, state="sent"
    )
    ask(profile)
    with pytest.raises(admission.TooMany):
        ask(profile)


def test_the_other_person_is_let_in(full, other):
    assert ask(demo(other)).status == "queued"


def test_all_together_have_a_limit_too(full, other, settings):
    settings.MAX_QUEUED = 3
    with pytest.raises(admission.Overloaded, match="The queue is full"):
        ask(demo(other))


def test_a_known_idempotency_key_is_answered_although_nothing_more_fits(profile, settings):
    settings.MAX_QUEUED_PER_USER = 1
    wish = generation.Wish(profile=profile, prompt="a fox")
    first = generation.submit(profile.owner, wish, idempotency_key="k")
    assert generation.submit(profile.owner, wish, idempotency_key="k") == first


def test_a_program_is_told_when_to_come_back(full):
    answer = api_of(full.owner).post("/generations", {"prompt": "a fox"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"
    assert answer.json()["detail"].endswith("Ask again when some are done.")


def test_a_program_is_told_that_the_server_has_enough(full, other, settings):
    settings.MAX_QUEUED = 3
    demo(other)
    answer = api_of(other).post("/generations", {"prompt": "a fox"})
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "30", "overloaded")


@pytest.mark.parametrize(("headers", "status"), [({}, 429), (HTMX, 422)], ids=["page", "htmx"])
def test_the_form_is_kept_and_says_why(full, owner_client, headers, status):
    form = wish_form(full, prompt="a fox in the snow")
    response = owner_client.post(reverse("add-generate"), form, headers=headers)
    assert (response.status_code, response["Retry-After"]) == (status, "30")
    page = response.content.decode()
    assert "You have 3 requests waiting or under way" in page
    assert "a fox in the snow</textarea>" in page


def test_trying_again_is_asking_like_any_other(full):
    failed = Generation.objects.first()
    generation.cancel(failed)
    ask(full)
    with pytest.raises(admission.TooMany):
        generation.retry(failed)


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_do_not_share_the_last_place(profile, settings):
    settings.MAX_QUEUED_PER_USER = 3
    start, refused = threading.Barrier(8), []

    def press():
        start.wait()
        try:
            ask(profile)
        except admission.TooMany as exc:
            refused.append(exc)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Generation.objects.count(), len(refused)) == (3, 5)


def test_the_look_at_the_queue_costs_few_queries(full, django_assert_max_num_queries):
    with django_assert_max_num_queries(3), pytest.raises(admission.TooMany):
        admission.admit_generation(full.owner, 1)


def test_a_request_that_was_sent_still_counts(full):
    calls.run(GenerationCall.objects.first().pk)
    assert GenerationCall.objects.first().state == "done"
    ask(full)
    with pytest.raises(admission.TooMany):
        ask(full)


# --- Imports and actions on many ------------------------------------------------------------------


def addresses(owner):
    return importing.create_from_urls(owner, ["https://example.com/a.png"])


def test_imports_have_a_limit_for_each_person(owner, other, settings):
    settings.MAX_JOBS_PER_USER = 2
    addresses(owner)
    addresses(owner)
    with pytest.raises(ImportRefused, match="You have 2 imports waiting or under way"):
        addresses(owner)
    addresses(other)
    assert Import.objects.count() == 3


def test_an_import_too_many_is_answered_429(owner, settings):
    settings.MAX_JOBS_PER_USER = 0
    answer = api_of(owner).post("/imports", {"urls": ["https://example.com/a.png"], "tags": ["fresh"]})
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (429, "30", "too_many")


@pytest.fixture
def three(owner, picture, monkeypatch):
    """Three pictures, which are many here."""
    from gallery import ingest

    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 2)
    stored = [ingest.store(owner, picture(color), source="upload") for color in ("#111", "#222", "#333")]
    return [one.image.public_id for one in stored]


def test_actions_on_many_have_a_limit_for_each_person(owner, three, settings):
    settings.MAX_JOBS_PER_USER = 1
    bulk.begin(bulk.by_ids(owner, three), BulkAction.Action.FAVORITE, value=True)
    with pytest.raises(admission.TooMany, match="You have 1 actions on many images"):
        bulk.begin(bulk.by_ids(owner, three), BulkAction.Action.FAVORITE, value=True)
    assert bulk.begin(bulk.by_ids(owner, three[:2]), BulkAction.Action.FAVORITE, value=True).status == "done"


def test_an_action_too_many_is_said_in_the_page_and_to_programs(owner, owner_client, three, settings):
    settings.MAX_JOBS_PER_USER = 0
    wish = {"ids": [str(one) for one in three], "action": "favorite"}
    answer = api_of(owner).post("/images/bulk", wish)
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    response = owner_client.post(reverse("bulk"), {"ids": wish["ids"], "action": "favorite"}, headers=HTMX)
    assert response.status_code == 422
    assert "Begin another one when some are done." in response.content.decode()


def test_callers_who_wait_for_many_leave_threads_to_the_pages(owner, three, monkeypatch):
    monkeypatch.setattr(bulk_jobs, "WAITED_FOR", threading.BoundedSemaphore(1))
    wish = {"ids": [str(one) for one in three], "action": "favorite"}
    with bulk_jobs.WAITED_FOR:
        answer = api_of(owner).post("/images/bulk", wish)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert api_of(owner).post("/images/bulk", wish).status_code == 200


# --- Quotas stop what would cost ------------------------------------------------------------------


def test_a_full_library_asks_no_vendor(profile, settings, picture):
    from gallery import ingest

    ingest.store(profile.owner, picture(), source="upload")
    settings.MAX_IMAGES_PER_USER = 1
    with pytest.raises(InvalidRequest, match="Your library holds 1 images, the most it may"):
        ask(profile)
    assert not Generation.objects.exists()


# --- The door, where SQLite has one writer --------------------------------------------------------


@pytest.fixture
def crowded_door(monkeypatch):
    """Somebody stands in the door and does not move."""
    if connection.vendor != "sqlite":
        pytest.skip("other databases have many writers")
    monkeypatch.setattr(admission, "PATIENCE", 0.01)
    monkeypatch.setattr(admission, "DOOR", threading.BoundedSemaphore(1))
    with admission.DOOR:
        yield


def test_who_cannot_get_through_the_door_is_asked_to_come_back(profile, owner, owner_client, crowded_door):
    answer = api_of(owner).post("/generations", {"prompt": "a fox"})
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "30", "overloaded")
    response = owner_client.post(reverse("add-generate"), wish_form(profile, prompt="a fox in the snow"))
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "a fox in the snow</textarea>" in response.content.decode()
    assert not Generation.objects.exists()


def test_who_has_enough_is_told_so_before_the_door(full, crowded_door):
    assert api_of(full.owner).post("/generations", {"prompt": "a fox"}).status_code == 429


def test_the_door_is_open_again_after_a_refusal(profile, owner):
    wrong = api_of(owner).post("/generations", {"prompt": "", "tags": ["fox"]})
    assert wrong.status_code == 422
    assert api_of(owner).post("/generations", {"prompt": "a fox"}).status_code == 202


def test_a_repeated_request_is_answered_although_nothing_more_fits(profile, owner, settings):
    settings.MAX_QUEUED_PER_USER = 1
    api = api_of(owner)
    first, again = (api.post("/generations", {"prompt": "a fox"}, Idempotency_Key="k") for _ in range(2))
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert api.post("/generations", {"prompt": "a fox"}, Idempotency_Key="l").status_code == 429
