"""Settings, Connections."""

import pytest
from django.urls import reverse
from django.utils import timezone

from gallery import vendors
from gallery.models import ConnectionProfile, Generation
from providers.base import CheckResult
from tests.fake_vendors.openai import FakeOpenAI

HTMX = {"HX-Request": "true"}
KEY = "sk-0123456789abcdef"


@pytest.fixture
def profile(owner):
    made = ConnectionProfile(owner=owner, name="Main", provider="openai", is_default=True)
    made.api_key = KEY
    made.save()
    return made


def fields(**changes):
    return {
        "name": "Main",
        "provider": "openai",
        "api_key": "",
        "base_url": "",
        "default_model": "",
    } | changes


def edit(client, profile, **changes):
    return client.post(reverse("connection", args=[profile.public_id]), fields(**changes))


def test_each_provider_can_be_chosen(owner_client):
    page = owner_client.get(reverse("connection-new")).content.decode()
    assert "?provider=openai" in page
    assert "?provider=demo" in page


def test_the_first_connection_is_the_default_and_its_key_is_sealed(owner_client, owner):
    owner_client.post(reverse("connection-new"), fields(api_key=f" {KEY} "))
    made = ConnectionProfile.objects.owned_by(owner).get()
    assert made.is_default
    assert made.api_key == KEY
    assert KEY not in made.sealed_key


def test_a_second_connection_is_the_default_only_on_request(owner_client, owner, profile):
    owner_client.post(reverse("connection-new"), fields(name="Second", api_key=KEY))
    assert ConnectionProfile.objects.default_for(owner) == profile
    owner_client.post(reverse("connection-new"), fields(name="Third", api_key=KEY, make_default="on"))
    assert ConnectionProfile.objects.default_for(owner).name == "Third"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"api_key": ""}, "OpenAI needs a key"),
        ({"api_key": "two words"}, "blanks"),
        ({"api_key": KEY, "base_url": "ftp://example.com"}, "http://"),
        ({"api_key": KEY, "base_url": "https://u:p@example.com/v1"}, "user names"),
        ({"api_key": KEY, "name": "MAIN"}, "of this name already"),
        ({"api_key": KEY, "monthly_budget_usd": "-1"}, "or more."),
    ],
)
def test_what_cannot_work_is_refused_in_place(owner_client, profile, changes, sentence):
    response = owner_client.post(reverse("connection-new"), fields(name="New") | changes)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert KEY not in page
    assert ConnectionProfile.objects.count() == 1


def test_the_key_never_comes_back(owner_client, profile):
    for address in (reverse("connections"), reverse("connection", args=[profile.public_id])):
        page = owner_client.get(address).content.decode()
        assert KEY not in page
        assert "cdef" in page  # its last four characters


def test_an_empty_key_keeps_the_saved_one(owner_client, profile):
    assert edit(owner_client, profile, name="Renamed").status_code == 302
    profile.refresh_from_db()
    assert (profile.name, profile.api_key) == ("Renamed", KEY)


def test_a_key_is_removed_on_request(owner_client, profile):
    edit(owner_client, profile, remove_key="on")
    profile.refresh_from_db()
    assert not profile.has_api_key


@pytest.mark.parametrize("change", [{"base_url": "https://example.com/v1"}, {"provider": "demo"}])
def test_a_key_never_follows_to_another_place(owner_client, profile, change):
    response = owner_client.post(
        reverse("connection", args=[profile.public_id]), fields(**change), follow=True
    )
    profile.refresh_from_db()
    assert not profile.has_api_key
    assert "the old key was removed" in response.content.decode()


def test_a_new_key_may_come_with_the_new_place(owner_client, profile):
    edit(owner_client, profile, base_url="https://example.com/v1", api_key="sk-another-key-4242")
    profile.refresh_from_db()
    assert profile.api_key == "sk-another-key-4242"


def test_a_test_shows_its_sentence_in_the_row(owner_client, profile, monkeypatch):
    def check(checked):
        return CheckResult(ok=False, code="auth", message="OpenAI refused the key.")

    monkeypatch.setattr(vendors, "check_profile", check)
    address = reverse("connection-test", args=[profile.public_id])
    page = owner_client.post(address, headers=HTMX).content.decode()
    assert "OpenAI refused the key." in page
    assert "<html" not in page
    assert "OpenAI refused the key." in owner_client.post(address, follow=True).content.decode()


