"""Migrations: one purpose each, unchanged once they stand somewhere; and old data comes along."""

import ast
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from gallery.schema import AddIndexWhileInUse

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = {path.stem: path for path in sorted((ROOT / "gallery" / "migrations").glob("[0-9]*.py"))}
DATABASES = sorted((ROOT / "tests" / "databases").glob("*.sqlite3.gz"))
DATA = {"RunPython", "RunSQL"}
# They stand somewhere as they are, and came before the rule.
MIXED = {"0005_prompt_library"}


def operations(path):
    """The names of what a migration does, in order."""
    (class_,) = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    (listed,) = [
        node.value
        for node in class_.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "operations"
    ]
    return [getattr(call.func, "attr", "") or call.func.id for call in listed.elts]


def test_migrations_stand_in_one_row_without_gaps():
    numbers = [int(name[:4]) for name in MIGRATIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    for before, (name, path) in zip(MIGRATIONS, list(MIGRATIONS.items())[1:], strict=False):
        assert f'"{before}"' in path.read_text().replace("'", '"'), name


def test_migrations_have_names_that_say_what_they_are_for():
    assert [name for name in MIGRATIONS if re.search(r"_auto_|_\d{8}_|^\d{4}_[^_]{0,3}$", name)] == []


def test_schema_and_data_are_changed_apart():
    mixed = {
        name for name, path in MIGRATIONS.items() if DATA & (done := set(operations(path))) and done - DATA
    }
    assert mixed == MIXED


def test_each_function_over_data_says_how_to_go_back():
    """`RunPython(forward)` alone cannot be taken back."""
    calls = [
        call
        for path in MIGRATIONS.values()
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in DATA
    ]
    assert len(calls) >= 3
    assert [ast.unparse(call) for call in calls if len(call.args) + len(call.keywords) < 2] == []


def test_migrations_that_stand_in_a_database_somewhere_are_not_changed():
    kept = (ROOT / "tests" / "databases" / "migrations.sha256").read_text().splitlines()
    written = dict(reversed(line.split("  ")) for line in kept)
    assert len(written) >= 7
    now = {name: hashlib.sha256((MIGRATIONS[Path(name).stem]).read_bytes()).hexdigest() for name in written}
    assert now == written


def test_each_database_ends_with_a_migration_that_is_kept():
    kept = (ROOT / "tests" / "databases" / "migrations.sha256").read_text()
    assert DATABASES
    assert [path.name for path in DATABASES if f"{path.name.partition('.')[0]}.py" not in kept] == []
    assert [path.name for path in DATABASES if path.stat().st_size > 100_000] == []


# --- Others go on writing meanwhile ---------------------------------------------------------------

# Later than this one, a migration leaves the version before able to read and write.
BEFORE_THE_RULE = "0013_database_defaults"
RENAMES = (migrations.RenameField, migrations.RenameModel, migrations.AlterModelTable)


def hindrances(migration):
    """What of a migration keeps machines with the version before from working while it is made and after."""
    new = {operation.name_lower for operation in migration.operations if hasattr(operation, "bases")}
    old = [step for step in migration.operations if getattr(step, "model_name_lower", "") not in new]
    for step in old:
        if isinstance(step, migrations.AddField) and needs_a_value(step.field):
            yield f"{step.model_name}.{step.name} needs a db_default: rows are written without it"
        if isinstance(step, migrations.AddIndex) and not isinstance(step, AddIndexWhileInUse):
            yield f"{step.index.name} locks its table: use gallery.schema.AddIndexWhileInUse"
        if isinstance(step, AddIndexWhileInUse) and (migration.atomic or len(migration.operations) > 1):
            yield f"{step.index.name} is to stand alone in a migration with atomic = False"
        if isinstance(step, RENAMES):
            yield f"{step.describe()}: the version before asks for the old name"


def needs_a_value(field):
    return not (field.null or field.many_to_many or field.has_db_default())


def test_machines_with_the_version_before_can_go_on():
    loaded = MigrationLoader(None).disk_migrations
    later = [
        loaded["gallery", name]
        for name in MIGRATIONS
        if ("gallery", name) in loaded and name > BEFORE_THE_RULE
    ]
    assert {str(migration): found for migration in later if (found := list(hindrances(migration)))} == {}


INDEX = models.Index(fields=["title"], name="image_title")
TABLE = migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True))])


