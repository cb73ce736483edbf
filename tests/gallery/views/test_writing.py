"""Help with a prompt, and suggestions on a picture's page: with script and without."""

from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from gallery import offers, tagging
from gallery.models import Assist, ConnectionProfile, ImageTag
from gallery.texts import assists, suggestions, writers
from tests.fake_vendors.base import Reply

HTMX = {"HX-Request": "true"}
BETTER = "A red panda in a library, warm lamplight, ink and wash."


@pytest.fixture
def typed(owner, writer):
    """What the generate form sends."""
    model = offers.first_choice(offers.offer_groups(owner)).value
    return {"model": model, "prompt": "red panda & lamp", "n": "2", "tags": "character:Mirel", "key": "k"}


@pytest.fixture
def described(owner, writer, stored):
    return assists.describe(owner, stored, writer, "")


def post(client, name, *ids, headers=HTMX, **fields):
    return client.post(reverse(name, args=ids), fields, headers=headers)


# --- Prompts --------------------------------------------------------------------------------------


def test_help_is_offered_with_its_price(owner_client, writer):
    html = owner_client.get(reverse("add-generate")).content.decode()
    assert "Help me write this prompt" in html
    assert "GPT-6 Luna, at most $0.0005" in html
    assert "GPT-6.1 Terra" in html


def test_help_is_hidden_where_nobody_writes(owner_client, owner):
    ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)
    html = owner_client.get(reverse("add-generate")).content.decode()
    assert "Help me write" not in html
    assert 'id="prompt-help"' in html


def test_buttons_of_the_help_are_not_what_enter_presses(owner_client, writer):
    html = owner_client.get(reverse("add-generate")).content.decode()
    form = html[html.index('id="generate"') : html.index('id="generate-button"')]
    without = form.split("<noscript>")[0] + "".join(
        part.split("</noscript>")[-1] for part in form.split("<noscript>")[1:]
    )
    assert all('type="button"' in button for button in without.split("<button")[1:] if "improve" in button)


def test_suggestion_stands_beside_the_prompt_with_its_price(owner_client, typed):
    response = post(owner_client, "improve-prompt", **typed)
    html = response.content.decode()
    assert response.status_code == 200
    assert f">{BETTER}</textarea>" in html
    assert "$0.0003, counted from usage" in html
    assert 'id="id_prompt"' not in html  # the person's own words stay
    assert Assist.objects.get().cost_usd == Decimal("0.000310")


def test_model_that_writes_can_be_chosen(owner_client, owner, typed, text_vendor):
    second = writers.writers(owner)[1]
    post(owner_client, "improve-prompt", **typed, writer=second.value)
    assert text_vendor.last.json["model"] == second.model.id


def test_foreign_connection_does_not_write(other_client, owner, typed, text_vendor):
    value = writers.writers(owner)[0].value
    assert post(other_client, "improve-prompt", **typed, writer=value).status_code == 404
    assert text_vendor.posts == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [({"prompt": " "}, "Write a few words first"), ({"prompt": "FAKE_TEXT_REFUSAL"}, "declined")],
)
def test_what_went_wrong_is_said_in_the_help(owner_client, typed, change, words):
    response = post(owner_client, "improve-prompt", **typed | change)
    assert response.status_code == 422
    assert words in response.content.decode()


@pytest.mark.parametrize(
    ("use", "prompt"),
    [
        ("replace", "Better &amp; longer"),
        ("insert", "red panda &amp; lamp\n\nBetter &amp; longer"),
    ],
)
def test_suggestion_is_taken_over_as_the_person_left_it(owner_client, typed, text_vendor, use, prompt):
    response = post(owner_client, "use-prompt", **typed, suggestion="Better & longer", use=use)
    html = response.content.decode()
    assert f">{prompt}</textarea></hx-partial>" in html
    assert 'id="suggestion"' not in html
    assert response["HX-Trigger"] == '{"change-later": {"target": "#generate"}}'
    assert text_vendor.posts == 0


def test_suggestion_is_put_away(owner_client, typed):
    html = post(owner_client, "use-prompt", **typed, suggestion="x", use="dismiss").content.decode()
    assert "Help me write this prompt" in html
    assert 'id="id_prompt"' not in html


