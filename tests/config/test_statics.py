"""Static files: what `collectstatic` makes of ours."""

import re

import pytest
from django.core.management import call_command

from config.statics import joined, minifier_of


@pytest.fixture
def collected(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "config.statics.MinifiedStaticFilesStorage"}
    }
    call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=["admin"])
    return tmp_path


def test_named_files_are_small_and_the_sources_as_they_were(collected):
    (named,) = collected.glob("css/tokens.*.css")
    source = (collected / "css/tokens.css").read_text()
    assert "/*" in source
    assert "/*" not in named.read_text()
    assert ":root" in named.read_text()
    assert named.with_name(f"{named.name}.gz").exists()


def test_a_sheet_of_sheets_is_sent_as_one(collected):
    (named,) = collected.glob("css/shell.*.css")
    text = named.read_text()
    assert text.startswith("@layer reset,tokens,base,")  # a sheet that came before would order the layers
    assert "@import" not in text
    assert ".btn{" in text
    assert re.search(r"url\(\"?../vendor/inter/[\w-]+\.[0-9a-f]{12}\.woff2", text)


def test_what_is_imported_stands_in_its_order():
    sheets = {"css/a.css": '@import "b.css";\n@import "c.css";\n', "css/b.css": "b", "css/c.css": "c"}
    assert joined("css/a.css", sheets.__getitem__) == "b\nc\n"


def test_only_ours_are_made_smaller():
    assert minifier_of("css/base.css")
    assert minifier_of("js/app.js")
    assert minifier_of("vendor/htmx/htmx.min.js") is None
    assert minifier_of("admin/css/base.css") is None


def test_a_selector_keeps_the_space_that_means_inside():
    small = minifier_of("css/base.css")("@layer a { .size-s :is(.day, .grid) { --h: 1px; } }")
    assert ".size-s *:is(.day,.grid){--h:1px}" in small
