"""Refine in a chat: from a picture, turn by turn, with models that remember and with those that do not."""

import re

import pytest
from django.urls import reverse

from gallery import ingest, tagging
from gallery.generations import calls, generation, refining
from gallery.models import ConnectionProfile, Generation, Image, Tag
from tests.fake_vendors.google import FakeGoogle

HTMX = {"HX-Request": "true"}
OPENAI = "gpt-image-2"

pytestmark = pytest.mark.thorough


@pytest.fixture
def google(owner, settings):
    with FakeGoogle() as vendor:
        settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
        profile = ConnectionProfile(owner=owner, name="Google", provider="google", base_url=vendor.url)
        profile.api_key = "AQ.test-0123456789"
        profile.save()
        profile.vendor = vendor
        yield profile


@pytest.fixture
def openai(writer, text_vendor):
    writer.vendor = text_vendor
    return writer


def run(asked: Generation) -> Generation:
    for call in asked.calls.all():
        calls.run(call.pk)
    asked.refresh_from_db()
    assert asked.status == "done", asked.error_message
    return asked


def made_by(profile, prompt="a red panda under a lamp", **wish) -> Image:
    """A picture that was generated, with a character on it."""
    mirel = tagging.resolve(profile.owner, ["character:Mirel"])
    wish = generation.Wish(profile=profile, prompt=prompt, tags=tuple(mirel), **wish)
    return run(generation.submit(profile.owner, wish)).images.first()


def say(client, place, prompt, **fields):
    """Send the form of the page `place`, as it stands there but for the words."""
    form = client.get(place).context["form"]
    page = {
        "from": str(form.image.public_id),
        "turn": str(form.follows and form.follows.public_id),
        "key": form["key"].value(),
        "model": form.offer.value,
    }
    return client.post(place, page | {"prompt": prompt} | fields)


def place_links(client, place):
    return [
        f"{place}{link}" for link in re.findall(r'href="([?]from=[^"#]+)', client.get(place).content.decode())
    ]


def begin(client, image, prompt="now in snow", **fields):
    """The first turn: returns the chat and its address."""
    response = say(client, reverse("refine", args=[image.public_id]), prompt, **fields)
    assert response.status_code == 302, response.context["form"].errors
    run(Generation.objects.first())
    return Tag.objects.get(kind="chat"), response.url.removesuffix("#change")


# --- The first turn -------------------------------------------------------------------------------


def test_the_first_turn_makes_a_chat_that_keeps_the_tags_of_the_picture(owner_client, google):
    image = made_by(google)
    chat, _ = begin(owner_client, image)
    assert chat.name == "Refining: a red panda under a lamp"
    newest = Image.objects.first()
    assert (newest.prompt, newest.parent) == ("now in snow", image)
    assert set(newest.tags.all()) == {chat, Tag.objects.get(kind="character")}
    assert chat in image.tags.all()


def test_a_chat_takes_the_title_and_a_free_name(owner_client, google):
    image = made_by(google)
    Image.objects.update(title='The "long" night')
    tagging.resolve(google.owner, ["chat:\"Refining: The 'long' night\""])
    say(owner_client, reverse("refine", args=[image.public_id]), "now in snow")
    assert Tag.objects.filter(kind="chat").last().name == "Refining: The 'long' night 2"


def test_an_uploaded_picture_is_edited_first_and_remembered_then(owner_client, google, stored):
    _, place = begin(owner_client, stored)
    first = Generation.objects.get()
    assert (first.mode, first.follows, first.references.get().image) == ("edit", None, stored)
    say(owner_client, place, "and at night")
    second = run(Generation.objects.first())
    assert (second.follows, second.mode) == (first, "generate")
    roles = [content["role"] for content in google.vendor.requests[-1].json["contents"]]
    assert roles == ["user", "model", "user"]


