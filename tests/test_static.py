"""What the browser is sent: vendored files as they were, all fit for a strict policy."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((STATIC / "css").glob("*.css"))


@pytest.mark.parametrize("name", MANIFEST)
def test_vendored_files_are_what_the_manifest_says(name):
    entry = MANIFEST[name]

    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == entry["sha256"]
    assert entry["version"]
    assert entry["license"]


def test_every_vendored_file_is_in_the_manifest_and_has_its_licence():
    files = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}

    assert files - {"manifest.json"} == MANIFEST.keys()
    assert {f"{name.split('/')[0]}/LICENSE" for name in MANIFEST} <= MANIFEST.keys()


def test_lock_file_names_no_host():
    lock = json.loads((ROOT / "tools/vendor/package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_every_icon_that_is_drawn_is_in_the_sprite():
    names = set(re.findall(r'<symbol id="([^"]+)"', (VENDOR / "lucide/icons.svg").read_text()))
    used = {
        (path.name, icon)
        for path in TEMPLATES
        for pair in re.findall(r'{% icon "([^"]+)"|glyph="([^"]+)"', path.read_text())
        for icon in filter(None, pair)
    }
    assert {(page, icon) for page, icon in used if icon not in names} == set()


def test_no_script_has_a_template_within_a_template():
    """The minifier takes the inner one for code, and its spaces away."""
    nested = re.compile(r"\$\{[^}`]*`")
    assert [path.name for path in (STATIC / "js").glob("*.js") if nested.search(path.read_text())] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_fit_the_content_security_policy(path):
    text = path.read_text()

    assert not re.search(r"<[^>]*\sstyle\s*=", text)
    assert not re.search(r"<[a-z][^>]*\son[a-z]+\s*=", text)
    assert not re.search(r"\shx-on|\shx-vals=\"js:|javascript:", text)
    assert "<style" not in text or path.name == "alone.html"  # whose style the policy names by its hash
    scripts = re.findall(r"<script\b([^>]*)>", text)
    assert all("src=" in script or "csp_nonce_attr" in script for script in scripts)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_style_sheets_mirror_for_other_directions(path):
    sided = r"(?:margin|padding|border|inset)-(?:left|right)|text-align:\s*(?:left|right)"
    plain = r"(?<![\w-])(?:left|right|width|height)\s*:"
    without_queries = re.sub(r"@(?:media|container)[^{]*", "", path.read_text())
    assert not re.search(f"{sided}|{plain}", without_queries)


def test_ratio_classes_are_the_numbers_that_the_grid_names():
    from gallery.screens import grid

    sheet = (STATIC / "css/ratios.css").read_text()
    ratios = {int(step): float(ratio) for step, ratio in re.findall(r"\.r(\d\d) \{ --ar: ([\d.]+)", sheet)}
    sums = {int(step): float(total) for step, total in re.findall(r"\.s(\d\d) \{ --sar: ([\d.]+)", sheet)}

    for width, height in ((2, 5), (2, 3), (1, 1), (16, 9), (5, 2)):
        assert ratios[grid.ratio_step(width, height)] == pytest.approx(width / height, rel=0.013)
    assert ratios[grid.ratio_step(1, 20)] == min(ratios.values())
    assert ratios[grid.ratio_step(20, 1)] == max(ratios.values())
    for total in (0.4, 3.7, 60, 500):
        assert sums[grid.sum_step(total)] == pytest.approx(total, rel=0.1)
    assert all(f".{part}{color:02x} " in sheet for part in "tb" for color in range(64))
