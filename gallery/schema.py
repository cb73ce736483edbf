"""Changes of tables that others go on using: operations for migrations, gentle on PostgreSQL.

While one machine migrates, others still run the version before. SQLite serves one machine, which is stopped.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class SetDefault(migrations.AlterField):
    """Give a column that is there already its `db_default`; nothing else of the field may differ.

    PostgreSQL notes it, whatever the size of the table. SQLite would have to write the table anew, and nobody
    there needs it: every version that writes rows beside ours runs on PostgreSQL.
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddIndexWhileInUse(AddIndexConcurrently):
    """Build an index while rows are written, in a migration of its own with `atomic = False`.

    PostgreSQL leaves an invalid index behind when it is stopped midway: it is built anew.
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            migrations.AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
        elif not self._is_built(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            migrations.AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)
        else:
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    def _is_built(self, schema_editor) -> bool:
        """Whether it stands already, whole; one that is not is taken away."""
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [self.index.name]
            )
            found = cursor.fetchone()
        if found and not found[0]:
            schema_editor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(self.index.name)}")
        return bool(found and found[0])