def test_the_demo_works_without_a_key(owner_client, owner):
    owner_client.post(reverse("connection-new"), {"name": "Demo", "provider": "demo"})
    made = ConnectionProfile.objects.owned_by(owner).get()
    page = owner_client.post(reverse("connection-test", args=[made.public_id]), headers=HTMX).content.decode()
    assert "Works" in page


def test_make_default_moves_the_default(owner_client, owner, profile):
    second = ConnectionProfile.objects.create(owner=owner, name="Second", provider="demo")
    owner_client.post(reverse("connection-default", args=[second.public_id]))
    assert ConnectionProfile.objects.owned_by(owner).get(is_default=True) == second


def test_deleting_keeps_generations_and_names_the_new_default(owner_client, owner, profile):
    ConnectionProfile.objects.create(owner=owner, name="Second", provider="demo")
    made = Generation.objects.create(owner=owner, profile=profile, provider="openai", model="m", prompt="p")
    page = owner_client.post(
        reverse("connection-delete", args=[profile.public_id]), follow=True
    ).content.decode()
    made.refresh_from_db()
    assert made.profile is None
    assert "Second is the default now." in page


@pytest.mark.parametrize("name", ["connection", "connection-test", "connection-default", "connection-delete"])
def test_foreign_connections_are_not_found(other_client, client, profile, name):
    address = reverse(name, args=[profile.public_id])
    assert other_client.post(address, fields()).status_code == 404
    assert client.post(address, fields()).status_code == 302
    assert ConnectionProfile.objects.filter(pk=profile.pk, is_default=True).exists()


@pytest.mark.parametrize("n", [10, 20])
def test_the_list_takes_a_fixed_number_of_queries(owner_client, owner, django_assert_max_num_queries, n):
    for number in range(n):
        ConnectionProfile.objects.create(owner=owner, name=f"C{number}", provider="demo")
    with django_assert_max_num_queries(7):
        assert owner_client.get(reverse("connections")).content.decode().count("card conn") == n


# The provider's own settings


def test_a_form_has_the_settings_of_its_provider(owner_client):
    page = owner_client.get(reverse("connection-new"), {"provider": "openrouter"}).content.decode()
    assert 'name="option_zdr"' in page
    assert 'name="option_routing"' in page
    assert "option_" not in owner_client.get(reverse("connection-new"), {"provider": "demo"}).content.decode()


def test_settings_are_saved_without_what_is_at_its_default(owner_client, owner):
    typed = {"option_zdr": "true", "option_data_collection": "allow", "option_routing": '{"order": ["a"]}'}
    owner_client.post(reverse("connection-new"), fields(provider="openrouter", api_key=KEY, **typed))
    made = ConnectionProfile.objects.owned_by(owner).get()
    assert made.options == {"zdr": "true", "routing": {"order": ["a"]}}
    page = owner_client.get(reverse("connection", args=[made.public_id])).content.decode()
    assert '<option value="true" selected>Yes</option>' in page
    assert "&quot;order&quot;: [" in page