@pytest.mark.parametrize(
    ("hinders", "steps"),
    [
        (True, [migrations.AddField("image", "mood", models.CharField(default="", max_length=9))]),
        (False, [migrations.AddField("image", "mood", models.CharField(db_default="", max_length=9))]),
        (False, [migrations.AddField("image", "mood", models.CharField(null=True, max_length=9))]),
        (False, [migrations.AddField("image", "kin", models.ManyToManyField("self"))]),
        (False, [TABLE, migrations.AddField("shelf", "mood", models.CharField(default="", max_length=9))]),
        (True, [migrations.AddIndex("image", INDEX)]),
        (False, [TABLE, migrations.AddIndex("shelf", INDEX)]),
        (True, [TABLE, AddIndexWhileInUse("image", INDEX)]),
        (False, [AddIndexWhileInUse("image", INDEX)]),
        (True, [migrations.RenameField("image", "title", "name")]),
    ],
)
def test_what_would_stop_other_machines_is_seen(hinders, steps):
    migration = migrations.Migration("0099_made_up", "gallery")
    migration.operations, migration.atomic = steps, not isinstance(steps[0], AddIndexWhileInUse)
    assert bool(list(hindrances(migration))) is hinders


def test_what_has_a_default_in_the_database_has_the_same_here():
    """SQLite may lack it: `SetDefault` leaves its tables as they are."""
    fields = [field for model in apps.get_app_config("gallery").get_models() for field in model._meta.fields]
    kept = [field for field in fields if field.has_db_default()]
    assert len(kept) >= 13
    assert [str(field) for field in kept if field.get_default() != field.db_default] == []


# --- Old data -------------------------------------------------------------------------------------

READ = """
import json
from django.apps import apps
from django.test import Client
from gallery.models import ApiToken, Generation, Image, Tag, User
ada = User.objects.get(username="ada")
models = apps.get_app_config("gallery").get_models()
bearer = {"Authorization": f"Bearer {ApiToken.issue(ada, 'reader')[1]}"}
found = Client(headers=bearer).get("/api/v1/images", {"q": "character:Mirel fox"}).json()
browser = Client()
browser.force_login(ada)
print(json.dumps({
    "rows": {model.__name__: len(list(model._base_manager.values())) for model in models},
    "found": len(found["items"]),
    "tags": sorted(tag.name for tag in Tag.objects.select_related("parent")),
    "prompts": list(Generation.objects.values_list("prompt", flat=True)),
    "pictures": [image.title for image in Generation.objects.get().images.all()],
    "password": ada.check_password("fixture-pass-7"),
    "pages": [browser.get(page).status_code for page in ("/", "/queue/", "/batches/", "/costs/")],
}))
"""


@pytest.fixture
def old(request, tmp_path):
    """An installation with one of the databases; returns how to run a command there."""
    database = tmp_path / "db.sqlite3"
    database.write_bytes(gzip.decompress(request.param.read_bytes()))
    variables = {
        "DATA_DIR": str(tmp_path), "DJANGO_READ_DOT_ENV": "false", "DATABASE_URL": f"sqlite:///{database}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }  # fmt: skip

    def run(*words):
        return subprocess.run(
            [sys.executable, "manage.py", *words], capture_output=True, text=True, cwd=ROOT,
            env=os.environ | variables,
        )  # fmt: skip

    return run


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.parametrize("old", DATABASES, indirect=True, ids=lambda path: path.name)
def test_an_old_database_is_saved_and_comes_along(old, tmp_path):
    done = old("migrate", "-v0")
    assert done.returncode == 0, done.stderr
    assert "The database was saved to" in done.stderr
    assert [path.suffix for path in (tmp_path / "before-upgrades").iterdir()] == [".sqlite3"]
    read = json.loads(old("shell", "-v0", "-c", READ).stdout)
    assert (read["rows"]["Image"], read["found"]) == (2, 2)
    assert set(read["pages"]) == {200}
    assert {"Mirel", "Stranger", "Salt Road", "dusk", "cloak"} <= set(read["tags"])
    assert (read["prompts"], read["pictures"]) == (["a fox"], ["A fox"])
    assert read["password"]
    assert read["rows"]["Batch"] == read["rows"]["Comparison"] == read["rows"]["Import"] == 1
