"""A key, a password and a token go through everything there is, and are found nowhere afterwards.

The vendor repeats the key wherever a server can; pages, API, admin, logs, error reports, files, the database
and the backup are searched for it, for its halves, and for it spelt in other ways.
"""

import io
import json
import logging
import zipfile
from contextlib import nullcontext

import pytest
import requests
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from config.logs import JsonFormatter, SafeFormatter
from gallery import connections, ingest, vendors
from gallery.api.v1.profiles import NewProfile, ProfileChanges
from gallery.backups import backup
from gallery.forms.profiles import ConnectionForm
from gallery.generations import calls, generation
from gallery.models import ApiToken, ConnectionProfile, GenerationCall, Image, User, Worker
from gallery.texts import assists
from providers import errors, registry
from providers.base import ImageRequest
from tests.canary import PASSWORD, PROMPT, Parrot, body_of, crawl, found_in, key_for, search

pytestmark = pytest.mark.thorough

SLUGS = [slug for slug, _ in registry.provider_choices() if slug != "demo"]
KEYS = [key_for(slug) for slug in SLUGS]
FAULTS = ["401", "302", "status line", "half", "400", "429", "500"]


@pytest.fixture
def lines():
    """What the log has, in both formats, from the first line of the test to the last."""
    text = io.StringIO()
    handlers = []
    for formatter in (SafeFormatter(), JsonFormatter()):
        handler = logging.StreamHandler(text)
        handler.setFormatter(formatter)
        handlers.append(handler)
        logging.getLogger().addHandler(handler)
    yield text
    for handler in handlers:
        logging.getLogger().removeHandler(handler)


@pytest.fixture
def parrot(settings):
    with Parrot() as fake:
        settings.ALLOWED_PRIVATE_HOSTS = list(fake.allowed)
        yield fake


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada", password=PASSWORD)


@pytest.fixture
def profiles(ada, parrot):
    return [
        connections.create(
            ada, name=slug, provider=slug, api_key=key_for(slug), base_url=f"http://127.0.0.1:{parrot.port}"
        )
        for slug in SLUGS
    ]


def log_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def generate(profile: ConnectionProfile) -> None:
    """A generation that the vendor answers with the key in it; what cannot be asked for is not sent."""
    try:
        model = vendors.declared_by(profile).default_model() or "some-model"
        asked = generation.submit(profile.owner, generation.Wish(profile=profile, prompt=PROMPT, model=model))
    except errors.ProviderError:
        return
    for call in asked.calls.all():
        calls.run(call.pk)