@pytest.mark.parametrize(
    ("provider", "typed", "sentence"),
    [
        ("openrouter", {"option_routing": "{order: 1}"}, "this is not JSON"),
        ("openrouter", {"option_zdr": "perhaps"}, "Choose one of the list"),
        ("openai_compatible", {"option_sizes": "big"}, "“big” is no size"),
        ("comfyui", {"option_workflows": '{"Mine": {"nodes": []}}'}, "Export (API)"),
    ],
)
def test_settings_that_cannot_work_are_refused_beside_their_field(
    owner_client, settings, provider, typed, sentence
):
    address = "https://server.example/v1"
    response = owner_client.post(
        reverse("connection-new"), fields(provider=provider, base_url=address, api_key=KEY, **typed)
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert '<details class="resolved" open>' in page
    assert not ConnectionProfile.objects.exists()


def test_another_provider_loses_the_settings(owner_client, profile):
    profile.options = {"project": "proj_1"}
    profile.save()
    edit(owner_client, profile, provider="xai", option_project="proj_1")
    profile.refresh_from_db()
    assert (profile.provider, profile.options) == ("xai", {})


# Addresses


def test_a_closed_address_is_refused_in_place(owner_client):
    typed = fields(provider="comfyui", base_url="http://127.0.0.1:8188")
    response = owner_client.post(reverse("connection-new"), typed)
    assert response.status_code == 422
    assert "ALLOWED_PRIVATE_HOSTS=127.0.0.1:8188" in response.content.decode()


def test_an_address_that_may_lack_its_path_is_saved_with_a_hint(owner_client):
    typed = fields(base_url="https://proxy.example", api_key=KEY)
    page = owner_client.post(reverse("connection-new"), typed, follow=True).content.decode()
    assert "ends in /v1, so yours may need it as well" in page


# Models


def test_a_changed_connection_is_tested_by_itself(owner_client, profile):
    def tests_itself(response):
        page = owner_client.get(response.headers["Location"]).content.decode()
        return f'hx-post="{reverse("connection-test", args=[profile.public_id])}" hx-trigger="load"' in page

    assert tests_itself(edit(owner_client, profile, base_url="https://example.com/v1", api_key=KEY))
    ConnectionProfile.objects.update(checked_at=timezone.now(), check_code="ok")
    assert not tests_itself(edit(owner_client, profile, name="Renamed", base_url="https://example.com/v1"))


@pytest.fixture
def vendor(profile, settings):
    with FakeOpenAI() as fake:
        settings.ALLOWED_PRIVATE_HOSTS = list(fake.allowed)
        ConnectionProfile.objects.filter(pk=profile.pk).update(base_url=fake.url)
        yield fake


def test_models_are_shown_with_where_they_come_from(owner_client, profile, vendor):
    address = reverse("connection", args=[profile.public_id])
    assert "The built-in list." in owner_client.get(address).content.decode()
    refresh = reverse("connection-models", args=[profile.public_id])
    fragment = owner_client.post(refresh, headers=HTMX).content.decode()
    assert "Read from OpenAI just now." in fragment
    assert "<html" not in fragment
    page = owner_client.post(refresh, follow=True).content.decode()
    assert "can be chosen." in page
    assert "Read from OpenAI just now." in page


def test_models_that_cannot_be_read_say_what_to_do(owner_client, profile, vendor):
    vendor.__exit__(None, None, None)
    refresh = reverse("connection-models", args=[profile.public_id])
    fragment = owner_client.post(refresh, headers=HTMX).content.decode()
    assert "Showing the built-in list. Try again." in fragment
    assert "gpt-image-2" in fragment


def test_a_retired_model_is_shown_with_its_day(owner_client, profile):
    page = owner_client.get(reverse("connection", args=[profile.public_id])).content.decode()
    assert "Retired on 12 May 2026" in page


def test_anthropic_says_that_it_makes_no_pictures(owner_client, owner):
    says = "Makes no pictures. Describes them, suggests tags and writes prompts."
    assert says in owner_client.get(reverse("connection-new")).content.decode()
    assert says in owner_client.get(reverse("connection-new"), {"provider": "anthropic"}).content.decode()
    made = ConnectionProfile.objects.create(owner=owner, name="Words", provider="anthropic")
    page = owner_client.get(reverse("connection", args=[made.public_id])).content.decode()
    assert says in page
    assert "Refresh models" not in page


def test_lists_of_others_are_not_read(other_client, profile, vendor):
    for name in ("connection-models", "generate-models"):
        assert other_client.post(reverse(name, args=[profile.public_id])).status_code == 404
    assert vendor.requests == []


def test_a_refused_key_leads_to_the_field_for_a_new_one(owner_client, profile):
    place = reverse("connection", args=[profile.public_id])
    assert f"{place}#id_api_key" not in owner_client.get(reverse("connections")).content.decode()
    ConnectionProfile.objects.update(checked_at=timezone.now(), check_code="auth", check_message="Refused.")
    assert f"{place}#id_api_key" in owner_client.get(reverse("connections")).content.decode()
    assert 'id="id_api_key"' in owner_client.get(place).content.decode()
