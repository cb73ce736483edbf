"""A backup goes out of one library and into an empty one, and every byte and row is as it was."""

import hashlib
import io
import json
import zipfile
from decimal import Decimal

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.utils import timezone

from gallery import ingest, search, tagging
from gallery.backups import backup, restoring
from gallery.files import storage
from gallery.generations import answers
from gallery.models import (
    AuditEntry,
    ConnectionProfile,
    Generation,
    GenerationCall,
    Image,
    ImageTag,
    Tag,
    User,
)
from gallery.pictures import trashing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough, pytest.mark.engines]


@pytest.fixture
def library(owner, other, picture):
    """Pictures of two people, tags, a connection, and two calls: one waiting, one that has its answer."""
    mirel, night = tagging.resolve(owner, ["character:Mirel", "chat:Late night"])
    for color, tags in (("red", [mirel]), ("green", [mirel, night]), ("blue", [])):
        ingest.store(owner, picture(color), source="upload", title=f"A {color} one", tags=tags)
    ingest.store(other, picture("red"), source="import")
    profile = ConnectionProfile(owner=owner, name="Work", provider="openai")
    profile.api_key = "sk-test-0123456789abcdef"
    profile.save()
    generation = Generation.objects.create(
        owner=owner, profile=profile, provider="openai", model="m", prompt="p", n=2, params={"size": [1, 2]},
        estimated_cost_usd=Decimal("0.123456"),
    )  # fmt: skip
    generation.tags.add(mirel)
    states = (GenerationCall.State.QUEUED, GenerationCall.State.ANSWERED)
    for index, state in enumerate(states):
        GenerationCall.objects.create(
            generation=generation, index=index, first_image=index, n=1, state=state, run_after=timezone.now()
        )
    call = generation.calls.get(index=1)
    answers.spool_of(call).parent.mkdir(parents=True, exist_ok=True)
    answers.spool_of(call).write_bytes(b"HTTP answer")
    return owner


def rows():
    """All rows of all models, as they are in the database."""
    found = {}
    for model in backup.saved_models():
        columns = [field.attname for field in model._meta.concrete_fields]
        found[model._meta.label] = sorted(map(repr, model._base_manager.values_list(*columns)))
    return found


def hashes():
    files = {}
    for image in Image.objects.all():
        with storage.open(image.storage_key) as file:
            files[image.public_id] = hashlib.sha256(file.read()).hexdigest()
    return files


@pytest.fixture
def saved(library, tmp_path):
    out = tmp_path / "out.zip"
    call_command("backup", out, stdout=io.StringIO())
    return out


@pytest.fixture
def emptied(saved, newly_installed):
    return newly_installed


@pytest.fixture
def newly_installed(settings, tmp_path):
    """A function after which database and store are as on a new machine."""

    def empty():
        call_command("flush", interactive=False, verbosity=0)
        settings.MEDIA_ROOT, settings.SPOOL_DIR = tmp_path / "new" / "media", tmp_path / "new" / "spool"
        settings.STORAGES = settings.STORAGES | {
            "default": {
                "BACKEND": "gallery.files.storage.DurableLocalStorage",
                "OPTIONS": {"location": settings.MEDIA_ROOT},
            }
        }

    return empty


def test_everything_comes_back(saved, emptied):
    before, bytes_before = rows(), hashes()
    waiting = GenerationCall.objects.get(state="queued").pk
    emptied()
    call_command("restore", saved, stdout=io.StringIO())
    after = rows()
    changed = {"gallery.Generation", "gallery.GenerationCall", "gallery.AuditEntry"}
    for label in before.keys() - changed:
        assert after[label] == before[label], label
    assert hashes() == bytes_before
    assert GenerationCall.objects.get(pk=waiting).state == "failed"
    assert AuditEntry.objects.first().verb == "restored"
    assert AuditEntry.objects.filter(verb="account_made").exists()
    assert ConnectionProfile.objects.get().api_key == "sk-test-0123456789abcdef"
    assert Generation.objects.get().params == {"size": [1, 2]}
    assert answers.spool_of(GenerationCall.objects.get(state="answered")).read_bytes() == b"HTTP answer"


def test_restored_library_works_on(saved, emptied, client, picture):
    emptied()
    call_command("restore", saved, stdout=io.StringIO())
    owner = User.objects.get(username="owner")
    assert client.login(username="owner", password="owner-pass")
    found = search.page(search.search(owner, "character:mirel"))
    assert [image.title for image in found.images] == ["A green one", "A red one"]
    assert [image.title for image in search.page(search.search(owner, "green")).images] == ["A green one"]
    assert all(storage.exists(image.thumbnail_key(320)) for image in Image.objects.all())
    new = ingest.store(owner, picture("white"), source="upload", tags=Tag.objects.filter(name="Mirel")).image
    assert new.pk > max(image.pk for image in found.images)
    assert ImageTag.objects.filter(image=new).exists()


def test_no_secret_is_inside(saved, settings):
    secrets = [settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEYS, "sk-test-0123456789abcdef"]
    with zipfile.ZipFile(saved) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert not [secret for secret in secrets if secret.encode() in everything]
    assert saved.stat().st_mode & 0o077 == 0


def test_other_key_ring_says_which_keys_to_enter_again(saved, emptied, settings):
    emptied()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    said = io.StringIO()
    call_command("restore", saved, stdout=said)
    assert said.getvalue().rstrip().endswith("enter the provider keys again of: Work.")


