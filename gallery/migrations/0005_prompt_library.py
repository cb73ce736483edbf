"""The history of prompts by words and by equal ones, prompts with names, presets."""

import hashlib
import re
import unicodedata

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import gallery.models.base

SQLITE = [
    """CREATE VIRTUAL TABLE gallery_prompttext_fts USING fts5(
        words, content='gallery_prompttext', content_rowid='generation_id', prefix='2 3',
        tokenize='unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER gallery_prompttext_ai AFTER INSERT ON gallery_prompttext BEGIN
        INSERT INTO gallery_prompttext_fts(rowid, words) VALUES (new.generation_id, new.words); END""",
    """CREATE TRIGGER gallery_prompttext_ad AFTER DELETE ON gallery_prompttext BEGIN
        INSERT INTO gallery_prompttext_fts(gallery_prompttext_fts, rowid, words)
        VALUES ('delete', old.generation_id, old.words); END""",
    """CREATE TRIGGER gallery_prompttext_au AFTER UPDATE ON gallery_prompttext BEGIN
        INSERT INTO gallery_prompttext_fts(gallery_prompttext_fts, rowid, words)
        VALUES ('delete', old.generation_id, old.words);
        INSERT INTO gallery_prompttext_fts(rowid, words) VALUES (new.generation_id, new.words); END""",
]
POSTGRESQL = [
    "CREATE INDEX gallery_prompttext_fts ON gallery_prompttext USING gin (to_tsvector('simple', words))"
]
SQLITE_BACK = [
    "DROP TRIGGER gallery_prompttext_ai",
    "DROP TRIGGER gallery_prompttext_ad",
    "DROP TRIGGER gallery_prompttext_au",
    "DROP TABLE gallery_prompttext_fts",
]
POSTGRESQL_BACK = ["DROP INDEX gallery_prompttext_fts"]
STATEMENTS = {"sqlite": (SQLITE, SQLITE_BACK), "postgresql": (POSTGRESQL, POSTGRESQL_BACK)}
AT_ONCE = 500


def add_index(apps, schema_editor):
    for statement in STATEMENTS[schema_editor.connection.vendor][0]:
        schema_editor.execute(statement, params=None)


def drop_index(apps, schema_editor):
    for statement in STATEMENTS[schema_editor.connection.vendor][1]:
        schema_editor.execute(statement, params=None)


def remember(apps, schema_editor):
    """Note the prompts of the generations that are there already."""
    Generation, PromptText = (apps.get_model("gallery", name) for name in ("Generation", "PromptText"))
    rows = Generation.objects.exclude(prompt="").order_by("pk")
    last = 0
    while some := list(rows.filter(pk__gt=last).only("pk", "prompt")[:AT_ONCE]):
        last = some[-1].pk
        for row in some:
            row.prompt_digest = digest_of(row.prompt)
        some = [row for row in some if row.prompt_digest]
        Generation.objects.bulk_update(some, ["prompt_digest"])
        PromptText.objects.bulk_create(
            PromptText(generation=row, words=" ".join(words(row.prompt))[:32_000]) for row in some
        )


def digest_of(prompt):
    plain = prompt.strip()
    return hashlib.blake2b(plain.encode(), digest_size=16).hexdigest() if plain else ""


def words(text):
    decomposed = unicodedata.normalize("NFKD", text)
    folded = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    return re.findall(r"[^\W_]+", " ".join(folded.split()))


def identity():
    key = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
    public_id = models.UUIDField(default=gallery.models.base.uuid7, editable=False, unique=True)
    return [("id", key), ("public_id", public_id)]


def owner():
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    dependencies = [("gallery", "0004_comparisons")]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="prompt_digest",
            field=models.CharField(blank=True, editable=False, max_length=32, default=""),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(fields=["owner", "prompt_digest", "-id"], name="generation_prompt"),
        ),
        migrations.CreateModel(
            name="PromptText",
            fields=[
                (
                    "generation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="prompt_text",
                        serialize=False,
                        to="gallery.generation",
                    ),
                ),
                ("words", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="SavedPrompt",
            fields=[
                *identity(),
                ("folder", models.CharField(blank=True, max_length=80)),
                ("name", models.CharField(max_length=80)),
                ("folded_folder", models.CharField(blank=True, editable=False, max_length=160)),
                ("folded", models.CharField(editable=False, max_length=160)),
                ("text", models.TextField()),
                ("negative_text", models.TextField(blank=True)),
                ("recipe", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("deleted_at", models.DateTimeField(editable=False, null=True)),
                ("owner", owner()),
            ],
            options={
                "ordering": ["folded_folder", "folded", "id"],
                "indexes": [models.Index(fields=["owner", "-id"], name="saved_prompt_owner")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("owner", "folded_folder", "folded"),
                        name="saved_prompt_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Preset",
            fields=[
                *identity(),
                (
                    "kind",
                    models.CharField(
                        choices=[("parameters", "Parameters"), ("style", "Style")], max_length=10
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("folded", models.CharField(editable=False, max_length=160)),
                ("values", models.JSONField(default=dict)),
                ("position", models.PositiveSmallIntegerField(default=0)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("owner", owner()),
            ],
            options={
                "ordering": ["position", "id"],
                "constraints": [models.UniqueConstraint(fields=("owner", "folded"), name="preset_name_once")],
            },
        ),
        migrations.RunPython(add_index, drop_index),
        migrations.RunPython(remember, migrations.RunPython.noop),
    ]