def test_without_script_the_page_comes_again_with_all_that_was_typed(owner_client, typed):
    asked = post(owner_client, "improve-prompt", headers={}, **typed).content.decode()
    assert f">{BETTER}</textarea>" in asked
    assert ">red panda &amp; lamp</textarea>" in asked
    taken = post(owner_client, "use-prompt", headers={}, **typed, suggestion=BETTER, use="replace")
    html = taken.content.decode()
    assert f'aria-keyshortcuts="Control+Enter">{BETTER}</textarea>' in html
    assert 'value="character:Mirel"' in html
    assert 'name="n" value="2" checked' in html


# --- Pictures -------------------------------------------------------------------------------------


def test_description_is_offered_with_what_goes_out(owner_client, writer, stored):
    html = owner_client.get(stored.get_absolute_url()).content.decode()
    assert "Describe and suggest tags" in html
    assert "A small copy of the picture and the names of your tags go to" in html


def test_description_is_hidden_where_nobody_sees(owner_client, stored):
    assert "Describe and suggest" not in owner_client.get(stored.get_absolute_url()).content.decode()


def test_trashed_picture_is_not_described(owner_client, writer, stored, text_vendor):
    tagging.trash([stored])
    assert "Describe and suggest" not in owner_client.get(stored.get_absolute_url()).content.decode()
    assert post(owner_client, "image-describe", stored.public_id).status_code == 404
    assert text_vendor.posts == 0


def test_description_comes_with_caption_tags_and_price(owner_client, writer, stored):
    html = post(owner_client, "image-describe", stored.public_id).content.decode()
    for words in ("A red panda reads under a lamp.", "Accept Mirel, 90 % sure", "Reject lamp", "$0.0003"):
        assert words in html
    assert not ImageTag.objects.exists()


def test_description_waits_on_the_page(owner_client, described, stored):
    assert "Accept Mirel" in owner_client.get(stored.get_absolute_url()).content.decode()


def test_one_tag_is_accepted(owner_client, described, stored):
    html = post(
        owner_client, "image-suggestions", stored.public_id, described.public_id, accept="1"
    ).content.decode()
    assert [tag.name for tag in stored.tags.all()] == ["red panda"]
    assert '<hx-partial hx-target="#image-tags"' in html
    assert "Accept red panda" not in html
    assert "Accept lamp" in html


def test_one_tag_is_rejected_and_the_others_accepted(owner_client, described, stored):
    post(owner_client, "image-suggestions", stored.public_id, described.public_id, reject="0")
    post(owner_client, "image-suggestions", stored.public_id, described.public_id, accept="all")
    assert sorted(tag.name for tag in stored.tags.all()) == ["lamp", "red panda"]


@pytest.mark.parametrize("field", ["title", "notes"])
def test_caption_is_used(owner_client, described, stored, field):
    html = post(
        owner_client, "image-suggestions", stored.public_id, described.public_id, caption=field
    ).content.decode()
    stored.refresh_from_db()
    assert "A red panda reads under a lamp" in getattr(stored, field)
    assert '<hx-partial hx-target="#about"' in html


def test_suggestions_are_put_away(owner_client, described, stored):
    html = post(
        owner_client, "image-suggestions", stored.public_id, described.public_id, close="1"
    ).content.decode()
    assert "Describe and suggest tags" in html
    assert suggestions.open_for(stored) is None


def test_without_script_each_step_leads_back_to_the_picture(owner_client, writer, stored):
    response = post(owner_client, "image-describe", stored.public_id, headers={})
    assert (response.status_code, response.url) == (302, stored.get_absolute_url())
    made = Assist.objects.get()
    response = post(
        owner_client, "image-suggestions", stored.public_id, made.public_id, headers={}, accept="all"
    )
    assert response.url == stored.get_absolute_url()
    assert stored.tags.count() == 3


def test_trouble_is_said_on_the_page(owner_client, writer, stored, text_vendor):
    text_vendor.script(Reply(500, {}, b""))
    response = post(owner_client, "image-describe", stored.public_id)
    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    text_vendor.script(Reply(500, {}, b""))
    html = owner_client.post(reverse("image-describe", args=[stored.public_id]), follow=True).content.decode()
    assert Assist.objects.first().error_message in html


