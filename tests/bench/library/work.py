"""What is measured in one library: by our functions, and as Django does it by default."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count
from django.test import Client

from gallery.models import Image, ImageTag, TagCount, User
from gallery.search import cursor_behind, facets, page, search, total
from gallery.search.tiles import FIELDS
from gallery.tagging.autocomplete import suggest
from tests.bench.library import plain

PAGE = 60
HARDLY = 'tag:monochrome tag:"in colour"'

type Cases = dict[str, Callable[[], Any]]


def cases(owner: User) -> Cases:
    counts = TagCount.objects.filter(owner=owner, n__gt=0).order_by("-n").select_related("tag")
    tags = [count.tag for count in counts if count.tag.kind != "look"]
    popular, second, middle = tags[3], tags[5], tags[len(tags) // 8]
    return _pages(owner, popular, middle) | _algebra(owner, popular, second, middle) | _whole(owner, popular)


def _pages(owner: User, tag, middle) -> Cases:
    everything = search(owner, "")
    n = everything.images.count()
    half = everything.images[n // 2]
    deep = cursor_behind(everything, half)
    return {
        "first page": lambda: page(search(owner, "")),
        "deep page": lambda: page(search(owner, ""), deep),
        "deep page, OFFSET": lambda: list(_live(owner)[n // 2 : n // 2 + PAGE]),
        "first page, Paginator": lambda: list(Paginator(_live(owner), PAGE).get_page(1)),
        "one tag": lambda: page(search(owner, tag.spec)),
        "one tag, default": lambda: list(plain.live(owner).filter(tags=tag)[:PAGE]),
        "tiles of one tag": lambda: page(search(owner, tag.spec), fields=FIELDS),
        "tiles of one tag, default": lambda: list(
            plain.live(owner).filter(tags=tag).values(*FIELDS, "tags__kind", "tags__name")[:PAGE]
        ),
        "newest of one tag": lambda: page(search(owner, tag.spec), fields=FIELDS),
        "newest of one tag, by date": lambda: list(plain.by_date(owner).filter(tags=tag)[:PAGE]),
        "a middling tag": lambda: page(search(owner, middle.spec)),
        "a middling tag, default": lambda: list(plain.live(owner).filter(tags=middle)[:PAGE]),
        "best rated": lambda: page(search(owner, "", sort="rating")),
        "random": lambda: page(search(owner, "", sort="random-7")),
    }


def _algebra(owner: User, popular, second, middle) -> Cases:
    both, none = f"{popular.spec} {middle.spec}", f"{popular.spec} -{middle.spec}"
    one, other = (
        TagCount.objects.get(owner=owner, tag__name=name).tag for name in ("monochrome", "in colour")
    )
    middling_month = f"{search(owner, '').images[PAGE * 10].created_at:%Y-%m}"
    word = search(owner, "").images.exclude(prompt="").values_list("prompt", flat=True).first().split()[-1]
    return {
        "two popular tags": lambda: page(search(owner, f"{popular.spec} {second.spec}")),
        "two popular tags, default": lambda: list(
            plain.live(owner).filter(tags=popular).filter(tags=second)[:PAGE]
        ),
        "popular and middling": lambda: page(search(owner, both)),
        "popular and middling, default": lambda: list(
            plain.live(owner).filter(tags=popular).filter(tags=middle)[:PAGE]
        ),
        "popular, not middling": lambda: page(search(owner, none)),
        "popular, not middling, default": lambda: list(
            plain.live(owner).filter(tags=popular).exclude(tags=middle)[:PAGE]
        ),
        "large tags that hardly meet": lambda: page(search(owner, HARDLY)),
        "large tags that hardly meet, default": lambda: list(
            plain.live(owner).filter(tags=one).filter(tags=other)[:PAGE]
        ),
        "count of two popular tags": lambda: total(search(owner, f"{popular.spec} {second.spec}")),
        "count of two popular tags, default": lambda: (
            plain.live(owner).filter(tags=popular).filter(tags=second).count()
        ),
        "a month": lambda: page(search(owner, f"date:{middling_month}")),
        "tags by two letters": lambda: suggest(owner, "mi", limit=8),
        "a word": lambda: page(search(owner, word)),
        "a tag and a word": lambda: page(search(owner, f"{popular.spec} {word}")),
        "a tag and a word, default": lambda: list(
            plain.live(owner).filter(tags=popular, prompt__icontains=word)[:PAGE]
        ),
        "facets of everything": lambda: facets.read(search(owner, "")),
        "facets of a popular tag": lambda: facets.read(search(owner, popular.spec)),
        "facets of a popular tag, default": lambda: list(
            ImageTag.objects.filter(image__in=_live(owner).filter(tags=popular).order_by())
            .values("tag")
            .annotate(n=Count("image"))
            .order_by("-n")[:30]
        ),
    }


def _whole(owner: User, tag) -> Cases:
    settings.ROOT_URLCONF, settings.ALLOWED_HOSTS = "tests.bench.library.naive", ["*"]
    client = Client()
    client.force_login(owner)
    following = (
        _get(client, "/").content.decode().split('hx-get="?after=')[1].split('"')[0].replace("&amp;", "&")
    )
    following = f"after={following}"
    return {
        "whole page": lambda: _get(client, "/"),
        "whole page, naive": lambda: _get(client, "/naive/"),
        "next 120 tiles": lambda: _get(client, f"/?{following}", headers={"HX-Request": "true"}),
        "next 120 tiles, naive": lambda: _get(client, "/naive/", batch=""),
        "whole page of a tag": lambda: _get(client, "/", q=tag.spec),
        "whole page of a tag, naive": lambda: _get(client, "/naive/", tag=tag.pk),
    }


def _get(client: Client, path: str, headers: dict[str, str] | None = None, **query):
    response = client.get(path, query, headers=headers)
    assert response.status_code in (200, 204), (path, response.status_code)
    return response


def _live(owner: User):
    return Image.objects.filter(owner=owner, trashed_at=None).order_by("-pk")


def facts(owner: User) -> dict[str, float]:
    """What is no time: size of a page, and memory of this process while it makes pages."""
    client = Client()
    client.force_login(owner)
    small = len(gzip.compress(_get(client, "/").content, 6)) / 1024
    before, cursor = _resident(), "/"
    for _ in range(100):
        response = _get(client, cursor)
        following = response.context["next"] if response.context else ""
        cursor = f"/?{following}" if following else "/"
    return {"page, KiB gzipped": small, "memory of 100 pages, MiB": _resident() - before}


def _resident() -> float:
    """MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
