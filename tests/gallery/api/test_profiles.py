import pytest

from gallery.models import ConnectionProfile
from tests.fake_vendors.anthropic import FakeAnthropic
from tests.fake_vendors.openai import FakeOpenAI
from tests.gallery.api.conftest import is_problem

KEY = "sk-CANARY-0123456789abcdef"


def make(api, **changes):
    return api.post("/profiles", {"name": "OpenAI", "provider": "openai", "api_key": KEY} | changes)


def test_a_profile_is_created_and_its_key_never_comes_back(api):
    response = make(api, base_url="https://api.example.com/v1/", monthly_budget_usd="12.5")
    assert response.status_code == 201
    body = response.json()
    assert body["has_api_key"] is True
    assert body["base_url"] == "https://api.example.com/v1"
    assert body["monthly_budget_usd"] == "12.50"
    assert body["created_at"].endswith("Z")
    everything = response.content + api.get("/profiles").content + api.get(f"/profiles/{body['id']}").content
    assert KEY.encode() not in everything
    assert ConnectionProfile.objects.get().api_key == KEY


def test_the_first_profile_becomes_the_default(api):
    assert make(api).json()["is_default"] is True
    assert make(api, name="Two").json()["is_default"] is False


def test_a_new_default_takes_over(api, profile):
    assert make(api, is_default=True).json()["is_default"] is True
    assert api.get(f"/profiles/{profile.public_id}").json()["is_default"] is False


def test_a_profile_can_be_made_the_default_and_stop_being_it(api, profile):
    body = api.patch(f"/profiles/{profile.public_id}", {"is_default": False}).json()
    assert body["is_default"] is False


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"provider": "nobody"}, "provider"),
        ({"base_url": "ftp://example.com"}, "base_url"),
        ({"base_url": "http://[::1"}, "base_url"),
        ({"base_url": "https://user:pass@example.com"}, "base_url"),
        ({"base_url": "example.com"}, "base_url"),
        ({"api_key": "two words"}, "api_key"),
        ({"api_key": "schlüssel"}, "api_key"),
        ({"monthly_budget_usd": "-1"}, "monthly_budget_usd"),
        ({"monthly_budget_usd": "1.001"}, "monthly_budget_usd"),
        ({"monthly_budget_usd": "NaN"}, "monthly_budget_usd"),
        ({"owner": 1}, "owner"),
        ({"sealed_key": "x"}, "sealed_key"),
    ],
)
def test_a_profile_that_cannot_work_is_refused(api, change, field):
    body = is_problem(make(api, **change), 422, field)
    assert KEY not in str(body)
    assert not ConnectionProfile.objects.exists()


def test_a_name_is_used_once_whatever_its_case(api):
    make(api)
    is_problem(make(api, name="openai"), 409, "name")


@pytest.mark.parametrize("change", [{"provider": "demo"}, {"base_url": "https://api.example.com/v1"}])
def test_another_provider_or_address_clears_the_key(api, change):
    public_id = make(api).json()["id"]
    assert api.patch(f"/profiles/{public_id}", change).json()["has_api_key"] is False


def test_a_key_that_comes_with_the_new_address_stays(api):
    public_id = make(api).json()["id"]
    change = {"base_url": "https://api.example.com/v1", "api_key": "sk-new-0123456789"}
    assert api.patch(f"/profiles/{public_id}", change).json()["has_api_key"] is True
    assert ConnectionProfile.objects.get().api_key == "sk-new-0123456789"


def test_other_changes_keep_the_key(api):
    public_id = make(api).json()["id"]
    body = api.patch(f"/profiles/{public_id}", {"name": "Renamed", "monthly_budget_usd": None}).json()
    assert (body["name"], body["has_api_key"]) == ("Renamed", True)


@pytest.mark.parametrize("key", ["", None])
def test_a_key_can_be_taken_away(api, key):
    public_id = make(api).json()["id"]
    assert api.patch(f"/profiles/{public_id}", {"api_key": key}).json()["has_api_key"] is False


def test_a_deleted_default_leaves_the_rest_and_another_default(api, profile):
    two = make(api).json()["id"]
    assert api.delete(f"/profiles/{profile.public_id}").status_code == 204
    is_problem(api.get(f"/profiles/{profile.public_id}"), 404)
    assert api.get(f"/profiles/{two}").json()["is_default"] is True


def test_the_test_says_whether_the_connection_works(api, profile):
    body = api.post(f"/profiles/{profile.public_id}/test").json()
    assert (body["ok"], body["code"], bool(body["message"])) == (True, "ok", True)
    assert api.get(f"/profiles/{profile.public_id}").json()["check_code"] == "ok"


def test_a_vendor_that_cannot_be_reached_fails_the_test_and_leaves_the_built_in_list(api, settings):
    settings.ALLOWED_PRIVATE_HOSTS = ["127.0.0.1:9"]
    public_id = make(api, base_url="http://127.0.0.1:9/v1").json()["id"]
    body = api.post(f"/profiles/{public_id}/test").json()
    assert body["ok"] is False
    assert body["code"] != "ok"
    models = api.get(f"/profiles/{public_id}/models").json()
    assert models["source"] == "built-in"
    assert {"id", "label", "status", "retires_on", "capabilities"} <= models["items"][0].keys()


