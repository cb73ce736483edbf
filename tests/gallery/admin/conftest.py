"""A superuser, a staff person with every permission, and a row of every model that the admin shows."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from gallery import ingest, tagging
from gallery.models import (
    ApiToken,
    Assist,
    AuditEntry,
    Batch,
    BatchCell,
    BulkAction,
    Comparison,
    ConnectionProfile,
    Download,
    Fragment,
    Generation,
    GenerationCall,
    HouseStyle,
    Image,
    Import,
    ImportEntry,
    ModelTimes,
    NearDuplicate,
    Placeholder,
    Preset,
    QueuedTask,
    SavedPrompt,
    SavedSearch,
    User,
    Worker,
)
from tests.gallery.admin.pages import KEY, SECRET


@pytest.fixture
def boss(db):
    user = User.objects.create_superuser("boss", password="boss-pass")
    client = Client()
    client.force_login(user)
    client.user = user
    return client


@pytest.fixture
def clerk(staff):
    """Staff with every permission on the library's models, and without superuser rights."""
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label__in=["gallery", "auth"]))
    client = Client()
    client.force_login(staff)
    client.user = staff
    return client


@pytest.fixture
def rows(owner, picture):
    """One row of every model, all of them the owner's."""
    profile = ConnectionProfile(
        owner=owner, name="OpenAI", provider="openai", base_url="https://private.example/v1"
    )
    profile.api_key = KEY
    profile.save()
    tag = tagging.resolve(owner, ["character:Mirel"])[0]
    image = ingest.store(owner, picture(), source="upload", title="A fox", tags=[tag]).image
    Image.objects.filter(pk=image.pk).update(prompt=SECRET)
    generation = Generation.objects.create(
        owner=owner, profile=profile, provider="openai", model="m", prompt=SECRET, prompt_sent=SECRET,
        params={"negative_prompt": SECRET}, provider_message=SECRET, status="failed", error_code="network",
    )  # fmt: skip
    generation.results.create(index=0, image=image)
    again = Generation.objects.create(
        owner=owner, provider="openai", model="m", prompt=SECRET, retry_of=generation, status="queued"
    )
    call = GenerationCall.objects.create(
        generation=again, index=0, first_image=0, n=1, run_after=timezone.now(), provider_message=SECRET
    )
    job = Import.objects.create(owner=owner, archive_name=f"{SECRET}.zip", total=1)
    entry = ImportEntry.objects.create(job=job, index=0, name=f"https://example.com/{SECRET}")
    now = timezone.now()
    twin = Image.objects.create(
        owner=owner, storage_key="twin", sha256="f" * 64, crc32=0, mime_type="image/png", bytes=9, width=4,
        height=4, tint="0000", thumbhash=b"", source="upload",
    )  # fmt: skip
    batch = Batch.objects.create(
        owner=owner, profile=profile, prompt=SECRET, recipe={"words": SECRET}, size=1, begun_at=now,
        axes=[{"kind": "words", "name": SECRET, "labels": [SECRET]}],
    )  # fmt: skip
    cell = BatchCell.objects.create(
        batch=batch, index=0, row=SECRET, column=SECRET, prompt=SECRET, error=SECRET, generation=again
    )
    comparison = Comparison.objects.create(owner=owner, prompt=SECRET, request_digest="0")
    comparison.columns.create(position=0, profile=profile, provider="openai", model="m")
    Fragment.objects.create(owner=owner, tag=tag, name="hair", text=SECRET)
    made = [
        owner, ApiToken.issue(owner, "laptop")[0], profile, image, tag, generation, again, call, job, entry,
        QueuedTask.objects.create(path="gallery.tasks.run_call", args=[1], run_after=now),
        AuditEntry.objects.create(owner=owner, verb="login", label=SECRET),
        Worker.objects.create(name="here:1", started_at=now, seen_at=now),
        Assist.objects.create(
            owner=owner, profile=profile, image=image, provider="openai", model="m", purpose="describe",
            asked={"text": SECRET}, answer={"caption": SECRET},
        ),
        batch, cell, comparison,
        BulkAction.objects.create(
            owner=owner, action="tag", params={"names": [SECRET]}, query=SECRET, matched=2, error=SECRET
        ),
        Download.objects.create(owner=owner, name=f"{SECRET}.zip", entries=SECRET, n=1, bytes=9),
        NearDuplicate.objects.create(owner=owner, first=image, second=twin, distance=3),
        SavedPrompt.objects.create(owner=owner, name=SECRET, text=SECRET, recipe={"model": "m"}),
        Preset.objects.create(owner=owner, kind="style", name=SECRET, values={"words": SECRET}),
        Placeholder.objects.create(owner=owner, name=SECRET, values=[SECRET]),
        HouseStyle.objects.create(owner=owner, scene=SECRET),
        SavedSearch.objects.create(owner=owner, name=SECRET, query=SECRET),
        ModelTimes.objects.create(provider="openai", model="m", seconds=[8.0, 10.0, 30.0]),
    ]  # fmt: skip
    return {type(row): row for row in made}
