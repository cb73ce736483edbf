"""Every route, asked by everybody: one without a rule fails, and so does one that says more than its rule."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from gallery import accounts
from gallery.files import media
from gallery.models import ApiToken, AuditEntry, User
from gallery.models.base import uuid7
from tests.gallery.world import World, client_of, routes

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]

GET, POST = "GET", "POST"
READ, WRITE, BOTH = {GET}, {POST}, {GET, POST}


@dataclass(frozen=True)
class Rule:
    """Who may ask, and how. `things` fills the parameters from the `World`."""

    methods: set[str]
    things: dict[str, str]
    kind: str = "page"  # or "public", "media", "staff"


def rule(methods, public_id="", kind="page", **things) -> Rule:
    return Rule(methods, things | ({"public_id": public_id} if public_id else {}), kind)


def each(names: str, methods, *args, **kwargs) -> dict[str, Rule]:
    return {name: rule(methods, *args, **kwargs) for name in names.split()}


PAGES = (
    each("prompt-history prompt-library generate-shelf presets", READ)
    | each("saved-prompt-new preset-new", BOTH)
    | each("prompt-keep", WRITE)
    | each("index add queue queue-poll history costs costs-export tag-suggest search-help", READ)
    | each("search-suggest facets months trash duplicates settings connections account storage", READ)
    | each("characters personas chats tags generate-pick prompt-complete", READ)
    | each(
        "add-upload add-import add-generate searches compare tokens appearance privacy connection-new", BOTH
    )
    | each("batches", BOTH)
    | each("batch-new", WRITE)
    | each("account_change_password account_reauthenticate prompts placeholder-new", BOTH)
    | each("generate-controls generate-estimate improve-prompt use-prompt generate-references bulk", WRITE)
    | each("bulk-tags costs-limit tag-new search-remember stack-make trash-empty trash-restore hide", WRITE)
    | each("commands", READ)
    | each("keyboard", BOTH)
    | each("appearance-gallery queue-pause queue-stop", WRITE)
    | each("account_set_password", BOTH)
    | each("comparisons", BOTH)
    | each("setup-storage", READ)
    | each("setup-provider", BOTH)
)
OBJECTS = (
    each("image stack", READ, "image")
    | each("favourite image-edit image-tags image-describe image-trash image-restore", WRITE, "image")
    | each("stack-apart stack-out", WRITE, "image")
    | each("refine", BOTH, "image")
    | each("image-suggestions", WRITE, "image", assist_id="suggestion")
    | each("generate-models connection-test connection-models connection-default", WRITE, "connection")
    | each("connection-delete", WRITE, "connection")
    | each("connection", BOTH, "connection")
    | each("generation", READ, "generation")
    | each("generation-move", WRITE, "generation")
    | each("generation-cancel generation-check generation-retry generation-dismiss", WRITE, "generation")
    | each("generation-answer", READ, "generation", index=0)
    | each("generation-preview", READ, "generation", index=0, number=0)
    | each("comparison", READ, "comparison")
    | each("comparison-keep", WRITE, "comparison")
    | each("batch", READ, "batch")
    | each("batch-pause batch-resume batch-cancel batch-retry", WRITE, "batch")
    | each("import", READ, "job")
    | each("import-cancel", WRITE, "job")
    | each("bulk-action", READ, "action")
    | each("bulk-undo bulk-stop", WRITE, "action")
    | each("tag-edit tag-merge tag-delete tag-avatar tag-references", BOTH, "character")
    | each("placeholder", BOTH, "placeholder")
    | each("placeholder-delete", WRITE, "placeholder")
    | each("saved-prompt", BOTH, "saved_prompt")
    | each("saved-prompt-delete", WRITE, "saved_prompt")
    | each("preset", BOTH, "preset")
    | each("preset-move preset-delete", WRITE, "preset")
    | each("tag-spread tag-pin", WRITE, "character")
    | each("fragment-new", BOTH, "character")
    | each("fragment", BOTH, "character", fragment_id="fragment")
    | each("fragment-move fragment-delete", WRITE, "character", fragment_id="fragment")
    | {kind: rule(READ, kind, slug="x") for kind in ("look", "character", "persona", "chat", "tag")}
    | each("chat-refine", BOTH, "chat", slug="x")
    | each("saved-search saved-search-delete", WRITE, "search")
    | each("duplicate-decide duplicate-reopen", WRITE, "pair")
    | each("token-revoke", WRITE, "token")
)
OPEN = (
    each("account_login account_logout account_signup", BOTH, kind="public")
    | each("manifest service-worker offline away", READ, kind="public")
    | each("share", WRITE, kind="public")
    | each("account_inactive health-live health-ready", READ, kind="public")
    | each("metrics", READ, kind="staff")
    | each("setup", BOTH, kind="public", token="0" * 40)
    | each("original", READ, "image", kind="media")
    | each("download", READ, "archive", kind="media")
    | each("thumbnail", READ, kind="media", owner=1, name="0" * 32 + "-320.webp")
)
RULES = PAGES | OBJECTS | OPEN
# What the owner gets who has not sent what a form asks for, or whose thing is not there any more.
FINE = {200, 201, 204, 206, 301, 302, 422}
# The owner's own, and not there: no answer and no preview is kept, no model, no picture
# and no choice is named.
OTHERWISE = (
    {"generation-answer": {404}, "generation-preview": {404}, "compare": {400}}
    | {"setup-storage": {404}, "setup-provider": {404}}  # the owner of the world is no administrator
    | dict.fromkeys(
        ("generate-controls", "generate-estimate", "improve-prompt", "generate-references", "image-describe"),
        {200, 204, 404, 422},
    )
    | {"duplicate-decide": {400}, "generation-move": {400}, "metrics": {404}}
)
HTML = [one for one in routes() if not one.path.startswith(("admin/", "api/"))]


@pytest.fixture
def world(owner):
    return World(owner)


def address(route, things: dict[str, object]) -> str:
    wanted = RULES[route.name].things
    return route.at(**{name: value_of(things.get(str(thing), thing)) for name, thing in wanted.items()})


def value_of(thing):
    return getattr(thing, "public_id", thing)


class Missing:
    """What has an id like all others, and is nowhere."""

    def __init__(self):
        self.public_id = uuid7()


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block does."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ask(client, method, where, **headers):
    with undone():
        return client.generic(method, where, headers=headers)


def test_every_route_has_a_rule():
    assert {route.name for route in HTML} == RULES.keys()
    assert len({route.name for route in HTML}) == len(HTML)


# --- Pages ----------------------------------------------------------------------------------------


def strangers(owner) -> dict[str, object]:
    """Everybody whom a page does not know, with the token of somebody whom the API does."""
    disabled = client_of(owner)
    token = ApiToken.issue(owner, "x")[1]
    User.objects.filter(pk=owner.pk).update(is_active=False)
    return {"anonymous": (client_of(None), {}), "disabled": (disabled, {}),
            "token": (client_of(None), {"authorization": f"Bearer {token}"})}  # fmt: skip


def wanted_of_strangers(route, method) -> set[int]:
    known = RULES[route.name]
    if known.kind == "media":
        return {404} if method in known.methods else {404, 405}
    if known.kind == "staff":
        return {404} if method in {*known.methods, "HEAD"} else {405}
    if route.name == "setup":
        return {404}
    return {200, 302, 405} if known.kind == "public" else {302}


def test_strangers_are_asked_to_log_in_and_see_no_picture(world):
    wrong = {}
    for who, (client, headers) in strangers(world.owner).items():
        for route in HTML:
            for method in (GET, "HEAD", POST):
                response = ask(client, method, address(route, world.things()), **headers)
                is_login = response.status_code != 302 or response.url.startswith(("/login/", "/"))
                if response.status_code not in wanted_of_strangers(route, method) or not is_login:
                    wrong[who, method, route.path] = response.status_code
    assert wrong == {}


OUTSIDERS = {
    "other": {},
    "staff": {"is_staff": True},
    "superuser": {"is_staff": True, "is_superuser": True},
}


@pytest.mark.parametrize("who", OUTSIDERS)
def test_what_belongs_to_another_is_not_there(world, who):
    client = client_of(User.objects.create_user(who, **OUTSIDERS[who]))
    wrong = {}
    for route in THEIRS:
        for method in sorted(RULES[route.name].methods):
            status = ask(client, method, address(route, world.things())).status_code
            if status != 404:
                wrong[method, route.path] = status
    assert wrong == {}


def test_what_belongs_to_another_is_told_from_nothing_by_no_word_and_no_query(world, other):
    client, missing = client_of(other), dict.fromkeys(world.things(), Missing())
    wrong = {}
    for route in THEIRS:
        for method in sorted(RULES[route.name].methods | {"HEAD"}):
            foreign = answer(client, method, address(route, world.things()))
            absent = answer(client, method, address(route, missing))
            if foreign != absent or foreign[0] not in (404, 405):
                wrong[method, route.path] = foreign[0], absent[0], foreign[2], absent[2]
    assert wrong == {}


THEIRS = [route for route in HTML if route.name in OBJECTS or route.name in ("original", "download")]


def answer(client, method, where):
    """Status, text and number of queries. Nonces and CSRF tokens differ from one answer to the next."""
    with (
        undone(),
        CaptureQueriesContext(
            connection,
        ) as queries,
    ):
        response = client.generic(method, where)
    text = response.getvalue().decode("latin-1")
    for part in (where, where.split("/")[2] if where.count("/") > 2 else where):
        text = text.replace(part, "")
    return response.status_code, RANDOM.sub("", text), len(queries)


RANDOM = re.compile(r'csrfmiddlewaretoken" value="\w+"|X-CSRFToken": "\w+"|nonce="[\w+/=-]+"')


def test_the_owner_gets_all_of_it(world):
    client = client_of(world.owner)
    wrong = {}
    for route in HTML:
        if RULES[route.name].kind == "public":
            continue
        for method in sorted(RULES[route.name].methods):
            status = ask(client, method, picture_address(route, world)).status_code
            if status not in (OTHERWISE.get(route.name) or FINE):
                wrong[method, route.path] = status
    assert wrong == {}


def picture_address(route, world) -> str:
    if route.name == "thumbnail":
        return media.thumbnail_url(world.image.public_id, world.owner.pk, 320)
    return address(route, world.things())


def test_a_method_that_a_route_does_not_know_is_refused(world):
    client = client_of(world.owner)
    wrong = {}
    for route in HTML:
        known, where = RULES[route.name], picture_address(route, world)
        if known.kind == "public":
            continue
        for method in {GET, POST, "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} - known.methods:
            status = ask(client, method, where).status_code
            if status != 405 and not (route.name in SENT_ON and status in (301, 302)):
                wrong[method, route.path] = status
    assert wrong == {}


SENT_ON = {"add", "settings", "bulk-tags"}  # to a page that answers


# --- No change by looking -------------------------------------------------------------------------

LEFT_OUT = {"sessions.Session", "gallery.AuditEntry", "gallery.CacheEntry"}  # what a visit itself leaves


def everything() -> dict[str, list]:
    """Every row of every table."""
    models = [model for model in apps.get_models() if model._meta.label not in LEFT_OUT]
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in models}


def test_looking_changes_nothing_and_head_is_get_without_its_body(world):
    world.owner.is_staff = world.owner.is_superuser = True
    world.owner.save()
    client = client_of(world.owner)
    before, wrong = everything(), {}
    for route in HTML:
        if route.name == "account_logout":
            continue
        where = picture_address(route, world)
        client.get(where, headers={"HX-Request": "true"})
        whole, head = client.get(where), client.head(where)
        if whole.status_code != head.status_code or head.getvalue():
            wrong[route.path] = whole.status_code, head.status_code
    after = everything()
    assert wrong == {}
    assert [table for table in before if before[table] != after[table]] == []


def test_without_a_csrf_token_nothing_is_done(world):
    """Also in a form's own words: the page is ours, and says what to do."""
    client, before = client_of(world.owner, check_csrf=True), everything()
    wrong = {}
    for route in HTML:
        if POST not in RULES[route.name].methods or route.name in ("setup", "share"):
            continue
        response = client.post(address(route, world.things()))
        is_ours = "This page was open too long" in response.getvalue().decode()
        if response.status_code != 403 or not is_ours:
            wrong[route.path] = response.status_code
    assert wrong == {}
    assert everything() == before