def test_a_list_that_could_not_be_read_comes_with_a_note(api, settings):
    settings.ALLOWED_PRIVATE_HOSTS = ["127.0.0.1:9"]
    public_id = make(api, base_url="http://127.0.0.1:9/v1").json()["id"]
    body = api.get(f"/profiles/{public_id}/models", refresh="true").json()
    assert (body["source"], body["read_at"]) == ("built-in", None)
    assert body["note"].endswith("Showing the built-in list. Try again.")


def test_a_vendors_list_is_kept_until_it_is_wished_anew(api, settings):
    with FakeOpenAI() as vendor:
        settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
        public_id = make(api, base_url=vendor.url).json()["id"]
        first = api.get(f"/profiles/{public_id}/models").json()
        again = api.get(f"/profiles/{public_id}/models").json()
        assert len(vendor.requests) == 1
        anew = api.get(f"/profiles/{public_id}/models", refresh="true").json()
        assert len(vendor.requests) == 2
    assert (first["source"], first["note"], first) == ("live", "", again)
    assert anew["read_at"] > first["read_at"]


def test_options_are_saved_shown_replaced_and_cleared(api):
    body = make(api, provider="xai", options={"deferred": True}).json()
    address = f"/profiles/{body['id']}"
    assert body["options"] == {"deferred": "true"}
    assert api.patch(address, {"name": "Renamed"}).json()["options"] == {"deferred": "true"}
    assert api.patch(address, {"options": None}).json()["options"] == {}
    assert api.patch(address, {"options": {"deferred": "true"}}).json()["options"] == {"deferred": "true"}
    assert api.patch(address, {"provider": "openrouter"}).json()["options"] == {}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"speed": "high"}, "it has deferred"),
        ({"deferred": "maybe"}, "choose one of false, true"),
        ({"deferred": "tr\u0000ue"}, "choose one of"),
        (["deferred"], "options"),
    ],
)
def test_options_that_there_are_not_are_refused(api, options, sentence):
    body = is_problem(make(api, provider="xai", options=options), 422, "options")
    assert sentence in str(body)
    assert not ConnectionProfile.objects.exists()


def test_a_closed_address_is_refused_with_the_name_of_the_setting(api):
    body = is_problem(make(api, base_url="http://192.168.1.20:7860"), 422, "base_url")
    assert "ALLOWED_PRIVATE_HOSTS=192.168.1.20:7860" in body["errors"][0]["message"]


def test_a_model_tells_what_it_takes(api, profile):
    models = api.get(f"/profiles/{profile.public_id}/models").json()["items"]
    assert models[0]["status"] == "current"
    assert models[0]["capabilities"]["max_n"] >= 1
    assert models[0]["capabilities"]["size"]["values"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/models")],
)
def test_a_foreign_profile_does_not_exist(foreign, profile, method, path):
    is_problem(foreign.send(method, f"/profiles/{profile.public_id}{path}", {}), 404)
    assert ConnectionProfile.objects.filter(pk=profile.pk).exists()


@pytest.mark.parametrize("rows", [10, 20])
def test_a_list_costs_the_same_however_long(api, owner, rows, django_assert_max_num_queries):
    api.get("/profiles")
    for number in range(rows):
        ConnectionProfile.objects.create(owner=owner, name=f"Profile {number}", provider="demo")
    with django_assert_max_num_queries(2):
        page = api.get("/profiles", limit=200).json()
    assert len(page["items"]) == rows


def test_pages_follow_each_other_without_gaps(api, owner):
    for number in range(5):
        ConnectionProfile.objects.create(owner=owner, name=f"Profile {number}", provider="demo")
    names, after = [], ""
    while after is not None:
        page = api.get("/profiles", limit=2, after=after).json()
        names += [item["name"] for item in page["items"]]
        after = page["next"]
    assert names == [f"Profile {number}" for number in (4, 3, 2, 1, 0)]


def test_a_vendor_that_only_writes_lists_its_writers(api, owner, settings):
    with FakeAnthropic() as vendor:
        settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
        profile = ConnectionProfile(owner=owner, name="Claude", provider="anthropic", base_url=vendor.url)
        profile.api_key = "sk-ant-0123456789"
        profile.save()
        live = api.get(f"/profiles/{profile.public_id}/models").json()
        asked = len(vendor.requests)
        again = api.get(f"/profiles/{profile.public_id}/models").json()
    assert (live["source"], live["note"], again) == ("live", "", live)
    assert len(vendor.requests) == asked
    able = {model["id"]: model["capabilities"] for model in live["items"]}["claude-haiku-5-5"]
    assert able == {"image_generation": False, "text": True, "vision": True}
    built_in = api.get(f"/profiles/{profile.public_id}/models", refresh="true").json()
    assert (built_in["source"], bool(built_in["note"])) == ("built-in", True)
    assert "claude-haiku-5-5" in [model["id"] for model in built_in["items"]]
