"""The full-text index over ImageText.words: FTS5 on SQLite, a GIN index on PostgreSQL."""

from django.db import migrations

SQLITE_FORWARD = [
    """CREATE VIRTUAL TABLE gallery_imagetext_fts USING fts5(
        words, content='gallery_imagetext', content_rowid='image_id', prefix='2 3',
        tokenize='unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER gallery_imagetext_ai AFTER INSERT ON gallery_imagetext BEGIN
        INSERT INTO gallery_imagetext_fts(rowid, words) VALUES (new.image_id, new.words); END""",
    """CREATE TRIGGER gallery_imagetext_ad AFTER DELETE ON gallery_imagetext BEGIN
        INSERT INTO gallery_imagetext_fts(gallery_imagetext_fts, rowid, words)
        VALUES ('delete', old.image_id, old.words); END""",
    """CREATE TRIGGER gallery_imagetext_au AFTER UPDATE ON gallery_imagetext BEGIN
        INSERT INTO gallery_imagetext_fts(gallery_imagetext_fts, rowid, words)
        VALUES ('delete', old.image_id, old.words);
        INSERT INTO gallery_imagetext_fts(rowid, words) VALUES (new.image_id, new.words); END""",
]
SQLITE_BACK = [
    "DROP TRIGGER gallery_imagetext_ai",
    "DROP TRIGGER gallery_imagetext_ad",
    "DROP TRIGGER gallery_imagetext_au",
    "DROP TABLE gallery_imagetext_fts",
]
POSTGRESQL_FORWARD = [
    "CREATE INDEX gallery_imagetext_fts ON gallery_imagetext USING gin (to_tsvector('simple', words))"
]
POSTGRESQL_BACK = ["DROP INDEX gallery_imagetext_fts"]

STATEMENTS = {
    "sqlite": (SQLITE_FORWARD, SQLITE_BACK),
    "postgresql": (POSTGRESQL_FORWARD, POSTGRESQL_BACK),
}


def forward(apps, schema_editor):
    for statement in STATEMENTS[schema_editor.connection.vendor][0]:
        schema_editor.execute(statement, params=None)


def back(apps, schema_editor):
    for statement in STATEMENTS[schema_editor.connection.vendor][1]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("gallery", "0001_initial")]
    operations = [migrations.RunPython(forward, back)]
