import io
import json
import os

import pytest
from django.core.management import CommandError, call_command

from gallery.models import Image, ImageTag, Tag
from tests.conftest import picture_bytes
from tests.gallery.imports.test_archives import zipped


def run(*words):
    out = io.StringIO()
    call_command("import_images", *map(str, words), stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


@pytest.fixture
def folder(tmp_path):
    """A folder with three pictures: one by itself, one deeper, one in a ZIP; and things that are none."""
    root = tmp_path / "pictures"
    (root / "deep" / ".hidden").mkdir(parents=True)
    (root / "red.png").write_bytes(picture_bytes("#f00"))
    (root / "red.txt").write_text("a caption")
    (root / ".DS_Store").write_bytes(b"x")
    (root / "deep" / "green.jpg").write_bytes(picture_bytes("#0f0", format="JPEG"))
    (root / "deep" / ".hidden" / "no.png").write_bytes(picture_bytes("#abc"))
    zipped(root / "deep" / "more.zip", [("x/blue.png", picture_bytes("#00f")), ("x/blue.txt", b"x")])
    return root


def test_a_folder_comes_in_with_what_is_in_its_archives(owner, other, folder):
    assert run("owner", folder, "--tag", "character:Mirel Vane", "--tag", "rain") == (
        "3 added, 0 already there, 2 passed over, 0 failed."
    )
    images = Image.objects.owned_by(owner)
    assert {image.file_name for image in images} == {"red.png", "green.jpg", "blue.png"}
    assert {image.source for image in images} == {"import"}
    assert [tag.count.n for tag in Tag.objects.owned_by(owner)] == [3, 3]
    assert set(ImageTag.objects.values_list("origin", flat=True)) == {"import"}
    assert not Image.objects.owned_by(other).exists()


def test_a_second_time_adds_nothing(owner, folder):
    run("owner", folder)
    facts = json.loads(run("owner", folder / "red.png", folder / "deep", "--json"))
    assert facts == {"added": 0, "duplicates": 3, "passed_over": 1, "failed": []}


def test_each_failure_is_one_line_and_the_rest_comes_in(owner, folder):
    (folder / "broken.png").write_bytes(b"?")
    (folder / "bad.zip").write_bytes(b"?")
    os.mkfifo(folder / "pipe.png")
    (folder / "nowhere.png").symlink_to(folder / "missing")
    with pytest.raises(CommandError) as caught:
        run("owner", folder, folder / "absent.png")
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0].rsplit("/", 1)[1] for line in lines] == [
        "bad.zip",
        "broken.png",
        "nowhere.png",
        "pipe.png",
        "absent.png",
    ]
    assert all(line.endswith(".") for line in lines)
    assert caught.value.returncode == 1
    assert Image.objects.count() == 3


def test_failures_are_in_the_report_too(owner, tmp_path):
    (tmp_path / "a.png").write_bytes(b"?")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_images", "owner", str(tmp_path), "--json", stdout=out, stderr=io.StringIO())
    assert [failure["code"] for failure in json.loads(out.getvalue())["failed"]] == ["unsupported_type"]


def test_progress_is_shown_on_a_terminal_only(owner, folder):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    call_command("import_images", "owner", str(folder), stdout=io.StringIO(), stderr=terminal)
    assert "1 added" in terminal.getvalue()
    assert "3 added" in terminal.getvalue()


def test_an_unknown_account_or_a_bad_tag_ends_it_with_one_line(owner, folder):
    with pytest.raises(CommandError, match="There is no account called “nobody”"):
        run("nobody", folder)
    with pytest.raises(CommandError, match="A tag needs a name"):
        run("owner", folder, "--tag", "character:")
    assert not Image.objects.exists()
