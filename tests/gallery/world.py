"""One of everything that a person can have, and everybody who might ask for it."""

import re
from dataclasses import dataclass
from decimal import Decimal

from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from gallery import bulk, connections, ingest, tagging
from gallery.files import downloads
from gallery.models import (
    ApiToken,
    Assist,
    Batch,
    BatchCell,
    BulkAction,
    Comparison,
    ComparisonColumn,
    Generation,
    GenerationCall,
    Import,
    ImportEntry,
    NearDuplicate,
    User,
    Worker,
)
from gallery.prompting import fragments, placeholders, presets, savedprompts
from gallery.search import savedsearches
from tests.conftest import picture_bytes

PASSWORD = "world-pass-7"


class World:
    """The owner's things, by the names that the routes give them."""

    def __init__(self, owner: User):
        self.owner = owner
        self.connection = connections.create(
            owner,
            name="Vendor",
            provider="openai_compatible",
            base_url="https://vendor.example/v1",
            api_key="sk-CANARY-0123456789abcdef",
        )
        self._make_tags()
        self._make_images()
        self._make_work()
        self.placeholder = placeholders.create(owner, name="weather", values=["rain"])
        self.saved_prompt = savedprompts.create(owner, name="Storm", text="@Mirel in {{weather}}")
        self.preset = presets.create(owner, name="Oil", kind="style", values={"words": "oil painting"})
        self.search = savedsearches.create(owner, name="Rain", query="character:Mirel")
        self.token = ApiToken.issue(owner, "laptop")[0]
        selection = bulk.by_ids(owner, [self.image.public_id])
        self.archive = downloads.create(selection)
        self.action = bulk.begin(selection, BulkAction.Action.RATE, value=4)

    def _make_tags(self):
        names = {"character": "Mirel", "persona": "Stranger", "chat": "Salt Road", "tag": "dusk"}
        for kind, name in names.items():
            setattr(self, kind, tagging.resolve(self.owner, [f'{kind}:"{name}"'])[0])
        self.look = tagging.resolve(self.owner, ['look:"Mirel:cloak"'])[0]
        self.fragment = fragments.create(self.character, name="face", text="a long scar")

    def _make_images(self):
        self.image, self.image2 = (
            ingest.store(
                self.owner,
                picture_bytes(color),
                source="upload",
                title="A fox",
                tags=[self.character, self.chat],
            ).image
            for color in ("#8a2a66", "#1a5a36")
        )
        first, second = sorted([self.image, self.image2], key=lambda image: image.pk)
        self.pair = NearDuplicate.objects.create(owner=self.owner, first=first, second=second, distance=3)
        self.suggestion = Assist.objects.create(
            owner=self.owner, profile=self.connection, provider="openai", model="m", purpose="describe",
            image=self.image, is_open=True, answer={"caption": "A fox", "tags": []},
        )  # fmt: skip

    def _make_work(self):
        self.generation = Generation.objects.create(
            owner=self.owner, profile=self.connection, provider="openai_compatible", model="m",
            prompt="a fox", prompt_sent="a fox", status="failed", error_code="network", retryable=True,
            estimated_cost_usd=Decimal("0.01"),
        )  # fmt: skip
        GenerationCall.objects.create(
            generation=self.generation, index=0, first_image=0, n=1, run_after=timezone.now(), state="failed"
        )
        self.generation.results.create(index=0, image=self.image)
        self.comparison = Comparison.objects.create(owner=self.owner, prompt="a fox", request_digest="0" * 64)
        column = ComparisonColumn.objects.create(
            comparison=self.comparison, position=0, profile=self.connection, provider="openai_compatible",
            model="m",
        )  # fmt: skip
        Generation.objects.filter(pk=self.generation.pk).update(column=column)
        self.batch = Batch.objects.create(
            owner=self.owner, profile=self.connection, prompt="{red|blue} fox", size=1, state="paused",
            axes=[{"kind": "choice", "name": "red | blue", "labels": ["red"]}], begun_at=timezone.now(),
        )  # fmt: skip
        BatchCell.objects.create(batch=self.batch, index=0, row="red", prompt="red fox", state="failed")
        self.job = Import.objects.create(owner=self.owner, total=1, status="done")
        now = timezone.now()
        Worker.objects.update_or_create(name="here:1", defaults={"started_at": now, "seen_at": now})
        ImportEntry.objects.create(job=self.job, index=0, name="https://example.com/a.png", state="failed")

    def things(self) -> dict[str, object]:
        names = (
            "image", "image2", "generation", "job", "action", "archive", "character", "persona", "chat",
            "tag", "look", "fragment", "search", "pair", "connection", "token", "suggestion", "placeholder",
            "saved_prompt", "preset",
            "batch",
            "comparison",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def client_of(user: User | None, *, check_csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=check_csrf)
    if user:
        client.force_login(user)
    return client


# --- Routes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Route:
    path: str  # as the patterns write it: "images/<uuid:public_id>/"
    name: str
    view: object

    def at(self, **values: object) -> str:
        """The address with each parameter filled in."""
        return "/" + PARAMETER.sub(lambda found: str(values[found["name"]]), self.path)

    @property
    def parameters(self) -> list[str]:
        return [found["name"] for found in PARAMETER.finditer(self.path)]


PARAMETER = re.compile(r"<(?:\w+:)?(?P<name>\w+)>")


def routes(resolver=None, prefix: str = "") -> list[Route]:
    """Every route of the site, the admin's and the API's too."""
    found = []
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            found += routes(pattern, path)
        else:
            found.append(Route(path, pattern.name or "", pattern.callback))
    return found
