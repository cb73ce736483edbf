"""The app of the device: what a browser is told of it, and what it may keep."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image as PillowImage

from gallery.models import Image
from tests.conftest import picture_bytes


@pytest.fixture
def manifest(client, settings):
    settings.SITE_NAME = "Ink & Paper"
    response = client.get("/manifest.webmanifest")
    assert response.headers["Content-Type"] == "application/manifest+json"
    return response.json()


def test_the_manifest_names_the_site_and_its_shortcuts(manifest):
    assert manifest["name"] == "Ink & Paper"
    assert (manifest["display"], manifest["start_url"]) == ("standalone", "/")
    found = {shortcut["name"]: shortcut["url"] for shortcut in manifest["shortcuts"]}
    assert found == {"Generate": "/add/generate/", "Upload": "/add/upload/", "Queue": "/queue/"}


def test_each_icon_is_as_large_as_the_manifest_says(manifest):
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        with PillowImage.open(finders.find(icon["src"].removeprefix("/static/"))) as picture:
            assert icon["sizes"] == f"{picture.width}x{picture.height}"


def test_every_page_names_manifest_and_icons(client, db):
    page = client.get(reverse("account_login")).content.decode()
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert '<link rel="apple-touch-icon" href="/static/img/apple-touch-icon.png">' in page
    assert len(re.findall('name="theme-color"', page)) == 2


@pytest.mark.parametrize(("theme", "color"), [("light", "#fbfaf7"), ("dark", "#111113")])
def test_who_chose_a_theme_has_its_colour_alone(client, db, theme, color):
    client.cookies["theme"] = theme
    page = client.get(reverse("account_login")).content.decode()
    assert re.findall('name="theme-color" content="(.*?)">', page) == [color]


def test_the_service_worker_keeps_two_pages_and_nothing_private(client):
    response = client.get("/service-worker.js")
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.headers["Cache-Control"] == "no-cache"
    text = response.content.decode()
    assert 'const pages = ["/offline/", "/away/"];' in text
    assert ".put(" not in text  # what was asked for is not kept
    assert text == client.get("/service-worker.js").content.decode()


def test_the_service_worker_changes_with_the_pages_it_keeps(client):
    english = client.get("/service-worker.js").content
    german = client.get("/service-worker.js", headers={"Accept-Language": "de"}).content
    assert version(english) == version(client.get("/service-worker.js").content)
    assert len(version(english)) == len(version(german)) == 12


def version(text):
    return re.search(rb'"pages-(\w+)"', text)[1]


@pytest.mark.parametrize(("name", "title"), [("offline", "You are offline"), ("away", "Back in a moment")])
def test_kept_pages_load_nothing(client, name, title):
    response = client.get(reverse(name))
    page = response.content.decode()
    assert f"<h1>{title}</h1>" in page
    assert not re.search(r"src=|<link|url\(|<script", page)
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_shared_pictures_that_reach_the_server_are_not_kept(owner_client):
    """Anybody's page can send them with the owner's cookies: there is no token to tell."""
    file = SimpleUploadedFile("a.png", picture_bytes(), "image/png")
    elsewhere = {"Origin": "https://elsewhere.example"}
    response = owner_client.post(reverse("share"), {"file": file}, headers=elsewhere)
    assert (response.status_code, response.url) == (302, "/add/upload/?shared=lost")
    assert not Image.objects.exists()
    assert "The shared pictures did not arrive." in owner_client.get(response.url).content.decode()
