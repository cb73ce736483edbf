"""Operations for migrations: what they do in the database that is there."""

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from gallery.schema import AddIndexWhileInUse, SetDefault

INDEX = models.Index(fields=["words"], name="shelf_words")
IS_POSTGRESQL = connection.vendor == "postgresql"
needs_postgresql = pytest.mark.skipif(not IS_POSTGRESQL, reason="is about PostgreSQL")


@pytest.fixture
def run(transactional_db):
    """A table of its own; returns how to run an operation on it, forwards or `back`."""
    columns = [("id", models.BigAutoField(primary_key=True)), ("words", models.TextField(default=""))]
    state, make = ProjectState(), migrations.CreateModel("Shelf", columns)
    make.state_forwards("gallery", state)
    with connection.schema_editor() as editor:
        make.database_forwards("gallery", editor, ProjectState(), state)

    def _run(operation, *, back=False):
        after = state.clone()
        operation.state_forwards("gallery", after)
        with connection.schema_editor(atomic=False) as editor:
            if back:
                operation.database_backwards("gallery", editor, after, state)
            else:
                operation.database_forwards("gallery", editor, state, after)
        return after

    yield _run
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE gallery_shelf")


def indexes():
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "gallery_shelf")
    return {name for name, facts in found.items() if facts["index"] and not facts["primary_key"]}


def default():
    with connection.cursor() as cursor:
        (words,) = [
            row for row in connection.introspection.get_table_description(cursor, "gallery_shelf")
            if row.name == "words"
        ]  # fmt: skip
    return words.default


def test_an_index_is_made_and_taken_back(run):
    run(AddIndexWhileInUse("shelf", INDEX))
    assert "shelf_words" in indexes()
    run(AddIndexWhileInUse("shelf", INDEX), back=True)
    assert "shelf_words" not in indexes()


@pytest.mark.postgres
@needs_postgresql
def test_an_index_that_was_left_half_done_is_made_anew(run):
    for is_valid in (True, False):
        run(AddIndexWhileInUse("shelf", INDEX))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE pg_index SET indisvalid = %s WHERE indexrelid = 'shelf_words'::regclass", [is_valid]
            )
    run(AddIndexWhileInUse("shelf", INDEX))
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'shelf_words'::regclass")
        assert cursor.fetchone() == (True,)


def test_a_default_is_noted_on_postgresql_and_no_table_is_written_anew_on_sqlite(run):
    state = run(SetDefault("shelf", "words", models.TextField(default="", db_default="")))
    assert state.models["gallery", "shelf"].fields["words"].has_db_default()
    assert default() == ("''::text" if IS_POSTGRESQL else None)
