import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from gallery import connections
from gallery.models import ApiToken, ConnectionProfile, Generation, Image, Tag, Worker
from tests.fake_vendors.openai import FakeOpenAI
from tests.gallery.api.conftest import ApiClient

KEY = "sk-CANARY-0123456789abcdef"


def run(*words, **options):
    """What the command prints."""
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue().strip()


@pytest.fixture
def demo(owner):
    return ConnectionProfile.objects.create(
        owner=owner, name="Demo", provider="demo", is_default=True, options={"delay": 0}
    )


# create_api_token


def test_a_token_is_printed_once_and_works(owner):
    token = run("create_api_token", "owner", name="laptop")
    assert ApiClient(token).get("/tags").status_code == 200
    row = ApiToken.objects.get()
    assert (row.name, row.scope) == ("laptop", "write")
    assert token not in str(row.__dict__)


def test_a_read_token_is_made_on_request(owner):
    facts = json.loads(run("create_api_token", "owner", "--scope", "read", "--json"))
    assert ApiClient(facts["token"]).post("/tags", {"name": "a"}).status_code == 403


@pytest.mark.parametrize("command", [["create_api_token"], ["add_profile"], ["generate"]])
def test_an_unknown_account_ends_a_command_with_one_line(db, command):
    more = {"add_profile": ["Demo", "--provider", "demo"], "generate": ["A fox"]}.get(command[0], [])
    with pytest.raises(CommandError, match="There is no account called “nobody”"):
        run(*command, "nobody", *more)


def test_a_disabled_account_gets_no_token(owner):
    owner.is_active = False
    owner.save()
    with pytest.raises(CommandError, match="disabled"):
        run("create_api_token", "owner")


# add_profile


def test_a_profile_is_added_with_a_key_from_the_environment(owner, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    words = [
        "--provider",
        "openai",
        "--base-url",
        "https://api.example.com/v1/",
        "--model",
        "m",
        "--api-key-env",
        "MY_KEY",
    ]
    printed = run("add_profile", "owner", "Mine", *words)
    profile = ConnectionProfile.objects.get()
    assert (profile.api_key, profile.base_url) == (KEY, "https://api.example.com/v1")
    assert (profile.default_model, profile.is_default) == ("m", True)
    assert KEY not in printed


def test_a_profile_becomes_the_default_on_request(owner, demo):
    run("add_profile", "owner", "Two", "--provider", "demo")
    assert ConnectionProfile.objects.default_for(owner).name == "Demo"
    facts = json.loads(run("add_profile", "owner", "Three", "--provider", "demo", "--default", "--json"))
    assert facts["is_default"] is True
    assert ConnectionProfile.objects.default_for(owner).name == "Three"


def test_a_key_that_is_not_there_is_said(owner, monkeypatch):
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(CommandError, match="MY_KEY is empty"):
        run("add_profile", "owner", "Mine", "--provider", "openai", "--api-key-env", "MY_KEY")
    assert not ConnectionProfile.objects.exists()


def test_a_name_that_is_taken_is_said(owner, demo):
    with pytest.raises(CommandError, match="already a connection called “demo”"):
        run("add_profile", "owner", "demo", "--provider", "demo")


def test_a_profile_gets_its_options(owner, tmp_path):
    routing = tmp_path / "routing.json"
    routing.write_text('{"order": ["a"]}')
    words = ["--provider", "openrouter", "--option", "zdr=true", "--option", f"routing=@{routing}"]
    run("add_profile", "owner", "Mine", *words)
    assert ConnectionProfile.objects.get().options == {"zdr": "true", "routing": {"order": ["a"]}}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--option", "speed=high"], "has no option “speed”"),
        (["--option", "zdr"], "Write it as name=value"),
        (["--option", "routing=@nowhere.json"], "nowhere.json cannot be read"),
        (["--base-url", "http://10.0.0.1/v1"], "ALLOWED_PRIVATE_HOSTS=10.0.0.1:80"),
    ],
)
def test_a_profile_that_cannot_work_is_not_added(owner, words, sentence):
    with pytest.raises(CommandError) as caught:
        run("add_profile", "owner", "Mine", "--provider", "openrouter", *words)
    assert sentence in str(caught.value)
    assert not ConnectionProfile.objects.exists()


# refresh_models


def test_lists_of_models_are_read_anew(owner, other, settings):
    with FakeOpenAI() as vendor:
        settings.ALLOWED_PRIVATE_HOSTS = list(vendor.allowed)
        for user in (owner, other):
            connections.create(user, name="Main", provider="openai", base_url=vendor.url, api_key=KEY)
        connections.create(owner, name="Demo", provider="demo")
        assert "1 of 1 lists were read" in run("refresh_models", "owner")
        facts = json.loads(run("refresh_models", "--json"))
    assert [(item["user"], item["source"]) for item in facts["items"]] == [
        ("other", "live"),
        ("owner", "live"),
    ]
    assert ConnectionProfile.objects.exclude(live_models_at=None).count() == 2


def test_a_list_that_cannot_be_read_is_a_failure_with_a_line(owner):
    connections.create(owner, name="Main", provider="openai")
    with pytest.raises(CommandError, match="owner, Main: .* has no key"):
        run("refresh_models")


# generate


def test_a_wish_is_queued(owner, demo):
    printed = run("generate", "owner", "A fox", "--tag", "character:Mirel", "--n", "2")
    generation = Generation.objects.get()
    assert (generation.status, generation.n) == ("queued", 2)
    assert str(generation.public_id) in printed
    assert generation.tags.get().spec == "character:Mirel"


@pytest.mark.django_db(transaction=True)
def test_waiting_does_the_work_where_no_worker_is_alive(owner, demo):
    facts = json.loads(run("generate", "owner", "A fox", "--tag", "fox", "--wait", "--json"))
    image = Image.objects.get()
    assert (facts["status"], facts["images"]) == ("done", [str(image.public_id)])
    assert (image.source, image.prompt) == ("generated", "A fox")
    assert image.tags.get().name == "fox"


def test_waiting_leaves_the_work_to_a_worker_that_is_alive(owner, demo, monkeypatch):
    from gallery.management.commands import generate

    Worker.objects.create(name="here:1", started_at=timezone.now(), seen_at=timezone.now())

    def finish(seconds):
        Generation.objects.update(
            status="failed", error_code="network", error_message="The vendor was not reached."
        )

    monkeypatch.setattr(generate.time, "sleep", finish)
    with pytest.raises(CommandError, match="The vendor was not reached"):
        run("generate", "owner", "A fox", "--wait")
    assert not Image.objects.exists()


def test_what_the_model_does_not_take_is_said_and_leaves_nothing(owner, demo):
    with pytest.raises(CommandError):
        run("generate", "owner", "A fox", "--n", "99", "--tag", "fox")
    assert not Generation.objects.exists()
    assert not Tag.objects.exists()


def test_a_tag_that_cannot_be_is_said(owner, demo):
    with pytest.raises(CommandError, match="too long for a tag"):
        run("generate", "owner", "A fox", "--tag", "x" * 300)


@pytest.mark.parametrize(
    ("words", "sentence"), [([], "no default connection"), (["--profile", "X"], "called “X”")]
)
def test_a_missing_connection_is_said(owner, words, sentence):
    with pytest.raises(CommandError, match=sentence):
        run("generate", "owner", "A fox", *words)
