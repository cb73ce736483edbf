"""The files in `deploy/` name what is there: settings, folders, commands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE = (DEPLOY / "compose.yaml").read_text()
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
FOLDERS = ["config", "gallery", "providers", "templates", "static", "locale"]  # what the program is made of


def known_variables() -> set[str]:
    return set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "README.md").read_text()))


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        (COMPOSE.partition("services:")[0], r"^    ([A-Z][A-Z0-9_]+):"),
        (DOCKERFILE.partition("ENV ")[2].partition("PATH=")[0], r"([A-Z][A-Z0-9_]+)="),
        ((DEPLOY / "nginx.conf").read_text(), r"^#   ([A-Z][A-Z0-9_]+)="),
    ],
    ids=["compose", "image", "nginx"],
)
def test_every_variable_is_one_of_the_readme(text, pattern):
    found = set(re.findall(pattern, text, re.MULTILINE))
    assert found
    assert found - known_variables() == set()


def test_the_image_holds_the_whole_program_and_nothing_else():
    copied = re.findall(r"^COPY (\w+) \./\1$", DOCKERFILE, re.MULTILINE)
    assert copied == FOLDERS
    sent = re.findall(r"^!(\w+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sent == FOLDERS
    assert all((ROOT / folder).is_dir() for folder in FOLDERS)


def test_the_image_holds_the_single_files_that_the_program_reads():
    read = {"manage.py"}
    for folder in ("config", "gallery"):
        for path in (ROOT / folder).rglob("*.py"):
            read |= set(re.findall(r'BASE_DIR / "([\w-]+\.\w+)"', path.read_text()))
    assert "requirements.txt" in read
    copied = re.findall(r"^COPY ([\w. -]+) \./$", DOCKERFILE.rpartition("\nFROM ")[2], re.MULTILINE)
    assert read <= {name for line in copied for name in line.split()}


def test_the_example_asks_for_what_compose_cannot_do_without():
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    example = (DEPLOY / "compose.env.example").read_text()
    assert needed <= set(re.findall(r"^(\w+)=$", example, re.MULTILINE))


@pytest.mark.parametrize("name", ["vignette.service", "vignette-worker@.service"])
def test_services_start_commands_that_there_are(name):
    command = re.search(r"^ExecStart=\S+ manage.py (\w+)$", (DEPLOY / name).read_text(), re.MULTILINE)[1]
    assert (ROOT / "gallery" / "management" / "commands" / f"{command}.py").is_file()


@pytest.mark.parametrize("name", ["vignette.service", "vignette-worker@.service"])
def test_services_leave_the_children_that_decode_what_they_lock_themselves_up_with(name):
    unit = settings_of(DEPLOY / name)
    assert {"@system-service", "seccomp"} <= set(unit["SystemCallFilter"].split())
    assert {"user", "net"} <= set(unit["RestrictNamespaces"].split())


def test_commands_run_where_and_as_whom_the_service_does():
    unit = settings_of(DEPLOY / "vignette.service")
    said = (DEPLOY / "vignette-manage").read_text()
    data = re.search(r"DATA_DIR=(\S+)", unit["Environment"])[1]
    for what in (
        f"--uid={unit['User']} --gid={unit['Group']} --working-directory={unit['WorkingDirectory']} ",
        f"--property=EnvironmentFile={unit['EnvironmentFile']} --setenv=DATA_DIR={data} ",
        f"--property=UMask={unit['UMask']} ",
        unit["ExecStart"].removesuffix("serve"),
    ):
        assert what in said


def settings_of(unit: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE))