def rows_of_everything() -> str:
    """All tables, as the database gives them back."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            texts += [repr(row) for row in cursor.fetchall()]
    return "\n".join(texts)


def files_below(*folders) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()
    }


def entries_of(archive) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.timeout(600)  # some two hundred pages: seconds, but not on a machine that has much else to do
def test_keys_passwords_and_tokens_are_found_nowhere(
    ada, parrot, profiles, lines, settings, tmp_path, picture, monkeypatch
):
    row, token = ApiToken.issue(ada, "laptop")
    secrets = [*KEYS, PASSWORD, token]
    (tmp_path / "fox.png").write_bytes(picture())
    image = ingest.store(ada, tmp_path / "fox.png", source=Image.Source.UPLOAD).image
    monkeypatch.setattr(assists, "wake", lambda assist: assists.carry_out(assist.pk))

    answers = {}
    api = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    client = log_in(ada)
    for profile in profiles:
        address = f"/api/v1/profiles/{profile.public_id}"
        for fault in ("401", "302"):
            parrot.steps = [fault]
            answers[f"{profile} test {fault}"] = body_of(client.post(f"{address}/test", **api))
            parrot.steps = [fault]
            answers[f"{profile} page test {fault}"] = body_of(
                client.post(f"/settings/connections/{profile.public_id}/test/")
            )
        answers[f"{profile} models"] = body_of(client.get(f"{address}/models?refresh=true", **api))
        for fault in FAULTS if profile.provider == "openai" else FAULTS[:2]:
            parrot.steps = [fault]
            generate(profile)
        answers[f"{profile} describe"] = body_of(
            client.post(
                f"/api/v1/images/{image.public_id}/describe",
                json.dumps({"profile": str(profile.public_id)}), content_type="application/json", **api,
            )
        )  # fmt: skip
    assert len(parrot.requests) > 4 * len(SLUGS)
    assert {key for key in KEYS if any(key in repr(asked.headers) for asked in parrot.requests)} >= set(
        KEYS[:5]
    )
    assert GenerationCall.objects.exclude(error_code="").count() >= len(FAULTS)
    assert not search(answers, secrets)

    staff = User.objects.create_user("staff", password=PASSWORD, is_staff=True)
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    starts = {
        ada: [
            "/",
            "/queue/",
            "/settings/connections/",
            "/settings/account/",
            "/settings/tokens/",
            "/costs.csv",
        ],
        staff: ["/admin/", "/settings/"],
        boss: ["/admin/", "/settings/storage/"],
    }
    Worker.objects.create(name="here:1", started_at=timezone.now(), seen_at=timezone.now())
    fixed = ["/health/live", "/health/ready", "/api/v1/openapi.json", "/api/v1/docs", "/api/v1/nothing"]
    for user, first in starts.items():
        pages = crawl(log_in(user), *first, *fixed, per_route=2 if user is ada else 1)
        assert len(pages) > 30
        assert not search(pages, secrets), user
        assert user is not staff or not any(b"CANARYPROMPT" in page for page in pages.values())
    listed = json.loads(client.get("/api/v1/openapi.json").content)["paths"]
    plain = [path for path, verbs in listed.items() if "get" in verbs and "{" not in path]
    assert len(plain) > 5
    assert not search({path: body_of(client.get(path, **api)) for path in plain}, secrets)

    assert not found_in(rows_of_everything(), secrets)
    monkeypatch.setattr(backup, "one_moment", nullcontext)  # the test is a transaction already
    backup.write(tmp_path / "backup.zip")
    assert not search(
        entries_of(tmp_path / "backup.zip"), [*secrets, *settings.FIELD_ENCRYPTION_KEYS, settings.SECRET_KEY]
    )
    kept = files_below(settings.SPOOL_DIR, settings.MEDIA_ROOT)
    assert any(b"Incorrect key provided: " in content for content in kept.values())
    assert not search(kept, secrets)
    assert "ended:" in lines.getvalue()
    assert not found_in(lines.getvalue(), secrets)
    assert "CANARYPROMPT" not in lines.getvalue()
    assert image.sha256 not in lines.getvalue()


# --- When something breaks ------------------------------------------------------------------------


def breaking(*args, **kwargs):
    raise RuntimeError(f"It broke with {args!r} {kwargs!r}")


BREAKS = {
    "saving a connection by its page": ("gallery.connections._save", "page"),
    "saving a connection by the API": ("gallery.connections._save", "api"),
    "saving a connection in the admin": ("gallery.connections._save", "admin"),
    "sealing": ("gallery.models.profile.seal", "page"),
    "the library that sends": ("providers.pinned.Door.open", "test"),
    "reading what came": ("providers.spooling.write_answer", "test"),
    "looking at the key": ("providers.base.Provider.failure", "test"),
    "logging in": ("django.contrib.auth.base_user.AbstractBaseUser.check_password", "login"),
    "a token": ("gallery.api.auth.stamp", "token"),
}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
@pytest.mark.parametrize("where", BREAKS)
def test_error_reports_hold_no_secrets(
    ada, parrot, profiles, lines, settings, monkeypatch, debug, accept, where
):
    """Nobody has used the new key before, so that only its place tells what it is."""
    place, act = BREAKS[where]
    fresh = "NEWCANARY/5f+Zq=x'0123456789abcdef"  # looks like no vendor's key
    settings.DEBUG = debug
    row, token = ApiToken.issue(ada, "laptop")
    client = Client(raise_request_exception=False, headers={"Accept": accept})
    address = f"/settings/connections/{profiles[0].public_id}/"
    fields = {"name": "New", "provider": "openai", "api_key": fresh, "new_key": fresh, "base_url": ""}
    monkeypatch.setattr(place, breaking)
    if act == "login":
        answer = client.post("/login/", {"login": "ada", "password": PASSWORD})
    elif act == "admin":
        ada.is_superuser = ada.is_staff = True
        ada.save()
        client.force_login(ada)
        answer = client.post("/admin/gallery/connectionprofile/add/", fields | {"owner": ada.pk})
    elif act in ("api", "token"):
        answer = client.post(
            "/api/v1/profiles",
            json.dumps({"name": "New", "provider": "openai", "api_key": fresh}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
    else:
        client.force_login(ada)
        answer = client.post(address if act == "page" else f"{address}test/", fields)
    assert answer.status_code == 500
    if debug and act not in ("api", "token"):
        assert "It broke with" in answer.content.decode()
    assert "It broke with" in lines.getvalue()
    for text in (body_of(answer).decode(), lines.getvalue()):
        assert not found_in(text, [*KEYS, PASSWORD, token, fresh])


def test_nothing_that_holds_a_key_shows_it_when_it_is_printed(ada, profiles, rf):
    key = KEYS[0]
    profile = profiles[0]
    provider = vendors.provider_for(profile)
    wire = provider.build(ImageRequest(prompt=PROMPT, model="gpt-image-2", n=1))
    assert key in repr(dict(wire.headers))
    sent = requests.Request("POST", wire.url, headers=wire.all_headers(), data=wire.body()).prepare()
    request = HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    form = ConnectionForm(
        {"name": "", "provider": "openai", "api_key": key}, instance=ConnectionProfile(owner=ada)
    )
    assert not form.is_valid()
    row, token = ApiToken.issue(ada, "laptop")
    bodies = [NewProfile(name="x", provider="openai", api_key=key), ProfileChanges(api_key=key)]
    things = [profile, provider, provider.connection, wire, sent, request, row, form, *bodies]
    for thing in things:
        text = f"{thing!r} {thing} {[thing]} {vars(profile) if thing is profile else ''}"
        assert not found_in(text, [key, token]), type(thing)


@pytest.mark.parametrize("fault", FAULTS)
def test_exceptions_of_the_door_do_not_repeat_the_key(parrot, fault, tmp_path):
    """Whatever is raised, with all its causes, as a log would print it."""
    parrot.steps = [fault]
    connection_ = vendors.Connection(
        base_url=f"http://127.0.0.1:{parrot.port}", api_key=KEYS[0], allowed_private_hosts=parrot.allowed
    )
    provider = registry.connect("openai", connection_)
    try:
        answer = provider.send(ImageRequest(prompt=PROMPT, model="gpt-image-2", n=1), tmp_path / "spool")
        provider.read(ImageRequest(prompt=PROMPT, model="gpt-image-2", n=1), answer, tmp_path)
    except errors.ProviderError as exc:
        record = logging.LogRecord(
            "x", 40, "x", 1, "Failed: %r", (vars(exc),), (type(exc), exc, exc.__traceback__)
        )
    assert not found_in(SafeFormatter().format(record) + JsonFormatter().format(record), KEYS)
    assert not found_in(repr(files_below(tmp_path)), KEYS)
