"""For the shell of a server: a library in which every text is hostile, and the addresses of its pages."""

import json
import sys
from contextlib import suppress

from django.apps import apps
from django.contrib import admin
from django.db import IntegrityError, models, transaction
from django.urls import reverse
from django.utils import timezone

from gallery.models import AuditEntry, RecentSearch, User
from tests.gallery.test_access import GET, HTML, OTHERWISE, RULES, address
from tests.gallery.world import World

EVIL = (
    "\"'><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)></title></textarea>"
    "{{7*7}}{% now %}javascript:alert(4)//`${alert(5)}`\u202e"
)
# What is no text of anybody's: keys of files, names that the code gives, digests.
KEPT = {
    "storage_key", "mime_type", "provider", "model", "sealed_key", "digest", "path", "spool", "mask_key",
    "archive_spool", "password", "cache_key", "base_url", "color", "sha256", "key", "etag", "slug",
    "idempotency_key", "entries", "sort", "placeholder", "extension", "username", "error_code", "check_code",
}  # fmt: skip


def poison(model: type[models.Model]) -> None:
    texts = [field for field in model._meta.concrete_fields if is_free(field)]
    for row in model._base_manager.all():
        for field in texts:
            text = f"{EVIL}{row.pk}"[: field.max_length or 400]
            with suppress(IntegrityError), transaction.atomic():
                model._base_manager.filter(pk=row.pk).update(**{field.name: text})


def is_free(field) -> bool:
    is_text = isinstance(field, models.CharField | models.TextField)
    return is_text and not field.choices and field.name not in KEPT and not field.primary_key


def routed(world: World) -> dict[str, str]:
    """The address of each route that shows something, by its name."""
    return {
        route.name: address(route, world.things())
        for route in HTML
        if GET in RULES[route.name].methods
        and RULES[route.name].kind == "page"
        and route.name not in {*OTHERWISE, "download", "costs-export", "queue-poll"}
    }


def pages(world: World) -> list[str]:
    found = list(routed(world).values())
    found += ["/?q=%22%3E%3Cscript%3Ealert(6)%3C/script%3E", "/add/generate/?tags=%3Csvg/onload=alert(7)%3E"]
    found += [
        f"/compare/?ids={world.image.public_id}&ids={world.image2.public_id}",
        "/api/v1/docs",
        "/nothing%3Cscript%3E",
    ]
    return found + admin_pages()


def admin_pages() -> list[str]:
    found = [reverse("admin:index"), "/admin/gallery/"]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        if row := model._base_manager.order_by("-pk").first():
            found += [reverse(f"{name}_{what}", args=[row.pk]) for what in ("change", "history")]
    return found


def make() -> None:
    world = World(User.objects.get())
    RecentSearch.objects.create(owner=world.owner, query="x", used_at=timezone.now())
    AuditEntry.objects.create(owner=world.owner, verb="key_added", label="x")
    type(world.generation).objects.filter(pk=world.generation.pk).update(
        provider_message="x", error_message="x"
    )
    for model in apps.get_app_config("gallery").get_models():
        poison(model)
    sys.stdout.write(json.dumps(pages(world)))
