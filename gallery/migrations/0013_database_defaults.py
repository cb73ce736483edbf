"""What came after the first version gets a default in the database: older versions can go on writing."""

import django.core.validators
from django.db import migrations, models

from gallery.schema import SetDefault


def place():
    return models.CharField(blank=True, db_default="", default="", max_length=32)


class Migration(migrations.Migration):
    dependencies = [("gallery", "0012_plurals")]

    operations = [
        SetDefault(
            "connectionprofile",
            "seconds_between",
            models.PositiveSmallIntegerField(
                blank=True,
                db_default=0,
                default=0,
                validators=[django.core.validators.MaxValueValidator(3600)],
                verbose_name="seconds between requests",
            ),
        ),
        SetDefault("generation", "place", models.IntegerField(db_default=0, default=0)),
        SetDefault(
            "generation",
            "prompt_digest",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=32),
        ),
        SetDefault("generation", "receipt", models.JSONField(db_default={}, default=dict)),
        SetDefault("generationcall", "held", models.BooleanField(db_default=False, default=False)),
        SetDefault("generationcall", "place", place()),
        SetDefault("queuedtask", "place", place()),
        SetDefault("worker", "place", place()),
        SetDefault(
            "user",
            "avoid_in_words",
            models.BooleanField(
                db_default=True,
                default=True,
                verbose_name="write what to avoid into prompts of models without a field for it",
            ),
        ),
        SetDefault(
            "user",
            "language",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=8),
        ),
        SetDefault(
            "user",
            "queue_paused",
            models.BooleanField(db_default=False, default=False, verbose_name="queue paused"),
        ),
        SetDefault(
            "user",
            "single_keys",
            models.BooleanField(db_default=True, default=True, verbose_name="keys of one sign"),
        ),
        SetDefault(
            "user",
            "warn_percent",
            models.PositiveSmallIntegerField(
                db_default=80,
                default=80,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100),
                ],
                verbose_name="warn when so much of a limit is used, in percent",
            ),
        ),
    ]
