"""Better prompts and descriptions: what goes out, what is kept, what it costs, what is refused."""

import base64
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from PIL import Image as Pillow

from gallery import tagging
from gallery.files import storage
from gallery.models import Assist, ConnectionProfile, ImageTag
from gallery.money import costs
from gallery.texts import assists, suggestions, writers, writing
from providers.errors import AuthError, BadResponse, InvalidRequest, ModelUnavailable, Refused
from tests.fake_vendors.base import Reply

COST = Decimal("0.000310")
BETTER = "A red panda in a library, warm lamplight, ink and wash."


def seen_by(vendor) -> bytes:
    """The picture that the text_vendor was shown."""
    url = vendor.last.json["messages"][1]["content"][0]["image_url"]["url"]
    return base64.b64decode(url.partition(",")[2])


# --- Prompts --------------------------------------------------------------------------------------


def test_better_prompt_is_one_call_with_its_cost(owner, writer, text_vendor):
    made = assists.improve_prompt(owner, writer, "", "red panda, @Mirel", longest=400)
    assert (made.answer, made.purpose, made.model) == ({"text": BETTER}, "prompt", "gpt-6-luna")
    assert (made.cost_usd, made.cost_source, made.error_code) == (COST, "computed", "")
    assert (made.finished_at is not None, made.estimated_cost_usd > COST) == (True, True)
    system, user = (message["content"] for message in text_vendor.last.json["messages"])
    assert (text_vendor.posts, user) == (1, "red panda, @Mirel")
    assert "at most 400 characters" in system
    assert "{{double braces}}" in system


@pytest.mark.parametrize("text", ["", "  \n", "x" * 8001])
def test_draft_that_is_none_is_not_sent(owner, writer, text_vendor, text):
    with pytest.raises(InvalidRequest) as caught:
        assists.improve_prompt(owner, writer, "", text)
    assert caught.value.field == "prompt"
    assert (text_vendor.posts, Assist.objects.count()) == (0, 0)


@pytest.mark.parametrize("text", ['"A panda."', "“A panda.”", " A panda. "])
def test_quotes_around_a_prompt_are_taken_off(text):
    assert assists._plain(text) == "A panda."


def test_quotes_inside_a_prompt_stay():
    assert assists._plain('A sign that says "open"') == 'A sign that says "open"'


@pytest.mark.parametrize(
    ("word", "kind", "code"),
    [("FAKE_TEXT_REFUSAL", Refused, "refused"), ("FAKE_TEXT_CUT", BadResponse, "bad_response")],
)
def test_failure_that_was_charged_is_kept_with_its_cost(owner, writer, word, kind, code):
    with pytest.raises(kind):
        assists.improve_prompt(owner, writer, "", word)
    kept = Assist.objects.get()
    assert (kept.error_code, kept.cost_usd, kept.may_have_been_charged) == (code, COST, True)
    assert kept.error_message
    assert kept.finished_at is not None


def test_failure_without_an_answer_may_have_been_charged(owner, writer, text_vendor):
    text_vendor.script("reset")
    with pytest.raises(Exception, match="charged"):
        assists.improve_prompt(owner, writer, "", "a panda")
    kept = Assist.objects.get()
    assert (kept.cost_usd, kept.may_have_been_charged, text_vendor.posts) == (None, True, 1)


def test_refused_key_costs_nothing(owner, writer, text_vendor):
    text_vendor.script(Reply(401, {}, {"error": {"message": "no", "code": "invalid_api_key"}}))
    with pytest.raises(AuthError):
        assists.improve_prompt(owner, writer, "", "a panda")
    assert (Assist.objects.get().error_code, costs.spent_by(owner)) == ("auth", 0)


def test_connection_that_writes_nothing_says_so(owner):
    demo = ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo")
    with pytest.raises(InvalidRequest, match="Demo writes no texts. OpenAI, "):
        assists.improve_prompt(owner, demo, "", "a panda")
    assert not Assist.objects.exists()


# --- Descriptions ---------------------------------------------------------------------------------


def test_description_waits_to_be_accepted(owner, writer, stored):
    tagging.resolve(owner, ["character:Mirel"])
    made = assists.describe(owner, stored, writer, "")
    assert made.answer["caption"] == "A red panda reads under a lamp."
    assert [(tag["kind"], tag["name"], tag["is_new"]) for tag in made.answer["tags"]] == [
        ("character", "Mirel", False),
        ("tag", "red panda", True),
        ("tag", "lamp", True),
    ]
    assert (made.cost_usd, made.image, made.is_open) == (COST, stored, True)
    assert not ImageTag.objects.exists()


