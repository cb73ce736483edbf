"""Every call of the API, by everybody's token: the owner's, one that may only read, another's, and none."""

import json
import re

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gallery import connections, ingest, tagging
from gallery.models import ApiToken, User
from gallery.models.base import uuid7
from tests.conftest import picture_bytes
from tests.gallery.test_access import everything, undone
from tests.gallery.world import World, client_of, routes

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]

THINGS = {  # which of the world's things an id in an address means
    "batch_id": "batch",
    "profile_id": "connection", "generation_id": "generation", "image_id": "image", "action_id": "action",
    "download_id": "archive", "import_id": "job", "tag_id": "character", "fragment_id": "fragment",
    "prompt_id": "saved_prompt", "preset_id": "preset",
    "search_id": "search", "placeholder_id": "placeholder", "comparison_id": "comparison",
    "index": 0, "number": 0,
}  # fmt: skip
# What each call is sent; None: nothing. The value in angle brackets is the id of a thing.
BODIES = {
    ("POST", "profiles"): {"name": "Another", "provider": "demo"},
    ("PATCH", "profiles/<profile_id>"): {"name": "Renamed"},
    ("DELETE", "profiles/<profile_id>"): None,
    ("POST", "profiles/<profile_id>/test"): None,
    ("POST", "generations"): {"prompt": "a fox", "profile": "<connection>", "model": "m"},
    ("POST", "generations/preview"): {"prompt": "a fox", "profile": "<connection>", "model": "m"},
    ("POST", "comparisons"): {
        "prompt": "a fox",
        "profiles": [{"profile": "<connection>", "model": "m"}, {"profile": "<connection>", "model": "k"}],
    },
    ("POST", "comparisons/<comparison_id>/keep"): {"generation": "<generation>"},
    ("POST", "generations/<generation_id>/cancel"): None,
    ("POST", "generations/<generation_id>/retry"): None,
    ("POST", "queue/pause"): None,
    ("POST", "queue/resume"): None,
    ("PUT", "queue/order"): {"generations": ["<generation>"]},
    ("POST", "batches"): {"prompt": "a {red|blue} fox", "profile": "<connection>", "model": "m"},
    ("POST", "batches/<batch_id>/pause"): None,
    ("POST", "batches/<batch_id>/resume"): None,
    ("POST", "batches/<batch_id>/cancel"): None,
    ("POST", "batches/<batch_id>/retry"): None,
    ("POST", "images"): None,
    ("PATCH", "images/<image_id>"): {"title": "Another"},
    ("DELETE", "images/<image_id>"): None,
    ("POST", "images/<image_id>/describe"): {},
    ("POST", "images/bulk"): {"ids": ["<image>"], "action": "favorite"},
    ("POST", "images/bulk/<action_id>/undo"): None,
    ("POST", "downloads"): {"ids": ["<image>"]},
    ("POST", "imports"): {"urls": ["https://example.com/a.png"]},
    ("POST", "tags"): {"kind": "tag", "name": "Another"},
    ("PATCH", "tags/<tag_id>"): {"description": "Another"},
    ("DELETE", "tags/<tag_id>"): None,
    ("POST", "tags/<tag_id>/merge"): {"into": "<persona>"},
    ("POST", "tags/<tag_id>/fragments"): {"name": "hat", "text": "a hat"},
    ("PATCH", "tags/<tag_id>/fragments/<fragment_id>"): {"text": "a hat"},
    ("DELETE", "tags/<tag_id>/fragments/<fragment_id>"): None,
    ("PUT", "tags/<tag_id>/implications"): {"tags": ["<tag>"]},
    ("PUT", "tags/<tag_id>/references"): {"images": ["<image>"]},
    ("POST", "placeholders"): {"name": "sky", "text": "sun"},
    ("PATCH", "placeholders/<placeholder_id>"): {"text": "sun"},
    ("DELETE", "placeholders/<placeholder_id>"): None,
    ("POST", "prompts"): {"name": "Calm", "text": "a calm sea"},
    ("PATCH", "prompts/<prompt_id>"): {"folder": "Sea"},
    ("DELETE", "prompts/<prompt_id>"): None,
    ("POST", "presets"): {"name": "Wide", "kind": "parameters", "values": {"aspect_ratio": "3:2"}},
    ("PATCH", "presets/<preset_id>"): {"name": "Oil painting"},
    ("DELETE", "presets/<preset_id>"): None,
    ("POST", "saved-searches"): {"name": "Snow", "query": "snow"},
    ("PATCH", "saved-searches/<search_id>"): {"name": "Snow"},
    ("DELETE", "saved-searches/<search_id>"): None,
}
READS = [
    "batches", "batches/<batch_id>",
    "profiles", "profiles/<profile_id>", "profiles/<profile_id>/models", "generations",
    "generations/<generation_id>", "comparisons", "comparisons/<comparison_id>",
    "generations/<generation_id>/events",
    "generations/<generation_id>/partials/<index>/<number>", "images", "images/<image_id>",
    "images/<image_id>/original", "images/<image_id>/thumbnail", "images/bulk/<action_id>",
    "downloads/<download_id>", "imports/<import_id>", "tags", "tags/<tag_id>", "tags/<tag_id>/fragments",
    "tags/<tag_id>/implications", "tags/<tag_id>/references", "placeholders", "placeholders/<placeholder_id>",
    "prompts", "prompts/<prompt_id>", "presets", "presets/<preset_id>",
    "saved-searches", "costs", "queue",
]  # fmt: skip
OPEN = {"openapi.json", "docs", ""}  # what stands in them is the same for everybody
CALLS = [*BODIES, *(("GET", path) for path in READS)]
# The owner's own, which this world cannot give: no preview is kept, no vendor answers, nobody follows.
OTHERWISE = {
    ("GET", "generations/<generation_id>/partials/<index>/<number>"): 404,
    ("GET", "generations/<generation_id>/events"): 406,
}
SINGLE = [call for call in CALLS if "_id>" in call[1]]


