import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from gallery import ingest
from gallery.files import moving, storage
from gallery.files.storage import StorageError
from gallery.generations import inputs
from gallery.models import Generation, Image
from tests.conftest import picture_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture
def places(settings, tmp_path):
    """Two folders in the parts of disk and bucket: the names are all that differs."""
    recipes = {
        name: {
            "BACKEND": "gallery.files.storage.DurableLocalStorage",
            "OPTIONS": {"location": tmp_path / name},
        }
        for name in ("local", "s3")
    }
    recipes["local"] = settings.STORAGES["default"]
    settings.MEDIA_STORES = recipes
    return {"local": settings.MEDIA_ROOT, "s3": tmp_path / "s3"}


@pytest.fixture
def pictures(owner):
    colors = ("#102030", "#204060", "#306090")
    return [ingest.store(owner, picture_bytes(color), source="upload").image for color in colors]


@pytest.fixture
def mask(owner):
    key = inputs.keep_mask(owner, b"white is repainted")
    Generation.objects.create(owner=owner, provider="demo", model="demo", prompt="fox", mask_key=key)
    return key


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def move(to="s3"):
    out = io.StringIO()
    call_command("migrate_storage", to=to, json=True, stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


def test_everything_is_copied_with_its_bytes(places, pictures, mask):
    report = move()
    assert (report["pictures"], report["copied"], report["there"]) == (3, 10, 0)
    assert files(places["s3"]) == files(places["local"])
    assert mask in files(places["s3"])
    assert report["bytes"] == sum(map(len, files(places["s3"]).values()))


def test_a_second_run_copies_nothing(places, pictures, mask):
    move()
    report = move()
    assert (report["copied"], report["there"], report["bytes"]) == (0, 10, 0)


def test_pictures_in_the_trash_go_along(places, pictures):
    Image.objects.filter(pk=pictures[0].pk).update(trashed_at="2026-11-01T00:00:00Z")
    move()
    assert pictures[0].storage_key in files(places["s3"])


def test_what_comes_in_meanwhile_is_copied_too(places, pictures, owner, monkeypatch):
    monkeypatch.setattr(moving, "AT_ONCE", 2)

    def add_one(done, total):
        if done == 2:
            ingest.store(owner, picture_bytes("#ffffff"), source="upload")

    report = moving.copy_all(*moving.stores("s3"), add_one)
    assert report.pictures == 4
    assert files(places["s3"]) == files(places["local"])


def test_a_picture_that_was_saved_after_one_with_a_higher_key_is_not_passed_over(places, pictures):
    first = pictures[0]
    kept = Image.objects.filter(pk=first.pk)
    rounds = moving._pictures()
    row = kept.values().get()
    kept.delete()
    assert [image.pk for image in next(rounds)] == [image.pk for image in pictures[1:]]
    Image.objects.create(**row)
    assert [[image.pk for image in some] for some in rounds] == [[first.pk]]


def test_after_the_change_only_the_new_store_has_what_came_since(places, pictures, settings):
    move()
    (places["local"] / pictures[0].storage_key).unlink()
    report = move()
    assert (report["copied"], report["failures"]) == (0, [])


def test_a_half_file_in_the_new_store_is_copied_again(places, pictures):
    move()
    copy = places["s3"] / pictures[1].storage_key
    copy.write_bytes(copy.read_bytes()[:20])
    assert move()["copied"] == 1
    assert copy.read_bytes() == (places["local"] / pictures[1].storage_key).read_bytes()


def test_an_original_that_spoiled_or_is_missing_is_named_and_the_rest_is_copied(places, pictures):
    spoilt, lost = (places["local"] / image.storage_key for image in pictures[:2])
    spoilt.write_bytes(b"spoilt")
    lost.unlink()
    told = io.StringIO()
    with pytest.raises(CommandError, match="not copied: 2"):
        call_command("migrate_storage", to="s3", stdout=io.StringIO(), stderr=told)
    assert told.getvalue().splitlines() == [
        f"{pictures[0].storage_key}: is not what was stored",
        f"{pictures[1].storage_key}: is missing",
    ]
    kept = files(places["s3"])
    assert pictures[0].storage_key not in kept
    assert pictures[2].storage_key in kept


def test_thumbnails_that_are_nowhere_are_counted_and_no_failure(places, pictures):
    (places["local"] / pictures[0].thumbnail_key(320)).unlink()
    out = io.StringIO()
    call_command("migrate_storage", to="s3", stdout=out)
    assert "Thumbnails that were not there: 1." in out.getvalue()


def test_a_store_that_alters_what_it_is_given_is_found_out(places, pictures, monkeypatch):
    source, target = moving.stores("s3")
    kept = target.put
    monkeypatch.setattr(target, "put", lambda key, path, mime: kept(key, path.read_bytes()[::-1], mime))
    report = moving.copy_all(source, target)
    assert {what for _, what in report.failures} == {"is not what was stored"}


def test_a_picture_that_is_deleted_while_it_is_copied_leaves_nothing_there(places, pictures, monkeypatch):
    source, target = moving.stores("s3")
    gone, went = pictures[0], []
    real = moving.ThreadPoolExecutor.map

    def then_delete(self, *args):
        outcomes = list(real(self, *args))
        Image.objects.filter(pk=gone.pk).delete()
        went.append(gone.storage_key in files(places["s3"]))
        return outcomes

    monkeypatch.setattr(moving.ThreadPoolExecutor, "map", then_delete)
    moving.copy_all(source, target)
    assert went[0]
    assert gone.storage_key not in files(places["s3"])
    assert pictures[1].storage_key in files(places["s3"])


def test_a_store_that_is_away_ends_it_with_what_to_do(places, pictures, monkeypatch):
    def away(*args):
        raise StorageError("storage", "The picture store cannot be reached or written.")

    monkeypatch.setattr(storage.DurableLocalStorage, "put", away)
    with pytest.raises(CommandError, match="run this again, and it goes on from there"):
        move()


def test_without_a_bucket_it_says_what_to_set(settings):
    settings.MEDIA_STORES = settings.MEDIA_STORES | {"s3": None}
    with pytest.raises(CommandError, match="set AWS_STORAGE_BUCKET_NAME"):
        move()


def test_it_says_what_comes_next(places, pictures, settings):
    out = io.StringIO()
    call_command("migrate_storage", to="s3", stdout=out)
    assert "set MEDIA_STORAGE=s3, restart, and run this once more" in out.getvalue()
    settings.MEDIA_STORAGE = "s3"
    call_command("migrate_storage", to="s3", stdout=out)
    assert out.getvalue().splitlines()[-1].startswith("Run check_storage")


# --- A real bucket --------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[3]
FILL = """
from gallery import ingest
from gallery.generations import inputs
from gallery.models import Generation, User
from tests.conftest import picture_bytes
ada = User.objects.create_user("ada")
for number in range(12):
    ingest.store(ada, picture_bytes(f"#2040{16 + number:02x}"), source="upload")
key = inputs.keep_mask(ada, b"white is repainted")
Generation.objects.create(owner=ada, provider="demo", model="demo", prompt="fox", mask_key=key)
"""
KILLED = """
import os, signal
from django.core.management import call_command
from gallery.files import moving
moving.AT_ONCE, copied, copy = 3, [], moving._copy
def copy_and_die(file, source, target):
    if len(copied) >= 14:
        os.kill(os.getpid(), signal.SIGKILL)
    copied.append(copy(file, source, target))
    return copied[-1]
moving._copy = copy_and_die
call_command("migrate_storage", to="s3")
"""


@pytest.fixture
def manage(tmp_path, s3_server):
    """Run the real commands on an installation of its own, with a bucket to move to."""
    s3_server.make_bucket("moving")
    variables = {
        "DATA_DIR": str(tmp_path / "var"), "DJANGO_READ_DOT_ENV": "false",
        "AWS_LOCATION": f"ours/{tmp_path.name}",
        "AWS_STORAGE_BUCKET_NAME": "moving", "AWS_S3_ENDPOINT_URL": s3_server.address,
        "AWS_ACCESS_KEY_ID": s3_server.key, "AWS_SECRET_ACCESS_KEY": s3_server.secret,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}", "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip

    def run(*words, **more):
        return subprocess.run(
            [sys.executable, "manage.py", *words], capture_output=True, text=True, cwd=ROOT,
            env=os.environ | variables | more, timeout=90,
        )  # fmt: skip

    return run


@pytest.mark.s3
@pytest.mark.slow
def test_a_run_that_was_killed_is_run_again_and_the_bucket_is_whole(manage, tmp_path):
    assert manage("migrate", "-v0").returncode == 0
    assert manage("shell", "-v0", "-c", FILL).returncode == 0
    assert manage("shell", "-v0", "-c", KILLED).returncode == -signal.SIGKILL
    again = json.loads(manage("migrate_storage", "--to", "s3", "--json").stdout)
    assert (again["pictures"], again["copied"] + again["there"], again["failures"]) == (12, 37, [])
    assert 10 <= again["there"] < 37
    once_more = json.loads(manage("migrate_storage", "--to", "s3", "--json").stdout)
    assert (once_more["copied"], once_more["there"]) == (0, 37)

    checked = json.loads(manage("check_storage", "--json", MEDIA_STORAGE="s3").stdout)
    assert (checked["pictures"], checked["files"], checked["findings"]) == (12, 37, [])
    here = tmp_path / "var" / "media"
    before = files(here)
    here.rename(tmp_path / "put-away")
    back = manage("migrate_storage", "--to", "local", "--json", MEDIA_STORAGE="s3")
    assert (back.returncode, json.loads(back.stdout)["copied"]) == (0, 37)
    assert files(here) == before