def test_a_page_that_is_sent_twice_makes_one_turn_and_one_chat(owner_client, google):
    place = reverse("refine", args=[made_by(google).public_id])
    answers = [say(owner_client, place, "now in snow", key="k1")]
    fields = {"prompt": "now in snow", "key": "k1"}
    image = Image.objects.get()
    answers.append(owner_client.post(place, fields | {"from": str(image.public_id)}))
    assert [answer.url for answer in answers] == [answers[0].url] * 2
    assert (Generation.objects.count(), Tag.objects.filter(kind="chat").count()) == (2, 1)


@pytest.mark.parametrize(
    ("fields", "words"), [({"prompt": " "}, "Say what should change."), ({"n": "99"}, "")]
)
def test_a_turn_that_cannot_be_asked_for_leaves_no_chat(owner_client, google, fields, words):
    image = made_by(google)
    response = say(owner_client, reverse("refine", args=[image.public_id]), **{"prompt": "x"} | fields)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Tag.objects.filter(kind="chat").exists()


def test_a_page_that_is_sent_again_with_other_words_asks_first(owner_client, google):
    place = reverse("refine", args=[made_by(google).public_id])
    say(owner_client, place, "now in snow", key="k1")
    response = owner_client.post(place, {"prompt": "and at night", "key": "k1"})
    assert response.status_code == 409
    assert "Press the button to ask for another turn." in response.content.decode()
    assert response.context["form"]["key"].value() not in ("", "k1")
    assert response.context["form"]["prompt"].value() == "and at night"
    assert (Generation.objects.count(), Tag.objects.filter(kind="chat").count()) == (2, 1)


def test_a_model_that_cannot_is_replaced_with_a_word(owner_client, openai, stored):
    Image.objects.update(model="imagen-4")
    page = owner_client.get(reverse("refine", args=[stored.public_id])).content.decode()
    assert "imagen-4 cannot go on from a picture here, using" in page


def test_a_model_that_is_gone_is_asked_for(owner_client, openai, stored):
    response = say(owner_client, reverse("refine", args=[stored.public_id]), "now in snow", model="gone")
    assert response.status_code == 422
    assert "That model is no longer offered here. Choose one." in response.content.decode()
    assert not Generation.objects.exists()


# --- Going on -------------------------------------------------------------------------------------


def test_a_model_with_memory_stays_and_gets_everything_back(owner_client, google):
    _, place = begin(owner_client, made_by(google))
    page = owner_client.get(place).content.decode()
    assert "has all turns in mind" in page
    assert 'name="model"' not in page
    say(owner_client, place, "and at night", model="whatever")
    run(Generation.objects.first())
    contents = google.vendor.requests[-1].json["contents"]
    assert [content["role"] for content in contents] == ["user", "model"] * 2 + ["user"]
    kept = Generation.objects.all()[1].results.get().turn["turn"]
    assert [part.get("thoughtSignature") for part in contents[3]["parts"]] == [
        part.get("thoughtSignature") for part in kept
    ]


def test_a_model_without_memory_edits_the_last_picture_and_may_be_changed(owner_client, openai):
    _, place = begin(owner_client, made_by(openai, model=OPENAI))
    assert 'name="model"' in owner_client.get(place).content.decode()
    say(owner_client, place, "and at night")
    third = run(Generation.objects.first())
    assert (third.mode, third.follows) == ("edit", Generation.objects.all()[1])
    request = openai.vendor.requests[-1]
    assert request.path.endswith("/images/edits")
    assert len([part for part in request.parts if part.name == "image"]) == 1


def test_an_earlier_turn_can_be_gone_on_from(owner_client, google):
    chat, place = begin(owner_client, made_by(google))
    say(owner_client, place, "and at night")
    run(Generation.objects.first())
    first = Generation.objects.all()[1]
    earlier = f"{place}?from={first.images.get().public_id}&turn={first.public_id}"
    assert earlier.replace("&", "&amp;") in place_links(owner_client, place)
    assert "turn 1</a>" in owner_client.get(earlier).content.decode()
    say(owner_client, earlier, "in summer instead")
    branch = run(Generation.objects.first())
    assert branch.follows == first
    assert [turn.is_branch for turn in refining.read(chat).turns] == [False, False, True]
    assert 'Goes on from <a href="#turn-1">turn 1</a>' in owner_client.get(place).content.decode()