def test_vendor_sees_a_small_copy_without_anything_else(owner, writer, text_vendor, stored):
    assists.describe(owner, stored, writer, "")
    copy = Pillow.open(io.BytesIO(seen_by(text_vendor)))
    assert (copy.format, copy.size) == ("JPEG", (1280, 960))
    assert not copy.getexif()


def test_original_stands_in_for_a_missing_thumbnail(owner, writer, text_vendor, stored):
    storage.delete(stored.thumbnail_key(1280))
    assists.describe(owner, stored, writer, "")
    assert Pillow.open(io.BytesIO(seen_by(text_vendor))).size == (1280, 960)


def test_picture_that_is_gone_is_not_asked_about(owner, writer, text_vendor, stored):
    storage.delete(stored.thumbnail_key(1280))
    storage.delete(stored.storage_key)
    with pytest.raises(InvalidRequest, match="missing from storage"):
        assists.describe(owner, stored, writer, "")
    assert (text_vendor.posts, Assist.objects.count()) == (0, 0)


def test_model_knows_the_most_used_tags_of_the_owner_and_nobody_elses(
    owner, other, writer, text_vendor, stored, monkeypatch
):
    monkeypatch.setattr(writing, "MOST_KNOWN", 2)
    rare, often, alias = tagging.resolve(owner, ["rare", "character:Often", "Other name"])
    tagging.merge(alias, often)
    tagging.add([stored], [often])
    tagging.resolve(other, ["character:Foreign"])
    assert writing.known_tags(owner) == ("character:Often", "rare")
    assists.describe(owner, stored, writer, "")
    assert "character:Often, rare" in text_vendor.last.json["messages"][0]["content"]


def test_second_description_takes_the_place_of_the_first(owner, writer, stored):
    first, second = (assists.describe(owner, stored, writer, "") for _ in range(2))
    assert suggestions.open_for(stored) == second
    assert Assist.objects.count() == 2
    first.refresh_from_db()
    assert not first.is_open


def test_retired_model_is_named_before_anything_is_paid(owner, writer, text_vendor, stored, monkeypatch):
    from dataclasses import replace

    from providers.openai import OpenAI

    retired = lambda self, model: replace(  # noqa: E731
        OpenAI.text_models(self)[0], status="retired", successor="gpt-7"
    )
    monkeypatch.setattr(OpenAI, "text_model_info", retired)
    with pytest.raises(ModelUnavailable, match="gpt-7"):
        assists.describe(owner, stored, writer, "gpt-6-luna")
    assert (text_vendor.posts, Assist.objects.count()) == (0, 0)


# --- Limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["owner", "writer"])
def test_limit_stops_a_text_before_it_is_sent(owner, writer, text_vendor, whose):
    row = {"owner": owner, "writer": writer}[whose]
    row.monthly_budget_usd = Decimal("0.00")
    row.save()
    with pytest.raises(costs.BudgetExceeded, match="raise the limit"):
        assists.improve_prompt(owner, writer, "", "a panda")
    assert (text_vendor.posts, Assist.objects.count()) == (0, 0)


def test_text_under_way_counts_with_its_estimate_and_then_with_its_cost(owner, writer):
    Assist.objects.create(owner=owner, profile=writer, purpose="prompt", estimated_cost_usd=Decimal("0.25"))
    assert costs.spent_by(owner) == costs.spent_this_month(writer) == Decimal("0.25")
    assists.improve_prompt(owner, writer, "", "a panda")
    assert costs.spent_by(owner) == Decimal("0.25") + COST


def test_text_of_last_month_is_not_in_this_month(owner, writer):
    assists.improve_prompt(owner, writer, "", "a panda")
    Assist.objects.update(created_at=costs.start_of_month() - timedelta(seconds=1))
    assert costs.spent_by(owner) == 0


# --- Who can write --------------------------------------------------------------------------------


def test_writers_are_those_of_the_owner_with_the_default_first(owner, other, writer):
    ConnectionProfile.objects.create(owner=owner, name="A demo", provider="demo")
    ConnectionProfile.objects.create(owner=other, name="Foreign", provider="openai")
    found = writers.writers(owner)
    assert {writer.profile.name for writer in found} == {"OpenAI"}
    assert found[0].model.id == "gpt-6-luna"
    assert writers.pick(found, found[1].value) == found[1]
    assert writers.pick(found, "") == found[0]
    assert writers.pick(found, "x/y") is None


def test_connections_own_text_model_is_proposed_first(owner, writer):
    writer.default_model = "gpt-6.1-terra"
    writer.save()
    assert writers.writers(owner, vision=True)[0].model.id == "gpt-6.1-terra"