def test_only_the_owner_describes_and_decides(client, other_client, owner_client, described, stored):
    decide = (stored.public_id, described.public_id)
    assert post(other_client, "image-describe", stored.public_id).status_code == 404
    assert post(other_client, "image-suggestions", *decide, accept="all").status_code == 404
    client.logout()
    assert post(client, "image-describe", stored.public_id).status_code in (302, 401)
    assert not stored.tags.exists()


def test_suggestions_belong_to_their_picture(owner_client, owner, described):
    from tests.gallery.tagging.test_tagging import make_image

    another = make_image(owner, 5)
    response = post(owner_client, "image-suggestions", another.public_id, described.public_id, accept="all")
    assert response.status_code == 404


# --- A slow vendor --------------------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch):
    """No worker takes a text up before the test says so."""
    monkeypatch.setattr(assists, "wake", lambda assist: None)
    monkeypatch.setattr(assists, "PATIENCE", 0)
    monkeypatch.setattr(assists, "LOOK", 0)


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["script", "no script"])
def test_a_prompt_that_takes_long_is_looked_for_until_it_is_there(
    owner_client, typed, text_vendor, slow, headers
):
    page = post(owner_client, "improve-prompt", headers=headers, **typed).content.decode()
    made = Assist.objects.get()
    assert "A better prompt is being written." in page
    waiting = typed | {"assist": str(made.public_id)}
    assert (
        "is being written"
        in post(owner_client, "improve-prompt", headers=headers, **waiting).content.decode()
    )
    assists.carry_out(made.pk)
    assists.carry_out(made.pk)
    there = post(owner_client, "improve-prompt", headers=headers, **waiting).content.decode()
    assert f">{BETTER}</textarea>" in there
    assert (Assist.objects.count(), text_vendor.posts) == (1, 1)


def test_a_description_outlives_the_browser_that_asked_for_it(
    owner_client, writer, stored, text_vendor, slow
):
    assert (
        "is looking at the picture" in post(owner_client, "image-describe", stored.public_id).content.decode()
    )
    made = Assist.objects.get()
    post(owner_client, "image-describe", stored.public_id)  # pressed again in another window
    page = stored.get_absolute_url()
    assert "is looking at the picture" in owner_client.get(page).content.decode()
    assists.carry_out(made.pk)
    assert "Accept Mirel" in owner_client.get(page).content.decode()
    assert (Assist.objects.count(), text_vendor.posts) == (1, 1)


def test_trouble_that_came_late_is_said(owner_client, writer, stored, text_vendor, slow):
    text_vendor.script(Reply(500, {}, b""))
    post(owner_client, "image-describe", stored.public_id)
    made = Assist.objects.get()
    assists.carry_out(made.pk)
    response = post(owner_client, "image-describe", stored.public_id, assist=str(made.public_id))
    assert response.status_code == 422
    assert "It may have been charged." in response.content.decode()


@pytest.mark.parametrize("wanted", ["nonsense", None])
def test_the_text_of_somebody_else_is_not_looked_at(other_client, owner, described, typed, wanted):
    fields = typed | {"assist": wanted or str(described.public_id), "writer": ""}
    ConnectionProfile.objects.update(owner=other_client.get("/").wsgi_request.user)
    assert post(other_client, "improve-prompt", **fields).status_code == 404


@pytest.mark.parametrize(
    ("sent", "code", "charged"), [(False, "cancelled", False), (True, "interrupted", True)]
)
def test_what_a_stopped_worker_left_is_ended_and_never_sent_again(
    owner, writer, text_vendor, slow, sent, code, charged
):
    made = assists.ask_prompt(owner, writer, "", "a panda")
    long_ago = timezone.now() - assists.STALE * 2
    Assist.objects.update(created_at=long_ago, sent_at=long_ago if sent else None)
    assists.recover()
    assists.carry_out(made.pk)
    made.refresh_from_db()
    assert (made.error_code, made.may_have_been_charged, text_vendor.posts) == (code, charged, 0)
    assert made.finished_at