def test_of_several_pictures_the_chosen_one_goes_on(owner_client, google):
    made_by(google, n=3)
    asked = Generation.objects.get()
    chosen = asked.results.get(index=2)
    _, place = begin(owner_client, chosen.image)
    turn = google.vendor.requests[-1].json["contents"][1]
    drawn = [part["thoughtSignature"] for part in turn["parts"] if "inlineData" in part]
    assert drawn == [part["thoughtSignature"] for part in chosen.turn["turn"] if "inlineData" in part]
    assert Image.objects.first().parent == chosen.image


def test_a_failed_turn_goes_on_from_where_it_came_and_can_be_worded_anew(owner_client, google):
    chat, place = begin(owner_client, made_by(google))
    say(owner_client, place, "FAKE_BLOCK a banned thing")
    failed = Generation.objects.first()
    calls.run(failed.calls.get().pk)
    response = owner_client.get(place)
    assert response.context["place"].image == failed.follows.images.get()
    again = f"{place}?again={failed.public_id}"
    assert f"{again}#change" in response.content.decode()
    assert owner_client.get(again).context["form"]["prompt"].value() == "FAKE_BLOCK a banned thing"


def test_trying_again_stays_in_the_chat(owner_client, openai):
    chat, place = begin(owner_client, made_by(openai, model=OPENAI))
    first = Generation.objects.first()
    Generation.objects.filter(pk=first.pk).update(status="failed", retryable=True)
    owner_client.post(reverse("generation-retry", args=[first.public_id]), {"next": place})
    again = Generation.objects.first()
    assert (again.retry_of, again.follows) == (first, first.follows)
    assert [image.pk for image in generation.inputs.references_of(again)] == [
        image.pk for image in first.follows.images.all()
    ]


# --- The page -------------------------------------------------------------------------------------


def test_the_page_tells_the_turns_their_cost_and_the_sum(owner_client, google):
    _, place = begin(owner_client, made_by(google))
    page = owner_client.get(place).content.decode()
    cost = Generation.objects.first().cost_usd
    assert "1 turn · " in page
    assert f"{cost:.4f}".rstrip("0") in page
    assert (
        page.index("a red panda under a lamp</p>") < page.index("now in snow</p>") < page.index("id_prompt")
    )


def test_a_turn_that_is_drawn_holds_the_next_one_back(owner_client, google):
    image = made_by(google)
    response = say(owner_client, reverse("refine", args=[image.public_id]), "now in snow")
    page = owner_client.get(response.url).content.decode()
    assert "The next turn can be sent when this picture is there." in page
    assert 'id="generate-button"' not in page
    assert "view=chat" in page


def test_news_are_the_turns_and_the_next_place(owner_client, google):
    _, place = begin(owner_client, made_by(google))
    sent = {"part": "news", "prompt": "and at", "key": "k9", "from": str(Image.objects.last().public_id)}
    page = owner_client.post(place, sent, headers=HTMX).content.decode()
    assert "<html" not in page
    assert all(f'hx-target="#{name}"' in page for name in ("turns", "talk-sum", "talk-source", "talk-foot"))
    assert str(Image.objects.first().public_id) in page.partition('hx-target="#talk-source"')[2]


def test_another_model_brings_its_controls_and_price(owner_client, openai):
    image = made_by(openai, model=OPENAI)
    place = reverse("refine", args=[image.public_id])
    groups = owner_client.get(place).context["place"].groups
    other = next(offer for offer in groups[0].offers if offer.info.id != OPENAI)
    sent = {"part": "model", "prompt": "now in snow", "model": other.value}
    page = owner_client.post(place, sent, headers=HTMX).content.decode()
    assert 'hx-target="#controls"' in page
    whole = owner_client.post(place, sent).content.decode()
    assert f'value="{other.value}" selected' in whole
    assert ">now in snow</textarea>" in whole


