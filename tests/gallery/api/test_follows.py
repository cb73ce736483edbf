"""Turns of a chat through the API: `follows`."""

import pytest

from gallery.generations import calls
from gallery.models import ConnectionProfile, Generation
from tests.fake_vendors.openai import FakeOpenAI
from tests.gallery.api.conftest import is_problem

PROMPT = {"prompt": "A fox in the snow"}


def made(api, **changes):
    """A generation that is done, as the API tells it."""
    public_id = api.post("/generations", PROMPT | changes).json()["id"]
    for call in Generation.objects.get(public_id=public_id).calls.all():
        calls.run(call.pk)
    return api.get(f"/generations/{public_id}").json()


@pytest.fixture
def demo(owner):
    options = {"delay": 0}
    return ConnectionProfile.objects.create(
        owner=owner, name="Demo", provider="demo", is_default=True, options=options
    )


@pytest.fixture
def openai(owner, settings):
    with FakeOpenAI() as vendor:
        settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
        profile = ConnectionProfile(owner=owner, name="OpenAI", provider="openai", base_url=vendor.url)
        profile.api_key = "sk-test-0123456789abcdef"
        profile.save()
        yield vendor


def test_a_turn_goes_on_from_another(api, demo):
    first = made(api)
    second = made(api, prompt="at night", follows=first["id"])
    assert (first["follows"], second["follows"]) == (None, first["id"])
    assert (second["status"], second["mode"]) == ("done", "generate")
    image = api.get(f"/images/{second['images'][0]['id']}").json()
    assert image["parent_id"] == first["images"][0]["id"]


def test_the_picture_that_is_meant_is_named(api, openai):
    first = made(api, profile="OpenAI", n=2)
    chosen = first["images"][1]["id"]
    wish = {"profile": "OpenAI", "prompt": "at night", "follows": first["id"]}
    second = made(api, **wish, references=[chosen])
    assert api.get(f"/images/{second['images'][0]['id']}").json()["parent_id"] == chosen
    assert len([part for part in openai.requests[-1].parts if part.name == "image"]) == 1


def test_a_foreign_turn_is_not_there(api, foreign, other, demo):
    ConnectionProfile.objects.create(owner=other, name="Demo", provider="demo", is_default=True)
    first = made(api)
    is_problem(foreign.post("/generations", PROMPT | {"follows": first["id"]}), 404)
    assert not Generation.objects.owned_by(other).exists()


def test_a_turn_without_a_picture_is_named(api, demo):
    waiting = api.post("/generations", PROMPT).json()["id"]
    body = is_problem(api.post("/generations", PROMPT | {"follows": waiting}), 422, "follows")
    assert "still being made" in body["errors"][0]["message"]


def test_an_id_that_is_none_is_named(api, demo):
    is_problem(api.post("/generations", PROMPT | {"follows": "the last one"}), 422, "follows")