@pytest.fixture
def world(owner):
    return World(owner)


@pytest.fixture
def tokens(world, other):
    """Headers of each program."""
    issue = ApiToken.issue
    revoked, disabled = issue(world.owner, "revoked"), User.objects.create_user("disabled")
    ApiToken.objects.filter(pk=revoked[0].pk).update(revoked_at="2026-01-01T00:00Z")
    found = {
        "owner": issue(world.owner, "write")[1], "reader": issue(world.owner, "read", "read")[1],
        "other": issue(other, "write")[1], "revoked": revoked[1], "disabled": issue(disabled, "x")[1],
        "unknown": "vig_" + "x" * 43, "empty": "",
    }  # fmt: skip
    User.objects.filter(pk=disabled.pk).update(is_active=False)
    headers = {who: {"authorization": f"Bearer {token}"} for who, token in found.items()}
    return headers | {"nobody": {}, "basic": {"authorization": "Basic b3duZXI6b3duZXItcGFzcw=="}}


def plain(path: str) -> str:
    return re.sub(r"<\w+:(\w+)>", r"<\1>", path)


def send(client, call, things, headers):
    method, path = call
    where = re.sub(r"<(\w+)>", lambda found: id_of(things, THINGS[found[1]]), path)
    body = BODIES.get(call)
    data = "" if body is None else json.dumps(filled(body, things))
    with undone(), CaptureQueriesContext(connection) as queries:
        response = client.generic(method, f"/api/v1/{where}", data, "application/json", headers=headers)
    return response, len(queries)


def id_of(things, name) -> str:
    return str(name if isinstance(name, int) else things[name].public_id)


def test_every_call_is_asked():
    declared = set()
    for route in routes():
        if route.path.startswith("api/v1/"):
            path = plain(route.path.removeprefix("api/v1/"))
            operations = getattr(route.view, "__wrapped__", route.view)
            declared.add((path, operations is not None))
    paths = {path for path, _ in declared} - OPEN
    assert paths == {path for _, path in CALLS}


