"""How a connection learns what its vendor has, keeps it, and makes use of it."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from gallery import connections, offers, tasks, vendors
from gallery.forms.generate import GenerateForm
from gallery.generations import generation
from gallery.models import ConnectionProfile, Generation, ModelList, QueuedTask
from providers.base import ModelInfo
from providers.errors import InvalidRequest, ModelUnavailable, NetworkError
from providers.openai import OpenAI
from tests.fake_vendors.automatic1111 import FakeAutomatic1111
from tests.fake_vendors.comfyui import FakeComfyUI
from tests.fake_vendors.openai import FakeOpenAI
from tests.fake_vendors.openrouter import FakeOpenRouter

KEY = "sk-test-0123456789abcdef"
KINDS = {
    "openai": FakeOpenAI,
    "openrouter": FakeOpenRouter,
    "automatic1111": FakeAutomatic1111,
    "comfyui": FakeComfyUI,
}


@pytest.fixture
def connect(owner, settings):
    """A function that starts a fake vendor and connects the owner to it."""
    running = []

    def start(slug):
        vendor = KINDS[slug]().__enter__()
        running.append(vendor)
        settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
        profile = connections.create(owner, name=slug, provider=slug, base_url=vendor.url, api_key=KEY)
        return profile, vendor

    yield start
    for vendor in running:
        vendor.__exit__(None, None, None)


def asked(vendor):
    return [request.path for request in vendor.requests]


def again(profile):
    """The profile as another process reads it."""
    vendors._decoded.clear()
    return ConnectionProfile.objects.get(pk=profile.pk)


def offer_of(profile, model):
    groups = offers.offer_groups(profile.owner)
    return offers.pick(groups, f"{profile.public_id}/{model}")


def test_a_list_is_read_once_and_kept(connect):
    profile, vendor = connect("openrouter")
    known = vendors.refresh(profile)
    count = len(vendor.requests)
    kept = vendors.models_of(again(profile))
    assert (known.source, known.note) == ("live", "")
    assert kept.models == known.models
    assert kept.read_at == known.read_at
    assert len(vendor.requests) == count


def test_a_test_that_works_reads_the_list_and_says_how_long_it_is(connect):
    profile, _ = connect("openrouter")
    result = vendors.check_profile(profile)
    living = vendors.models_of(again(profile)).living
    assert result.message.endswith(f" {len(living)} image models are ready.")
    assert again(profile).check_message == result.message


def test_what_a_test_said_is_kept_in_english_and_read_in_anybodys_language(connect):
    profile, _ = connect("openrouter")
    with translation.override("de"):
        assert vendors.check_profile(profile).message.endswith("bereit.")
    assert again(profile).check_message.endswith("image models are ready.")


def test_a_hint_that_was_kept_is_read_in_anybodys_language(owner):
    profile = ConnectionProfile(owner=owner, provider="openai", base_url="https://vendor.test")
    profile.check_message = f"Nobody is there. {vendors.hint_about_address('openai', profile.base_url)}"
    with translation.override("de"):
        assert vendors.told_of(profile).startswith("Nobody is there. Die Adresse hat keinen Pfad")
        profile.check_message = "Was einmal so dastand."
        assert vendors.told_of(profile) == "Was einmal so dastand."


def test_a_list_that_cannot_be_read_leaves_the_built_in_one(connect):
    profile, vendor = connect("openai")
    vendor.__exit__(None, None, None)
    known = vendors.refresh(profile)
    assert known.source == "built-in"
    assert known.models == OpenAI(vendors.connection_for(profile)).models()
    assert known.note.endswith("Showing the built-in list. Try again.")
    assert not ModelList.objects.exists()


def test_a_list_that_cannot_be_read_again_stays_with_a_note(connect, monkeypatch):
    profile, _ = connect("openai")
    before = vendors.refresh(profile)

    def fail(self):
        raise NetworkError("OpenAI was not reached.")

    monkeypatch.setattr(OpenAI, "list_models", fail)
    known = vendors.refresh(profile)
    assert (known.source, known.models, known.read_at) == ("live", before.models, before.read_at)
    assert known.note == "OpenAI was not reached. Showing the list of last time. Try again."


def test_a_list_without_a_living_model_is_not_taken(connect, monkeypatch):
    profile, _ = connect("openai")
    monkeypatch.setattr(OpenAI, "list_models", lambda self: [])
    known = vendors.refresh(profile)
    assert (known.source, profile.live_models_at) == ("built-in", None)
    assert "no model for pictures" in known.note


def test_what_a_vendor_takes_back_is_forgotten(connect, monkeypatch):
    profile, _ = connect("openai")
    ends = ModelInfo(id="gpt-image-2", label="GPT Image 2", status="deprecated")
    monkeypatch.setattr(OpenAI, "list_models", lambda self: [ends])
    vendors.refresh(profile)
    monkeypatch.undo()
    vendors.refresh(profile)
    assert vendors.provider_for(profile).model_info("gpt-image-2").status == "current"


@pytest.mark.parametrize(
    "change",
    [{"base_url": "https://api.example.com/v1"}, {"provider": "demo"}, {"options": {"project": "proj_1"}}],
)
def test_a_list_does_not_follow_to_another_place(connect, change):
    profile, _ = connect("openai")
    vendors.check_profile(profile)
    connections.change(profile, **change)
    profile = again(profile)
    assert (profile.live_models_at, profile.checked_at) == (None, None)
    assert vendors.models_of(profile).source == "built-in"


def test_a_list_that_arrives_after_the_profile_moved_is_thrown_away(connect, monkeypatch):
    profile, _ = connect("openai")

    def move(self):
        ConnectionProfile.objects.update(base_url="https://elsewhere.example/v1")
        return [ModelInfo(id="gpt-image-2", label="GPT Image 2")]

    monkeypatch.setattr(OpenAI, "list_models", move)
    assert vendors.refresh(profile).source == "built-in"
    assert again(profile).live_models_at is None


def test_a_list_is_due_when_it_was_never_read_or_long_ago(connect):
    profile, _ = connect("openai")
    assert vendors.is_due(profile)
    vendors.refresh(profile)
    assert not vendors.is_due(profile)
    profile.live_models_at = timezone.now() - vendors.FRESH - timedelta(minutes=1)
    assert vendors.is_due(profile)


def test_a_list_that_just_failed_is_not_asked_for_by_itself(connect, monkeypatch):
    profile, vendor = connect("openai")
    monkeypatch.setattr(OpenAI, "list_models", lambda self: [])
    vendors.read_when_due(profile)
    monkeypatch.undo()
    assert vendors.read_when_due(profile).source == "built-in"
    assert vendors.refresh(profile).source == "live"


def test_the_demo_has_no_list_to_read(owner):
    profile = connections.create(owner, name="Demo", provider="demo")
    assert not vendors.is_due(profile)
    assert vendors.refresh(profile).source == "built-in"


def test_each_call_of_a_worker_needs_no_query_for_the_list(connect, django_assert_num_queries):
    profile, _ = connect("openrouter")
    vendors.refresh(profile)
    vendors.provider_for(profile)
    with django_assert_num_queries(0):
        assert vendors.provider_for(profile).connection.listed


# What the list is used for


def test_openrouters_parameters_make_form_checks_and_prices(connect):
    profile, _ = connect("openrouter")
    vendors.refresh(profile)
    offer = offer_of(profile, "example/retouch")
    fields = GenerateForm(offer=offer).fields
    assert [value for value, _ in fields["resolution"].choices] == ["1K", "2K"]
    assert "quality" not in fields
    with pytest.raises(InvalidRequest, match="cannot make pictures from a prompt; it can edit"):
        generation.plan(generation.Wish(profile=profile, prompt="a fox", model="example/retouch"))


def test_checkpoints_and_samplers_of_a_program_at_home_can_be_chosen(connect):
    profile, vendor = connect("automatic1111")
    vendors.refresh(profile)
    group = offers.offer_groups(profile.owner)[0]
    ids = [offer.info.id for offer in group.offers]
    assert ids[0] == "server-default"
    assert len(ids) > 1
    sampler = group.offers[1].info.capabilities.options["sampler"]
    named = vendors.provider_for(profile)._names("samplers", "name")
    assert list(sampler.values) == named


def test_workflows_of_a_connection_are_offered_before_and_after_the_list_was_read(connect):
    profile, _ = connect("comfyui")
    graph = {"6": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}}}
    workflow = {"graph": graph, "inputs": {"prompt": ["6", "text"]}}
    connections.change(profile, options={"workflows": {"Mine": workflow}})
    before = offer_of(profile, "Mine")
    vendors.refresh(profile)
    after = offer_of(profile, "Mine")
    assert before.info == after.info
    assert not after.info.capabilities.seed


def test_a_day_of_retirement_in_the_list_stops_a_paid_call(connect, monkeypatch):
    profile, vendor = connect("openai")
    listed = OpenAI(vendors.connection_for(profile))._listed
    entries = [{"id": "gpt-image-2", "shutdown_date": "2025-01-31"}, {"id": "gpt-image-2.6-flare"}]
    monkeypatch.setattr(OpenAI, "list_models", lambda self: [listed(entry) for entry in entries])
    vendors.refresh(profile)
    assert offer_of(profile, "gpt-image-2").life.startswith("Retired on 31 January 2025.")
    with pytest.raises(ModelUnavailable, match="was retired on 31 January 2025"):
        generation.plan(generation.Wish(profile=profile, prompt="a fox", model="gpt-image-2"))
    assert vendor.posts == 0


def test_a_model_that_nobody_knows_is_asked_for_once(connect):
    profile, vendor = connect("openrouter")
    vendors.learn_of(profile, "google/gemini-nano-banana-2.1")
    assert asked(vendor) == []
    vendors.learn_of(profile, "example/retouch")
    count = len(vendor.requests)
    assert count
    vendors.learn_of(profile, "example/gone")
    assert len(vendor.requests) == count
    assert vendors.provider_for(profile).model_info("example/retouch").capabilities.resolution


# Once a day, by itself


def last_read(profile, *, days, asked_days_ago):
    """A connection whose list is so old, and which was last asked for a picture so long ago."""
    now = timezone.now()
    ConnectionProfile.objects.update(live_models_at=now - timedelta(days=days))
    asked = Generation.objects.create(owner=profile.owner, profile=profile, provider="openai", model="m")
    Generation.objects.filter(pk=asked.pk).update(created_at=now - timedelta(days=asked_days_ago))


@pytest.mark.parametrize(("days", "asked_days_ago", "woken"), [(2, 1, True), (0, 1, False), (2, 40, False)])
def test_lists_that_are_in_use_are_read_anew_each_day(connect, days, asked_days_ago, woken):
    profile, _ = connect("openai")
    last_read(profile, days=days, asked_days_ago=asked_days_ago)
    for _ in range(2):
        vendors.wake()
    rows = QueuedTask.objects.filter(path="gallery.tasks.refresh_models", args=[profile.pk])
    assert rows.count() == woken


def test_a_list_that_nobody_has_read_is_not_read_by_itself(connect):
    profile, _ = connect("openai")
    last_read(profile, days=2, asked_days_ago=1)
    ConnectionProfile.objects.update(live_models_at=None)
    vendors.wake()
    assert not QueuedTask.objects.exists()


def test_reading_by_itself_leaves_a_fresh_list_alone(connect):
    profile, vendor = connect("openai")
    last_read(profile, days=2, asked_days_ago=1)
    tasks.refresh_models.call(profile.pk)
    count = len(vendor.requests)
    assert count
    tasks.refresh_models.call(profile.pk)
    tasks.refresh_models.call(0)
    assert len(vendor.requests) == count


# Addresses


@pytest.mark.parametrize(
    ("slug", "address", "path"),
    [
        ("openai", "https://proxy.example", "/v1"),
        ("openrouter", "https://proxy.example/", "/api/v1"),
        ("openai", "https://proxy.example/v1", ""),
        ("openai", "", ""),
        ("google", "https://proxy.example", ""),
        ("comfyui", "http://comfy.lan:8188", ""),
    ],
)
def test_an_address_without_a_path_is_hinted_at(slug, address, path):
    hint = vendors.hint_about_address(slug, address)
    assert f"ends in {path}," in hint if path else not hint
