import base64
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from gallery import ingest, tagging
from gallery.generations import partials, summaries
from gallery.models import ConnectionProfile, Generation, GenerationCall, Tag
from providers.base import PartialImage
from tests.conftest import picture_bytes
from tests.gallery.api.conftest import is_problem

PROMPT = {"prompt": "A fox in the snow"}


def ask(api, **changes):
    return api.post("/generations", PROMPT | changes)


def test_a_wish_is_accepted_at_once(api, profile):
    response = ask(api, n=2, seed=7, tags=["character:Mirel", "portrait"], persona="Ash")
    assert response.status_code == 202
    body = response.json()
    assert (body["status"], body["n"], body["prompt"]) == ("queued", 2, PROMPT["prompt"])
    assert (body["profile"], body["provider"]) == (str(profile.public_id), "demo")
    assert body["params"]["seed"] == 7
    assert (body["images"], body["error"], body["started_at"]) == ([], None, None)
    assert body["created_at"].endswith("Z")
    tags = Generation.objects.get().tags.values_list("kind", "name")
    assert set(tags) == {("character", "Mirel"), ("tag", "portrait"), ("persona", "Ash")}


def test_money_is_a_decimal_string(api, profile):
    public_id = ask(api).json()["id"]
    Generation.objects.update(cost_usd=Decimal("0.003300"), estimated_cost_usd=Decimal("0.250000"))
    body = api.get(f"/generations/{public_id}").json()
    assert (body["cost_usd"], body["estimated_cost_usd"]) == ("0.0033", "0.25")


@pytest.mark.parametrize("by", ["Demo", "demo", "id"])
def test_a_profile_is_named_or_given_by_id(api, profile, by):
    wanted = str(profile.public_id) if by == "id" else by
    assert ask(api, profile=wanted).status_code == 202


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"n": 0}, "n"),
        ({"n": 101}, "n"),
        ({"n": "two"}, "n"),
        ({"prompt": " "}, "prompt"),
        ({"prompt": "a\x00"}, "prompt"),
        ({"size": "12x12"}, "size"),
        ({"quality": "splendid"}, "quality"),
        ({"tags": ["x" * 300]}, "tags"),
        ({"tags": ["x" * 150]}, "tags"),
        ({"tags": "portrait"}, "tags"),
        ({"profile": "Nobody"}, "profile"),
        ({"seed": 2**70}, "seed"),
        ({"options": {"a": [1]}}, "options.a"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_the_model_does_not_take_is_named(api, profile, change, field):
    is_problem(ask(api, **change), 422, field)
    assert not Generation.objects.exists()
    assert not Tag.objects.exists()


def test_everything_that_is_wrong_is_named_at_once(api, profile):
    reply = ask(api, prompt=" ", size="12x12", quality="splendid", seed=-1, options={"steps": 5})
    named = [error["field"] for error in reply.json()["errors"]]
    assert named == ["prompt", "size", "quality", "options"]
    assert reply.json()["detail"] == reply.json()["errors"][0]["message"]


def test_a_request_that_was_put_off_says_when_it_is_tried_again(api, profile):
    made = ask(api).json()
    again = timezone.now().replace(microsecond=0) + timedelta(minutes=2)
    told = {"error_code": "rate_limited", "error_message": "Demo asks to slow down."}
    GenerationCall.objects.update(run_after=again, **told)
    summaries.refresh(Generation.objects.get().pk)
    error = api.get(f"/generations/{made['id']}").json()["error"]
    assert datetime.fromisoformat(error["retry_at"]) == again
    clock = f"{timezone.localtime(again):%H:%M}"
    assert error["message"] == f"Demo asks to slow down. Trying again at {clock}."


def test_a_refused_wish_leaves_no_tags(api, profile):
    assert ask(api, tags=["new"], size="1x1").status_code == 422
    assert not Tag.objects.exists()


def test_without_a_default_profile_the_field_is_named(api, db):
    is_problem(ask(api), 422, "profile")


def test_the_vendors_code_comes_along(api, owner):
    ConnectionProfile.objects.create(owner=owner, name="OpenAI", provider="openai", is_default=True)
    body = is_problem(ask(api), 422)
    assert body["code"] == "auth"


def test_another_users_profile_does_not_exist(foreign, profile):
    is_problem(ask(foreign, profile=str(profile.public_id)), 404)
    is_problem(ask(foreign, profile=profile.name), 422, "profile")


def test_the_same_idempotency_key_gives_the_same_generation(api, profile):
    first = api.post("/generations", PROMPT, Idempotency_Key="k1")
    again = api.post("/generations", PROMPT, Idempotency_Key="k1")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert GenerationCall.objects.count() == 1


def test_an_idempotency_key_for_another_wish_is_refused(api, profile):
    api.post("/generations", PROMPT, Idempotency_Key="k1")
    is_problem(api.post("/generations", PROMPT | {"n": 2}, Idempotency_Key="k1"), 422, "Idempotency-Key")
    is_problem(api.post("/generations", PROMPT, Idempotency_Key="k" * 201), 422, "Idempotency-Key")


def test_a_waiting_generation_is_cancelled(api, profile):
    public_id = ask(api).json()["id"]
    body = api.post(f"/generations/{public_id}/cancel").json()
    assert body["status"] == "cancelled"
    assert body["error"]["code"] == "cancelled"
    assert body["error"]["may_have_been_charged"] is False


def test_a_cancelled_generation_is_tried_again(api, profile):
    public_id = ask(api).json()["id"]
    api.post(f"/generations/{public_id}/cancel")
    response = api.post(f"/generations/{public_id}/retry")
    assert (response.status_code, response.json()["status"]) == (202, "queued")
    assert response.json()["id"] != public_id


def test_a_generation_that_is_tried_again_twice_is_asked_for_once(api, profile):
    public_id = ask(api).json()["id"]
    api.post(f"/generations/{public_id}/cancel")
    first, second = (api.post(f"/generations/{public_id}/retry").json()["id"] for _ in range(2))
    assert first == second
    api.post(f"/generations/{first}/cancel")
    assert api.post(f"/generations/{public_id}/retry").json()["id"] not in (public_id, first)


def test_a_running_generation_cannot_be_tried_again(api, profile):
    public_id = ask(api).json()["id"]
    assert is_problem(api.post(f"/generations/{public_id}/retry"), 422)["code"] == "invalid_request"


def test_a_list_is_filtered_by_status(api, profile):
    done, waiting = ask(api).json()["id"], ask(api).json()["id"]
    Generation.objects.filter(public_id=done).update(status="done")
    assert [item["id"] for item in api.get("/generations", status="queued").json()["items"]] == [waiting]
    is_problem(api.get("/generations", status="lost"), 422, "status")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "/cancel"), ("POST", "/retry")])