def test_missing_original_is_named_and_the_rest_is_saved(library, tmp_path):
    image = Image.objects.first()
    storage.delete(image.storage_key)
    said, complaints = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="not whole: 1"):
        call_command("backup", tmp_path / "b.zip", json=True, stdout=said, stderr=complaints)
    assert json.loads(said.getvalue())["files"] == 3
    assert image.storage_key in complaints.getvalue()
    assert (tmp_path / "b.zip").exists()


def test_backup_never_writes_over_another(saved):
    before = saved.read_bytes()
    with pytest.raises(CommandError, match="exists already"):
        call_command("backup", saved)
    assert saved.read_bytes() == before


def test_backup_leaves_no_half_file(library, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_add_answers", fail)
    with pytest.raises(CommandError, match="No space left"):
        call_command("backup", tmp_path / "b.zip")
    assert [path.name for path in tmp_path.iterdir() if "b.zip" in path.name or "backup" in path.name] == []


def test_library_with_accounts_is_not_restored_into(saved):
    with pytest.raises(CommandError, match="has accounts already"):
        call_command("restore", saved)


@pytest.mark.parametrize("damage", ["cut", "foreign", "newer", "absent"])
def test_what_is_no_backup_is_told(saved, emptied, tmp_path, damage):
    emptied()
    bad = tmp_path / "bad.zip"
    if damage == "cut":
        bad.write_bytes(saved.read_bytes()[:-500])
    elif damage != "absent":
        with zipfile.ZipFile(bad, "w") as archive:
            if damage == "newer":
                archive.writestr("backup.json", json.dumps({"format": 1, "migrations": ["0999_later"]}))
    with pytest.raises(CommandError, match="no complete backup|no backup of|newer version|No such file"):
        call_command("restore", bad)
    assert not User.objects.exists()


def test_altered_file_is_found_and_the_rest_restored(saved, emptied, tmp_path):
    emptied()
    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(altered, "w") as target:
        names = source.namelist()
        victim = next(name for name in names if name.startswith("media/uploaded"))
        for name in names:
            target.writestr(name, b"other" if name == victim else source.read(name))
    complaints = io.StringIO()
    with pytest.raises(CommandError, match="no readable original: 1"):
        call_command("restore", altered, stdout=io.StringIO(), stderr=complaints)
    assert victim.removeprefix("media/") in complaints.getvalue()
    assert Image.objects.count() == 4


def test_restore_that_fails_leaves_an_empty_library(saved, emptied, monkeypatch):
    emptied()

    def fail():
        raise backup.BackupError("stopped")

    monkeypatch.setattr(restoring, "_hold_back", fail)
    with pytest.raises(CommandError, match="stopped"):
        call_command("restore", saved)
    assert not User.objects.exists()
    monkeypatch.undo()
    call_command("restore", saved, stdout=io.StringIO())
    assert Image.objects.count() == 4


def test_rights_come_back_by_their_names(library, tmp_path, newly_installed):
    """Their numbers differ from database to database."""
    helper = User.objects.create_user("helper", password="x", is_staff=True)
    group = Group.objects.create(name="Operators")
    seen, changed = (Permission.objects.get(codename=f"{verb}_generation") for verb in ("view", "change"))
    group.permissions.add(seen)
    helper.groups.add(group)
    helper.user_permissions.add(changed)
    call_command("backup", tmp_path / "rights.zip", stdout=io.StringIO())
    newly_installed()
    Group.objects.create(name="Another that was here first")
    call_command("restore", tmp_path / "rights.zip", stdout=io.StringIO())
    helper = User.objects.get(username="helper")
    assert helper.get_group_permissions() == {"gallery.view_generation"}
    assert helper.get_all_permissions() == {"gallery.view_generation", "gallery.change_generation"}


def test_answer_that_comes_while_the_originals_are_copied_is_inside(library, tmp_path, newly_installed):
    """The rows say that it is awaited: without its answer the copy would have to take it for lost."""
    call = GenerationCall.objects.get(state="queued")
    GenerationCall.objects.filter(pk=call.pk).update(state="sent")

    def arrive(done, total):
        answers.spool_of(call).write_bytes(b"HTTP late answer")
        GenerationCall.objects.filter(pk=call.pk).update(state="done")

    backup.write(tmp_path / "late.zip", arrive)
    newly_installed()
    restoring.restore(tmp_path / "late.zip")
    call = GenerationCall.objects.get(pk=call.pk)
    assert call.state == "sent"
    assert answers.spool_of(call).read_bytes() == b"HTTP late answer"


def test_picture_deleted_for_good_meanwhile_is_no_fault_and_does_not_come_back(
    library, tmp_path, newly_installed
):
    red, green = Image.objects.get(title="A red one"), Image.objects.get(title="A green one")

    def delete_green(done, total):
        if done == 1:
            tagging.trash([green])
            trashing.delete_for_good(Image.objects.filter(pk=green.pk))

    manifest = backup.write(tmp_path / "deleted.zip", delete_green)
    assert (manifest.missing, manifest.deleted) == ([], [green.storage_key])
    newly_installed()
    restoring.restore(tmp_path / "deleted.zip")
    assert sorted(Image.objects.values_list("title", flat=True)) == ["", "A blue one", red.title]
    mirel = Tag.objects.get(name="Mirel")
    assert mirel.count.n == 1
    assert len(search.page(search.search(User.objects.get(username="owner"), "character:mirel")).images) == 1
