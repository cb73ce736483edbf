"""The queue, the poll that keeps pages up to date, and the pages of one job."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from gallery import ingest
from gallery.generations import partials
from gallery.models import ConnectionProfile, Generation, GenerationImage, Import, ImportEntry
from gallery.work import jobs
from providers.base import PartialImage
from tests.conftest import picture_bytes

HTMX = {"HX-Request": "true"}


@pytest.fixture
def profile(owner):
    return ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)


def job(profile, status, prompt="a red panda", **fields):
    ended = status not in ("queued", "running", "saving")
    return Generation.objects.create(
        owner=profile.owner,
        profile=profile,
        provider="demo",
        model="demo-painter",
        prompt=prompt,
        status=status,
        started_at=timezone.now() if status != "queued" else None,
        finished_at=timezone.now() if ended else None,
        **fields,
    )


def arrive(generation, picture, index=0, color="#112233"):
    stored = ingest.store(generation.owner, picture(color), source="generated")
    GenerationImage.objects.create(generation=generation, index=index, image=stored.image)
    Generation.objects.filter(pk=generation.pk).update(revision=generation.revision + 1 + index)
    return stored.image


def page_of(client, **query):
    return client.get(reverse("queue"), query).content.decode()


# --- The page -------------------------------------------------------------------------------------


def test_an_empty_queue_says_what_comes_here(owner_client):
    assert "Nothing is running" in page_of(owner_client)


def test_jobs_stand_in_the_section_of_their_state(owner_client, profile):
    for status in ("running", "queued", "failed", "done"):
        job(profile, status, prompt=f"the {status} one")
    page = page_of(owner_client)
    order = [page.index(text) for text in ("Running</h2>", "the running", "Needs you</h2>", "the failed")]
    order += [page.index(text) for text in ("Waiting</h2>", "the queued", "Finished today", "the done")]
    assert order == sorted(order)
    assert "1 running, 1 waiting, 1 needs you" in page


def test_a_stranger_and_another_user_see_nothing(other_client, client, profile):
    made = job(profile, "running", prompt="secret")
    assert "secret" not in page_of(other_client)
    for name in ("generation", "generation-cancel", "generation-retry"):
        address = reverse(name, args=[made.public_id])
        send = other_client.get if name == "generation" else other_client.post
        assert send(address).status_code == 404
    assert client.get(reverse("queue")).status_code == 302


@pytest.mark.parametrize(
    ("status", "fields", "shown"),
    [
        ("failed", {"error_code": "auth"}, ["Key refused", "Update key", "nothing was charged"]),
        ("failed", {"error_code": "billing"}, ["No credit", "Connection settings"]),
        ("refused", {"error_code": "refused"}, ["Declined", "Edit prompt"]),
        ("failed", {"error_code": "invalid_request"}, ["Not accepted", "Fix settings"]),
        ("failed", {"error_code": "network", "retryable": True}, ["Connection failed", "Try again"]),
        (
            "unknown",
            {"error_code": "timeout", "retryable": True, "may_have_been_charged": True},
            ["Not sure", "Try again (may charge again)", "may have been charged"],
        ),
        ("refused", {"error_code": "refused", "cost_usd": "0.02"}, ["$0.02 was charged anyway"]),
        ("failed", {"error_code": "budget_exceeded"}, ["Over the limit", "Change limit"]),
        ("cancelled", {"error_code": "cancelled"}, ["Stopped", "Use again", "nothing was charged"]),
    ],
)
def test_trouble_has_words_a_charge_note_and_ways_on(owner_client, profile, status, fields, shown):
    job(profile, status, error_message="What happened, in a sentence.", **fields)
    page = page_of(owner_client)
    assert [text for text in shown if text not in page] == []


def test_a_job_that_was_put_off_says_when_it_is_its_turn(owner_client, profile):
    later = timezone.now() + timedelta(minutes=5)
    told = {"error_code": "rate_limited", "error_message": "OpenAI asks to slow down."}
    job(profile, "queued", retry_at=later, **told)
    page = page_of(owner_client)
    assert "Waiting for a turn" in page
    assert f"OpenAI asks to slow down. Trying again at {timezone.localtime(later):%H:%M}." in page
    assert page.index("Trying again") < page.index("Stop</button>")


@pytest.mark.parametrize("place", ["queue", "add-generate"])
def test_a_job_that_is_being_stopped_says_what_still_happens(owner_client, profile, place):
    mine = job(profile, "running", cancel_requested=True)
    Generation.objects.filter(pk=mine.pk).update(provider="openai")
    page = owner_client.get(reverse(place)).content.decode()
    assert "Stopping</span>" in page
    assert "The request is already with OpenAI. It cannot be called back, so what arrives is kept" in page
    assert "it may be charged." in page
    assert "Stop</button>" not in page


def test_stopping_what_is_free_needs_no_warning(owner_client, profile):
    job(profile, "running", cancel_requested=True, estimated_cost_usd=0)
    page = page_of(owner_client)
    assert "Stopping</span>" in page
    assert "may be charged" not in page


def test_a_job_whose_pictures_are_in_the_trash_says_so(owner_client, profile, picture):
    image = arrive(job(profile, "done"), picture)
    assert "In the trash" not in page_of(owner_client)
    image.trashed_at = timezone.now()
    image.save()
    for place in ("queue", "add-generate"):
        assert "In the trash</a>" in owner_client.get(reverse(place)).content.decode()
    image.delete()
    assert "Deleted for good" in page_of(owner_client)


def test_a_declined_prompt_has_no_plain_try_again(owner_client, profile):
    job(profile, "refused", error_code="refused", retryable=False)
    assert "Try again" not in page_of(owner_client)


def test_a_declined_prompt_that_was_charged_has_no_try_again_either(owner_client, profile):
    job(profile, "refused", error_code="refused", cost_usd="0.02", may_have_been_charged=True)
    page = page_of(owner_client)
    assert "Edit prompt" in page
    assert "Try again" not in page


def test_with_another_key_the_same_can_be_tried_again(owner_client, profile):
    ConnectionProfile.objects.update(check_code="auth")
    job(profile, "failed", error_code="auth")
    assert "Try again" not in page_of(owner_client)
    ConnectionProfile.objects.update(check_code="ok")
    assert "Try again" in page_of(owner_client)


def test_without_credit_the_way_leads_to_the_vendors_own_page(owner_client, owner):
    xai = ConnectionProfile.objects.create(owner=owner, name="xAI", provider="xai")
    poor = job(xai, "failed", error_code="billing")
    Generation.objects.filter(pk=poor.pk).update(provider="xai")
    assert 'href="https://console.x.ai" target="_blank" rel="noopener noreferrer"' in page_of(owner_client)
    xai.base_url = "https://proxy.example/v1"  # whose bill is not xAI's
    xai.save()
    page = page_of(owner_client)
    assert "console.x.ai" not in page
    assert "Connection settings" in page


def test_technical_details_are_there_and_escaped(owner_client, profile):
    job(profile, "failed", error_code="server_error", provider_message="<b>oops</b>", request_id="req_1")
    page = page_of(owner_client)
    assert "&lt;b&gt;oops&lt;/b&gt;" in page
    assert "req_1" in page


def test_old_trouble_and_what_was_tried_again_leave_the_queue(owner_client, profile):
    old = job(profile, "failed", prompt="long ago")
    Generation.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=8))
    first = job(profile, "failed", prompt="tried again", error_code="network", retryable=True)
    job(profile, "queued", prompt="the second try", retry_of=first)
    page = page_of(owner_client)
    assert "long ago" not in page
    assert "tried again" not in page
    assert "the second try" in page


def test_what_a_server_has_loaded_is_called_so(owner_client, owner):
    forge = ConnectionProfile.objects.create(
        owner=owner, name="Forge", provider="automatic1111", base_url="http://127.0.0.1:7860"
    )
    job(forge, "done", params={})
    Generation.objects.update(provider="automatic1111", model="server-default")
    assert "The loaded checkpoint" in page_of(owner_client)
    wish = {"model": f"{forge.public_id}/server-default", "prompt": "a fox"}
    answer = owner_client.post(reverse("generate-estimate"), wish).content.decode()
    assert "The loaded checkpoint" in answer.split('<template id="coming-job">')[1]


def test_waiting_pictures_hold_their_shape(owner_client, profile):
    job(profile, "running", n=2, params={"size": "1024x1536"})
    page = owner_client.get(reverse("add-generate")).content.decode()
    assert page.count("tile tile--job r22") == 2  # 2:3


@pytest.mark.parametrize("n", [10, 20])
def test_the_queue_takes_a_fixed_number_of_queries(
    owner_client, profile, picture, django_assert_max_num_queries, n
):
    for number in range(n):
        arrive(job(profile, "done"), picture, color=f"#1122{number:02d}")
        job(profile, "failed", error_code="network", retryable=True)
    with django_assert_max_num_queries(13):
        assert owner_client.get(reverse("queue")).status_code == 200


# --- The poll -------------------------------------------------------------------------------------


def poller(owner, view="queue"):
    return jobs.poller(jobs.active(owner), view)["url"]


def test_the_poll_is_silent_while_nothing_changed(owner_client, profile):
    job(profile, "running")
    assert owner_client.get(poller(profile.owner)).status_code == 204


def test_a_page_polls_only_while_something_runs(owner_client, profile):
    assert "every 2s" not in page_of(owner_client)
    job(profile, "running")
    assert "every 2s" in page_of(owner_client)


def test_a_changed_job_alone_is_sent(owner_client, profile, picture):
    job(profile, "running", prompt="the other", n=2)
    mine = job(profile, "running", n=2)
    address = poller(profile.owner)
    arrive(mine, picture)
    page = owner_client.get(address, headers=HTMX).content.decode()
    assert f'hx-target="#job-{mine.public_id}"' in page
    assert "1 of 2" in page
    assert "the other" not in page
    assert 'hx-target="#sections"' not in page


def test_a_job_that_ends_stays_in_its_place_and_stops_the_poll(owner_client, profile):
    mine = job(profile, "running")
    address = poller(profile.owner)
    Generation.objects.filter(pk=mine.pk).update(status="done", revision=1, finished_at=timezone.now())
    page = owner_client.get(address, headers=HTMX).content.decode()
    assert f'hx-target="#job-{mine.public_id}"' in page
    assert 'hx-target="#sections"' not in page
    assert "Finished: a red panda" in page
    assert "every 2s" not in page
    following = page.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert owner_client.get(following).status_code == 204


def following(answer):
    """Where the page asks next, by what the answer put into it."""
    element = answer.split('id="live"')[1]
    return element.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")


def end(generation):
    Generation.objects.filter(pk=generation.pk).update(status="done", revision=9, finished_at=timezone.now())


@pytest.mark.parametrize("view", ["queue", "session", "strip"])
def test_a_job_that_ends_while_the_answer_is_made_is_news_for_the_next_poll(
    owner_client, profile, monkeypatch, view
):
    mine = job(profile, "running", n=2)
    address = poller(profile.owner, view)
    Generation.objects.filter(pk=mine.pk).update(revision=1)
    read = jobs.changed_since

    def read_and_end(*args):
        change = read(*args)
        end(mine)
        return change

    monkeypatch.setattr(jobs, "changed_since", read_and_end)
    answer = owner_client.get(address, headers=HTMX).content.decode()
    assert owner_client.get(following(answer)).status_code == 200


def test_a_page_is_told_of_a_job_that_ended_while_it_was_drawn(owner_client, profile, monkeypatch):
    mine = job(profile, "running")
    read = jobs.of_session

    def read_and_end(owner):
        shown = read(owner)
        end(mine)
        return shown

    monkeypatch.setattr(jobs, "of_session", read_and_end)
    page = owner_client.get(reverse("add-generate")).content.decode()
    assert "Finished" in owner_client.get(following(page), headers=HTMX).content.decode()


def test_asking_for_a_picture_forgets_no_other_that_ended_meanwhile(owner_client, profile):
    earlier = job(profile, "running", prompt="the earlier one")
    page = owner_client.get(reverse("add-generate")).content.decode()
    known = parse_qs(urlsplit(following(page)).query)["rev"][0]
    end(earlier)
    wish = {"model": f"{profile.public_id}/demo-painter", "prompt": "a fox", "key": "k", "known": known}
    answer = owner_client.post(reverse("add-generate"), wish, headers=HTMX).content.decode()
    assert "the earlier one" in owner_client.get(following(answer), headers=HTMX).content.decode()


def test_a_job_begun_elsewhere_appears_in_the_queue(owner_client, profile):
    address = poller(profile.owner)
    job(profile, "queued", prompt="begun elsewhere")
    page = owner_client.get(address, headers=HTMX).content.decode()
    assert 'hx-target="#sections"' in page
    assert "begun elsewhere" in page


def test_a_job_begun_elsewhere_appears_in_the_session(owner_client, profile):
    address = poller(profile.owner, "session")
    mine = job(profile, "queued")
    page = owner_client.get(address, headers=HTMX).content.decode()
    assert 'hx-target="#session" hx-swap="afterbegin"' in page
    assert f'id="job-{mine.public_id}"' in page


def test_a_picture_takes_its_slot_on_the_gallery(owner_client, profile, picture):
    mine = job(profile, "running", n=2)
    first = arrive(mine, picture)
    page = owner_client.get("/").content.decode()
    assert f'id="job-{mine.public_id}-1"' in page
    assert f'id="job-{mine.public_id}-0"' not in page  # it stands in the grid already
    address = poller(profile.owner, "strip")
    mine.refresh_from_db()
    second = arrive(mine, picture, index=1, color="#332211")
    answer = owner_client.get(address, headers=HTMX).content.decode()
    assert f'hx-target="#job-{mine.public_id}-1" hx-swap="outerHTML"' in answer
    assert f"image-{second.public_id}" in answer
    assert f"image-{first.public_id}" not in answer


def test_the_slot_of_a_picture_that_never_comes_goes_away(owner_client, profile, picture):
    mine = job(profile, "running", n=2)
    arrive(mine, picture)
    address = poller(profile.owner, "strip")
    Generation.objects.filter(pk=mine.pk).update(status="partial", revision=9, finished_at=timezone.now())
    answer = owner_client.get(address, headers=HTMX).content.decode()
    assert f'hx-target="#job-{mine.public_id}-1" hx-swap="delete"' in answer


def test_a_job_begun_elsewhere_gets_slots_on_the_gallery(owner_client, profile):
    address = poller(profile.owner, "strip")
    mine = job(profile, "queued", n=3)
    answer = owner_client.get(address, headers=HTMX).content.decode()
    assert 'hx-target="#making" hx-swap="beforeend"' in answer
    assert answer.count(f'id="job-{mine.public_id}-') == 3


@pytest.mark.parametrize(
    "rev", ["", "nonsense", "g1", "g99999999999999999999.1.0.r", "g5.1.0.r_i7.0-1-0.r", "_" * 9000]
)
def test_any_revision_is_survived(owner_client, profile, rev):
    assert owner_client.get(reverse("queue-poll"), {"rev": rev}).status_code == 204


def test_the_poll_tells_nothing_about_other_peoples_jobs(other_client, profile):
    mine = job(profile, "running", prompt="secret")
    rev = parse_qs(urlsplit(poller(profile.owner)).query)["rev"][0]
    Generation.objects.filter(pk=mine.pk).update(status="done", revision=5)
    assert other_client.get(reverse("queue-poll"), {"rev": rev}).status_code == 204


# --- Stop and try again ---------------------------------------------------------------------------


def test_stop_ends_a_waiting_job(owner_client, profile):
    from gallery.generations import generation

    mine = generation.submit(profile.owner, generation.Wish(profile=profile, prompt="a red panda"))
    response = owner_client.post(reverse("generation-cancel", args=[mine.public_id]), headers=HTMX)
    mine.refresh_from_db()
    assert mine.status == "cancelled"
    assert response["HX-Trigger"] == "jobs:begun"


def test_try_again_pressed_twice_asks_once(owner_client, profile):
    failed = job(profile, "failed", error_code="network", retryable=True)
    for _ in range(2):
        response = owner_client.post(reverse("generation-retry", args=[failed.public_id]))
        assert response.url == reverse("queue")
    assert Generation.objects.filter(retry_of=failed).count() == 1


def test_try_again_without_its_connection_says_why(owner_client, profile):
    failed = job(profile, "failed", error_code="network", retryable=True)
    profile.delete()
    page = owner_client.post(
        reverse("generation-retry", args=[failed.public_id]), follow=True
    ).content.decode()
    assert "was deleted. Choose another one." in page


# --- Dismiss --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["failed", "refused", "unknown", "partial"])
def test_dismiss_takes_trouble_out_of_the_queue_and_undo_puts_it_back(owner_client, profile, status):
    mine = job(profile, status, prompt="the sad one")
    address = reverse("generation-dismiss", args=[mine.public_id])
    assert address in page_of(owner_client)
    answer = owner_client.post(address, headers=HTMX).content.decode()
    assert 'hx-target="#sections"' in answer
    assert "the sad one" not in answer
    assert f'action="{address}"' in answer  # Undo
    assert "the sad one" not in page_of(owner_client)
    assert "the sad one" not in owner_client.get(reverse("add-generate")).content.decode()
    assert "the sad one" in owner_client.post(address, {"undo": "1"}, headers=HTMX).content.decode()
    assert "the sad one" in page_of(owner_client)


@pytest.mark.parametrize("status", ["queued", "running", "done"])
def test_what_runs_or_is_well_cannot_be_dismissed(owner_client, profile, status):
    mine = job(profile, status)
    address = reverse("generation-dismiss", args=[mine.public_id])
    assert address not in page_of(owner_client)
    assert owner_client.post(address).url == reverse("queue")
    mine.refresh_from_db()
    assert mine.dismissed_at is None


def test_a_job_that_was_dismissed_elsewhere_leaves_this_page(owner_client, profile):
    mine = job(profile, "running")
    addresses = [poller(profile.owner), poller(profile.owner, "session")]
    mine.status, mine.finished_at, mine.dismissed_at = "failed", timezone.now(), timezone.now()
    mine.save()
    for address in addresses:
        answer = owner_client.get(address, headers=HTMX).content.decode()
        assert f'hx-target="#job-{mine.public_id}" hx-swap="delete"' in answer
        assert "a red panda</a>" not in answer


def test_only_the_owner_dismisses(other_client, client, profile):
    mine = job(profile, "failed")
    address = reverse("generation-dismiss", args=[mine.public_id])
    assert other_client.post(address).status_code == 404
    assert client.post(address).url.startswith("/login/")
    assert client.get(address).status_code in (302, 405)


def test_the_next_page_is_one_of_ours(owner_client, profile):
    failed = job(profile, "failed", error_code="network", retryable=True)
    address = reverse("generation-retry", args=[failed.public_id])
    assert owner_client.post(address, {"next": "https://example.com/"}).url == reverse("queue")


def test_one_generation_has_a_page(owner_client, profile, picture):
    mine = job(profile, "done", prompt="the lighthouse")
    image = arrive(mine, picture)
    page = owner_client.get(mine.get_absolute_url()).content.decode()
    assert "the lighthouse" in page
    assert image.get_absolute_url() in page


# --- Imports --------------------------------------------------------------------------------------


@pytest.fixture
def importing_job(owner):
    made = Import.objects.create(owner=owner, total=3, done=2, status="running")
    states = [("added", ""), ("failed", "The page at this address is not an image."), ("waiting", "")]
    for index, (state, message) in enumerate(states):
        ImportEntry.objects.create(
            job=made, index=index, name=f"https://e.com/{index}", state=state, error_message=message
        )
    return made


def test_an_import_shows_progress_and_each_failure(owner_client, importing_job):
    page = owner_client.get(reverse("import", args=[importing_job.public_id])).content.decode()
    assert "2 of 3 done" in page
    assert "The page at this address is not an image." in page
    assert "1 added, 0 already here, 1 not added" in page


def test_an_import_stands_in_the_queue_and_is_polled(owner_client, importing_job):
    assert "Import of 3 addresses" in page_of(owner_client)
    address = poller(importing_job.owner, "imports")
    assert owner_client.get(address).status_code == 204
    Import.objects.filter(pk=importing_job.pk).update(done=3)
    assert "3 of 3 done" in owner_client.get(address).content.decode()


def test_an_import_can_be_stopped_by_its_owner_alone(owner_client, other_client, importing_job):
    address = reverse("import-cancel", args=[importing_job.public_id])
    assert other_client.post(address).status_code == 404
    assert owner_client.post(address).status_code == 302
    importing_job.refresh_from_db()
    assert importing_job.cancel_requested
    assert other_client.get(reverse("import", args=[importing_job.public_id])).status_code == 404


def test_an_import_of_one_address_is_counted_right(owner_client, importing_job):
    Import.objects.filter(pk=importing_job.pk).update(total=1)
    assert "Import of 1 address<" in page_of(owner_client)


@pytest.mark.parametrize("n", [10, 20])
def test_an_import_takes_a_fixed_number_of_queries(owner_client, owner, django_assert_max_num_queries, n):
    made = Import.objects.create(owner=owner, total=n, status="running")
    ImportEntry.objects.bulk_create([ImportEntry(job=made, index=i, name=f"{i}.png") for i in range(n)])
    with django_assert_max_num_queries(13):
        assert owner_client.get(reverse("import", args=[made.public_id])).status_code == 200


# --- Previews -------------------------------------------------------------------------------------


@pytest.fixture
def drawing(profile):
    """A running job of two calls; the first one has shown a preview."""
    mine = job(profile, "running", n=2, prompt="the lighthouse")
    now = timezone.now()
    calls = [mine.calls.create(index=i, first_image=i, n=1, state="sent", run_after=now) for i in (0, 1)]
    show(calls[0])
    return mine


def show(call, color="#204060"):
    partials.keep(call, PartialImage(index=0, data=picture_bytes(color)))


def preview_address(row, index=0, number=0):
    return reverse("generation-preview", args=[row.public_id, index, number])


@pytest.mark.parametrize("page", ["queue", "add-generate", "index"])
def test_a_preview_stands_in_the_place_of_its_picture(owner_client, drawing, page, picture):
    ingest.store(drawing.owner, picture(), source="upload")  # an empty gallery shows no strip
    text = owner_client.get(reverse(page)).content.decode()
    assert text.count(f'src="{preview_address(drawing)}"') == 1
    assert preview_address(drawing, index=1) not in text


@pytest.mark.parametrize("view", ["queue", "session", "strip"])
def test_a_new_preview_reaches_the_pages_that_follow(owner_client, drawing, view):
    address = poller(drawing.owner, view)
    assert owner_client.get(address).status_code == 204
    show(drawing.calls.first(), "#406020")
    page = owner_client.get(address, headers=HTMX).content.decode()
    assert f'src="{preview_address(drawing, number=1)}"' in page


def test_a_preview_lies_over_the_one_before(owner_client, drawing):
    show(drawing.calls.first(), "#406020")
    page = owner_client.get(reverse("add-generate")).content.decode()
    places = [page.index(f'src="{preview_address(drawing, number=number)}"') for number in (0, 1)]
    assert places == sorted(places)


def test_previews_leave_the_page_when_the_job_ends(owner_client, drawing):
    drawing.calls.update(state="failed", finished_at=timezone.now())
    Generation.objects.update(status="failed", finished_at=timezone.now())
    assert "/previews/" not in page_of(owner_client)


def test_a_preview_is_a_small_webp_that_may_be_kept_for_a_while(owner_client, drawing):
    answer = owner_client.get(preview_address(drawing))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert answer.content[8:12] == b"WEBP"
    assert answer.headers["Cache-Control"] == "private, max-age=600"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_a_foreign_preview_does_not_exist(other_client, client, drawing):
    assert other_client.get(preview_address(drawing)).status_code == 404
    client.logout()
    assert client.get(preview_address(drawing)).status_code == 302


@pytest.mark.parametrize(("index", "number"), [(1, 0), (0, 7), (9, 0)])
def test_a_preview_that_is_not_there_is_not_found(owner_client, drawing, index, number):
    assert owner_client.get(preview_address(drawing, index, number)).status_code == 404
