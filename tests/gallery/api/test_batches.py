"""Many generations of one request, through the API."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from gallery import batches, tagging
from gallery.generations import calls
from gallery.generations.generation import Wish
from gallery.models import Batch, Generation, Tag
from gallery.prompting import placeholders, presets
from tests.gallery.api.conftest import is_problem
from tests.gallery.views.test_batches import fill


@pytest.fixture
def profile(profile):
    profile.options = {"delay": 0}
    profile.save()
    return profile


def finish(batch):
    while Generation.objects.filter(status="queued").exists() or batch.state == "running":
        batches.feed(batch.pk)
        for generation in Generation.objects.filter(status="queued"):
            for call in generation.calls.all():
                calls.run(call.pk)
        batch.refresh_from_db()


def test_a_batch_is_begun_followed_and_done(api, profile):
    body = {
        "prompt": "{red|blue} fox",
        "words": ["sly"],
        "shapes": ["1024x1024", "1536x1024"],
        "tags": ["dusk"],
    }
    answer = api.post("/batches", body)
    told = answer.json()
    assert (answer.status_code, told["cells"], told["estimated_cost_usd"]) == (202, 4, "0.00")
    assert [axis["kind"] for axis in told["axes"]] == ["choice", "words", "shape"]
    finish(Batch.objects.get())
    whole = api.get(f"/batches/{told['id']}").json()
    assert (whole["state"], whole["counts"], whole["cost_usd"]) == ("done", {"done": 4}, "0.00")
    first = whole["items"][0]
    assert (first["row"], first["column"], first["prompt"]) == ("red · sly", "1024 × 1024", "red fox, sly")
    assert first["generation"]["params"]["size"] == "1024x1024"
    assert len(first["generation"]["images"]) == 1
    assert Tag.objects.get(name="dusk").count.n == 4
    assert api.get("/batches").json()["items"][0]["id"] == told["id"]


def test_what_varies_is_kept_in_english_whoever_asked(owner, profile):
    order = batches.Order(wish=Wish(profile=profile, prompt="a fox"), words=["sly"], shapes=["1024x1024"])
    with translation.override("de"):
        assert [str(axis.name) for axis in batches.lay_out(order).axes] == ["Wörter", "Format"]
        batch = batches.create(owner, order)
    assert [axis["name"] for axis in batch.axes] == ["Words", "Shape"]


def test_looks_and_placeholders_are_named(api, owner, profile):
    tagging.resolve(owner, ['look:"Mirel:winter cloak"', "look:Mirel:hood"])
    placeholders.create(owner, name="sky", values=["sun", "rain"])
    body = {
        "prompt": "@Mirel under {{sky}}",
        "looks": ["Mirel:winter cloak", "mirel:Hood"],
        "placeholders": ["Sky"],
    }
    told = api.post("/batches", body).json()
    assert told["cells"] == 4
    prompts = [item["prompt"] for item in api.get(f"/batches/{told['id']}").json()["items"]]
    assert prompts[:2] == ['@Mirel:"winter cloak" under sun', '@Mirel:"hood" under sun']


def test_whole_prompts_are_taken_as_they_are(api, profile):
    told = api.post("/batches", {"prompts": ["a {red|blue} fox", "a cat"]}).json()
    items = api.get(f"/batches/{told['id']}").json()["items"]
    assert [item["prompt"] for item in items] == ["a {red|blue} fox", "a cat"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": "a fox"}, "prompt"),
        ({"prompt": "a fox", "prompts": ["b"]}, "prompts"),
        ({"prompt": "{a|b}", "looks": ["Mirel:cloak"]}, "looks"),
        ({"prompt": "{a|b}", "looks": ["cloak"]}, "looks"),
        ({"prompt": "{a|b}", "placeholders": ["sky"]}, "placeholders"),
        ({"prompt": "{a|b}", "words": ["x"] * 1001}, "words"),
        ({"prompt": "{a|b}", "shapes": ["17:3"]}, "size"),
        ({"prompt": "{a|b}", "colour": "red"}, "colour"),
    ],
)
def test_bad_input_is_named(api, profile, body, field):
    is_problem(api.post("/batches", body), 422, field)
    assert not Batch.objects.exists()


def test_ten_thousand_cells_are_refused(api, profile):
    hundred = "{" + "|".join(map(str, range(100))) + "}"
    told = is_problem(api.post("/batches", {"prompt": hundred + hundred, "tags": ["new"]}), 422)
    assert "10,000" in told["detail"]
    assert not Tag.objects.exists()


def test_a_batch_is_paused_resumed_cancelled_and_retried(api, profile):
    id = api.post("/batches", {"prompt": "{a|b}"}).json()["id"]
    for deed, state in [
        ("pause", "paused"),
        ("resume", "running"),
        ("cancel", "cancelled"),
        ("retry", "cancelled"),
    ]:
        answer = api.post(f"/batches/{id}/{deed}")
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    Batch.objects.get().cells.update(state="failed")
    assert api.post(f"/batches/{id}/retry").json()["state"] == "running"


def test_what_may_have_been_charged_is_tried_again_when_it_is_asked_for(api, profile):
    id = api.post("/batches", {"prompt": "{a|b}"}).json()["id"]
    finish(Batch.objects.get())
    Generation.objects.update(status="unknown", may_have_been_charged=True)
    told = api.get(f"/batches/{id}").json()
    assert (told["unsure"], told["counts"]) == (2, {"failed": 2})
    assert api.post(f"/batches/{id}/retry").json()["state"] == "done"
    assert api.post(f"/batches/{id}/retry", {"unsure": True}).json()["state"] == "running"
    finish(Batch.objects.get())
    assert api.get(f"/batches/{id}").json()["counts"] == {"done": 2}


def test_parameters_of_a_preset_stand_in_for_what_is_left_out(api, owner, profile):
    presets.create(owner, name="Wide", kind="parameters", values={"size": "1536x1024", "quality": "high"})
    told = api.post("/batches", {"prompt": "{a|b}", "preset": "Wide"}).json()
    finish(Batch.objects.get())
    items = api.get(f"/batches/{told['id']}").json()["items"]
    assert {item["generation"]["params"]["size"] for item in items} == {"1536x1024"}
    is_problem(api.post("/batches", {"prompt": "{a|b}", "preset": "Tall"}), 422, "preset")


def test_a_turn_of_another_person_is_not_gone_on_from(api, profile, other):
    theirs = Generation.objects.create(owner=other, provider="demo", model="m", prompt="p", n=1)
    answer = api.post("/batches", {"prompt": "{a|b}", "follows": str(theirs.public_id)})
    assert (answer.status_code, Batch.objects.count()) == (404, 0)


def test_the_same_key_answers_with_the_same_batch(api, profile):
    first = api.post("/batches", {"prompt": "{a|b}"}, Idempotency_Key="k").json()
    assert api.post("/batches", {"prompt": "{a|b}"}, Idempotency_Key="k").json()["id"] == first["id"]
    is_problem(api.post("/batches", {"prompt": "{c|d}"}, Idempotency_Key="k"), 422, "Idempotency-Key")


def test_a_batch_is_its_owners_alone(api, reader, foreign, stranger, profile):
    id = api.post("/batches", {"prompt": "{a|b}"}).json()["id"]
    assert reader.get(f"/batches/{id}").status_code == 200
    assert reader.post("/batches", {"prompt": "{a|b}"}).status_code == 403
    assert foreign.get("/batches").json()["items"] == []
    for path in (f"/batches/{id}", f"/batches/{uuid4()}"):
        assert (foreign.get(path).status_code, stranger.get(path).status_code) == (404, 401)
    for deed in ("pause", "resume", "cancel", "retry"):
        assert foreign.post(f"/batches/{id}/{deed}").status_code == 404


def test_queries_do_not_grow_with_batches_or_cells(api, profile, stored):
    counts = {}
    for n in (10, 20):
        for _ in range(10):
            made = api.post("/batches", {"prompt": "{" + "|".join(map(str, range(n))) + "}"}).json()
        fill(Batch.objects.get(public_id=made["id"]), stored)
        for path in ("/batches", f"/batches/{made['id']}"):
            with CaptureQueriesContext(connection) as seen:
                assert api.get(path).status_code == 200
            counts.setdefault(path.count("/"), []).append(len(seen))
    assert all(few == many for few, many in counts.values())