def test_a_foreign_generation_does_not_exist(api, foreign, stranger, profile, method, path):
    public_id = ask(api).json()["id"]
    is_problem(foreign.send(method, f"/generations/{public_id}{path}"), 404)
    is_problem(stranger.send(method, f"/generations/{public_id}{path}"), 401)
    assert api.get(f"/generations/{public_id}").json()["status"] == "queued"


@pytest.mark.parametrize("rows", [10, 20])
def test_a_list_costs_the_same_however_long(api, owner, profile, rows, django_assert_max_num_queries):
    api.get("/tags")
    for number in range(rows):
        Generation.objects.create(
            owner=owner, profile=profile, provider="demo", model="m", prompt=f"p{number}"
        )
    with django_assert_max_num_queries(3):
        page = api.get("/generations", limit=200).json()
    assert len(page["items"]) == rows


# --- Pictures that go along -----------------------------------------------------------------------


@pytest.fixture
def openai(owner):
    profile = ConnectionProfile(owner=owner, name="OpenAI", provider="openai", is_default=True)
    profile.api_key = "sk-0123456789abcdef"
    profile.save()
    return profile


@pytest.fixture
def pictures(owner):
    colors = ("#803040", "#304080")
    stored = (ingest.store(owner, picture_bytes(color, (200, 300)), source="upload") for color in colors)
    return [one.image for one in stored]


def data_url(size=(200, 300)):
    return f"data:image/png;base64,{base64.b64encode(picture_bytes('white', size)).decode()}"


def ids(images):
    return [str(image.public_id) for image in images]