def test_the_document_names_no_call_that_is_not_asked(client):
    document = client.get("/api/v1/openapi.json").json()
    told = {
        (method.upper(), re.sub(r"{(\w+)}", r"<\1>", path.removeprefix("/api/v1/")))
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert told == set(CALLS)


@pytest.mark.parametrize("who", ["nobody", "basic", "empty", "unknown", "revoked", "disabled"])
def test_without_a_usable_token_every_call_is_401(client, world, tokens, who):
    wrong = {}
    for call in CALLS:
        response, _ = send(client, call, world.things(), tokens[who])
        if response.status_code != 401 or "WWW-Authenticate" not in response.headers:
            wrong[call] = response.status_code
    assert wrong == {}


def test_a_session_counts_for_nothing(world, tokens):
    """A browser that is logged in is a stranger here, and so is one with another's token."""
    client, before = client_of(world.owner), everything()
    assert {send(client, call, world.things(), {})[0].status_code for call in CALLS} == {401}
    assert everything() == before
    assert {send(client, call, world.things(), tokens["other"])[0].status_code for call in SINGLE} == {404}


def test_what_belongs_to_another_is_not_there(client, world, tokens):
    missing = dict.fromkeys(world.things(), Missing())
    wrong = {}
    send(client, CALLS[0], world.things(), tokens["other"])
    for call in SINGLE:
        foreign, n = send(client, call, world.things(), tokens["other"])
        absent, m = send(client, call, missing, tokens["other"])
        if foreign.status_code != 404 or (foreign.content, n) != (absent.content, m):
            wrong[call] = foreign.status_code, absent.status_code, n, m
    assert wrong == {}


class Missing:
    def __init__(self):
        self.public_id = uuid7()


def test_lists_hold_ones_own_alone(client, world, tokens):
    ids = {str(thing.public_id) for thing in world.things().values()}
    wrong = {}
    for call in CALLS:
        if call[0] == "GET" and "<" not in call[1]:
            text = send(client, call, world.things(), tokens["other"])[0].content.decode()
            wrong |= {call: text} if any(one in text for one in ids) else {}
    assert wrong == {}


def test_the_owner_reads_and_writes(client, world, tokens):
    wrong = {}
    for call in CALLS:
        status = send(client, call, world.things(), tokens["owner"])[0].status_code
        if status not in ({OTHERWISE[call]} if call in OTHERWISE else {200, 201, 202, 204, 422, 409}):
            wrong[call] = status
    assert wrong == {}


def test_a_token_that_may_only_read_reads(client, world, tokens):
    before, wrong = everything(), {}
    for call in CALLS:
        status = send(client, call, world.things(), tokens["reader"])[0].status_code
        expected = {403} if call in BODIES else {OTHERWISE[call]} if call in OTHERWISE else {200}
        if status not in expected:
            wrong[call] = status
    assert wrong == {}
    assert everything() == before


def test_look_ups_into_other_tables_are_refused(client, world, tokens):
    wrong = {}
    for path in READS:
        where = re.sub(r"<(\w+)>", lambda found: id_of(world.things(), THINGS[found[1]]), path)
        address = f"/api/v1/{where}?owner__password__startswith=x"
        told = client.get(address, headers=tokens["owner"]).status_code, client.get(address).status_code
        if told != (400, 401):
            wrong[path] = told
    assert wrong == {}


def test_a_token_cannot_make_or_widen_tokens(client, tokens):
    """There is no call for it, and the page for it wants a session."""
    document = client.get("/api/v1/openapi.json").json()
    assert not [path for path in document["paths"] if "token" in path]
    n = ApiToken.objects.count()
    answer = client.post("/settings/tokens/", {"name": "more", "scope": "write"}, headers=tokens["owner"])
    assert (answer.status_code, ApiToken.objects.count()) == (302, n)


# --- Mass assignment, and ids of others in bodies ----------------------------------------------------

WRITES = [call for call in BODIES if BODIES[call] is not None and call[0] in ("POST", "PATCH", "PUT")]


def test_fields_that_are_not_for_sending_are_refused(client, world, tokens):
    """Every column of every table: what a call does not declare is 422, and nothing happens."""
    models = apps.get_app_config("gallery").get_models()
    columns = {field.name for model in models for field in model._meta.fields} - PARTS_OF_A_REQUEST
    document = client.get("/api/v1/openapi.json").json()
    before, wrong = everything(), {}
    for call in WRITES:
        forged = dict.fromkeys(columns - declared_fields(document, call), 1)
        response = ask_with(
            client, call, world, tokens["owner"], filled(BODIES[call], world.things()) | forged
        )
        told = {error["field"] for error in response.json().get("errors", [])}
        if response.status_code != 422 or not told >= forged.keys():
            wrong[call] = response.status_code, forged.keys() - told
    assert wrong == {}
    after = everything()
    del before["gallery.ApiToken"], after["gallery.ApiToken"]  # when it was used last
    assert after == before


PARTS_OF_A_REQUEST = {"query", "path"}  # the answer takes these names for the part that they are in


def filled(body, things):
    text = json.dumps(body)
    for name in things:
        text = text.replace(f"<{name}>", id_of(things, name))
    return json.loads(text)


def ask_with(client, call, world, headers, body):
    where = re.sub(r"<(\w+)>", lambda found: id_of(world.things(), THINGS[found[1]]), call[1])
    return client.generic(call[0], f"/api/v1/{where}", json.dumps(body), "application/json", headers=headers)


def declared_fields(document, call) -> set[str]:
    path = "/api/v1/" + re.sub(r"<(\w+)>", r"{\1}", call[1])
    schema = document["paths"][path][call[0].lower()]["requestBody"]["content"]["application/json"]["schema"]
    return set(resolved(document, schema)["properties"])


def resolved(document, schema):
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if "$ref" in one)
    return (
        document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    )