def test_a_picture_of_a_chat_goes_on_there(owner_client, google):
    _, place = begin(owner_client, made_by(google))
    image = Image.objects.first()
    response = owner_client.get(reverse("refine", args=[image.public_id]))
    assert response.url == f"{place}?from={image.public_id}"


def test_the_chats_own_page_and_the_pictures_lead_there(owner_client, google):
    chat, place = begin(owner_client, made_by(google))
    assert f"{place}#change" in owner_client.get(chat.get_absolute_url()).content.decode()
    assert (
        reverse("refine", args=[Image.objects.first().public_id])
        in owner_client.get(Image.objects.first().get_absolute_url()).content.decode()
    )


def test_a_chat_without_turns_has_nothing_to_go_on(owner_client, owner):
    (chat,) = tagging.resolve(owner, ["chat:The Long Night"])
    page = owner_client.get(chat.get_absolute_url()).content.decode()
    assert "Go on" not in page
    response = owner_client.get(reverse("chat-refine", args=[chat.public_id, chat.slug]))
    assert response.url == chat.get_absolute_url()


def test_a_renamed_and_a_merged_chat_keep_their_turns(owner_client, google):
    chat, _ = begin(owner_client, made_by(google))
    tagging.rename(chat, "The panda")
    (story,) = tagging.resolve(google.owner, ["chat:Story"])
    tagging.merge(chat, story)
    chat.refresh_from_db()
    response = owner_client.get(reverse("chat-refine", args=[chat.public_id, chat.slug]))
    assert response.url == reverse("chat-refine", args=[story.public_id, story.slug])
    assert "now in snow" in owner_client.get(response.url).content.decode()


def test_without_a_model_that_can_the_page_says_so(owner_client, owner, stored):
    ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo", is_default=True)
    page = owner_client.get(reverse("refine", args=[stored.public_id])).content.decode()
    assert "None of your connections can change this picture." in page


def test_a_chat_whose_pictures_are_gone_says_so(owner_client, google):
    _, place = begin(owner_client, made_by(google))
    tagging.trash(list(Image.objects.all()))
    assert "No picture of this chat is left" in owner_client.get(place).content.decode()


def test_the_page_asks_as_many_questions_for_nine_turns_as_for_three(
    owner_client, google, django_assert_max_num_queries
):
    _, place = begin(owner_client, made_by(google))
    counts = []
    for number in range(2, 10):
        say(owner_client, place, f"turn {number}")
        run(Generation.objects.first())
        if number in (3, 9):
            with django_assert_max_num_queries(40) as queries:
                owner_client.get(place)
            counts.append(len(queries))
    assert counts[1] - counts[0] <= 6  # one for each turn that is sent along


# --- Whose ----------------------------------------------------------------------------------------


def test_others_and_strangers_get_nowhere(owner_client, other_client, client, google):
    image = made_by(google)
    chat, place = begin(owner_client, image)
    start = reverse("refine", args=[image.public_id])
    for address in (start, place):
        assert other_client.get(address).status_code == 404
        assert other_client.post(address, {"prompt": "x"}).status_code == 404
    client.logout()
    assert client.get(place).url.startswith("/login/")


def test_a_foreign_picture_is_none_to_go_on_from(owner_client, google, other, picture, tmp_path):
    _, place = begin(owner_client, made_by(google))
    path = tmp_path / "theirs.png"
    path.write_bytes(picture("#aabbcc"))
    theirs = ingest.store(other, path, source="upload").image
    response = owner_client.post(place, {"from": str(theirs.public_id), "prompt": "x"})
    assert response.status_code == 422
    assert "not in the gallery any more" in response.content.decode()
    assert owner_client.get(f"{place}?again={theirs.public_id}").status_code == 404
