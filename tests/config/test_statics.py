"""Static files: what `collectstatic` makes of ours."""

import pytest
from django.core.management import call_command

from config.statics import minifier_of


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


def test_only_ours_are_made_smaller():
    assert minifier_of("css/base.css")
    assert minifier_of("js/app.js")
    assert minifier_of("vendor/htmx/htmx.min.js") is None
    assert minifier_of("admin/css/base.css") is None


def test_a_selector_keeps_the_space_that_means_inside():
    small = minifier_of("css/base.css")("@layer a { .size-s :is(.day, .grid) { --h: 1px; } }")
    assert ".size-s *:is(.day,.grid){--h:1px}" in small
