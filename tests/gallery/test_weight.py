"""What a browser is sent for each page: its style sheets and scripts, compressed one by one."""

import gzip
import re
from functools import cache
from pathlib import Path

import pytest

from config.statics import as_sent
from tests.gallery.test_access import GET, HTML, RULES, picture_address, world  # noqa: F401  a fixture
from tests.gallery.world import client_of

pytestmark = pytest.mark.django_db

STATIC = Path(__file__).parent.parent.parent / "static"
CSS_BUDGET, JS_BUDGET = 15_000, 40_000  # bytes a page
LOADED = re.compile(r'(?:stylesheet" href|script[^>]* src)="/static/([^"]+)"')
NAMED = re.compile(r'"([\w-]+)": "/static/([^"]+)"')  # in the import map
IMPORTED = re.compile(r'(?:from|import)\s*"([\w-]+)"')


def test_every_page_is_within_its_budgets(world):  # noqa: F811
    heavy = {}
    for where, text in pages(world):
        css, js = weight(text, ".css"), weight(text, ".js")
        if css > CSS_BUDGET or js > JS_BUDGET:
            heavy[where] = css, js
    assert heavy == {}


def test_a_page_is_weighed_with_all_it_loads(world):  # noqa: F811
    """The grid's sheet is several in one, and the viewer's module comes by way of another."""
    text = client_of(world.owner).get("/").content.decode()
    files = loaded(text)
    assert {"css/shell.css", "css/grid.css", "js/image-grid.js", "js/keys.js"} <= files
    assert size("css/shell.css") > size("css/components.css") > 1000
    assert weight(text, ".css") > 10_000
    assert weight(text, ".js") > 20_000


def pages(world):  # noqa: F811
    """Address and text of every whole page that the owner has, and of those for strangers."""
    owner, stranger = client_of(world.owner), client_of(None)
    for route in HTML:
        known = RULES[route.name]
        if GET not in known.methods or known.kind == "media":
            continue
        where = picture_address(route, world)
        response = (stranger if known.kind == "public" else owner).get(where, follow=True)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            yield where, response.content.decode()


def weight(text: str, ending: str) -> int:
    return sum(size(name) for name in loaded(text) if name.endswith(ending))


def loaded(text: str) -> set[str]:
    """The static files that a page names, and what these import."""
    named, found, waiting = dict(NAMED.findall(text)), set(), LOADED.findall(text)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [named[module] for module in IMPORTED.findall(read(name)) if module in named]
    return found


@cache
def size(name: str) -> int:
    return len(gzip.compress(as_sent(name, read).encode(), 9))


@cache
def read(name: str) -> str:
    return (STATIC / name).read_text()
