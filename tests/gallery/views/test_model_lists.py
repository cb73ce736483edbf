"""The picker of the generate form: lists read anew, and models that no list names."""

import pytest
from django.urls import reverse

from gallery import connections, offers
from gallery.models import Generation
from tests.fake_vendors.openai import FakeOpenAI

HTMX = {"HX-Request": "true"}


@pytest.fixture
def vendor(settings):
    with FakeOpenAI() as fake:
        settings.ALLOWED_PRIVATE_HOSTS = list(fake.allowed)
        yield fake


@pytest.fixture
def profile(owner, vendor):
    return connections.create(
        owner, name="Main", provider="openai", base_url=vendor.url, api_key="sk-test-0123456789abcdef"
    )


def other(profile, model, **fields):
    """The form's data for a model that is typed by its id."""
    public_id = profile.public_id
    return {"model": f"{public_id}/", f"model_id-{public_id}": model, "prompt": "a fox"} | fields


def test_a_list_that_was_never_read_is_read_when_the_form_opens(owner_client, profile, vendor):
    refresh = reverse("generate-models", args=[profile.public_id])
    page = owner_client.get(reverse("add-generate")).content.decode()
    assert f'hx-post="{refresh}" hx-trigger="load"' in page
    assert vendor.requests == []
    chosen = f"{profile.public_id}/gpt-image-2"
    group = owner_client.post(refresh, {"model": chosen}, headers=HTMX).content.decode()
    assert "Read from OpenAI just now." in group
    assert f'value="{chosen}" checked' in group
    assert 'hx-trigger="load"' not in group
    assert 'hx-trigger="load"' not in owner_client.get(reverse("add-generate")).content.decode()


def test_a_list_that_cannot_be_read_says_so_in_the_picker_and_is_left_in_peace(owner_client, profile, vendor):
    vendor.__exit__(None, None, None)
    group = owner_client.post(reverse("generate-models", args=[profile.public_id]), headers=HTMX)
    assert "Showing the built-in list. Try again." in group.content.decode()
    assert 'hx-trigger="load"' not in group.content.decode()


def test_a_model_that_no_list_names_can_be_typed(owner_client, profile):
    page = owner_client.post(reverse("generate-controls"), other(profile, "gpt-image-99")).content.decode()
    assert "“gpt-image-99” is in no list of models." in page
    response = owner_client.post(reverse("add-generate"), other(profile, " gpt-image-99 "), headers=HTMX)
    assert response.status_code == 201
    assert Generation.objects.get().model == "gpt-image-99"


def test_what_was_typed_stays_when_something_else_is_wrong(owner_client, profile):
    typed = other(profile, "gpt-image-99", prompt="")
    page = owner_client.post(reverse("add-generate"), typed).content.decode()
    assert 'value="gpt-image-99"' in page
    assert f'value="{profile.public_id}/" checked' in page


@pytest.mark.parametrize("model", ["", "  ", "x" * 121, "a\nb"])
def test_an_id_that_cannot_be_one_is_asked_for_again(owner_client, profile, model):
    response = owner_client.post(reverse("add-generate"), other(profile, model))
    assert response.status_code == 422
    assert "Write the model" in response.content.decode()
    assert not Generation.objects.exists()


def test_a_typed_id_that_the_list_has_is_that_model(profile):
    groups = offers.offer_groups(profile.owner)
    assert offers.chosen(groups, other(profile, "gpt-image-2")) is offers.pick(
        groups, f"{profile.public_id}/gpt-image-2"
    )


def test_a_retired_model_that_is_typed_is_named_with_its_day_and_successor(owner_client, profile, vendor):
    response = owner_client.post(reverse("add-generate"), other(profile, "dall-e-3"))
    assert response.status_code == 422
    assert "was retired on 12 May 2026. Use" in response.content.decode()
    assert vendor.posts == 0


def test_a_provider_with_models_of_its_own_takes_no_other(owner):
    demo = connections.create(owner, name="Demo", provider="demo")
    groups = offers.offer_groups(owner)
    assert groups[0].other == ""
    assert offers.chosen(groups, {"model": f"{demo.public_id}/", "": "x"}) is None
