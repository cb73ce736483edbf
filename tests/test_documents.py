"""What the documents promise is compared with the code."""

import importlib.util
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
NOT_OURS = {"DJANGO_SETTINGS_MODULE"}
ENV_CALL = re.compile(
    r"""(?:env(?:\.\w+)?\(|environ\.get\(|reading\.\w+\(env, )\s*["']([A-Z][A-Z0-9_]+)["']"""
)


def variables_of_the_code():
    """Every variable that the code reads, with or without a method that names its type."""
    files = [*(ROOT / "config").glob("*.py"), *(ROOT / "gallery").rglob("*.py")]
    return {name for file in files for name in ENV_CALL.findall(file.read_text())} - NOT_OURS


def variables_of_readme():
    section = README.split("## Configuration")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([A-Z_0-9]+)`", row)}


def variables_of_example():
    return set(re.findall(r"^#?([A-Z_0-9]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_code_reads_the_variables_this_test_can_see():
    assert {"DATA_DIR", "DATABASE_URL", "AWS_LOCATION", "TZ", "PORT"} <= variables_of_the_code()


def test_readme_names_every_variable_and_no_other():
    assert variables_of_readme() == variables_of_the_code()


def test_the_example_names_every_variable_and_no_other():
    assert variables_of_example() == variables_of_the_code()


def test_readme_has_the_table_of_providers_that_the_adapters_declare():
    spec = importlib.util.spec_from_file_location("provider_table", ROOT / "scripts" / "provider_table.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.with_table(README) == README, "Run: .venv/bin/python scripts/provider_table.py --write"


def test_every_command_that_readme_shows_exists():
    shown = set(re.findall(r"manage\.py (\w+)", README))
    assert {"create_api_token", "add_profile", "generate"} <= shown
    assert shown <= get_commands().keys()


def test_every_target_that_readme_shows_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"(?:^|`)(?:[A-Z]+=\d+ )?make ([a-z-]+)", README, re.MULTILINE))
    assert {"run", "test", "check"} <= shown <= targets


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".env.example"])
def test_links_lead_to_files_that_exist(document):
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / document).read_text())
    assert [link for link in links if not (ROOT / link).exists()] == []


NAMED = re.compile(r"`((?:config|gallery|providers|scripts|tests)/[\w/]+\.(?:py|sh)|test_\w+\.py)`")


@pytest.mark.parametrize("name", ["docs/security.md", "docs/performance.md", "CONTRIBUTING.md"])
def test_files_that_a_document_names_are_there(name):
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(NAMED.findall((ROOT / name).read_text()))
    assert {file for file in named if not (ROOT / file).exists() and file not in tests} == set()
