"""A thumbnail whose address is signed, and what it would cost to ask session and database for each."""

import asyncio
import time
from statistics import median
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from config.shell import Shell
from gallery import ingest
from gallery.files import media
from gallery.models import Image, User
from tests.bench.rows import Row
from tests.conftest import picture_bytes

PICTURES = 20
ROUNDS = 9


def measure() -> list[Row]:
    owner = User.objects.create_user("bench-thumbnails")
    images = [
        ingest.store(
            owner, picture_bytes(f"#{number:06x}", size=(640, 960)), source=Image.Source.UPLOAD
        ).image
        for number in range(PICTURES)
    ]
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(owner)
    asked = [f"/images/{image.public_id}/original/" for image in images]
    signed = [media.thumbnail_url(image.public_id, owner.pk, 320) for image in images]
    shell = Shell(None)
    ours = median(_cpu(lambda: asyncio.run(_send_all(shell, signed))) for _ in range(ROUNDS))
    each = median(_cpu(lambda: [_ask(client, address) for address in asked]) for _ in range(ROUNDS))
    return [
        Row(
            number=6, work=f"{PICTURES} thumbnails of a page",
            measured=f"{ours * 1e6 / PICTURES:.0f} µs CPU each",
            against=f"session and row for each: {each * 1e6 / PICTURES:.0f} µs", ratio=f"{ours / each:.1%}",
            goal="≤ 5 %", met=ours <= each * 0.05,
        )
    ]  # fmt: skip


async def _send_all(shell: Shell, addresses: list[str]) -> None:
    for address in addresses:
        await _send(shell, address)


async def _send(shell: Shell, address: str) -> None:
    parts, sent = urlsplit(address), []

    async def send(message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": parts.path, "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(), "headers": [],
    }  # fmt: skip
    await shell(scope, None, send)
    assert sent[0]["status"] == 200, sent[0]


def _ask(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    response.close()


def _cpu(work) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