def test_the_set_up_link_without_a_csrf_token_makes_no_account(db):
    client = client_of(None, check_csrf=True)
    typed = {"username": "mira", "password": "correct horse 9", "password_again": "correct horse 9"}
    assert client.post(f"/setup/{accounts.setup_token()}/", typed).status_code == 403
    assert not User.objects.exists()


def test_no_route_looks_into_relations_by_parameter_names(world, other):
    """`?owner__password__startswith=` filters nothing."""
    client = client_of(world.owner)
    smuggled = "owner__password__startswith=x&owner__username=other&tags__owner=1&id__gt=0"
    wrong = {}
    for route in HTML:
        if GET in RULES[route.name].methods and RULES[route.name].kind == "page":
            where = picture_address(route, world)
            plain, asked = answer(client, GET, where), answer(client, GET, f"{where}?{smuggled}")
            if (plain[0], plain[2]) != (asked[0], asked[2]):
                wrong[route.path] = plain[0], asked[0]
    assert wrong == {}


def test_the_audit_log_has_no_page_of_its_own_for_others(world, other):
    AuditEntry.objects.create(owner=world.owner, verb="key_added", label="of the owner alone")
    assert "of the owner alone" in client_of(world.owner).get("/settings/account/").content.decode()
    assert "of the owner alone" not in client_of(other).get("/settings/account/").content.decode()
