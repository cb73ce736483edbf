"""Where the answer of a call comes in, who can go on with it there, and previews for all web servers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gallery", "0009_keyboard")]

    operations = [
        migrations.AddField(
            "generationcall", "place", models.CharField(blank=True, default="", max_length=32)
        ),
        migrations.AddField(
            "queuedtask", "place", models.CharField(blank=True, default="", max_length=32)
        ),
        migrations.AddField("worker", "place", models.CharField(blank=True, default="", max_length=32)),
        migrations.CreateModel(
            name="CallPreview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("data", models.BinaryField()),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="previews",
                        to="gallery.generationcall",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("call", "number"), name="call_preview_once")
                ],
            },
        ),
    ]
