# ruff: noqa: F811  the fixture `profile` comes from another file
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery.models import Comparison, ConnectionProfile, Generation, Tag
from tests.gallery.api.conftest import is_problem
from tests.gallery.generations.test_calls import profile  # noqa: F401
from tests.gallery.generations.test_comparisons import results_of, run
from tests.gallery.scripted import Scripted

PROMPT = {"prompt": "A fox in the snow"}


@pytest.fixture
def pairs(profile, monkeypatch):
    monkeypatch.setattr(Scripted, "knows", lambda self, model: True)
    return [
        {"profile": "Main", "model": "scripted-1"},
        {"profile": str(profile.public_id), "model": "other"},
    ]


def ask(api, pairs, **changes):
    return api.post("/comparisons", {**PROMPT, "profiles": pairs, **changes})


def test_a_comparison_is_accepted_at_once(api, pairs):
    response = ask(api, pairs, n=2, tags=["character:Mirel"])
    body = response.json()
    assert response.status_code == 202, body
    assert [made["model"] for made in body["generations"]] == ["scripted-1", "other"]
    assert {made["status"] for made in body["generations"]} == {"queued"}
    assert [column["error"] for column in body["columns"]] == [None, None]
    assert (body["kept"], body["cost_usd"], body["under_way_usd"]) == (None, "0.00", "0.40")


def test_a_model_that_refuses_has_its_error_in_its_column(api, pairs, owner):
    ConnectionProfile.objects.create(owner=owner, name="Keyless", provider="openai")
    body = ask(api, [pairs[0], {"profile": "Keyless"}]).json()
    assert len(body["generations"]) == 1
    assert body["columns"][1]["error"]["code"] == "auth"
    assert body["columns"][1]["generation"] is None


def test_one_can_be_kept_and_none_again(api, pairs):
    public_id = ask(api, pairs).json()["id"]
    first, _ = results_of(run(Comparison.objects.get()))
    body = api.post(f"/comparisons/{public_id}/keep", {"generation": str(first.public_id)}).json()
    assert (body["kept"], body["cost_usd"]) == (str(first.public_id), "0.10")
    assert api.post(f"/comparisons/{public_id}/keep", {"generation": None}).json()["kept"] is None


def test_what_is_still_drawn_cannot_be_kept(api, pairs):
    body = ask(api, pairs).json()
    wanted = {"generation": body["generations"][0]["id"]}
    is_problem(api.post(f"/comparisons/{body['id']}/keep", wanted), 422, "generation")


def test_a_generation_from_elsewhere_is_named(api, pairs):
    public_id = ask(api, pairs).json()["id"]
    wanted = {"generation": "0198c2f6-8a7e-7000-8000-0123456789ab"}
    is_problem(api.post(f"/comparisons/{public_id}/keep", wanted), 422, "generation")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt": " "}, "prompt"),
        ({"profile": "Main"}, "profile"),
        ({"model": "m"}, "model"),
        ({"profiles": [{"profile": "Main"}]}, "profiles"),
        ({"profiles": [{"profile": "Main"}] * 2}, "profiles"),
        ({"profiles": [{"profile": "Nobody"}] * 2}, "profile"),
        ({"tags": ["x" * 300]}, "tags"),
    ],
)
def test_bad_input_names_its_field_and_leaves_nothing(api, pairs, change, field):
    is_problem(ask(api, pairs, **{"tags": ["new"]} | change), 422, field)
    assert not Comparison.objects.exists()
    assert not Generation.objects.exists()
    assert not Tag.objects.exists()


def test_a_style_goes_around_the_prompt_of_each_column(api, pairs):
    api.post("/presets", {"name": "Oil", "kind": "style", "values": {"words": "in oil"}})
    body = ask(api, pairs, preset="Oil").json()
    assert all("in oil" in made["prompt_sent"] for made in body["generations"])
    assert {made["prompt"] for made in body["generations"]} == {PROMPT["prompt"]}


def test_parameters_of_a_preset_stand_in_for_what_is_left_out(api, pairs):
    api.post("/presets", {"name": "Two", "kind": "parameters", "values": {"n": 2}})
    body = ask(api, pairs, preset="Two").json()
    assert [made["n"] for made in body["generations"]] == [2, 2]


def test_the_same_key_answers_with_the_same_comparison(api, pairs):
    body = PROMPT | {"profiles": pairs}
    first = api.post("/comparisons", body, Idempotency_Key="k").json()
    assert api.post("/comparisons", body, Idempotency_Key="k").json()["id"] == first["id"]
    assert Generation.objects.count() == 2
    other = body | {"prompt": "A crow"}
    is_problem(api.post("/comparisons", other, Idempotency_Key="k"), 422, "Idempotency-Key")


def test_a_comparison_belongs_to_its_owner(api, foreign, reader, stranger, pairs):
    public_id = ask(api, pairs).json()["id"]
    assert reader.get(f"/comparisons/{public_id}").status_code == 200
    assert ask(reader, pairs).status_code == 403
    is_problem(foreign.get(f"/comparisons/{public_id}"), 404)
    is_problem(foreign.post(f"/comparisons/{public_id}/keep", {"generation": None}), 404)
    assert stranger.get(f"/comparisons/{public_id}").status_code == 401


def test_settings_are_for_their_own_model(api, owner, pairs):
    ConnectionProfile.objects.create(owner=owner, name="Demo", provider="demo")
    own = {"profile": "Demo", "settings": {"size": "1536x1024"}}
    made = ask(api, [pairs[0], own], seed=3).json()["generations"]
    assert [one["params"] for one in made] == [{"seed": 3}, {"seed": 3, "size": "1536x1024"}]
    own["settings"] = {"colour": "red"}
    error = ask(api, [pairs[0], own]).json()["columns"][1]["error"]
    assert (error["code"], "colour" in error["message"]) == ("invalid_request", True)


def test_comparisons_are_listed_newest_first_and_page_by_page(api, foreign, reader, pairs):
    made = [ask(api, pairs, prompt=prompt).json()["id"] for prompt in ("one", "two", "three")]
    first = reader.get("/comparisons?limit=2").json()
    assert [item["id"] for item in first["items"]] == made[:0:-1]
    assert [column["model"] for column in first["items"][0]["columns"]] == ["scripted-1", "other"]
    rest = api.get(f"/comparisons?limit=2&after={first['next']}").json()
    assert ([item["prompt"] for item in rest["items"]], rest["next"]) == (["one"], None)
    assert foreign.get("/comparisons").json() == {"items": [], "next": None}
    is_problem(api.get("/comparisons?after=mine"), 400, "after")


@pytest.mark.thorough
def test_the_list_takes_as_many_queries_for_twenty_as_for_ten(api, pairs):
    counts = []
    for _ in range(2):
        for _ in range(10):
            ask(api, pairs)
            run(Comparison.objects.first())
        with CaptureQueriesContext(connection) as seen:
            assert api.get("/comparisons?limit=200").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("n", [2, 6])
def test_a_comparison_is_read_in_the_same_queries(api, pairs, django_assert_max_num_queries, n):
    wanted = [{"profile": "Main", "model": f"m{index}"} for index in range(n)]
    public_id = ask(api, wanted).json()["id"]
    run(Comparison.objects.get())
    with django_assert_max_num_queries(14):
        assert api.get(f"/comparisons/{public_id}").status_code == 200