def test_many_at_once_touch_ones_own_alone(client, world, tokens, other):
    mine = ingest.store(other, picture_bytes("#112233"), source="upload").image
    ids = [str(world.image.public_id), str(mine.public_id), str(uuid7())]
    before = everything()["gallery.Image"]
    for body in ({"action": "trash"}, {"action": "rate", "rating": 5}, {"action": "tag", "tags": ["x"]}):
        answer = client.post(
            "/api/v1/images/bulk", {"ids": ids, **body}, "application/json", headers=tokens["other"]
        ).json()
        assert answer["matched"] <= 1
    after = {row["id"]: row for row in everything()["gallery.Image"]}
    assert [row for row in before if row["owner_id"] == world.owner.pk and after[row["id"]] != row] == []
    archive = client.post("/api/v1/downloads", {"ids": ids[:1]}, "application/json", headers=tokens["other"])
    assert archive.status_code == 422


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("generations", {"prompt": "a", "profile": "<connection>"}),
        ("generations", {"prompt": "a", "references": ["<image>"]}),
        ("generations", {"prompt": "a", "references": ["<image2>"], "mask": "<image>"}),
        ("tags/<mine>/merge", {"into": "<character>"}),
    ],
)
def test_the_id_of_anothers_thing_in_a_body_is_not_there(client, world, tokens, other, call, body):
    """Nor is there a difference to an id that nobody has."""
    connections.create(other, name="Demo", provider="demo")
    mine = tagging.resolve(other, ["mine"])[0]

    def told(things):
        where = f"/api/v1/{call}".replace("<mine>", str(mine.public_id))
        answer = client.post(where, filled(body, things), "application/json", headers=tokens["other"])
        return answer.status_code, answer.content

    absent = dict.fromkeys(world.things(), Missing())
    assert told(world.things())[0] in (404, 422)
    assert told(world.things())[0] == told(absent)[0]