@pytest.mark.parametrize(("mode", "kept"), [(None, "edit"), ("edit", "edit"), ("generate", "generate")])
def test_references_go_along_in_their_order(api, openai, pictures, mode, kept):
    response = ask(api, references=ids(reversed(pictures)), mode=mode)
    assert (response.status_code, response.json()["mode"]) == (202, kept)
    sent = [reference.image for reference in Generation.objects.get().references.all()]
    assert sent == pictures[::-1]


@pytest.mark.parametrize("by", ["data URL", "id"])
def test_a_mask_is_a_data_url_or_a_picture(api, owner, openai, pictures, by):
    stored = ingest.store(owner, picture_bytes("white", (400, 600)), source="upload").image
    mask = data_url() if by == "data URL" else str(stored.public_id)
    assert ask(api, references=ids(pictures), mask=mask).status_code == 202
    made = Generation.objects.get()
    assert (made.mode, made.mask_key[:6]) == ("edit", "masks/")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mask": data_url()}, "mask"),
        ({"mask": "nonsense", "references": 1}, "mask"),
        ({"mask": "data:image/png;base64,AAAA", "references": 1}, "mask"),
        ({"mask": data_url((300, 300)), "references": 1}, "mask"),
        ({"mode": "edit"}, "references"),
        ({"mode": "variation", "references": 1}, "mode"),
        ({"mode": "paint"}, "mode"),
        ({"references": ["nonsense"]}, "references"),
        ({"references": 1, "model": "gpt-image-2", "options": {"input_fidelity": "low"}}, "options"),
    ],
)
def test_pictures_that_cannot_go_along_are_named(api, openai, pictures, changes, field):
    if changes.get("references") == 1:
        changes = changes | {"references": ids(pictures[:1])}
    body = is_problem(ask(api, **changes), 422)
    assert field in [error["field"].partition(".")[0] for error in body["errors"]]
    assert not Generation.objects.exists()


def test_a_model_without_references_or_previews_says_so(api, profile, pictures):
    is_problem(ask(api, references=ids(pictures), mode="generate"), 422, "references")
    is_problem(ask(api, stream=True), 422, "stream")


def test_another_users_pictures_do_not_exist(api, other, openai, pictures):
    foreign = ingest.store(other, picture_bytes("#445566", (200, 300)), source="upload").image
    is_problem(ask(api, references=ids([pictures[0], foreign])), 404)
    is_problem(ask(api, references=ids(pictures), mask=str(foreign.public_id)), 404)
    assert not Generation.objects.exists()


def test_a_picture_in_the_trash_does_not_go_along(api, openai, pictures):
    tagging.trash(pictures[:1])
    is_problem(ask(api, references=ids(pictures)), 422, "references")


def test_a_body_with_a_huge_mask_is_too_big(api, openai, pictures):
    huge = "data:image/png;base64," + "A" * 3_000_000
    body = is_problem(ask(api, references=ids(pictures), mask=huge), 413)
    assert "a mask by its id" in body["detail"]


def test_a_variation_needs_no_prompt_and_a_retired_model_goes_out_when_forced(api, openai, pictures):
    wish = {"prompt": "", "mode": "variation", "model": "dall-e-2", "references": ids(pictures[:1])}
    assert is_problem(api.post("/generations", wish), 422)["code"] == "model_unavailable"
    response = api.post("/generations", wish | {"options": {"force_model": True}})
    assert response.status_code == 202
    assert is_problem(api.post("/generations", {"mode": "edit", "references": ids(pictures)}), 422, "prompt")


def test_a_streamed_generation_is_one_call_a_picture(api, openai):
    body = ask(api, stream=True, n=3).json()
    assert body["params"]["stream"] is True
    assert GenerationCall.objects.count() == 3


# --- Events ---------------------------------------------------------------------------------------


def test_without_the_shell_events_ask_for_polling(api, profile):
    public_id = ask(api).json()["id"]
    assert "every two seconds" in is_problem(api.get(f"/generations/{public_id}/events"), 406)["detail"]


def test_a_preview_is_fetched_with_the_token(api, foreign, stranger, profile):
    public_id = ask(api).json()["id"]
    call = GenerationCall.objects.get()
    partials.keep(call, PartialImage(index=0, data=picture_bytes()))
    path = f"/generations/{public_id}/partials/0/0"
    answer = api.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    is_problem(foreign.get(path), 404)
    is_problem(stranger.get(path), 401)
    is_problem(api.get(f"/generations/{public_id}/partials/0/1"), 404)
