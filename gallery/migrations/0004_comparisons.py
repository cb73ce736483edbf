import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import gallery.models.base


class Migration(migrations.Migration):
    dependencies = [("gallery", "0003_cast_in_prompts")]

    operations = [
        migrations.CreateModel(
            name="Comparison",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(default=gallery.models.base.uuid7, editable=False, unique=True),
                ),
                ("prompt", models.TextField()),
                ("idempotency_key", models.CharField(max_length=200, null=True)),
                ("request_digest", models.CharField(max_length=64)),
                ("lay", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "kept",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="kept_in",
                        to="gallery.generation",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["owner", "-id"], name="comparison_owner")],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "idempotency_key"), name="comparison_idempotent")
                ],
            },
        ),
        migrations.CreateModel(
            name="ComparisonColumn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("provider", models.CharField(max_length=32)),
                ("model", models.CharField(max_length=120)),
                ("notes", models.JSONField(default=list)),
                ("error_code", models.CharField(blank=True, max_length=20)),
                ("error_message", models.TextField(blank=True)),
                (
                    "comparison",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="columns",
                        to="gallery.comparison",
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="gallery.connectionprofile",
                    ),
                ),
            ],
            options={
                "ordering": ["comparison", "position"],
                "constraints": [
                    models.UniqueConstraint(fields=("comparison", "position"), name="comparison_column_once")
                ],
            },
        ),
        migrations.AddField(
            model_name="generation",
            name="column",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="generations",
                to="gallery.comparisoncolumn",
            ),
        ),
        migrations.AddField(
            model_name="image",
            name="tops_stack",
            field=models.BooleanField(editable=False, null=True),
        ),
    ]
