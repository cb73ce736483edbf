from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import gallery.models.base


class Migration(migrations.Migration):
    dependencies = [
        ("gallery", "0006_budgets_and_order"),
    ]

    operations = [
        migrations.CreateModel(
            name="Batch",
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
                ("recipe", models.JSONField(default=dict)),
                ("axes", models.JSONField(default=list)),
                ("size", models.PositiveSmallIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("cancelled", "Stopped"),
                            ("done", "Done"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("idempotency_key", models.CharField(max_length=200, null=True)),
                ("request_digest", models.CharField(blank=True, max_length=64)),
                ("estimated_cost_usd", models.DecimalField(decimal_places=6, max_digits=12, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("begun_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                "verbose_name_plural": "batches",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["owner", "-id"], name="batch_owner"),
                    models.Index(
                        condition=models.Q(("state", "running")), fields=["id"], name="batch_running"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "idempotency_key"), name="batch_idempotent")
                ],
            },
        ),
        migrations.CreateModel(
            name="BatchCell",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("index", models.PositiveSmallIntegerField()),
                ("row", models.CharField(blank=True, max_length=400)),
                ("column", models.CharField(blank=True, max_length=200)),
                ("prompt", models.TextField()),
                ("params", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[("planned", "Planned"), ("submitted", "Sent"), ("failed", "Failed")],
                        default="planned",
                        max_length=10,
                    ),
                ),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                (
                    "earlier_cost_usd",
                    models.DecimalField(decimal_places=6, default=Decimal("0"), max_digits=12),
                ),
                ("error", models.TextField(blank=True)),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cells",
                        to="gallery.batch",
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="gallery.generation",
                    ),
                ),
            ],
            options={
                "ordering": ["batch", "index"],
                "constraints": [models.UniqueConstraint(fields=("batch", "index"), name="batch_cell_once")],
            },
        ),
    ]
